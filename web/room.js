// One room as this page has seen it: what it is like, who is in it and what happened, all of it bounded. Pure.

export const ENTRIES_MAX = 2_000;
/** With what was loaded by looking back. */
export const HISTORY_MAX = 10_000;
export const MEMBERS_MAX = 1_000;
/** Comings and goings that one line counts by name. */
const NAMED_MAX = 12;
/** Comings and goings further apart than this are lines of their own. */
const PRESENCE_WITHIN_MS = 30 * 60_000;
/** Between the keys of entries that came one after the other: room for what is found between them later. */
const KEY_STRIDE = 2 ** 20;

export class Room {
  joined = false;
  /** Whether to be in it again after a reconnect. */
  wanted = false;
  /** What the server says it is like; null: not told yet. */
  about = null;
  /** What one may do in it. */
  can = new Set();
  affiliation = "none";
  /** Why one is not in it any more: `{code, reason, until}`; null: one is, or never was. */
  out = null;
  /** One's own mute: `{reason, until}`. */
  mute = null;
  /** user -> {name, affiliation, connections, muted, invited, knocking} */
  members = new Map();
  /** Members that are counted but not known by name. */
  unlisted = 0;
  /** Grows with every change of the members. */
  membersVersion = 0;
  /** Whether the list of members is as the server knows it. */
  isListed = false;
  /** What happened, oldest first: `{key, kind, ...}`; an entry that changes gets another `version`. */
  entries = [];
  /** Grows whenever entries that are not the last ones look different, or others stand between them. */
  shape = 0;
  /** Whether older entries were let go. */
  isTrimmed = false;
  /** user -> {name, until} */
  typing = new Map();
  unread = 0;
  /** The entry that the unread ones begin with; 0: none. */
  unreadFrom = 0;
  /** Of the newest message known; where a connection that was lost left off is `since`. */
  lastSeq = 0;
  since = 0;
  /** Of the oldest message that the server keeps, as far as it has said. */
  firstSeq = 1;
  /** Up to which message the server has been told, or has told, that one has read. */
  readSeq = 0;
  /** Up to which message `unread` counts already what has not been told here yet. */
  countedTo = 0;
  /** Whether a page of history is on its way. */
  isLoading = false;
  #bySeq = new Map();
  #lastKey = 0;
  #lookedBack = 0;
  /** Messages up to this one are told again, not news; unread among them are those above `#newFrom`. */
  #pastTo = 0;
  #newFrom = Infinity;
  #counted = { version: -1, here: 0 };

  constructor(name) {
    this.name = name;
  }

  /** What to call it. */
  get title() {
    return this.about?.name || this.name;
  }

  /** Whether its messages are kept, numbered for good, and can be read again. */
  get isDurable() {
    return this.about !== null && this.about.ephemeral !== true;
  }

  /** Whether it is not for everybody. */
  get isClosed() {
    return this.about !== null && this.about.kind !== "public";
  }

  /** Whether its messages are closed to whoever has no key to it. */
  get isSealed() {
    return this.about?.kind === "private";
  }

  /** People present. */
  get count() {
    if (this.#counted.version !== this.membersVersion) {
      let here = 0;
      for (const member of this.members.values()) {
        here += member.connections > 0 ? 1 : 0;
      }
      this.#counted = { version: this.membersVersion, here };
    }
    return this.#counted.here + this.unlisted;
  }

  /** Takes in what the server says of the room. */
  describe(about) {
    const could = [...this.can].join();
    this.about = about;
    this.can = new Set(Array.isArray(about.can) ? about.can : this.can);
    this.affiliation = about.affiliation ?? this.affiliation;
    if (!this.joined && this.isDurable && Number.isInteger(about.unread)) {
      this.#count(about);
    }
    if (this.can.has("send")) {
      this.mute = null;
    }
    if (could !== [...this.can].join()) {
      this.shape++;
      this.membersVersion++;
    }
  }

  /** The connection is in it. What was missed follows, up to `last_seq`; what does not follow is the `gap`. */
  entered({ last_seq: lastSeq, gap }) {
    this.joined = true;
    this.wanted = true;
    this.out = null;
    if (!Number.isInteger(lastSeq)) {
      return;
    }
    if (gap?.to > lastSeq) {
      this.#beginAnew();
    }
    this.#pastTo = lastSeq;
    this.#newFrom = this.readSeq;
    if (this.since > 0 && gap !== undefined) {
      // Of the day before it, so that the day after it has its heading only where it is another one.
      this.append({ kind: "missed", from: gap.from, to: gap.to, at: this.entries.at(-1)?.at });
    } else if (gap !== undefined) {
      this.firstSeq = Math.min(this.firstSeq, gap.from);
    }
    this.lastSeq = Math.max(this.lastSeq, this.since);
  }

  /** The connection is gone. */
  parted() {
    this.since = this.isDurable ? this.lastSeq : 0;
    this.joined = false;
    this.isListed = false;
    this.isLoading = false;
    this.#pastTo = 0;
  }

  append(entry) {
    entry.key = this.#lastKey += KEY_STRIDE;
    entry.version = 0;
    this.entries.push(entry);
    this.#know(entry);
    if (this.entries.length > ENTRIES_MAX + this.#lookedBack) {
      // In chunks, because each takes the whole list into the hand.
      this.#letGo(Math.ceil(ENTRIES_MAX / 10));
    }
    return entry;
  }

  /**
   * Takes in a message. Returns `{entry, isPast, isNew}`: whether it was said before one came, and whether it has not been read; null: it
   * is here already.
   */
  hear(entry) {
    const { seq } = entry;
    if (!this.isDurable || !Number.isInteger(seq)) {
      this.append(entry);
      return { entry, isPast: false, isNew: true };
    }
    if (this.#bySeq.has(seq)) {
      return null;
    }
    const isPast = seq <= this.#pastTo;
    const isNew = !isPast || seq > this.#newFrom;
    if (isPast && isNew && !entry.own) {
      this.#newFrom = Infinity;
    }
    if (seq > this.lastSeq) {
      this.append(entry);
    } else {
      this.#insert(this.#placeOf(seq), [entry]);
    }
    this.lastSeq = Math.max(this.lastSeq, seq);
    return { entry, isPast, isNew };
  }

  /** The message with this number, if it is here. */
  message(seq) {
    return this.#bySeq.get(seq);
  }

  /** Takes in a page of history, ascending. Returns how many of its messages are new here. */
  takePage(messages, firstSeq) {
    if (Number.isInteger(firstSeq)) {
      this.firstSeq = firstSeq;
    }
    const fresh = messages.filter(({ seq }) => Number.isInteger(seq) && !this.#bySeq.has(seq));
    // Those that belong at one place are put there together.
    for (let begin = 0; begin < fresh.length; ) {
      const place = this.#placeOf(fresh[begin].seq);
      const above = this.entries.slice(place).find(({ kind }) => kind === "message")?.seq ?? Infinity;
      let end = begin + 1;
      while (end < fresh.length && fresh[end].seq < above) {
        end++;
      }
      const inserted = fresh.slice(begin, end);
      if (place === 0) {
        this.#lookedBack += inserted.length;
      }
      this.#insert(place, inserted);
      begin = end;
    }
    this.lastSeq = Math.max(this.lastSeq, fresh.at(-1)?.seq ?? 0);
    return fresh.length;
  }

  /** What of a place where messages are missing is here now, up to message `to`; it says what is still missing. */
  filled(gap, to) {
    gap.from = to + 1;
    gap.at = this.entries[this.entries.indexOf(gap) - 1]?.at;
    gap.version++;
    this.shape++;
    if (gap.from > gap.to) {
      this.entries.splice(this.entries.indexOf(gap), 1);
    }
  }

  /** Some of what is missing there is nowhere any more. */
  lost(gap, count) {
    const text = count === 1 ? "1 message of that time is not kept any more." : `${count} messages of that time are not kept any more.`;
    this.#insert(this.entries.indexOf(gap), [{ kind: "remark", text, at: gap.at }]);
  }

  /** Whether the server has earlier messages that this page can still take. While what was missed is coming in, nobody asks for more. */
  get hasEarlier() {
    return this.lastSeq >= this.#pastTo && this.isDurable && this.can.has("read") && this.joined && this.entries.length < HISTORY_MAX && this.earliestSeq > this.firstSeq;
  }

  /** The number of the earliest message here; above all of them when there is none. */
  get earliestSeq() {
    const first = this.entries.find(({ kind, seq }) => kind === "message" && Number.isInteger(seq));
    return first?.seq ?? (this.about?.last_seq ?? this.lastSeq) + 1;
  }

  /** Messages were edited or deleted. */
  change(seqs, changes) {
    for (const seq of seqs) {
      const entry = this.#bySeq.get(seq);
      if (entry !== undefined) {
        Object.assign(entry, changes);
        entry.version++;
        this.shape++;
      }
    }
  }

  /** Somebody came (`what` is "came") or went ("left"). Takes the line before along where it is about the same. */
  presence(what, person, own, at) {
    const last = this.entries.at(-1);
    const isClose = last?.kind === "presence" && (at === undefined || last.at === undefined || Math.abs(at - last.at) < PRESENCE_WITHIN_MS);
    if (isClose && !own && !last.changes[0].own) {
      merge(last, what, person);
    } else {
      this.append({ kind: "presence", changes: [{ what, ...person, own }], unnamed: 0, at });
    }
  }

  enter({ user, name }) {
    const known = this.members.get(user);
    if (known !== undefined || this.members.size < MEMBERS_MAX) {
      this.members.set(user, { ...STRANGER, ...known, name, connections: 1, invited: false, knocking: false });
    } else {
      this.unlisted++;
    }
    this.membersVersion++;
  }

  /** Who belongs to the room stays in the list without being there. */
  depart({ user }) {
    this.typing.delete(user);
    const known = this.members.get(user);
    if (known === undefined) {
      this.unlisted = Math.max(0, this.unlisted - 1);
    } else if (known.affiliation === "none") {
      this.members.delete(user);
    } else {
      known.connections = 0;
    }
    this.membersVersion++;
  }

  /** Somebody stands otherwise to the room than before. Who neither is there nor has to do with it is not in the list. */
  stand({ user, name }, changes) {
    const member = { ...STRANGER, name, connections: 0, ...this.members.get(user), ...changes };
    const concerns = member.connections > 0 || member.affiliation !== "none" || member.invited || member.knocking;
    if (concerns && (this.members.has(user) || this.members.size < MEMBERS_MAX)) {
      this.members.set(user, member);
    } else if (!concerns) {
      this.members.delete(user);
    }
    this.membersVersion++;
  }

  list(members, count) {
    const shown = members.slice(0, MEMBERS_MAX);
    this.members = new Map(shown.map(({ user, ...member }) => [user, { ...STRANGER, ...member }]));
    this.unlisted = Math.max(0, count - this.members.size);
    this.isListed = true;
    this.membersVersion++;
  }

  /** How many are there, of a room too large to name who comes and goes. */
  crowd(count) {
    this.unlisted = 0;
    this.membersVersion++;
    this.unlisted = Math.max(0, count - this.count);
  }

  empty() {
    this.members.clear();
    this.unlisted = 0;
    this.isListed = false;
    this.membersVersion++;
    this.typing.clear();
  }

  /** The newest message is before somebody's eyes: nothing is unread, and what was looked up before it may go. */
  seen() {
    this.unread = 0;
    this.unreadFrom = 0;
    if (this.#lookedBack > 0 && this.entries.length > ENTRIES_MAX) {
      this.#letGo(this.entries.length - ENTRIES_MAX);
    }
    this.#lookedBack = 0;
  }

  /** It is another room of this name: what was known of the one before is not of it. */
  #beginAnew() {
    this.entries = [];
    this.#bySeq.clear();
    Object.assign(this, { since: 0, lastSeq: 0, firstSeq: 1, readSeq: 0, countedTo: 0 });
    this.seen();
    this.shape++;
    this.append({ kind: "remark", text: "This room was made anew." });
  }

  /** A room that one does not belong to and has never read is not all news. */
  #count({ unread, last_seq: lastSeq, affiliation }) {
    const isStrange = affiliation === "none" && unread === lastSeq;
    if (lastSeq > this.lastSeq) {
      this.unread = isStrange ? 0 : unread;
      this.countedTo = lastSeq;
    }
    this.readSeq = Math.max(this.readSeq, isStrange ? lastSeq : lastSeq - unread);
  }

  #letGo(count) {
    for (const entry of this.entries.splice(0, count)) {
      if (this.#bySeq.get(entry.seq) === entry) {
        this.#bySeq.delete(entry.seq);
      }
    }
    this.isTrimmed = true;
  }

  #know(entry) {
    if (entry.kind === "message" && Number.isInteger(entry.seq)) {
      this.#bySeq.set(entry.seq, entry);
    }
  }

  /** Where a message of this number belongs: behind the last one below it and what happened after that, before the place of what is missing. */
  #placeOf(seq) {
    const { entries } = this;
    let place = entries.findIndex((entry) => (entry.kind === "message" && entry.seq > seq) || (entry.kind === "missed" && entry.to >= seq));
    place = place === -1 ? entries.length : place;
    const isFirst = !entries.slice(0, place).some(({ kind }) => kind === "message");
    return isFirst && entries[place]?.kind !== "missed" ? 0 : place;
  }

  #insert(place, inserted) {
    const above = this.entries[place]?.key ?? (this.#lastKey += KEY_STRIDE);
    const below = this.entries[place - 1]?.key ?? above - KEY_STRIDE;
    const step = Math.min(1, (above - below) / (inserted.length + 1));
    inserted.forEach((entry, index) => {
      // Before all others the keys go down; between two they keep close to the first, so that more fits in behind.
      entry.key = place === 0 ? above - inserted.length + index : below + step * (index + 1);
      entry.version = 0;
      this.#know(entry);
    });
    this.entries.splice(place, 0, ...inserted);
    this.shape++;
  }
}

const STRANGER = { name: "", affiliation: "none", connections: 1, muted: false, invited: false, knocking: false };

function merge(entry, what, person) {
  const known = entry.changes.find((change) => change.user === person.user);
  entry.version++;
  if (known !== undefined) {
    known.what = known.what === what ? what : settled(known, what);
  } else if (entry.changes.length < NAMED_MAX) {
    entry.changes.push({ what, ...person, own: false });
  } else {
    entry.unnamed++;
  }
}

/** Who came and then left did both; who left and came back is here, as before. */
function settled(known, what) {
  return what === "left" ? "both" : "came";
}
