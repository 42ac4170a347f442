import assert from "node:assert/strict";
import { test } from "node:test";

import * as text from "../../../web/text.js";

test("characters are counted as Unicode scalar values", () => {
  for (const [written, count] of [["", 0], ["abc", 3], ["é", 1], ["e\u0301", 2], ["🙂🙂", 2], ["👨‍👩‍👧", 5], ["a\nb", 3]]) {
    assert.equal(text.characters(written), count, JSON.stringify(written));
  }
});

test("a limit is told with what it counts and when to go on", () => {
  const refusal = { code: "rate_limited", message: "Rate limit exceeded.", limit: "messages_per_user", scope: "user", retryAfterMs: 1200 };
  assert.equal(
    text.refusalText(refusal, "Send it again"),
    "Too many messages in a short time, counted over all your tabs and devices. Send it again in 2 seconds.",
  );
});

test("a limit that is a number is told, but only once", () => {
  const refusal = { code: "message_too_long", message: "Message too long (max 500 characters)", limit: 500, retryAfterMs: 0 };
  assert.equal(text.refusalText(refusal), "Message too long (max 500 characters).");
  assert.equal(text.refusalText({ ...refusal, message: "Message too long" }), "Message too long. The limit is 500.");
});

test("a code that is not known is told in the server's own words", () => {
  assert.equal(text.refusalText({ code: "new_code", message: "the moon is full", retryAfterMs: 0 }), "The moon is full.");
  assert.equal(text.refusalText({ code: "", message: "", retryAfterMs: 0 }), "The server refused this and gave no reason.");
});

test("words from outside never reach into an object's prototype", () => {
  for (const word of ["constructor", "__proto__", "toString"]) {
    assert.equal(text.refusalText({ code: word, message: "No", limit: word, retryAfterMs: 0 }), "No.");
    assert.equal(typeof text.stopText(word), "string");
  }
});

test("a reason to stop is said in words, known or not", () => {
  assert.match(text.stopText("too many connections for this user"), /already connected as often/);
  assert.match(text.stopText("token expired"), /expired/);
  assert.equal(text.stopText("you were banned"), "You were banned.");
  assert.match(text.stopText(""), /no reason/);
});

test("an expired sign-in is told apart from a wrong one", () => {
  assert.match(text.signinText("token_expired", "token expired"), /has expired/);
  assert.match(text.signinText("invalid_credentials", "invalid credentials"), /does not accept/);
});

test("durations are rounded up to what a person would say", () => {
  for (const [ms, words] of [[0, "1 second"], [1, "1 second"], [1001, "2 seconds"], [60_000, "60 seconds"], [100_000, "2 minutes"]]) {
    assert.equal(text.duration(ms), words);
  }
});

test("those who type are named up to two", () => {
  assert.equal(text.typingText([]), "");
  assert.equal(text.typingText(["Ada"]), "Ada is typing");
  assert.equal(text.typingText(["Ada", "Bo"]), "Ada and Bo are typing");
  assert.equal(text.typingText(["Ada", "Bo", "Cy"]), "Several people are typing");
});

test("too long says by how much", () => {
  assert.match(text.tooLongText(501, 500), /1 character too long: at most 500/);
  assert.match(text.tooLongText(512, 500), /12 characters too long/);
});

test("initials are whole characters of the first and last word", () => {
  for (const [name, expected] of [["ada", "A"], ["Ada Lovelace", "AL"], ["🙂 smile", "🙂S"], ["  ", "?"], ["a.b-c", "AC"]]) {
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
