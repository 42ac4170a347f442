// What the page knows: rooms, people, messages. Pure: no page, no socket, no clock.

import { Room } from "./room.js";
import { millis } from "./when.js";

export const TYPING_SHOWN_MS = 5_000;
const TYPISTS_MAX = 20;
const ROOMS_MAX = 500;

export class Chat {
  me = { user: "", name: "" };
  lobby = "";
  charactersMax = 500;
  rooms = new Map();
  current = "";
  #key = 0;

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
      if (isReturn && room.wanted && room.entries.at(-1)?.kind !== "gap") {
        room.append({ key: ++this.#key, kind: "gap", version: 0 });
      }
      room.joined = room.name === lobby;
      room.wanted ||= room.joined;
      room.empty();
    }
    if (!this.rooms.has(this.current) || !this.room.wanted) {
      this.open(lobby);
    }
    return [...this.rooms.values()].filter((room) => room.wanted && !room.joined).map((room) => room.name);
  }

  /** Forgets what only a live connection can know. */
  disconnected() {
    for (const room of this.rooms.values()) {
      room.typing.clear();
    }
  }

  /** Shows a room. */
  open(name) {
    this.current = name;
  }

  joined(name) {
    const room = this.#room(name);
    room.joined = true;
    room.wanted = true;
  }

  left(name) {
    const room = this.#room(name);
    room.joined = false;
    room.wanted = false;
    room.empty();
    room.seen();
    if (this.current === name) {
      this.open(this.lobby);
    }
  }

  /** Takes in the reply to `members`. */
  listed(name, { members = [], count = members.length }) {
    this.#room(name).list(members, count);
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
        this.#room(name).enter(notice);
        this.#presence("came", this.#room(name), notice);
        return null;
      case "left":
        this.#room(name).depart(notice);
        this.#presence("left", this.#room(name), notice);
        return null;
      case "typing":
        this.#typing(this.#room(name), notice, now);
        return null;
      case "notice":
        return this.#words(this.#room(name), notice);
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

  /** Messages not read, over all rooms. */
  get unread() {
    let sum = 0;
    for (const room of this.rooms.values()) {
      sum += room.unread;
    }
    return sum;
  }

  #message(room, { sender, name, message, seq, ...rest }, watched) {
    const own = sender === this.me.user;
    const entry = { key: ++this.#key, kind: "message", version: 0, user: sender, name, text: String(message ?? ""), seq, own, at: millis(rest) };
    room.typing.delete(sender);
    room.append(entry);
    if (!own && (room.name !== this.current || !watched)) {
      room.unread++;
      room.unreadFrom ||= entry.key;
    }
    return { ...entry, room: room.name };
  }

  #words(room, notice) {
    const entry = { key: ++this.#key, kind: "remark", version: 0, text: String(notice.message ?? ""), at: millis(notice) };
    room.append(entry);
    return { ...entry, room: room.name, name: "The server" };
  }

  #presence(what, room, notice) {
    const { user, name } = notice;
    room.presence(what, { user, name }, user === this.me.user, millis(notice), ++this.#key);
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
      if (room.wanted && !this.rooms.has(name)) {
        this.rooms.set(name, room);
      }
    }
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
