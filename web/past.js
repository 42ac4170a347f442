// What was said before: coming into a room with what was missed, looking back, filling what is missing, and saying what was read.
// Touches no element.

/** Between two times that the server is told what was read. */
const SEEN_EVERY_MS = 3_000;

export class Past {
  #events;
  #timers = new Map();

  /** `events`: `request(command)`, `chat()`, `changed()`, `trouble(refusal)`. */
  constructor(events) {
    this.#events = events;
  }

  /** Comes into a room; what was missed since the last time follows as messages. Rejects with the refusal. */
  async join(room) {
    const known = this.#room(room);
    const about = known?.about ?? (await this.#describe(room));
    const mayRead = about?.ephemeral !== true && (about?.can?.includes("read") || about?.invited === true);
    const since = this.#room(room)?.since ?? 0;
    const reply = await this.#events.request({ type: "join", room, ...(mayRead && { since }) });
    this.#events.chat().joined(room, reply);
    if (about === null || about.invited === true) {
      await this.#describe(room);
    }
  }

  /** What was said before the earliest message that is here. */
  async earlier(name) {
    const room = this.#room(name);
    if (room === undefined || room.isLoading || !room.hasEarlier) {
      return;
    }
    room.isLoading = true;
    this.#events.changed();
    await this.#page(room, { before: room.earliestSeq });
    room.isLoading = false;
    this.#events.changed();
  }

  /** A part of what is missing at `gap`, from where it begins. */
  async fill(name, gap) {
    const room = this.#room(name);
    if (room === undefined || gap.isLoading) {
      return;
    }
    this.#mark(room, gap, true);
    const reply = await this.#page(room, { after: gap.from - 1 }, ({ first_seq: firstSeq = 0 }) => {
      const lost = Math.min(firstSeq, gap.to + 1) - gap.from;
      if (lost > 0) {
        room.lost(gap, lost);
      }
    });
    this.#mark(room, gap, false);
    if (reply !== null) {
      // A page that has nothing and does not end says where there is something.
      const empty = reply.truncated ? reply.first_seq - 1 : gap.to;
      const last = reply.messages?.at(-1)?.seq ?? empty;
      room.filled(gap, Math.max(gap.from - 1, Math.min(last, gap.to)));
    }
    this.#events.changed();
  }

  /** The newest message of a room is before somebody's eyes. The server is told soon, and not of each one. */
  seen(room) {
    if (room.isDurable && room.joined && room.can.has("read") && room.lastSeq > room.readSeq && !this.#timers.has(room.name)) {
      this.#timers.set(room.name, setTimeout(() => this.#tellSeen(room), SEEN_EVERY_MS));
    }
  }

  async #tellSeen(room) {
    this.#timers.delete(room.name);
    const seq = room.lastSeq;
    if (room.joined) {
      // It is told again with the next message where this did not work.
      const done = await this.#events.request({ type: "seen", room: room.name, seq }).catch(() => null);
      room.readSeq = done === null ? room.readSeq : Math.max(room.readSeq, seq);
    }
  }

  #mark(room, gap, isLoading) {
    gap.isLoading = isLoading;
    gap.version++;
    room.shape++;
    this.#events.changed();
  }

  /** Resolves to the reply, or null. `before(reply)` is called before its messages are put where they belong. */
  async #page(room, place, before = () => {}) {
    try {
      const reply = await this.#events.request({ type: "history", room: room.name, ...place });
      before(reply);
      this.#events.chat().page(room.name, reply);
      return reply;
    } catch (refusal) {
      this.#events.trouble(refusal);
      return null;
    }
  }

  async #describe(room) {
    const about = await this.#events.request({ type: "describe", room }).catch(() => null);
    if (about !== null) {
      this.#events.chat().described(about);
    }
    return about;
  }

  #room(name) {
    return this.#events.chat().rooms.get(name);
  }
}
