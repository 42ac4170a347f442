import assert from "node:assert/strict";
import { test } from "node:test";

import { Connection, backoffDelay, retryAfter } from "../../../web/connection.js";

/** A world without network and with a clock that moves by hand. */
function world(tickets = []) {
  const made = {
    sockets: [],
    requests: [],
    timers: new Map(),
    now: 0,
    Math: { random: () => 0.5 },
    location: { href: "http://127.0.0.1:8080/" },
    fetch: async (path, options) => {
      made.requests.push({ path, ...options });
      const answer = tickets.shift() ?? { status: 200, body: { ticket: "t" } };
      if (answer === "unreachable") {
        throw new TypeError("unreachable");
      }
      const headers = new Headers(answer.headers ?? {});
      return { ok: answer.status === 200, status: answer.status, headers, json: async () => answer.body };
    },
    setTimeout: (action, delay) => {
      made.timers.set(++made.lastTimer, { action, at: made.now + delay });
      return made.lastTimer;
    },
    clearTimeout: (timer) => made.timers.delete(timer),
    lastTimer: 0,
  };
  made.WebSocket = class {
    readyState = 1;
    sent = [];
    constructor(url, protocols) {
      Object.assign(this, { url: String(url), protocols });
      made.sockets.push(this);
    }
    send(text) {
      this.sent.push(JSON.parse(text));
    }
    close() {
      this.readyState = 3;
    }
    say(notice) {
      this.onmessage({ data: JSON.stringify(notice) });
    }
  };
  made.advance = async (ms) => {
    made.now += ms;
    for (const [timer, { action, at }] of [...made.timers]) {
      if (at <= made.now && made.timers.delete(timer)) {
        action();
      }
    }
    await settled();
  };
  return made;
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

async function started(tickets) {
  const made = world(tickets);
  const seen = { statuses: [], notices: [], hellos: [] };
  const connection = new Connection("secret.token", {
    status: (status) => seen.statuses.push(status),
    hello: (hello) => seen.hellos.push(hello),
    notice: (notice) => seen.notices.push(notice),
  }, made);
  connection.start();
  await settled();
  return { made, seen, connection, socket: made.sockets.at(-1), last: () => seen.statuses.at(-1) };
}

test("waiting grows from attempt to attempt, is bounded, and differs between pages", () => {
  assert.equal(backoffDelay(0, () => 0), 250);
  assert.equal(backoffDelay(0, () => 1), 500);
  assert.equal(backoffDelay(3, () => 0), 2000);
  assert.equal(backoffDelay(100, () => 1), 30_000);
});

test("how long to wait is read from the body before the header", () => {
  assert.equal(retryAfter({ retry_after_ms: 1500 }, "9"), 1500);
  assert.equal(retryAfter({}, "9"), 9000);
  assert.equal(retryAfter(null, null), 0);
  assert.equal(retryAfter({ retry_after_ms: -1 }, "soon"), 0);
  assert.equal(retryAfter({ retry_after_ms: 1e12 }, null), 600_000, "no server can ask for more than ten minutes");
});

test("the token goes into a header, never into an address", async () => {
  const { made, socket } = await started();
  assert.equal(made.requests[0].path, "/ticket");
  assert.equal(made.requests[0].headers.Authorization, "Bearer secret.token");
  assert.equal(socket.url, "ws://127.0.0.1:8080/ws/chat");
  assert.deepEqual(socket.protocols, ["wardroom.v1", "wardroom.ticket.t"]);
});

test("it is open once the server has greeted", async () => {
  const { socket, seen, last } = await started();
  assert.equal(last().kind, "connecting");
  socket.say({ type: "hello", user: "ada" });
  assert.equal(last().kind, "open");
  assert.equal(seen.hellos[0].user, "ada");
});

test("replies find their request by id", async () => {
  const { connection, socket, seen } = await started();
  const first = connection.request({ type: "members", room: "lobby" });
  const second = connection.request({ type: "send", room: "lobby", message: "hi" });
  const [one, two] = socket.sent.map((command) => command.id);
  assert.ok(Number.isInteger(one) && one !== two);
  socket.say({ type: "error", id: two, code: "rate_limited", error: "no", limit: "messages_per_user", retry_after_ms: 900 });
  socket.say({ type: "ok", id: one, count: 1 });
  assert.equal((await first).count, 1);
  await assert.rejects(second, { code: "rate_limited", limit: "messages_per_user", retryAfterMs: 900, message: "no" });
  socket.say({ type: "message", message: "hello" });
  socket.say({ type: "error", code: "malformed", error: "?" });
  assert.deepEqual(seen.notices.map((notice) => notice.type), ["message", "error"]);
});

test("1008 ends it for good, with the reason", async () => {
  const { made, socket, last } = await started();
  socket.onclose({ code: 1008, reason: "too many connections for this user" });
  assert.deepEqual(last(), { kind: "stopped", reason: "too many connections for this user" });
  await made.advance(10 * 60_000);
  assert.equal(made.sockets.length, 1);
});

test("any other end is followed by another attempt with a new ticket", async () => {
  for (const code of [1000, 1001, 1006, 1011, 1013]) {
    const { made, socket, last } = await started();
    socket.onclose({ code, reason: "why" });
    assert.deepEqual(last(), { kind: "waiting", delayMs: 375, reason: "why" });
    await made.advance(375);
    assert.equal(made.sockets.length, 2, String(code));
    assert.equal(made.requests.length, 2);
  }
});

test("it waits longer each time, and not less than it was told", async () => {
  const { made, socket, last } = await started();
  socket.say({ type: "bye", reason: "going_away", reconnect_after_ms: 4000 });
  socket.onclose({ code: 1001, reason: "" });
  assert.equal(last().delayMs, 4375);
  await made.advance(4375);
  made.sockets[1].onclose({ code: 1006, reason: "" });
  assert.equal(last().delayMs, 750);
  await made.advance(750);
  made.sockets[2].say({ type: "hello" });
  await made.advance(5000);
  made.sockets[2].onclose({ code: 1006, reason: "" });
  assert.equal(last().delayMs, 375, "a steady connection starts the count anew");
});

test("a request whose connection is lost is told so", async () => {
  const { connection, socket } = await started();
  const lost = connection.request({ type: "send" });
  socket.onclose({ code: 1006, reason: "" });
  await assert.rejects(lost, { code: "disconnected" });
  await assert.rejects(connection.request({ type: "send" }), { code: "disconnected" });
});

test("a request that is left without an answer is told so, and the connection goes on", async () => {
  const { made, connection, socket, last } = await started();
  socket.say({ type: "hello" });
  const unanswered = connection.request({ type: "send" });
  made.advance(20_000);
  await assert.rejects(unanswered, { code: "unanswered" });
  assert.equal(last().kind, "open");
});

test("a refused sign-in stops and is told", async () => {
  const { made, last } = await started([{ status: 401, body: { error: "token expired", code: "token_expired" } }]);
  assert.equal(last().kind, "unauthorized");
  assert.equal(last().refusal.code, "token_expired");
  await made.advance(10 * 60_000);
  assert.equal(made.requests.length, 1);
});

test("a full or unreachable server is asked again when it says so", async () => {
  for (const [answer, delayMs] of [
    [{ status: 503, headers: { "Retry-After": "2" }, body: {} }, 2375],
    [{ status: 429, body: { retry_after_ms: 700 } }, 1075],
    ["unreachable", 375],
  ]) {
    const { made, last } = await started([answer]);
    assert.equal(last().kind, "waiting");
    assert.equal(last().delayMs, delayMs);
    await made.advance(delayMs);
    assert.equal(made.sockets.length, 1);
  }
});

test("a refusal that time does not heal stops", async () => {
  const { last } = await started([{ status: 403, body: { error: "origin not allowed", code: "origin_forbidden" } }]);
  assert.equal(last().kind, "stopped");
  assert.equal(last().refusal.code, "origin_forbidden");
});

test("a server that does not greet, or no longer answers, is left", async () => {
  const { made, socket, last } = await started();
  await made.advance(10_000);
  assert.equal(last().kind, "waiting");
  assert.equal(socket.readyState, 3);
  await made.advance(375);
  const second = made.sockets[1];
  second.say({ type: "hello" });
  await made.advance(25_000);
  assert.equal(second.sent.at(-1).type, "ping");
  second.say({ type: "ok", id: second.sent.at(-1).id });
  await settled();
  await made.advance(25_000);
  assert.equal(last().kind, "open");
  await made.advance(15_000);
  assert.equal(last().kind, "waiting");
});

test("after stop nothing happens any more", async () => {
  const { made, seen, connection, socket } = await started();
  connection.stop();
  const before = seen.statuses.length;
  socket.onclose({ code: 1006, reason: "" });
  socket.onmessage({ data: '{"type":"hello"}' });
  await made.advance(10 * 60_000);
  assert.equal(seen.statuses.length, before);
  assert.equal(made.timers.size, 0);
});

test("what is not JSON, or not an object, is ignored", async () => {
  const { socket, last } = await started();
  for (const data of ["", "{", "null", "[]", "7"]) {
    socket.onmessage({ data });
  }
  assert.equal(last().kind, "connecting");
});

test("a connection that there is reason to doubt is left when nothing comes within five seconds", async () => {
  const { made, connection, socket, last } = await started();
  connection.check();
  socket.say({ type: "hello" });
  connection.check();
  socket.say({ type: "ok", id: socket.sent.at(-1).id });
  await settled();
  await made.advance(5_000);
  assert.equal(last().kind, "open");
  connection.check();
  await made.advance(5_000);
  assert.equal(last().kind, "waiting");
});

test("another token is used for the next ticket", async () => {
  const { made, connection, socket } = await started();
  connection.useToken("newer");
  socket.onclose({ code: 1006, reason: "" });
  await made.advance(375);
  assert.equal(made.requests[1].headers.Authorization, "Bearer newer");
});

test("why the connection was lost is said until there is another, however many attempts fail", async () => {
  const { made, socket, last } = await started([{ status: 200, body: { ticket: "t" } }, "unreachable"]);
  socket.onclose({ code: 1001, reason: "server is going away" });
  await made.advance(375);
  assert.deepEqual(last(), { kind: "waiting", delayMs: 750, reason: "server is going away" });
  await made.advance(750);
  made.sockets[1].say({ type: "hello" });
  made.sockets[1].onclose({ code: 1006, reason: "" });
  assert.equal(last().reason, "");
});
