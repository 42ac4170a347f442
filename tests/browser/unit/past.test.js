// Coming into rooms with what was missed, looking back, and saying what was read: which requests that takes.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Past } from "../../../web/past.js";
import { Chat } from "../../../web/state.js";

const ABOUT = { room: "deck", kind: "members", join_rule: "invite", last_seq: 9, affiliation: "member", can: ["see", "join", "read", "send"], unread: 0 };
const message = (seq) => ({ seq, sender: "bo", name: "Bo", message: `m${seq}`, timestamp: seq });

/** What is asked goes to `asked`; `answers` has replies, or refusals, by type. */
function world(abouts = [ABOUT], answers = {}) {
  const chat = new Chat();
  chat.hello({ user: "ada", name: "Ada", lobby: "lobby" });
  chat.catalogue(abouts);
  const asked = [];
  const troubles = [];
  const request = async (command) => {
    asked.push(command);
    const answer = typeof answers[command.type] === "function" ? answers[command.type](command) : answers[command.type];
    if (answer instanceof Error) {
      throw answer;
    }
    return answer ?? { type: "ok", room: command.room };
  };
  return { chat, asked, troubles, past: new Past({ request, chat: () => chat, changed: () => {}, trouble: (refusal) => troubles.push(refusal.code) }) };
}

const refusal = (code) => Object.assign(new Error(code), { code });

test("a room that is kept is come into with what was missed since the last message, any other without", async () => {
  const { chat, asked, past } = world([ABOUT, { ...ABOUT, room: "foam", ephemeral: true }, { ...ABOUT, room: "blind", can: ["see", "join", "send"] }]);
  chat.rooms.get("deck").since = 7;
  for (const room of ["deck", "foam", "blind"]) {
    await past.join(room);
  }
  assert.deepEqual(asked, [{ type: "join", room: "deck", since: 7 }, { type: "join", room: "foam" }, { type: "join", room: "blind" }]);
  assert.equal(chat.rooms.get("deck").joined, true);
});

test("a room that the page knows nothing of is asked for first", async () => {
  const { chat, asked, past } = world([], { describe: { ...ABOUT } });
  await past.join("deck");
  assert.deepEqual(asked.map(({ type }) => type), ["describe", "join"]);
  assert.equal(asked[1].since, 0);
  assert.equal(chat.rooms.get("deck").isDurable, true);
});

test("a refusal to join is whoever asked's to tell", async () => {
  const { past, chat } = world([ABOUT], { join: refusal("room_full") });
  await assert.rejects(past.join("deck"), { code: "room_full" });
  assert.equal(chat.rooms.get("deck").joined, false);
});

test("looking back asks for the page before the earliest message, once at a time, until there is no more", async () => {
  const { chat, asked, past } = world([ABOUT], { history: ({ before }) => ({ messages: before === 8 ? [message(6), message(7)] : [message(4), message(5)], first_seq: 4 }) });
  const room = chat.rooms.get("deck");
  chat.joined("deck", { last_seq: 8 });
  room.hear({ kind: "message", seq: 8 });
  await Promise.all([past.earlier("deck"), past.earlier("deck")]);
  await past.earlier("deck");
  await past.earlier("deck");
  assert.deepEqual(asked.map(({ before }) => before), [8, 6]);
  assert.equal(room.isLoading, false);
});

test("what is forgotten while it is asked for leaves the rest to be asked for", async () => {
  const answers = { history: { messages: [], first_seq: 5, last_seq: 9, truncated: true } };
  const { chat, asked, past } = world([ABOUT], answers);
  const room = chat.rooms.get("deck");
  room.since = 2;
  chat.joined("deck", { last_seq: 9, gap: { from: 3, to: 6 } });
  const gap = room.entries[0];
  await past.fill("deck", gap);
  assert.deepEqual([gap.from, gap.to], [5, 6]);
  answers.history = { messages: [message(5), message(6)], first_seq: 5, last_seq: 9 };
  await past.fill("deck", gap);
  assert.deepEqual(asked.at(-1), { type: "history", room: "deck", after: 4 });
  assert.deepEqual(room.entries.map(({ kind, seq, text }) => seq ?? (kind === "remark" ? text : kind)), ["2 messages of that time are not kept any more.", 5, 6]);
});

test("what is missing is filled from where it begins, and a failure leaves it as it was", async () => {
  const answers = { history: refusal("busy") };
  const { chat, asked, troubles, past } = world([ABOUT], answers);
  const room = chat.rooms.get("deck");
  room.since = 2;
  chat.joined("deck", { last_seq: 9, gap: { from: 3, to: 6 } });
  const gap = room.entries[0];
  await past.fill("deck", gap);
  assert.deepEqual([troubles, gap.from, gap.to, gap.isLoading], [["busy"], 3, 6, false]);
  answers.history = { messages: [message(5), message(6), message(7)], first_seq: 5 };
  await past.fill("deck", gap);
  assert.deepEqual(asked.at(-1), { type: "history", room: "deck", after: 2 });
  assert.deepEqual(room.entries.map(({ kind, seq, text }) => seq ?? (kind === "remark" ? text : kind)), ["2 messages of that time are not kept any more.", 5, 6, 7]);
});

test("what was looked at is told a while later, once for many", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { chat, asked, past } = world();
  const room = chat.rooms.get("deck");
  chat.joined("deck", { last_seq: 0 });
  past.seen(room);
  assert.equal(asked.length, 0, "nothing is new");
  for (let seq = 10; seq < 60; seq++) {
    room.hear({ kind: "message", seq });
    past.seen(room);
  }
  context.mock.timers.tick(10_000);
  await null;
  assert.deepEqual(asked, [{ type: "seen", room: "deck", seq: 59 }]);
});
