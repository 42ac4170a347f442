import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import * as refusals from "../../../web/refusals.js";

const PROTOCOL = await readFile(new URL("../../../docs/protocol.md", import.meta.url), "utf8");

/** The words in back quotes in a column of the table below a heading of docs/protocol.md. */
function column(heading, number) {
  const section = PROTOCOL.split(`\n${heading}\n`)[1].split(/\n##+ /)[0];
  const [, ...rows] = section.split("\n").filter((line) => line.startsWith("| "));
  return rows.flatMap((row) => [...row.split(" | ")[number].matchAll(/`([^`]+)`/g)].map(([, word]) => word));
}

test("every error code of the protocol is told in the page's own words", () => {
  const codes = [...column("### Codes for the shape of a request", 0), ...column("### Codes for what can not be done", 0), ...column("## HTTP refusals", 1)];
  assert.ok(codes.length > 30, "the tables are not where this test looks");
  for (const code of codes) {
    const told = refusals.refusalText({ code, message: "UNTRANSLATED", retryAfterMs: 0 });
    assert.doesNotMatch(told, /UNTRANSLATED/, code);
    assert.match(told, /\.$/, code);
  }
});

test("every reason to end a connection is told in the page's own words", () => {
  const reasons = column("## Close codes", 1);
  assert.ok(reasons.length > 15);
  for (const reason of reasons) {
    const isPassing = refusals.lostText(reason) !== "Connection lost.";
    const isFinal = refusals.stopText(reason).toLowerCase() !== `${reason}.`.toLowerCase();
    assert.ok(isPassing || isFinal, reason);
  }
});

test("a limit is told with what it counts and when to go on", () => {
  const refusal = { code: "rate_limited", message: "Rate limit exceeded.", limit: "messages_per_user", scope: "user", retryAfterMs: 1200 };
  assert.equal(
    refusals.refusalText(refusal, "Send it again"),
    "Too many messages in a short time, counted over all your tabs and devices. Send it again in 2 seconds.",
  );
});

test("a limit that keeps somebody out, or from asking again, has words of its own", () => {
  for (const limit of ["offences_per_address", "handshakes_per_address", "knocks_per_user", "joins_per_minute"]) {
    const told = refusals.refusalText({ code: limit.endsWith("_address") ? "too_many" : "rate_limited", message: "Limited.", limit, retryAfterMs: 5000 });
    assert.doesNotMatch(told, /Limited/, limit);
    assert.match(told, /in 5 seconds/);
  }
});

test("a limit that is a number is told", () => {
  assert.equal(refusals.refusalText({ code: "message_too_long", message: "", limit: 500, retryAfterMs: 0 }), "This message is too long. The limit is 500.");
});

test("a code that is not known is told in the server's own words", () => {
  assert.equal(refusals.refusalText({ code: "new_code", message: "the moon is full", retryAfterMs: 0 }), "The moon is full.");
  assert.equal(refusals.refusalText({ code: "", message: "", retryAfterMs: 0 }), "The server refused this and gave no reason.");
});

test("words from outside never reach into an object's prototype", () => {
  for (const word of ["constructor", "__proto__", "toString"]) {
    assert.equal(refusals.refusalText({ code: word, message: "No", limit: word, retryAfterMs: 0 }), "No.");
    assert.equal(typeof refusals.stopText(word), "string");
    assert.equal(refusals.lostText(word), "Connection lost.");
  }
});

test("a reason to stop is said in words, known or not", () => {
  assert.match(refusals.stopText("too many connections for this user"), /already connected as often/);
  assert.equal(refusals.stopText("you were banned"), "You were banned.");
  assert.match(refusals.stopText(""), /no reason/);
});

test("an expired sign-in is told apart from a wrong one", () => {
  assert.match(refusals.signinText({ code: "token_expired", message: "token expired" }), /has expired/);
  assert.match(refusals.signinText({ code: "invalid_credentials", message: "invalid credentials" }), /does not accept/);
});

test("too long says by how much", () => {
  assert.match(refusals.tooLongText(501, 500), /1 character too long: at most 500/);
  assert.match(refusals.tooLongText(512, 500), /12 characters too long/);
});

test("a sanction is told with its end and its reason", () => {
  const told = refusals.refusalText({ code: "muted", message: "", until: Date.now() / 1000 + 60, reason: "noise", retryAfterMs: 0 });
  assert.match(told, /^You are muted.* That ends .*\d.*\. Reason given: noise\.$/);
});
