// Node `ws` against a running server: sign in, chat in both protocols, and see every kind of refusal.
//
// run.sh gives the environment: OUTSIDE_ADDRESS, OUTSIDE_BINARY and OUTSIDE_CONFIG.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

import WebSocket from "ws";

const { OUTSIDE_ADDRESS: ADDRESS, OUTSIDE_BINARY: BINARY, OUTSIDE_CONFIG: CONFIG } = process.env;
const ORIGIN = "http://good.example";
const WAIT_MS = 5000;

function token(user, ttl = "5m") {
  const options = ["token", "--config", CONFIG, "--sub", user, "--ttl", ttl];
  return execFileSync(BINARY, options, { encoding: "utf8" }).trim();
}

const bearer = (user) => ({ Authorization: `Bearer ${token(user)}` });

function within(promise, what) {
  const timer = new AbortController();
  const late = sleep(WAIT_MS, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`${what} did not come within ${WAIT_MS} ms`);
  });
  late.catch(() => {});
  return Promise.race([promise, late]).finally(() => timer.abort());
}

/** A socket whose messages and ending wait to be asked for. */
class Peer {
  #messages = [];
  #wake = null;

  constructor(path, { protocols = [], ...options } = {}) {
    this.socket = new WebSocket(`ws://${ADDRESS}${path}`, protocols, options);
    this.opened = once(this.socket, "open");
    this.opened.catch(() => {});
    this.ended = new Promise((resolve) => {
      this.socket.on("close", (code, reason) => resolve([code, reason.toString()]));
    });
    this.refused = new Promise((resolve) => {
      this.socket.on("unexpected-response", async (request, response) => {
        let body = "";
        for await (const chunk of response.setEncoding("utf8")) body += chunk;
        resolve([response.statusCode, JSON.parse(body).code]);
      });
    });
    this.socket.on("error", () => {});
    this.socket.on("upgrade", (response) => (this.response = response));
    this.socket.on("message", (data, isBinary) => {
      this.#messages.push(isBinary ? data : data.toString());
      this.#wake?.();
    });
  }

  static async open(path, options) {
    const peer = new Peer(path, options);
    await within(peer.opened, "the connection");
    return peer;
  }

  static async hello(user, options) {
    const peer = await Peer.open("/ws/chat", { headers: bearer(user), protocols: ["wardroom.v1"], ...options });
    const first = await peer.json();
    assert.equal(first.type, "hello");
    assert.equal(first.user, user);
    return peer;
  }

  async message() {
    if (this.#messages.length === 0) {
      await within(new Promise((resolve) => (this.#wake = resolve)), "a message");
    }
    return this.#messages.shift();
  }

  async json() {
    return JSON.parse(await this.message());
  }

  async until(isIt) {
    for (;;) {
      const notice = await this.json();
      if (isIt(notice)) return notice;
    }
  }

  send(value) {
    this.socket.send(typeof value === "string" || Buffer.isBuffer(value) ? value : JSON.stringify(value));
  }

  ending() {
    return within(this.ended, "the end");
  }

  async close() {
    this.socket.close(1000);
    assert.deepEqual(await this.ending(), [1000, ""]);
  }
}

const status = (path, options) => within(new Peer(path, options).refused, "a refusal");

async function ticket(user) {
  const headers = { ...bearer(user), Origin: ORIGIN };
  const answer = await fetch(`http://${ADDRESS}/ticket`, { method: "POST", headers });
  assert.equal(answer.status, 200);
  return `wardroom.ticket.${(await answer.json()).ticket}`;
}

const TESTS = {
  async "a query token signs in"() {
    const peer = await Peer.open(`/ws/chat?token=${token("n-query")}`);
    assert.equal((await peer.json()).message, "User n-query has joined the chat.");
    await peer.close();
  },

  async "a bearer header signs in"() {
    await (await Peer.hello("n-bearer")).close();
  },

  async "a ticket as a subprotocol signs in once"() {
    const protocols = ["wardroom.v1", await ticket("n-ticket")];
    const peer = await Peer.open("/ws/chat", { protocols, origin: ORIGIN });
    assert.equal(peer.socket.protocol, "wardroom.v1");
    assert.equal((await peer.json()).user, "n-ticket");
    await peer.close();
    const again = new Peer("/ws/chat", { protocols, origin: ORIGIN });
    assert.deepEqual(await again.ending(), [1008, "invalid credentials"]);
  },

  async "a page that offers only its ticket speaks the tutorial's protocol"() {
    const peer = await Peer.open("/ws/chat", { protocols: [await ticket("n-only")], origin: ORIGIN });
    assert.equal((await peer.json()).sender, "System");
    await peer.close();
  },

  async "a cookie signs in with an allowed origin only"() {
    const headers = { Cookie: `session=${token("n-cookie")}` };
    const peer = await Peer.open("/ws/chat", { headers, origin: ORIGIN, protocols: ["wardroom.v1"] });
    assert.equal((await peer.json()).user, "n-cookie");
    await peer.close();
    assert.deepEqual(await status("/ws/chat", { headers }), [403, "origin_forbidden"]);
    const crossSite = { ...headers, "Sec-Fetch-Site": "cross-site" };
    assert.deepEqual(await status("/ws/chat", { headers: crossSite, origin: ORIGIN }), [403, "origin_forbidden"]);
  },

  async "another origin is forbidden"() {
    for (const origin of ["http://evil.example", "http://good.example:81", "null"]) {
      const answer = await status("/ws/chat", { headers: bearer("n-origin"), origin });
      assert.deepEqual(answer, [403, "origin_forbidden"], origin);
    }
  },

  async "bad credentials are said as close 1008"() {
    const cases = [
      [{}, "credentials required"],
      [{ Authorization: "Bearer nonsense" }, "invalid credentials"],
      [{ Authorization: `Bearer ${token("n-mallory").slice(0, -2)}` }, "invalid credentials"],
    ];
    for (const [headers, reason] of cases) {
      assert.deepEqual(await new Peer("/ws/chat", { headers }).ending(), [1008, reason]);
    }
  },

  async "an open connection ends with its token"() {
    const peer = await Peer.open("/ws/chat", { headers: { Authorization: `Bearer ${token("n-short", "2s")}` } });
    assert.deepEqual(await peer.ending(), [1008, "token expired"]);
  },

  async "two people talk in the tutorial's protocol"() {
    const anna = await Peer.open(`/ws/chat?token=${token("n-anna")}`);
    const ben = await Peer.open("/ws/chat", { headers: bearer("n-ben") });
    anna.send({ message: "grüß dich 👋" });
    for (const peer of [anna, ben]) {
      assert.equal((await peer.until((notice) => notice.sender === "n-anna")).message, "grüß dich 👋");
    }
    await anna.close();
    await ben.until((notice) => notice.message === "User n-anna has left the chat.");
    await ben.close();
  },

  async "two people talk in the full protocol"() {
    const carl = await Peer.hello("n-carl");
    const dora = await Peer.hello("n-dora");
    for (const peer of [carl, dora]) {
      peer.send({ type: "join", id: "j", room: "general" });
      assert.equal((await peer.until((notice) => notice.id === "j")).type, "ok");
    }
    carl.send({ type: "typing", id: 1, room: "general" });
    assert.equal((await dora.until((notice) => notice.type === "typing")).user, "n-carl");
    carl.send({ type: "send", id: 2, room: "general", message: "hi" });
    const reply = await carl.until((notice) => notice.id === 2);
    const said = await dora.until((notice) => notice.type === "message");
    assert.deepEqual([said.sender, said.message, said.seq], ["n-carl", "hi", reply.seq]);
    dora.send({ type: "members", id: 3, room: "general" });
    const { members } = await dora.until((notice) => notice.id === 3);
    assert.deepEqual(members.map(({ user }) => user).sort(), ["n-carl", "n-dora"]);
    await carl.close();
    await dora.close();
  },

  async "errors have their texts and codes"() {
    const tutorial = await Peer.open("/ws/chat", { headers: bearer("n-errors") });
    tutorial.send("not json");
    assert.equal((await tutorial.until((notice) => "error" in notice)).error, "Invalid JSON format");
    tutorial.send({ message: "x".repeat(501) });
    const tooLong = await tutorial.until((notice) => "error" in notice);
    assert.equal(tooLong.error, "Message too long (max 500 characters)");
    await tutorial.close();
    const full = await Peer.hello("n-codes");
    for (const [text, code] of [["{", "invalid_json"], ['{"type":"sing"}', "unknown_type"]]) {
      full.send(text);
      assert.equal((await full.until((notice) => notice.type === "error")).code, code);
    }
    await full.close();
  },

  async "the sixth message is limited and says for how long"() {
    const peer = await Peer.open("/ws/chat", { headers: bearer("n-eager") });
    for (let sent = 0; sent < 6; sent += 1) peer.send({ message: "hi" });
    const refused = await peer.until((notice) => "error" in notice);
    assert.equal(refused.error, "Rate limit exceeded. Please wait before sending more messages.");
    assert.equal(refused.limit, "messages_per_user");
    await sleep(refused.retry_after_ms);
    peer.send({ message: "again" });
    await peer.until((notice) => notice.message === "again");
    await peer.close();
  },

  async "the fourth connection of a user is turned away"() {
    const peers = [await Peer.hello("n-many"), await Peer.hello("n-many"), await Peer.hello("n-many")];
    const fourth = new Peer("/ws/chat", { headers: bearer("n-many") });
    assert.deepEqual(await fourth.ending(), [1008, "too many connections for this user"]);
    for (const peer of peers) await peer.close();
    await (await Peer.hello("n-many")).close();
  },

  async "compression is offered and not negotiated"() {
    const peer = await Peer.hello("n-deflate", { perMessageDeflate: true });
    assert.equal(peer.response.headers["sec-websocket-extensions"], undefined);
    assert.equal(peer.socket.extensions, "");
    await peer.close();
  },

  async "a ping gets its pong"() {
    const peer = await Peer.hello("n-ping");
    const payload = Buffer.alloc(125, 7);
    const pong = once(peer.socket, "pong");
    peer.socket.ping(payload);
    assert.deepEqual((await within(pong, "the pong"))[0], payload);
    await peer.close();
  },

  async "a message too big is answered by 1009"() {
    const peer = await Peer.hello("n-big");
    peer.send("x".repeat(100_000));
    assert.deepEqual(await peer.ending(), [1009, "message too big"]);
  },

  async "a binary message is answered by 1003 on the chat"() {
    const peer = await Peer.hello("n-binary");
    peer.send(Buffer.from([0, 1]));
    assert.deepEqual(await peer.ending(), [1003, "binary messages are not accepted"]);
  },

  async "an unmasked frame is a protocol error"() {
    const peer = await Peer.hello("n-unmasked");
    peer.socket.send("hi", { mask: false });
    assert.deepEqual(await peer.ending(), [1002, "protocol error"]);
  },

  async "the echo endpoint gives back what it gets"() {
    const peer = await Peer.open("/ws/echo", { headers: bearer("n-echo") });
    for (const message of ["", "grüß", Buffer.from([0, 255]), "x".repeat(65_536)]) {
      peer.send(message);
      assert.deepEqual(await peer.message(), message);
    }
    await peer.close();
  },

  async "other paths are not found"() {
    assert.deepEqual(await status("/ws/nothing", { headers: bearer("n-lost") }), [404, "not_found"]);
  },
};

let failed = 0;
for (const [name, test] of Object.entries(TESTS)) {
  try {
    await test();
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${name}\n${error.stack}`);
  }
}
console.log(`${Object.keys(TESTS).length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
