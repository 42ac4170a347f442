// What has been written and not yet been sent or confirmed, kept in the tab so that a reload loses none of it.

export class Kept {
  #storage;
  #key;
  #drafts;

  constructor(storage, user) {
    this.#storage = storage;
    this.#key = `wardroom.unsent.${user}`;
    const saved = this.#read();
    this.#drafts = new Map(Object.entries(saved.drafts ?? {}).filter(([, text]) => typeof text === "string"));
    this.outgoing = saved.outgoing ?? [];
  }

  draft(room) {
    return this.#drafts.get(room) ?? "";
  }

  keepDraft(room, text) {
    if (text === "") {
      this.#drafts.delete(room);
    } else {
      this.#drafts.set(room, text);
    }
    this.#write();
  }

  keepOutgoing(saved) {
    this.outgoing = saved;
    this.#write();
  }

  forget() {
    this.#storage.removeItem(this.#key);
  }

  #read() {
    try {
      return JSON.parse(this.#storage.getItem(this.#key)) ?? {};
    } catch {
      return {};
    }
  }

  #write() {
    this.#storage.setItem(this.#key, JSON.stringify({ drafts: Object.fromEntries(this.#drafts), outgoing: this.outgoing }));
  }
}
