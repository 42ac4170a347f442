// What a person does becomes requests, what the server says becomes state. Touches no element.

import { Connection } from "./connection.js";
import { Kept } from "./kept.js";
import { Outgoing } from "./outgoing.js";
import { refusalText } from "./refusals.js";
import { Chat } from "./state.js";

const PATIENT_TRIES_MAX = 4;
const MAY_HAVE_ARRIVED = new Set(["disconnected", "unanswered"]);

export class Conversation {
  chat = new Chat();
  outgoing = new Outgoing();
  isOpen = false;
  #storage;
  #events;
  #connection = null;
  #kept = null;

  /**
   * `events`: `changed()`, `status(status)`, `greeted(hello, isFirst)`, `news(entry)`, `isWatched()`, `trouble(text, retryAfterMs)`,
   * `refused(item, refusal)`: a message was not taken, and is to be kept or given back to its writer.
   */
  constructor(storage, events) {
    this.#storage = storage;
    this.#events = events;
  }

  /** Forgets what was, and signs in. */
  begin(token) {
    this.chat = new Chat();
    this.outgoing = new Outgoing();
    this.#kept = null;
    this.continueWith(token);
  }

  /** Goes on with another token, over a new connection. */
  continueWith(token) {
    this.#connection?.stop();
    this.isOpen = false;
    this.#connection = new Connection(token, {
      status: (status) => this.#status(status),
      hello: (hello) => this.#hello(hello),
      notice: (notice) => this.#notice(notice),
    });
    this.#connection.start();
  }

  /** Ends it, and forgets what was not sent. */
  end() {
    this.#connection?.stop();
    this.#connection = null;
    this.isOpen = false;
    this.#kept?.forget();
    this.#kept = null;
    this.chat = new Chat();
  }

  reconnect() {
    this.#connection?.start();
  }

  /** The network is back, or said to be: no need to wait any longer. */
  hurry() {
    if (this.#connection?.isWaiting) {
      this.#connection.start();
    }
  }

  /** There is reason to doubt the connection. */
  check() {
    this.#connection?.check();
  }

  /** Extends the sign-in of the live connection. Resolves to the server's `ok`, or rejects with its refusal. */
  async refresh(token) {
    const reply = await this.#connection.request({ type: "refresh", token });
    this.#connection.useToken(token);
    return reply;
  }

  /** Shows a room, joined first where it must be. */
  async open(room) {
    if (this.chat.rooms.get(room)?.joined || (await this.#join(room))) {
      this.chat.open(room);
      this.#events.changed();
      return true;
    }
    return false;
  }

  async leave() {
    const room = this.chat.current;
    try {
      await this.#patiently({ type: "leave", room });
      this.chat.left(room);
    } catch (refusal) {
      this.#events.trouble(refusalText(refusal), 0);
    }
    this.#events.changed();
  }

  send(text) {
    return this.#transmit(this.outgoing.add(this.chat.current, text));
  }

  again(id) {
    this.outgoing.again(id);
    return this.#transmit(id);
  }

  discard(id) {
    this.outgoing.discard(id);
    this.#outgoingChanged();
  }

  refused(id, why) {
    this.outgoing.refused(id, why);
    this.#outgoingChanged();
  }

  typing() {
    this.#connection?.request({ type: "typing", room: this.chat.current }).catch(() => {});
  }

  draft(room) {
    return this.#kept?.draft(room) ?? "";
  }

  keepDraft(room, text) {
    this.#kept?.keepDraft(room, text);
  }

  async #transmit(id) {
    const { outgoing, chat } = this;
    const { room, text } = outgoing.get(id);
    this.#outgoingChanged();
    try {
      const reply = await this.#connection.request({ type: "send", room, message: text });
      outgoing.confirmed(id, reply.seq);
    } catch (refusal) {
      if (MAY_HAVE_ARRIVED.has(refusal.code)) {
        outgoing.lost(id);
      } else if (chat === this.chat) {
        this.#events.refused(outgoing.get(id), refusal);
      }
    }
    if (chat === this.chat) {
      this.#outgoingChanged();
    }
  }

  #outgoingChanged() {
    this.#kept?.keepOutgoing(this.outgoing.save());
    this.#events.changed();
  }

  #status(status) {
    this.isOpen = status.kind === "open";
    if (!this.isOpen) {
      this.chat.disconnected();
    }
    this.#events.status(status);
  }

  #hello(greeting) {
    if (this.chat.me.user !== "" && this.chat.me.user !== greeting.user) {
      this.chat = new Chat();
      this.#kept = null;
    }
    const isFirst = this.#kept === null;
    if (isFirst) {
      this.#kept = new Kept(this.#storage, greeting.user);
      this.outgoing = new Outgoing(this.#kept.outgoing);
    }
    this.outgoing.reconnected();
    const again = this.chat.hello(greeting);
    this.#list(this.chat.lobby);
    again.forEach((room) => this.#join(room));
    this.#events.greeted(greeting, isFirst);
    this.#events.changed();
  }

  #notice(said) {
    if (said.type === "error") {
      this.#events.trouble(refusalText({ ...said, message: said.error, retryAfterMs: said.retry_after_ms ?? 0 }), 0);
      return;
    }
    const entry = this.chat.notice(said, Date.now(), this.#events.isWatched());
    if (entry?.own) {
      this.outgoing.heard(entry.room, entry.text, entry.seq);
    } else if (entry !== null) {
      this.#events.news(entry);
    }
    this.#events.changed();
  }

  async #join(room) {
    try {
      await this.#patiently({ type: "join", room });
      this.chat.joined(room);
      this.#list(room);
      return true;
    } catch (refusal) {
      if (refusal.code !== "disconnected") {
        this.#events.trouble(`You could not join #${room}. ${refusalText(refusal)}`, 0);
      }
      return false;
    } finally {
      this.#events.changed();
    }
  }

  async #list(room) {
    const from = this.#connection;
    const reply = await this.#patiently({ type: "members", room }).catch(() => null);
    if (reply !== null && from === this.#connection) {
      this.chat.listed(room, reply);
      this.#events.changed();
    }
  }

  /** A request that nobody typed: when told to come back later, it does. */
  async #patiently(command) {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#connection.request(command);
      } catch (refusal) {
        if (!(refusal.retryAfterMs > 0) || tries === PATIENT_TRIES_MAX) {
          throw refusal;
        }
        await new Promise((resolve) => setTimeout(resolve, refusal.retryAfterMs));
      }
    }
  }
}
