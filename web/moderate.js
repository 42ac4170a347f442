// What is chosen from a menu becomes a question to the person where one is needed, then a request, then a word of how it went.

import { deed, hasSay, messageActions, personActions, roomActions } from "./actions.js";
import { Ask } from "./ask.js";
import { Log } from "./log.js";
import { Menu } from "./menu.js";
import { refusalText } from "./refusals.js";
import { change, creation, creationFields, settingsFields } from "./roomform.js";

export class Moderate {
  #conversation;
  #events;
  #menu;
  #ask;
  #log;

  /** `events`: `open(room)`, `leave()`, `edit(entry)`, `say(text)`, `complain(text)`. */
  constructor(page, conversation, events) {
    this.#conversation = conversation;
    this.#events = events;
    this.#menu = new Menu(page);
    this.#ask = new Ask(page);
    this.#log = new Log(page, {
      fetch: (room, before) => conversation.ask({ type: "log", room, ...(before !== undefined && { before }) }),
      about: () => ({ me: conversation.chat.me.user, nameOf: (user) => conversation.chat.nameOf(user) }),
      mayLift: () => this.#room?.can.has("moderate") === true,
      lift: (user) => this.#atOnce({ type: "unban", room: this.#room.name, user }),
    });
  }

  canDoToMessage(entry) {
    return mayAnything(this.#room, entry.own) && messageActions(this.#room, this.#me, entry).length > 0;
  }

  canDoToPerson(person) {
    return mayAnything(this.#room, false) && personActions(this.#room, this.#me, person).length > 0;
  }

  messageMenu(from, entry) {
    const items = messageActions(this.#room, this.#me, entry);
    this.#menu.open(from, entry.own ? "Your message" : entry.name, items, (id) => this.#chosen(id, { user: entry.user, name: entry.name, seq: entry.seq }, entry));
  }

  personMenu(from, person) {
    this.#menu.open(from, person.name, personActions(this.#room, this.#me, person), (id) => this.#chosen(id, person));
  }

  roomMenu(from) {
    this.#menu.open(from, this.#room.title, roomActions(this.#room, this.#conversation.chat.lobby, Date.now()), (id) => this.#chosen(id));
  }

  /** Does to somebody what needs no question. */
  answer(id, person) {
    this.#chosen(id, person);
  }

  /** Asks what a new room is to be like, and goes there. */
  create() {
    const spec = { title: "Make a room", intro: "You own what you make: who comes in, who moderates, what is kept.", fields: creationFields(), submit: "Make it" };
    this.#ask.open(spec, async (values) => {
      const command = creation(values);
      const refusal = typeof command === "string" ? command : await this.#request(command);
      if (refusal === "") {
        this.#events.open(command.room);
      }
      return refusal;
    });
  }

  get #room() {
    return this.#conversation.chat.room;
  }

  get #me() {
    return this.#conversation.chat.me;
  }

  #chosen(id, about = {}, entry = undefined) {
    const { name: room, title, about: description } = this.#room;
    if (id === "edit") {
      this.#events.edit(entry);
    } else if (id === "leave") {
      this.#events.leave();
    } else if (id === "log") {
      this.#log.open(room, title);
    } else if (id === "settings") {
      this.#settings(description);
    } else {
      const spec = deed(id, { ...about, room, slowMode: description.slow_mode_ms ?? 0 });
      if (spec.title === undefined) {
        this.#atOnce(spec.command());
      } else {
        this.#ask.open(spec, (values) => this.#request(spec.command(values)));
      }
    }
  }

  #settings(description) {
    const spec = { title: "Room settings", fields: settingsFields(description), submit: "Save" };
    this.#ask.open(spec, async (values) => {
      const command = change(description, values);
      return command === null ? "" : this.#request(command);
    });
  }

  /** Resolves to why it did not work. */
  async #request(command) {
    try {
      await this.#conversation.ask(command);
      this.#events.say("Done.");
      return "";
    } catch (refusal) {
      return refusalText({ ...refusal, message: refusal.message });
    }
  }

  /** Resolves to whether it worked; says so where not. */
  async #atOnce(command) {
    const refusal = await this.#request(command);
    this.#events.complain(refusal);
    return refusal === "";
  }
}

/** Most people may do nothing to anybody: no need to look at each. */
function mayAnything(room, isOwn) {
  return room !== undefined && (isOwn ? room.isDurable : hasSay(room) || room.can.has("invite") || room.affiliation === "owner");
}
