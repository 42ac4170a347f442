// Messages on their way: sent and not yet confirmed, of unknown fate, or refused. Pure.
//
// A message is dropped from here only when the server has confirmed it, when it has come back as a message of one's
// own, or when its writer says so. Each has a key, by which a server that keeps messages knows a repeated one.

const ITEMS_MAX = 100;
const KEY_BYTES = 16;
const KEY = /^[0-9a-f]{32}$/;

export class Outgoing {
  /** id -> {id, room, text, key, state: "sending" | "unsure" | "refused", why, heard} */
  #items = new Map();
  #nextId = 1;
  /** room -> seqs that were confirmed before the message itself came. */
  #confirmed = new Map();

  /** `saved`: what `save` returned in an earlier life of the page. What was under way then may or may not have arrived. */
  constructor(saved = []) {
    for (const item of Array.isArray(saved) ? saved.slice(-ITEMS_MAX) : []) {
      if (typeof item?.room === "string" && typeof item.text === "string") {
        const id = this.add(item.room, item.text, KEY.test(item.key) ? item.key : newKey());
        this.#change(id, item.state === "refused" ? { state: "refused", why: String(item.why ?? "") } : { state: "unsure" });
      }
    }
  }

  /** Whether one more may be sent: those without an answer are bounded. */
  get isFull() {
    return this.#items.size >= ITEMS_MAX;
  }

  add(room, text, key = newKey()) {
    const id = this.#nextId++;
    this.#items.set(id, { id, room, text, key, state: "sending", why: "", heard: false });
    return id;
  }

  get(id) {
    return this.#items.get(id);
  }

  of(room) {
    return [...this.#items.values()].filter((item) => item.room === room);
  }

  /** Those in `room` of which nobody knows whether they have arrived, in the order in which they were said. */
  unsure(room) {
    return this.of(room).flatMap(({ id, state }) => (state === "unsure" ? [id] : []));
  }

  /** The server has taken it, as number `seq` of the room. */
  confirmed(id, seq) {
    const item = this.#items.get(id);
    this.#items.delete(id);
    if (item !== undefined && !item.heard && Number.isInteger(seq)) {
      this.#confirmed.set(item.room, [...(this.#confirmed.get(item.room) ?? []).slice(-ITEMS_MAX), seq]);
    }
  }

  /** The server has said no. */
  refused(id, why) {
    this.#change(id, { state: "refused", why });
  }

  /** No answer came, or none can come any more. */
  lost(id) {
    if (this.#items.get(id)?.heard) {
      this.#items.delete(id);
    } else {
      this.#change(id, { state: "unsure" });
    }
  }

  /** A message of one's own was told to the room: the confirmation of the oldest one like it, if its reply gets lost. */
  heard(room, text, seq) {
    const confirmed = this.#confirmed.get(room) ?? [];
    if (confirmed.includes(seq)) {
      this.#confirmed.set(room, confirmed.filter((other) => other !== seq));
      return;
    }
    const item = this.of(room).find((other) => other.text === text && other.state !== "refused" && !other.heard);
    if (item?.state === "unsure") {
      this.#items.delete(item.id);
    } else if (item !== undefined) {
      item.heard = true;
    }
  }

  /** It is being sent once more. */
  again(id) {
    this.#change(id, { state: "sending", why: "", heard: false });
  }

  discard(id) {
    this.#items.delete(id);
  }

  /** Numbers begin anew with another run of the server. */
  reconnected() {
    this.#confirmed.clear();
  }

  save() {
    return [...this.#items.values()].filter((item) => !item.heard).map(({ room, text, key, state, why }) => ({ room, text, key, state, why }));
  }

  #change(id, changes) {
    const item = this.#items.get(id);
    if (item !== undefined) {
      Object.assign(item, changes);
    }
  }
}

/** Random, so that no other message of the same person has it; `randomUUID` is missing where a page came without TLS. */
function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(KEY_BYTES))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
