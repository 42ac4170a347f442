// The list of who is in the open room.

import { avatarOf, element, nameParts, setText } from "./dom.js";
import { update } from "./list.js";

const SHOWN_MAX = 200;
const order = new Intl.Collator();

export class People {
  #list;
  #more;
  #sorted = [];
  #of = null;
  #version = -1;

  constructor({ people, peopleMore }) {
    this.#list = people;
    this.#more = peopleMore;
  }

  render(room, me, now) {
    this.#sort(room, me);
    const items = this.#sorted.map((person) => {
      const isTyping = (room.typing.get(person.user)?.until ?? 0) > now;
      return { key: person.user, print: JSON.stringify([person.name, isTyping, person.user === me.user]), person, isTyping };
    });
    update(this.#list, items, (item) => personItem(item, me));
    const more = room.count - items.length;
    setText(this.#more, `and ${more} more`);
    this.#more.hidden = more <= 0;
  }

  /** Oneself first, then by name. Sorted anew only when somebody came or went: a full room is long. */
  #sort(room, me) {
    if (this.#of === room && this.#version === room.membersVersion) {
      return;
    }
    const people = [...room.members].map(([user, name]) => ({ user, name }));
    people.sort((a, b) => (b.user === me.user) - (a.user === me.user) || order.compare(a.name, b.name));
    this.#sorted = people.slice(0, SHOWN_MAX);
    this.#of = room;
    this.#version = room.membersVersion;
  }
}

function personItem({ person, isTyping }, me) {
  const item = element("li", isTyping ? "person is-typing" : "person");
  item.dataset.user = person.user;
  const text = element("span", "person-text");
  text.append(...nameParts(person));
  if (person.user === me.user) {
    text.append(element("span", "you", "you"));
  }
  item.append(avatarOf(person), text);
  return item;
}
