// What the page knows: rooms, people, messages. Pure: no page, no socket, no clock.

import { deedParts } from "./deeds.js";
import { Room } from "./room.js";
import { millis, moment } from "./when.js";

export const TYPING_SHOWN_MS = 5_000;
const TYPISTS_MAX = 20;
const ROOMS_MAX = 500;
const NAMES_MAX = 5_000;
/** Rooms that one belongs to and is in from the start. */
const OWN_ROOMS_MAX = 16;
/** What is done to a message or for oneself is seen in its own place. */
const UNTOLD = new Set(["delete_message", "create"]);
/** After these somebody stands otherwise to the room, and only the list of its people says how. */
const CHANGES_ROLES = new Set(["affiliate", "transfer", "resign"]);
/** After these the notice itself says how. */
const CHANGES = {
  mute: { muted: true },
  unmute: { muted: false },
  invite: { invited: true },
  withdraw: { invited: false, knocking: false },
  knock: { knocking: true },
  approve: { knocking: false, affiliation: "member" },
  ban: { affiliation: "none" },
};
const order = new Intl.Collator(undefined, { numeric: true });

export class Chat {
  me = { user: "", name: "" };
  lobby = "";
  charactersMax = 500;
  rooms = new Map();
  current = "";
  /** user -> the name they had last */
  #names = new Map();

  get room() {
    return this.rooms.get(this.current);
  }

  /** Takes in the server's greeting. Returns the rooms to join (again). */
  hello({ user, name, lobby, rooms = [], limits = {} }) {
    const isReturn = this.me.user !== "";
    this.me = { user, name };
    this.lobby = lobby;
    if (Number.isInteger(limits.message_characters_max)) {
      this.charactersMax = limits.message_characters_max;
    }
    this.#list([lobby, ...rooms]);
    for (const room of this.rooms.values()) {
      if (isReturn && room.wanted && !room.isDurable && room.entries.at(-1)?.kind !== "gap") {
        room.append({ kind: "gap" });
      }
      room.parted();
      room.joined = room.name === lobby;
      room.wanted ||= room.joined;
      room.empty();
    }
    if (!this.rooms.has(this.current) || !this.room.wanted) {
      this.open(lobby);
    }
    return [...this.rooms.values()].filter((room) => room.wanted && !room.joined).map((room) => room.name);
  }

  /** Takes in every room that the server lets one see. Returns those that one belongs to and has not come into yet. */
  catalogue(abouts) {
    for (const about of abouts) {
      this.described(about);
    }
    const names = abouts.map((about) => about.room).sort((a, b) => (b === this.lobby) - (a === this.lobby) || order.compare(this.rooms.get(a).title, this.rooms.get(b).title));
    this.#list(names);
    const lobby = this.rooms.get(this.lobby);
    if (lobby?.about != null && !lobby.can.has("join")) {
      lobby.joined = false;
    }
    const own = [...this.rooms.values()].filter((room) => room.affiliation !== "none" && room.about?.archived !== true && !room.joined && !room.wanted);
    return own.slice(0, OWN_ROOMS_MAX).map((room) => room.name);
  }

  /** Takes in what a room is like. */
  described(about) {
    const isNew = !this.rooms.has(about.room);
    const room = this.#room(about.room);
    room.describe(about);
    if (room.out !== null && room.can.has("see") && room.out.code !== "kicked") {
      room.out = null;
    }
    if (isNew) {
      this.#sort();
    }
    return room;
  }

  /** Forgets what only a live connection can know. */
  disconnected() {
    for (const room of this.rooms.values()) {
      room.typing.clear();
      room.isLoading = false;
    }
  }

  /** Shows a room. Those that are no more are gone from the list as soon as nobody looks at them. */
  open(name) {
    this.current = name;
    for (const [other, room] of this.rooms) {
      if (other !== name && other !== this.lobby && room.out !== null && !room.can.has("see")) {
        this.rooms.delete(other);
      }
    }
  }

  joined(name, reply = {}) {
    this.#room(name).entered(reply);
  }

  left(name) {
    const room = this.#room(name);
    room.parted();
    room.wanted = false;
    room.empty();
    room.seen();
    if (this.current === name) {
      this.open(this.lobby);
    }
  }

  /** Takes in the reply to `members`. */
  listed(name, { members = [], count = members.length }) {
    for (const member of members) {
      if (member.connections !== 0) {
        this.#name(member);
      }
    }
    this.#room(name).list(members.map((member) => ({ ...member, name: this.nameOf(member.user) })), count);
  }

  /** Takes in the reply to `history`. Returns how many messages are new here. */
  page(name, { messages = [], first_seq: firstSeq }) {
    const entries = messages.map((message) => this.#entry(message));
    return this.#room(name).takePage(entries, firstSeq);
  }

  /**
   * Takes in a notice at `now` (milliseconds). `watched`: whether the open room's newest messages are before the
   * reader's eyes. Returns the message that is new to read, if it brought one, with its `room`.
   */
  notice(notice, now, watched) {
    const name = typeof notice.room === "string" ? notice.room : this.current;
    switch (notice.type) {
      case "message":
        return this.#message(this.#room(name), notice, watched);
      case "joined":
        this.#name(notice);
        this.#room(name).enter(notice);
        this.#presence("came", this.#room(name), notice);
        return null;
      case "left":
        this.#room(name).depart(notice);
        this.#presence("left", this.#room(name), notice);
        return null;
      case "presence":
        this.#room(name).crowd(notice.count);
        return null;
      case "typing":
        this.#typing(this.#room(name), notice, now);
        return null;
      case "notice":
        return this.#words(this.#room(name), notice);
      case "changed":
        this.#changed(this.#room(name), notice);
        return null;
      case "room":
        this.described(notice);
        return null;
      case "moderation":
        this.#deed(this.#room(name), notice, now);
        return null;
      case "removed":
        this.#removed(this.#room(name), notice);
        return null;
      default:
        return null;
    }
  }

  /** Names of those who are typing in the open room. */
  typists(now) {
    const names = [];
    for (const { name, until } of this.room?.typing.values() ?? []) {
      if (until > now) {
        names.push(name);
      }
    }
    return names;
  }

  /** Messages not read, over all rooms that one is in. */
  get unread() {
    let sum = 0;
    for (const room of this.rooms.values()) {
      sum += room.joined ? room.unread : 0;
    }
    return sum;
  }

  /** What somebody was called last, or their identifier. */
  nameOf(user) {
    return user === this.me.user ? this.me.name : (this.#names.get(user) ?? user);
  }

  #name({ user, name }) {
    if (this.#names.size < NAMES_MAX || this.#names.has(user)) {
      this.#names.set(user, name);
    }
  }

  #entry({ sender, name, message, body, deleted, edited, seq, ...rest }) {
    this.#name({ user: sender, name });
    return {
      kind: "message",
      user: sender,
      name,
      text: String(message ?? ""),
      isSealed: body !== undefined,
      isDeleted: deleted !== undefined,
      isEdited: edited !== undefined,
      seq,
      own: sender === this.me.user,
      at: millis(rest),
    };
  }

  #message(room, notice, watched) {
    room.typing.delete(notice.sender);
    const heard = room.hear(this.#entry(notice));
    if (heard === null) {
      return null;
    }
    const { entry, isPast, isNew } = heard;
    const isSeen = room.name === this.current && watched && !isPast;
    if (!entry.own && isNew && !isSeen) {
      room.unread += room.isDurable && entry.seq <= room.countedTo ? 0 : 1;
      room.unreadFrom ||= entry.key;
    }
    return { ...entry, room: room.name, isPast };
  }

  #changed(room, { seq, seqs = [seq], message, body, deleted }) {
    if (Array.isArray(seqs)) {
      room.change(seqs, deleted === undefined ? { text: String(message ?? ""), isSealed: body !== undefined, isEdited: true } : { text: "", isDeleted: true });
    }
  }

  #words(room, notice) {
    const entry = { kind: "remark", text: String(notice.message ?? ""), at: millis(notice) };
    room.append(entry);
    return { ...entry, room: room.name, name: "The server" };
  }

  #deed(room, deed, now) {
    if (deed.user === this.me.user && deed.action === "mute") {
      room.mute = { reason: deed.reason ?? "", until: moment(deed.until) };
    }
    if (CHANGES_ROLES.has(deed.action)) {
      room.isListed = false;
    } else if (Object.hasOwn(CHANGES, deed.action)) {
      // Who knocks does it themselves: the entry names nobody else.
      const user = deed.user ?? deed.actor;
      room.stand({ user, name: this.nameOf(user) }, CHANGES[deed.action]);
    }
    // Who comes in as invited is told to have joined, in the next line.
    const isComing = deed.action === "affiliate" && deed.user === deed.actor;
    if (!UNTOLD.has(deed.action) && !isComing) {
      const parts = deedParts({ ...deed, until: moment(deed.until) }, { me: this.me.user, nameOf: (user) => this.nameOf(user), now });
      room.append({ kind: "deed", parts, at: millis(deed) });
    }
  }

  #removed(room, { code, reason = "", until }) {
    room.parted();
    room.wanted = false;
    room.empty();
    room.out = { code, reason, until: moment(until) };
    room.seen();
    if (["banned", "deleted", "forbidden"].includes(code)) {
      room.can = new Set();
      room.affiliation = "none";
      room.about = room.about && { ...room.about, invited: false, knocking: false };
      room.shape++;
    }
  }

  #presence(what, room, notice) {
    const { user, name } = notice;
    room.presence(what, { user, name }, user === this.me.user, millis(notice));
  }

  #typing(room, { user, name }, now) {
    if (user !== this.me.user && (room.typing.has(user) || room.typing.size < TYPISTS_MAX)) {
      room.typing.set(user, { name, until: now + TYPING_SHOWN_MS });
    }
    for (const [other, { until }] of room.typing) {
      if (until <= now) {
        room.typing.delete(other);
      }
    }
  }

  /** Keeps the server's order of rooms, and those it no longer names only while they are in use. */
  #list(names) {
    const before = this.rooms;
    this.rooms = new Map();
    for (const name of names.slice(0, ROOMS_MAX)) {
      this.rooms.set(name, before.get(name) ?? new Room(name));
    }
    for (const [name, room] of before) {
      if ((room.wanted || name === this.current) && !this.rooms.has(name)) {
        this.rooms.set(name, room);
      }
    }
  }

  /** The lobby first, then by what they are called. */
  #sort() {
    const sorted = [...this.rooms].sort(([a, one], [b, other]) => (b === this.lobby) - (a === this.lobby) || order.compare(one.title, other.title));
    this.rooms = new Map(sorted);
  }

  #room(name) {
    let room = this.rooms.get(name);
    if (room === undefined) {
      room = new Room(name);
      this.rooms.set(name, room);
    }
    return room;
  }
}
