// One room as this page has seen it: who is in it and what happened, both bounded. Pure.

export const ENTRIES_MAX = 2_000;
export const MEMBERS_MAX = 1_000;
/** Comings and goings that one line counts by name. */
const NAMED_MAX = 12;
/** Comings and goings further apart than this are lines of their own. */
const PRESENCE_WITHIN_MS = 30 * 60_000;

export class Room {
  joined = false;
  /** Whether to be in it again after a reconnect. */
  wanted = false;
  /** user -> name */
  members = new Map();
  /** Members that are counted but not known by name. */
  unlisted = 0;
  /** Grows with every change of the members. */
  membersVersion = 0;
  /** What happened, oldest first: `{key, kind, ...}`; an entry that changes gets another `version`. */
  entries = [];
  /** Whether older entries were let go. */
  isTrimmed = false;
  /** user -> {name, until} */
  typing = new Map();
  unread = 0;
  /** The entry that the unread ones begin with; 0: none. */
  unreadFrom = 0;

  constructor(name) {
    this.name = name;
  }

  get count() {
    return this.members.size + this.unlisted;
  }

  append(entry) {
    this.entries.push(entry);
    if (this.entries.length > ENTRIES_MAX) {
      // In chunks, because each takes the whole list into the hand.
      this.entries.splice(0, Math.ceil(ENTRIES_MAX / 10));
      this.isTrimmed = true;
    }
  }

  /** Somebody came (`what` is "came") or went ("left"). Takes the line before along where it is about the same. */
  presence(what, person, own, at, key) {
    const last = this.entries.at(-1);
    const isClose = last?.kind === "presence" && (at === undefined || last.at === undefined || Math.abs(at - last.at) < PRESENCE_WITHIN_MS);
    if (isClose && !own && !last.changes[0].own) {
      merge(last, what, person);
    } else {
      this.append({ key, kind: "presence", version: 0, changes: [{ what, ...person, own }], unnamed: 0, at });
    }
  }

  enter({ user, name }) {
    if (this.members.has(user) || this.members.size < MEMBERS_MAX) {
      this.members.set(user, name);
    } else {
      this.unlisted++;
    }
    this.membersVersion++;
  }

  depart({ user }) {
    this.typing.delete(user);
    if (!this.members.delete(user) && this.unlisted > 0) {
      this.unlisted--;
    }
    this.membersVersion++;
  }

  list(members, count) {
    this.members = new Map(members.slice(0, MEMBERS_MAX).map((member) => [member.user, member.name]));
    this.unlisted = Math.max(0, count - this.members.size);
    this.membersVersion++;
  }

  empty() {
    this.members.clear();
    this.unlisted = 0;
    this.membersVersion++;
    this.typing.clear();
  }

  seen() {
    this.unread = 0;
    this.unreadFrom = 0;
  }
}

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
