// What the page knows: rooms, people, messages. Pure: no page, no socket, no clock.

export const ENTRIES_MAX = 500;
export const TYPING_SHOWN_MS = 5_000;

class Room {
  joined = false;
  /** Whether to be in it again after a reconnect. */
  wanted = false;
  /** user -> name */
  members = new Map();
  /** Members that the server counted but did not list. */
  unlisted = 0;
  /** What happened, oldest first: `{key, kind, ...}`. */
  entries = [];
  /** id -> text of messages sent and not yet answered. */
  pending = new Map();
  /** user -> {name, until} */
  typing = new Map();
  unread = 0;

  constructor(name) {
    this.name = name;
  }
}

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
      if (isReturn && room.wanted) {
        this.#append(room, { kind: "gap" });
      }
      room.joined = room.name === lobby;
      room.wanted ||= room.joined;
      room.members.clear();
      room.unlisted = 0;
      room.typing.clear();
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

  /** Shows a room and counts it as read. */
  open(name) {
    this.current = name;
    if (this.room !== undefined) {
      this.room.unread = 0;
    }
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
    room.members.clear();
    room.typing.clear();
    if (this.current === name) {
      this.open(this.lobby);
    }
  }

  /** Takes in the reply to `members`. */
  listed(name, { members = [], count = members.length }) {
    const room = this.#room(name);
    room.members = new Map(members.map((member) => [member.user, member.name]));
    room.unlisted = Math.max(0, count - room.members.size);
  }

  sent(name, id, text) {
    this.#room(name).pending.set(id, text);
  }

  answered(name, id) {
    this.#room(name).pending.delete(id);
  }

  /** Adds a line that only this page shows. */
  remark(name, text) {
    this.#append(this.#room(name), { kind: "remark", text });
  }

  /** Takes in a notice at `now` (milliseconds). Returns whether there is something new to read. */
  notice(notice, now) {
    const room = this.#room(typeof notice.room === "string" ? notice.room : this.current);
    switch (notice.type) {
      case "message":
        return this.#message(room, notice);
      case "joined":
        room.members.set(notice.user, notice.name);
        this.#append(room, { kind: "joined", ...person(notice), own: notice.user === this.me.user, at: millis(notice) });
        return false;
      case "left":
        return this.#departed(room, notice);
      case "typing":
        if (notice.user !== this.me.user) {
          room.typing.set(notice.user, { name: notice.name, until: now + TYPING_SHOWN_MS });
        }
        return false;
      case "notice":
        this.#append(room, { kind: "remark", text: String(notice.message ?? "") });
        return false;
      default:
        return false;
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

  #message(room, { sender, name, message, seq, ...rest }) {
    const own = sender === this.me.user;
    room.typing.delete(sender);
    this.#append(room, { kind: "message", user: sender, name, text: String(message ?? ""), seq, own, at: millis(rest) });
    if (room.name !== this.current && !own) {
      room.unread++;
    }
    return !own;
  }

  #departed(room, notice) {
    room.typing.delete(notice.user);
    if (!room.members.delete(notice.user) && room.unlisted > 0) {
      room.unlisted--;
    }
    this.#append(room, { kind: "left", ...person(notice), own: notice.user === this.me.user, at: millis(notice) });
    return false;
  }

  /** Keeps the server's order of rooms, and those it no longer names only while they are in use. */
  #list(names) {
    const before = this.rooms;
    this.rooms = new Map();
    for (const name of names) {
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

  #append(room, entry) {
    room.entries.push({ key: ++this.#key, ...entry });
    if (room.entries.length > ENTRIES_MAX) {
      room.entries.splice(0, room.entries.length - ENTRIES_MAX);
    }
  }
}

function person({ user, name }) {
  return { user, name };
}

/** The wire has seconds with a fraction. */
function millis({ timestamp }) {
  return Number.isFinite(timestamp) ? timestamp * 1000 : undefined;
}
