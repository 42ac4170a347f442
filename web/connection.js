// One lasting connection: ticket, socket, replies by id, reconnecting. Knows no room and no page.

const SUBPROTOCOL = "wardroom.v1";
const POLICY_VIOLATION = 1008; // RFC 6455 §7.4.1
const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 30_000;
const STEADY_AFTER_MS = 5_000;
const TICKET_WITHIN_MS = 10_000;
const HELLO_WITHIN_MS = 10_000;
const PING_EVERY_MS = 25_000;
const PONG_WITHIN_MS = 15_000;
const REPLY_WITHIN_MS = 20_000;
/** For a connection that there is reason to doubt. */
const DOUBTED_PONG_WITHIN_MS = 5_000;
/** The longest wait that the server can ask for; a person can always connect at once. */
const ASKED_WAIT_MAX_MS = 10 * 60_000;

/** How long to wait before attempt number `attempt` (from 0): half of it fixed, half of it chance. */
export function backoffDelay(attempt, random) {
  const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(attempt, 16));
  return ceiling / 2 + (random() * ceiling) / 2;
}

/** Milliseconds that a refusal asks to wait, from its body or its Retry-After; 0 when it says nothing. */
export function retryAfter(body, header) {
  if (Number.isFinite(body?.retry_after_ms)) {
    return bounded(body.retry_after_ms);
  }
  const seconds = Number.parseInt(header ?? "", 10);
  return Number.isFinite(seconds) ? bounded(seconds * 1000) : 0;
}

function bounded(ms) {
  return Math.min(Math.max(0, ms), ASKED_WAIT_MAX_MS);
}

/** A request that the server refused, left without an answer (`unanswered`), or that lost its connection (`disconnected`). */
export class Refusal extends Error {
  constructor(reply) {
    super(typeof reply.error === "string" ? reply.error : "");
    this.code = reply.code ?? "";
    this.limit = reply.limit;
    this.scope = reply.scope;
    this.field = reply.field;
    this.until = reply.until;
    this.reason = reply.reason;
    this.retryAfterMs = retryAfter(reply, null);
  }
}

/**
 * `events`: `status(status)`, `hello(hello)`, `notice(notice)`.
 * A status has a `kind`: `connecting`, `open`, `waiting` (with `delayMs` and the `reason` of the server, if it gave one, or
 * its `refusal`), `stopped` (with `reason`, or `refusal`) or `unauthorized` (with `refusal`).
 */
export class Connection {
  #events;
  #world;
  #token;
  #socket = null;
  #attempt = 0;
  #life = 0;
  #nextId = 1;
  #replies = new Map();
  #timers = new Map();
  #bye = null;
  /** Why the last connection ended, as long as there is no other. */
  #lostFor = "";

  constructor(token, events, world = globalThis) {
    this.#token = token;
    this.#events = events;
    this.#world = world;
  }

  /** Connects now, whatever was being waited for. */
  start() {
    this.#end();
    this.#connect(this.#life);
  }

  /** The token for the connections to come. */
  useToken(token) {
    this.#token = token;
  }

  /** Finds out soon whether the peer is still there: after a sleep, or when the network is said to be gone. */
  check() {
    if (this.#socket?.readyState === 1) {
      this.#ping(DOUBTED_PONG_WITHIN_MS);
    }
  }

  /** Ends for good; no further event comes. */
  stop() {
    this.#end();
  }

  /** Whether `start` would only bring forward what is going to happen anyway. */
  get isWaiting() {
    return this.#timers.has("reconnect");
  }

  /** Sends a command and resolves to its `ok`, or rejects with a [`Refusal`]. */
  request(command) {
    if (this.#socket?.readyState !== 1) {
      return Promise.reject(new Refusal({ code: "disconnected" }));
    }
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#replies.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ ...command, id }));
      // A server that is flooded answers with silence.
      this.#after(id, REPLY_WITHIN_MS, () => this.#settle({ type: "error", id, code: "unanswered" }));
      this.#pingLater();
    });
  }

  async #connect(life) {
    this.#events.status({ kind: "connecting" });
    const outcome = await this.#fetchTicket();
    if (life !== this.#life) {
      return;
    }
    if (outcome.ticket !== undefined) {
      this.#open(outcome.ticket, life);
    } else if (outcome.unauthorized) {
      this.#end();
      this.#events.status({ kind: "unauthorized", refusal: outcome.refusal });
    } else if (outcome.stop) {
      this.#end();
      this.#events.status({ kind: "stopped", refusal: outcome.refusal, reason: "" });
    } else {
      this.#reconnectLater(outcome.atLeastMs, "", outcome.refusal);
    }
  }

  async #fetchTicket() {
    try {
      const response = await this.#world.fetch("/ticket", {
        method: "POST",
        headers: { Authorization: `Bearer ${this.#token}` },
        cache: "no-store",
        credentials: "same-origin",
        signal: AbortSignal.timeout(TICKET_WITHIN_MS),
      });
      const body = await response.json().catch(() => ({}));
      if (response.ok && typeof body.ticket === "string") {
        return { ticket: body.ticket };
      }
      const atLeastMs = retryAfter(body, response.headers.get("Retry-After"));
      const mayPass = response.ok || response.status >= 500 || response.status === 429 || response.status === 408;
      const unauthorized = response.status === 401;
      return { atLeastMs, unauthorized, stop: !mayPass && !unauthorized, refusal: new Refusal(body ?? {}) };
    } catch {
      return { atLeastMs: 0 };
    }
  }

  #open(ticket, life) {
    const url = new URL("/ws/chat", this.#world.location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new this.#world.WebSocket(url, [SUBPROTOCOL, `wardroom.ticket.${ticket}`]);
    this.#socket = socket;
    this.#bye = null;
    socket.onmessage = (event) => life === this.#life && this.#receive(event.data);
    socket.onclose = (event) => life === this.#life && this.#closed(event);
    this.#after("hello", HELLO_WITHIN_MS, () => this.#abandon());
  }

  #receive(text) {
    let said;
    try {
      said = JSON.parse(text);
    } catch {
      return;
    }
    switch (said?.type) {
      case "hello":
        this.#cancel("hello");
        this.#after("steady", STEADY_AFTER_MS, () => (this.#attempt = 0));
        this.#pingLater();
        this.#lostFor = "";
        this.#events.status({ kind: "open" });
        this.#events.hello(said);
        break;
      case "ok":
      case "error":
        this.#settle(said);
        break;
      case "bye":
        this.#bye = said;
        break;
      default:
        this.#events.notice(said ?? {});
    }
  }

  #settle(reply) {
    const waiting = this.#replies.get(reply.id);
    if (waiting === undefined) {
      if (reply.type === "error") {
        this.#events.notice(reply);
      }
      return;
    }
    this.#replies.delete(reply.id);
    this.#cancel(reply.id);
    if (reply.type === "ok") {
      waiting.resolve(reply);
    } else {
      waiting.reject(new Refusal(reply));
    }
  }

  #closed({ code, reason }) {
    const bye = this.#bye;
    this.#end();
    if (code === POLICY_VIOLATION) {
      this.#events.status({ kind: "stopped", reason: reason || bye?.reason || "" });
    } else {
      this.#reconnectLater(retryAfter({ retry_after_ms: bye?.reconnect_after_ms }, null), reason || bye?.reason || "");
    }
  }

  /** For a peer that no longer answers: its close event may be minutes away. */
  #abandon() {
    this.#end();
    this.#reconnectLater(0, "");
  }

  #reconnectLater(atLeastMs, reason, refusal = undefined) {
    const delayMs = atLeastMs + backoffDelay(this.#attempt++, this.#world.Math.random);
    const life = this.#life;
    this.#lostFor = reason || this.#lostFor;
    this.#after("reconnect", delayMs, () => this.#connect(life));
    this.#events.status({ kind: "waiting", delayMs, reason: this.#lostFor, ...(refusal?.code && { refusal }) });
  }

  #pingLater() {
    this.#after("ping", PING_EVERY_MS, () => this.#ping(PONG_WITHIN_MS));
  }

  #ping(withinMs) {
    this.request({ type: "ping" }).then(() => this.#cancel("pong"), () => this.#cancel("pong"));
    this.#after("pong", withinMs, () => this.#abandon());
  }

  /** Lets go of the socket, every timer and every waiting request. Events of the old life are ignored. */
  #end() {
    this.#life++;
    for (const name of [...this.#timers.keys()]) {
      this.#cancel(name);
    }
    this.#socket?.close();
    this.#socket = null;
    const replies = [...this.#replies.values()];
    this.#replies.clear();
    for (const { reject } of replies) {
      reject(new Refusal({ code: "disconnected" }));
    }
  }

  #after(name, delayMs, action) {
    this.#cancel(name);
    const timer = this.#world.setTimeout(() => {
      this.#timers.delete(name);
      action();
    }, delayMs);
    this.#timers.set(name, timer);
  }

  #cancel(name) {
    this.#world.clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }
}
