import assert from "node:assert/strict";
import { test } from "node:test";

import { Chat, ENTRIES_MAX, TYPING_SHOWN_MS } from "../../../web/state.js";

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
  assert.equal(chat.notice(said({ sender: "mallory", name: "Ada" }), 0), true);
  assert.equal(chat.notice(said({ sender: "ada", name: "Ada" }), 0), false);
  assert.deepEqual(chat.room.entries.map((entry) => entry.own), [false, true]);
  assert.equal(chat.room.entries[0].at, 1000);
});

test("messages elsewhere count as unread until that room is opened", () => {
  const chat = greeted();
  chat.joined("general");
  chat.notice(said({ room: "general" }), 0);
  chat.notice(said({ room: "general", sender: "ada" }), 0);
  chat.notice(said({}), 0);
  assert.equal(chat.rooms.get("general").unread, 1);
  assert.equal(chat.unread, 1);
  chat.open("general");
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

test("a room keeps the last messages only", () => {
  const chat = greeted();
  for (let seq = 0; seq < ENTRIES_MAX + 10; seq++) {
    chat.notice(said({ seq }), 0);
  }
  assert.equal(chat.room.entries.length, ENTRIES_MAX);
  assert.equal(chat.room.entries[0].seq, 10);
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
  assert.equal(chat.notice({ type: "weather" }, 0), false);
  assert.equal(chat.notice({}, 0), false);
  assert.equal(chat.room.entries.length, 0);
});

test("a message that waits for its answer is known until it comes", () => {
  const chat = greeted();
  chat.sent("lobby", 1, "hi");
  assert.deepEqual([...chat.room.pending.values()], ["hi"]);
  chat.answered("lobby", 1);
  assert.equal(chat.room.pending.size, 0);
});
