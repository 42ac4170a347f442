import assert from "node:assert/strict";
import { test } from "node:test";

import { ENTRIES_MAX, MEMBERS_MAX } from "../../../web/room.js";
import { Chat, TYPING_SHOWN_MS } from "../../../web/state.js";
import { lineParts, plain } from "../../../web/text.js";

const HELLO = { user: "ada", name: "Ada", lobby: "lobby", rooms: ["lobby", "general"], limits: { message_characters_max: 40 } };
const said = (more) => ({ type: "message", room: "lobby", seq: 1, sender: "bo", name: "Bo", message: "hi", timestamp: 1, ...more });

function greeted() {
  const chat = new Chat();
  chat.hello(HELLO);
  return chat;
}

test("the greeting opens the lobby, joined, with the server's limits", () => {
  const chat = new Chat();
  assert.deepEqual(chat.hello(HELLO), []);
  assert.equal(chat.current, "lobby");
  assert.equal(chat.room.joined, true);
  assert.equal(chat.charactersMax, 40);
  assert.deepEqual([...chat.rooms.keys()], ["lobby", "general"]);
});

test("a message is marked as one's own by the user, not by the name", () => {
  const chat = greeted();
  assert.equal(chat.notice(said({ sender: "mallory", name: "Ada" }), 0, true).own, false);
  assert.equal(chat.notice(said({ sender: "ada", name: "Ada" }), 0, true).own, true);
  assert.deepEqual(chat.room.entries.map((entry) => entry.own), [false, true]);
  assert.equal(chat.room.entries[0].at, 1000);
});

test("messages elsewhere count as unread until that room is seen", () => {
  const chat = greeted();
  chat.joined("general");
  chat.notice(said({ room: "general" }), 0, true);
  chat.notice(said({ room: "general", sender: "ada" }), 0, true);
  chat.notice(said({}), 0, true);
  assert.equal(chat.rooms.get("general").unread, 1);
  assert.equal(chat.unread, 1);
  chat.notice(said({}), 0, false);
  chat.notice(said({}), 0, false);
  assert.equal(chat.unread, 3, "nobody was looking");
  assert.equal(chat.room.unreadFrom, chat.room.entries.at(-2).key);
  chat.rooms.forEach((room) => room.seen());
  assert.equal(chat.unread, 0);
});

test("people come and go with the notices", () => {
  const chat = greeted();
  chat.listed("lobby", { members: [{ user: "ada", name: "Ada" }], count: 3, truncated: true });
  assert.equal(chat.room.unlisted, 2);
  chat.notice({ type: "joined", room: "lobby", user: "bo", name: "Bo", timestamp: 2 }, 0);
  chat.notice({ type: "joined", room: "lobby", user: "bo", name: "Bo", timestamp: 2 }, 0);
  assert.deepEqual([...chat.room.members.keys()], ["ada", "bo"]);
  chat.notice({ type: "left", room: "lobby", user: "bo", name: "Bo", timestamp: 3 }, 0);
  assert.deepEqual([...chat.room.members.keys()], ["ada"]);
  chat.notice({ type: "left", room: "lobby", user: "unlisted", name: "U", timestamp: 3 }, 0);
  assert.equal(chat.room.unlisted, 1);
});

test("typing is shown for a while, ends with the message, and never shows oneself", () => {
  const chat = greeted();
  chat.notice({ type: "typing", room: "lobby", user: "bo", name: "Bo" }, 100);
  chat.notice({ type: "typing", room: "lobby", user: "ada", name: "Ada" }, 100);
  assert.deepEqual(chat.typists(100), ["Bo"]);
  assert.deepEqual(chat.typists(100 + TYPING_SHOWN_MS), []);
  chat.notice(said({}), 200);
  assert.deepEqual(chat.typists(200), []);
});

test("a room keeps the last messages only, and says that it let go of some", () => {
  const chat = greeted();
  for (let seq = 0; seq < 2 * ENTRIES_MAX; seq++) {
    chat.notice(said({ seq }), 0);
    assert.ok(chat.room.entries.length <= ENTRIES_MAX);
  }
  assert.ok(chat.room.entries.length >= 0.9 * ENTRIES_MAX);
  assert.equal(chat.room.entries.at(-1).seq, 2 * ENTRIES_MAX - 1);
  assert.equal(chat.room.isTrimmed, true);
});

const came = (user) => ({ type: "joined", room: "lobby", user, name: user.toUpperCase(), timestamp: 1 });
const went = (user) => ({ ...came(user), type: "left" });
const lines = (chat) => chat.room.entries.map((entry) => (entry.kind === "message" ? entry.text : plain(lineParts(entry))));

test("comings and goings in a row are one line, and one's own is apart", () => {
  const chat = greeted();
  for (const notice of [came("ada"), came("bo"), came("cy"), went("bo"), said({}), went("cy"), came("cy"), went("dee")]) {
    chat.notice(notice, 0, true);
  }
  assert.deepEqual(lines(chat), ["You joined", "CY joined · BO came and went", "hi", "CY joined · DEE left"]);
});

test("a crowd that comes and goes for ever takes one line and a bounded number of names", () => {
  const chat = greeted();
  for (let number = 0; number < 5000; number++) {
    chat.notice(came(`user${number}`), 0, true);
  }
  assert.equal(chat.room.entries.length, 1);
  assert.ok(chat.room.entries[0].changes.length <= 12);
  assert.equal(chat.room.members.size, MEMBERS_MAX);
  assert.equal(chat.room.count, 5000);
  for (let number = 0; number < 5000; number++) {
    chat.notice(went(`user${number}`), 0, true);
  }
  assert.equal(chat.room.count, 0);
});

test("after a reconnect the rooms that were joined are asked for again, and the gap is shown", () => {
  const chat = greeted();
  chat.joined("general");
  chat.open("general");
  assert.deepEqual(chat.hello(HELLO), ["general"]);
  assert.equal(chat.current, "general");
  assert.equal(chat.room.joined, false);
  assert.equal(chat.room.entries.at(-1).kind, "gap");
});

test("a room that was left is not joined again", () => {
  const chat = greeted();
  chat.joined("general");
  chat.open("general");
  chat.left("general");
  assert.equal(chat.current, "lobby");
  assert.deepEqual(chat.hello(HELLO), []);
});

test("a room that is gone from the server's list stays only while it is in use", () => {
  const chat = greeted();
  chat.hello({ ...HELLO, rooms: ["lobby"] });
  assert.deepEqual([...chat.rooms.keys()], ["lobby"]);
  chat.joined("attic");
  chat.hello({ ...HELLO, rooms: ["lobby"] });
  assert.deepEqual([...chat.rooms.keys()], ["lobby", "attic"]);
});

test("rooms with names of built-in properties are rooms like any other", () => {
  const chat = greeted();
  chat.notice(said({ room: "__proto__" }), 0);
  chat.notice(said({ room: "constructor" }), 0);
  assert.equal(chat.rooms.get("__proto__").entries.length, 1);
  assert.equal({}.entries, undefined);
});

test("a notice that this page does not know changes nothing", () => {
  const chat = greeted();
  assert.equal(chat.notice({ type: "weather" }, 0, true), null);
  assert.equal(chat.notice({}, 0, true), null);
  assert.equal(chat.room.entries.length, 0);
});
