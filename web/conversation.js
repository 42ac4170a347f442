// What a person does becomes requests, what the server says becomes state. Touches no element.

import { Connection } from "./connection.js";
import { Kept } from "./kept.js";
import { Outgoing } from "./outgoing.js";
import { Past } from "./past.js";
import { refusalText } from "./refusals.js";
import { Chat } from "./state.js";

const PATIENT_TRIES_MAX = 4;
/** Rooms read from the server's list. */
const CATALOGUE_MAX = 500;
/** After a deed the list of people is asked for anew, and once for several. */
const LIST_AFTER_MS = 250;
/** The more people a room has, the less at once. */
const LIST_AFTER_PER_PERSON_MS = 20;
const LIST_AFTER_MAX_MS = 20_000;
const MAY_HAVE_ARRIVED = new Set(["disconnected", "unanswered"]);

const TOLD = new Set(["moderation", "removed", "invited", "knock"]);

export class Conversation {
  chat = new Chat();
  outgoing = new Outgoing();
  isOpen = false;
  #storage;
  #events;
  #connection = null;
  #kept = null;
  #listed = Promise.resolve();
  #listTimer = 0;
  #past;

  /**
   * `events`: `changed()`, `status(status)`, `greeted(hello, isFirst)`, `news(entry)`, `told(notice)`: of what concerns oneself, `isWatched()`,
   * `trouble(text, retryAfterMs)`, `refused(item, refusal)`: a message was not taken, and is to be kept or given back to its writer.
   */
  constructor(storage, events) {
    this.#storage = storage;
    this.#events = events;
    this.#past = new Past({
      request: (command) => this.#patiently(command),
      chat: () => this.chat,
      changed: () => events.changed(),
      trouble: (refusal) => refusal.code !== "disconnected" && events.trouble(refusalText(refusal), 0),
    });
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
    const known = this.chat.rooms.get(room);
    if (known?.joined !== true && !mayOnlyLook(known)) {
      await this.#join(room);
    }
    // A room that could not be joined is shown with what stands in the way, where that is known.
    const found = this.chat.rooms.get(room);
    if (found === undefined || (!found.joined && found.about === null)) {
      return false;
    }
    this.chat.open(room);
    this.#listSoon(0);
    this.#events.changed();
    return true;
  }

  /** Comes into the open room. */
  async enter() {
    await this.#join(this.chat.current);
    this.#listSoon(0);
  }

  /** Asks something of the server about a room. Resolves to its `ok`, or rejects with its refusal. */
  async ask(command) {
    const reply = await this.#connection.request(command);
    if (command.type === "create" || command.type === "describe") {
      this.chat.described(reply);
    }
    const room = this.chat.rooms.get(command.room);
    if (room !== undefined && room.joined) {
      room.isListed = false;
      this.#listSoon(LIST_AFTER_MS);
    }
    this.#events.changed();
    return reply;
  }

  earlier() {
    return this.#past.earlier(this.chat.current);
  }

  fill(gap) {
    return this.#past.fill(this.chat.current, gap);
  }

  /** The newest message of the open room is before somebody's eyes. */
  seen() {
    this.chat.room.seen();
    this.#past.seen(this.chat.room);
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
    const { room, text, key } = outgoing.get(id);
    this.#outgoingChanged();
    try {
      const reply = await this.#connection.request({ type: "send", room, message: text, key });
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
    this.#listed = this.#arrive(again);
    this.#events.greeted(greeting, isFirst);
    this.#events.changed();
  }

  /** After each greeting: which rooms there are, then into those that one was in or belongs to. */
  async #arrive(again) {
    const from = this.#connection;
    const own = await this.#catalogue().catch(() => []);
    if (from !== this.#connection) {
      return;
    }
    const { lobby, rooms } = this.chat;
    // The server has one in the lobby already; what was said there is still to be asked for.
    const wanted = [...(rooms.get(lobby)?.isDurable && rooms.get(lobby).joined ? [lobby] : []), ...again, ...own];
    wanted.forEach((room) => this.#come(room));
    this.#listSoon(0);
  }

  async #catalogue() {
    const found = [];
    for (let after; ; ) {
      const { rooms = [], next } = await this.#patiently({ type: "rooms", ...(after !== undefined && { after }) });
      found.push(...rooms);
      if (typeof next !== "string" || found.length >= CATALOGUE_MAX) {
        const own = this.chat.catalogue(found);
        this.#events.changed();
        return own;
      }
      after = next;
    }
  }

  #notice(said) {
    if (said.type === "error") {
      this.#events.trouble(refusalText({ ...said, message: said.error, retryAfterMs: said.retry_after_ms ?? 0 }), 0);
      return;
    }
    const hasAsked = this.chat.rooms.get(said.room)?.about?.knocking === true;
    const entry = this.chat.notice(said, Date.now(), this.#events.isWatched());
    if (said.type === "room" && hasAsked && said.knocking !== true) {
      this.#events.told({ type: "answered", room: said.room });
    }
    if (entry?.own) {
      this.outgoing.heard(entry.room, entry.text, entry.seq);
    } else if (entry !== null && entry.isPast !== true) {
      this.#events.news(entry);
    }
    if (TOLD.has(said.type)) {
      this.#events.told(said);
      this.#listSoon();
    }
    this.#events.changed();
  }

  async #join(room) {
    await this.#listed;
    return this.#come(room);
  }

  async #come(room) {
    try {
      await this.#past.join(room);
      this.#sendAgain(room);
      this.#listSoon();
      return true;
    } catch (refusal) {
      this.#notJoined(room, refusal);
      return false;
    } finally {
      this.#events.changed();
    }
  }

  /** One who could not come back where one was sees why; one who could not come in at all is told. */
  #notJoined(name, refusal) {
    const room = this.chat.rooms.get(name);
    if (refusal.code === "disconnected") {
      return;
    }
    if (refusal.code === "banned" || (refusal.code === "unknown_room" && room?.wanted)) {
      const code = refusal.code === "banned" ? "banned" : "forbidden";
      this.chat.notice({ type: "removed", room: name, code, reason: refusal.reason, until: refusal.until }, Date.now(), true);
    }
    if (room === undefined || name !== this.chat.current) {
      this.#events.trouble(`You could not join ${room?.about?.name || `#${name}`}. ${refusalText({ ...refusal, message: refusal.message })}`, 0);
    }
  }

  /** What may not have arrived is said again where the server knows by its key whether it has. */
  #sendAgain(room) {
    if (this.chat.rooms.get(room)?.isDurable) {
      this.outgoing.unsure(room).forEach((id) => this.again(id));
    }
  }

  /** Asks who is in the open room, if the page does not know. Where all have heard of the same change, not all ask in the same moment. */
  #listSoon(afterMs = LIST_AFTER_MS + Math.random() * Math.min((this.chat.room?.count ?? 0) * LIST_AFTER_PER_PERSON_MS, LIST_AFTER_MAX_MS)) {
    clearTimeout(this.#listTimer);
    this.#listTimer = setTimeout(() => this.#list(this.chat.room), afterMs);
  }

  async #list(room) {
    const from = this.#connection;
    if (room === undefined || !room.joined || room.isListed) {
      return;
    }
    const reply = await this.#patiently({ type: "members", room: room.name }).catch(() => null);
    if (reply !== null && from === this.#connection) {
      this.chat.listed(room.name, reply);
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

/** One is told why one is out before one tries again, and knocks only when one says so. */
function mayOnlyLook(room) {
  return room !== undefined && (room.out !== null || (room.about !== null && (!room.can.has("join") || room.about.invited === true)));
}
