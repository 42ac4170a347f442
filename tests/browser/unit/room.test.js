// One room's messages where the server numbers and keeps them: replays, holes, pages, changes.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ENTRIES_MAX, HISTORY_MAX, Room } from "../../../web/room.js";
import { Chat } from "../../../web/state.js";
import { lineParts, missedText, plain } from "../../../web/text.js";

const CAN = ["see", "join", "read", "send"];
const about = (more) => ({ room: "deck", kind: "public", join_rule: "open", count: 1, last_seq: 0, affiliation: "member", can: CAN, unread: 0, ...more });
const said = (seq, more) => ({ type: "message", room: "deck", seq, sender: "bo", name: "Bo", message: `m${seq}`, timestamp: seq, ...more });
const page = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => said(from + index));
const seqs = (room) => room.entries.filter(({ kind }) => kind === "message").map(({ seq }) => seq);
const shown = (room) => room.entries.map((entry) => (entry.kind === "message" ? entry.seq : entry.kind === "missed" ? missedText(entry) : plain(lineParts(entry))));
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** A chat with the durable room "deck" open, entered at message `lastSeq`. */
function entered(lastSeq = 0, more = {}) {
  const chat = new Chat();
  chat.hello({ user: "ada", name: "Ada", lobby: "lobby" });
  chat.catalogue([about({ last_seq: lastSeq, ...more })]);
  chat.joined("deck", { last_seq: lastSeq });
  chat.open("deck");
  return chat;
}

function keysAscend(room) {
  return room.entries.every(({ key }, index) => index === 0 || key > room.entries[index - 1].key);
}

test("a message that is told twice is there once, wherever the second one comes from", () => {
  const chat = entered(2);
  for (const seq of [1, 2, 3, 3, 2]) {
    chat.notice(said(seq), 0, true);
  }
  chat.page("deck", { messages: page(1, 3), first_seq: 1 });
  assert.deepEqual(seqs(chat.room), [1, 2, 3]);
});

test("what is told late stands where its number belongs", () => {
  const chat = entered(3);
  for (const seq of [3, 1, 2, 4]) {
    chat.notice(said(seq), 0, true);
  }
  assert.deepEqual(seqs(chat.room), [1, 2, 3, 4]);
  assert.ok(keysAscend(chat.room));
});

test("what was said before one came is no news, and is new to read only above what one has read", () => {
  const chat = entered(5, { unread: 2 });
  const heard = range(1, 5).map((seq) => chat.notice(said(seq), 0, true));
  assert.deepEqual(heard.map(({ isPast }) => isPast), [true, true, true, true, true]);
  assert.equal(chat.room.unreadFrom, chat.room.message(4).key, "where the unread ones begin");
  assert.equal(chat.notice(said(6), 0, true).isPast, false);
  assert.equal(chat.room.unread, 2, "the server had counted them already");
});

test("unread messages of a room one belongs to are counted before one comes in; of a strange one they are not", () => {
  const chat = new Chat();
  chat.hello({ user: "ada", name: "Ada", lobby: "lobby" });
  const own = chat.catalogue([about({ last_seq: 9, unread: 4 }), about({ room: "fair", last_seq: 900, unread: 900, affiliation: "none" }), about({ room: "foam", ephemeral: true, last_seq: 7, unread: 7 })]);
  assert.deepEqual(own, ["deck", "foam"], "rooms that one belongs to are come into");
  assert.deepEqual(["deck", "fair", "foam"].map((name) => chat.rooms.get(name).unread), [4, 0, 0]);
});

test("after a reconnect what was missed follows where one left off, and what does not follow is a place to be filled", () => {
  const chat = entered(2);
  chat.notice(said(1), 0, true);
  chat.notice(said(2), 0, true);
  assert.deepEqual(chat.hello({ user: "ada", name: "Ada", lobby: "lobby" }), ["deck"]);
  assert.equal(chat.room.since, 2);
  chat.joined("deck", { last_seq: 300, gap: { from: 3, to: 298 } });
  chat.notice(said(299), 0, true);
  chat.notice(said(300), 0, true);
  assert.deepEqual(shown(chat.room), [1, 2, "296 messages were said meanwhile.", 299, 300]);

  const gap = chat.room.entries.find(({ kind }) => kind === "missed");
  chat.page("deck", { messages: page(3, 102), first_seq: 1 });
  chat.room.filled(gap, 102);
  assert.deepEqual(shown(chat.room), [...range(1, 102), "196 messages were said meanwhile.", 299, 300]);
  for (const from of [103, 203]) {
    const to = Math.min(from + 99, 298);
    chat.page("deck", { messages: page(from, to), first_seq: 1 });
    chat.room.filled(gap, to);
    assert.ok(keysAscend(chat.room));
  }
  assert.deepEqual(shown(chat.room), range(1, 300));
});

test("what of a gap is kept no more is said in its place", () => {
  const chat = entered(2);
  chat.notice(said(2), 0, true);
  chat.hello({ user: "ada", name: "Ada", lobby: "lobby" });
  chat.joined("deck", { last_seq: 9, gap: { from: 3, to: 8 } });
  const gap = chat.room.entries.find(({ kind }) => kind === "missed");
  chat.room.lost(gap, 5);
  chat.page("deck", { messages: page(8, 9), first_seq: 8 });
  chat.room.filled(gap, 8);
  assert.deepEqual(shown(chat.room), [2, "5 messages of that time are not kept any more.", 8, 9]);
});

test("who comes for the first time is shown the end, and looks back for the rest", () => {
  const chat = entered(250);
  chat.room.presence("came", { user: "ada", name: "Ada" }, true, 1);
  chat.joined("deck", { last_seq: 250, gap: { from: 1, to: 150 } });
  assert.deepEqual(shown(chat.room), ["You joined"], "nothing is missing that one has never seen");
  range(151, 249).forEach((seq) => chat.notice(said(seq), 0, true));
  assert.equal(chat.room.hasEarlier, false, "not while that is still coming in");
  chat.notice(said(250), 0, true);
  assert.equal(chat.room.hasEarlier, true);
  assert.equal(chat.room.earliestSeq, 151);
  assert.equal(chat.page("deck", { messages: page(51, 150), first_seq: 1 }), 100);
  assert.equal(chat.page("deck", { messages: page(1, 50), first_seq: 1 }), 50);
  assert.deepEqual(seqs(chat.room), range(1, 250));
  assert.ok(keysAscend(chat.room));
  assert.equal(chat.room.hasEarlier, false);
});

test("a page of history that comes before any message stands before what happened since", () => {
  const chat = entered(2);
  chat.room.presence("came", { user: "ada", name: "Ada" }, true, 1);
  chat.page("deck", { messages: page(1, 2), first_seq: 1 });
  assert.deepEqual(shown(chat.room), [1, 2, "You joined"]);
});

test("looking back is bounded, and what was looked up goes when the reader is at the end again", () => {
  const room = new Room("deck");
  room.describe(about({ last_seq: 20_000 }));
  room.entered({ last_seq: 20_000 });
  room.hear({ kind: "message", seq: 20_000 });
  for (let to = 19_999; room.hasEarlier; to -= 100) {
    room.takePage(range(to - 99, to).map((seq) => ({ kind: "message", seq })), 1);
  }
  assert.ok(room.entries.length >= HISTORY_MAX && room.entries.length < HISTORY_MAX + 100);
  room.hear({ kind: "message", seq: 20_001 });
  assert.ok(room.entries.length > HISTORY_MAX, "nothing goes while somebody reads");
  room.seen();
  assert.equal(room.entries.length, ENTRIES_MAX);
  assert.equal(room.message(20_000 - ENTRIES_MAX), undefined);
  assert.equal(room.hasEarlier, true, "and can be looked up again");
});

test("an edit and a deletion change the message where it stands", () => {
  const chat = entered(0);
  [1, 2, 3].forEach((seq) => chat.notice(said(seq), 0, true));
  const { shape } = chat.room;
  chat.notice({ type: "changed", room: "deck", seq: 2, message: "other words", user: "bo", timestamp: 9 }, 0, true);
  chat.notice({ type: "changed", room: "deck", seqs: [1, 3, 77], deleted: 9, user: "cy", timestamp: 9 }, 0, true);
  assert.deepEqual(chat.room.entries.map(({ text, isEdited, isDeleted }) => [text, isEdited, isDeleted]), [["", false, true], ["other words", true, false], ["", false, true]]);
  assert.ok(chat.room.shape > shape, "which is seen");
  chat.notice({ type: "changed", room: "deck", seqs: "all", deleted: 9 }, 0, true);
  chat.notice({ type: "changed", room: "deck" }, 0, true);
});

test("messages that are told again as edited, deleted or sealed are shown as such", () => {
  const chat = entered(3);
  chat.notice(said(1, { edited: 5 }), 0, true);
  chat.notice(said(2, { message: undefined, deleted: 5 }), 0, true);
  chat.notice(said(3, { message: undefined, body: "c2VhbGVk" }), 0, true);
  assert.deepEqual(chat.room.entries.map(({ text, isEdited, isDeleted, isSealed }) => [text, isEdited, isDeleted, isSealed]), [["m1", true, false, false], ["", false, true, false], ["", false, false, true]]);
});

test("numbers that begin anew in a room that keeps nothing are messages like any other", () => {
  const chat = new Chat();
  chat.hello({ user: "ada", name: "Ada", lobby: "lobby" });
  chat.catalogue([about({ room: "lobby", ephemeral: true })]);
  [1, 2, 1, 2].forEach((seq) => chat.notice(said(seq, { room: "lobby" }), 0, true));
  assert.equal(chat.room.entries.length, 4);
  assert.equal(chat.room.hasEarlier, false);
});

test("who belongs to a room stays in its list without being there; others do not", () => {
  const chat = entered(0);
  chat.listed("deck", { members: [{ user: "ada", name: "Ada", affiliation: "owner", connections: 1 }, { user: "bo", name: "Bo", affiliation: "member", connections: 1 }, { user: "cy", name: "cy", affiliation: "member", connections: 0 }, { user: "dee", name: "Dee", affiliation: "none", connections: 1 }], count: 4 });
  assert.equal(chat.room.count, 3);
  for (const user of ["bo", "dee"]) {
    chat.notice({ type: "left", room: "deck", user, name: user, timestamp: 1 }, 0, true);
  }
  assert.deepEqual([...chat.room.members].map(([user, { connections }]) => [user, connections]), [["ada", 1], ["bo", 0], ["cy", 0]]);
  assert.equal(chat.room.count, 1);
  chat.notice({ type: "joined", room: "deck", user: "bo", name: "Bo", timestamp: 2 }, 0, true);
  assert.equal(chat.room.members.get("bo").affiliation, "member");
  chat.notice({ type: "presence", room: "deck", count: 500, joined: 498, timestamp: 3 }, 0, true);
  assert.equal(chat.room.count, 500);
});

test("who is put out keeps what was said, hears why, and may do nothing there any more", () => {
  const chat = entered(0);
  chat.notice(said(1), 0, true);
  chat.notice({ type: "removed", room: "deck", code: "banned", reason: "noise", until: 100, timestamp: 2 }, 0, true);
  const { room } = chat;
  assert.deepEqual([room.joined, room.wanted, room.can.size, room.members.size], [false, false, 0, 0]);
  assert.deepEqual(room.out, { code: "banned", reason: "noise", until: 100_000 });
  assert.deepEqual(seqs(room), [1]);
  assert.deepEqual(chat.hello({ user: "ada", name: "Ada", lobby: "lobby" }), [], "it is not joined again unasked");
  chat.open("lobby");
  chat.catalogue([]);
  assert.equal(chat.rooms.has("deck"), false, "a room that one may not see is not listed when nobody looks at it");
});

test("a mute is remembered with its reason until one may speak again", () => {
  const chat = entered(0);
  chat.notice({ type: "room", ...about({ can: ["see", "join", "read"] }) }, 0, true);
  chat.notice({ type: "moderation", room: "deck", number: 2, action: "mute", actor: "bo", user: "ada", until: 60, reason: "noise", timestamp: 1 }, 0, true);
  assert.deepEqual(chat.room.mute, { reason: "noise", until: 60_000 });
  chat.notice({ type: "room", ...about({}) }, 0, true);
  assert.equal(chat.room.mute, null);
});

test("a room that was made anew under the same name begins anew, and nothing of the one before stays", () => {
  const chat = entered(3);
  range(1, 3).forEach((seq) => chat.notice(said(seq), 0, true));
  chat.room.parted();
  assert.equal(chat.room.since, 3);
  chat.joined("deck", { last_seq: 2, gap: { from: 3, to: 3 } });
  for (const seq of [1, 2]) {
    chat.notice(said(seq, { message: `anew ${seq}` }), 0, true);
  }
  assert.deepEqual(shown(chat.room), ["This room was made anew.", 1, 2]);
  assert.equal(chat.room.message(1).text, "anew 1");
  chat.room.parted();
  assert.equal(chat.room.since, 2, "from where it goes on");
});
