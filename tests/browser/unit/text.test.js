import assert from "node:assert/strict";
import { test } from "node:test";

import { Expiry } from "../../../web/expiry.js";
import * as text from "../../../web/text.js";
import * as when from "../../../web/when.js";

test("characters are counted as Unicode scalar values", () => {
  for (const [written, count] of [["", 0], ["abc", 3], ["é", 1], ["e\u0301", 2], ["🙂🙂", 2], ["👨‍👩‍👧", 5], ["a\nb", 3]]) {
    assert.equal(text.characters(written), count, JSON.stringify(written));
  }
});

test("durations are rounded up to what a person would say", () => {
  for (const [ms, words] of [[0, "1 second"], [1, "1 second"], [1001, "2 seconds"], [60_000, "60 seconds"], [100_000, "2 minutes"], [7_200_000, "2 hours"]]) {
    assert.equal(when.duration(ms), words);
  }
});

test("a day is called by what the reader would call it", () => {
  const now = new Date(2026, 2, 1, 0, 30).getTime();
  assert.equal(when.dayText(now, now), "Today");
  assert.equal(when.dayText(new Date(2026, 1, 28, 23, 59).getTime(), now), "Yesterday");
  assert.doesNotMatch(when.dayText(new Date(2026, 1, 1).getTime(), now), /2026/);
  assert.match(when.dayText(new Date(2025, 1, 1).getTime(), now), /2025/);
  assert.equal(when.midnightAfter(now), new Date(2026, 2, 2).getTime());
  assert.equal(when.midnightAfter(new Date(2026, 11, 31, 23, 59, 59, 999).getTime()), new Date(2027, 0, 1).getTime());
  assert.equal(when.dayIso(new Date(2026, 0, 5, 23, 59)), "2026-01-05");
});

test("a timestamp that is no date is none", () => {
  assert.equal(when.millis({ timestamp: 1.5 }), 1500);
  for (const timestamp of [undefined, null, "1", Number.NaN, Infinity, 1e15]) {
    assert.equal(when.millis({ timestamp }), undefined, String(timestamp));
  }
});

test("those who type are named up to two, each name a part of its own", () => {
  assert.deepEqual(text.typingParts([]), []);
  assert.deepEqual(text.typingParts(["Ada"]), [{ name: "Ada" }, " is typing"]);
  assert.equal(text.plain(text.typingParts(["Ada", "Bo"])), "Ada and Bo are typing");
  assert.equal(text.plain(text.typingParts(["Ada", "Bo", "Cy"])), "Several people are typing");
});

test("comings and goings are one sentence, however many", () => {
  const change = (what, name, own = false) => ({ what, name, own });
  for (const [changes, unnamed, expected] of [
    [[change("came", "Ada")], 0, "Ada joined"],
    [[change("came", "Ada", true)], 0, "You joined"],
    [[change("came", "A"), change("came", "B"), change("left", "C")], 0, "A and B joined · C left"],
    [[change("came", "A"), change("came", "B"), change("came", "C"), change("came", "D")], 0, "A, B and 2 others joined"],
    [[change("both", "A")], 3, "A came and went · and 3 more came or went"],
  ]) {
    assert.equal(text.plain(text.lineParts({ kind: "presence", changes, unnamed })), expected);
  }
});

test("the title begins with what is unread", () => {
  assert.equal(text.titleText(0, ""), "Wardroom");
  assert.equal(text.titleText(0, "lobby"), "#lobby · Wardroom");
  assert.equal(text.titleText(3, "lobby"), "(3) #lobby · Wardroom");
  assert.equal(text.titleText(100, "lobby"), "(99+) #lobby · Wardroom");
});

test("initials are whole characters of the first and last word, without marks", () => {
  for (const [name, expected] of [["ada", "A"], ["Ada Lovelace", "AL"], ["🙂 smile", "🙂S"], ["  ", "?"], ["a.b-c", "AC"], [`z${"\u0301".repeat(50)}`, "Z"], ["\u202eevil", "E"]]) {
    assert.equal(text.initials(name), expected, name);
  }
});

test("the identifier is shown beside a name that does not give it away", () => {
  assert.equal(text.byline({ user: "alice", name: "Alice" }), "");
  assert.equal(text.byline({ user: "mallory", name: "Alice" }), "mallory");
});

test("a user's colour is always the same and one of eight", () => {
  for (const user of ["", "alice", "🙂", "a".repeat(128)]) {
    assert.equal(text.hue(user), text.hue(user));
    assert.ok(text.hue(user) >= 0 && text.hue(user) < 8);
  }
});

test("the end of a sign-in is told once, in time, however far away; without one nothing is", () => {
  const HOUR = 3_600_000;
  for (const [expiresInMs, after, left] of [[HOUR, HOUR - 300_000, 300_000], [60_000, 45_000, 15_000], [0, 0, 0], [100 * 24 * HOUR, 100 * 24 * HOUR - 300_000, 300_000]]) {
    const world = { now: 0, timer: null, setTimeout: (act, ms) => { assert.ok(ms < 2 ** 31); world.timer = { act, at: world.now + ms }; return 1; }, clearTimeout: () => (world.timer = null) };
    const warned = [];
    new Expiry((leftMs) => warned.push([world.now, leftMs]), world).set(expiresInMs);
    for (let step = 0; world.timer !== null && step < 10; step++) {
      const { act, at } = world.timer;
      world.timer = null;
      world.now = at;
      act();
    }
    assert.deepEqual(warned, [[after, left]]);
  }
  const world = { setTimeout: () => assert.fail(), clearTimeout: () => {} };
  for (const never of [undefined, null, Number.NaN, "5"]) {
    new Expiry(() => assert.fail(), world).set(never);
  }
});
