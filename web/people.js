// The list of who is in the open room, who belongs to it and is not there, and who waits to be let in.

import { avatarOf, button, element, icon, nameParts, setText } from "./dom.js";
import { update } from "./list.js";
import { Roving } from "./roving.js";
import { menuButton } from "./rows.js";

const SHOWN_MAX = 200;
const ROLES = { owner: "Owner", moderator: "Moderator", member: "Member" };
const RANKS = ["owner", "moderator", "member", "none"];
const order = new Intl.Collator();

export class People {
  #page;
  #acts;
  #groups = { here: [], absent: [], knocking: [] };
  #of = null;
  #version = -1;
  #menus;

  /** `acts`: `canDo(person)`, whether there is anything to be done to somebody, `menu(button, person)`, and `answer(id, person)` of who knocks. */
  constructor(page, acts) {
    this.#page = page;
    this.#acts = acts;
    this.#menus = [page.people, page.absent].map((list) => new Roving(list, ".more"));
  }

  render(room, me, now) {
    this.#sort(room, me);
    const { people, absent, absentGroup, knocking, waiting, peopleMore } = this.#page;
    const { here } = this.#groups;
    const item = (person) => {
      const isTyping = (room.typing.get(person.user)?.until ?? 0) > now;
      const canDo = this.#acts.canDo(person);
      return { key: person.user, print: JSON.stringify([person.name, isTyping, person.user === me.user, person.affiliation, person.muted, person.invited, canDo]), person, isTyping, canDo };
    };
    update(people, here.map(item), (shown) => this.#item(shown, me));
    update(absent, this.#groups.absent.map(item), (shown) => this.#item(shown, me));
    update(knocking, this.#groups.knocking.map(item), (shown) => this.#knockItem(shown));
    absentGroup.hidden = this.#groups.absent.length === 0;
    waiting.hidden = this.#groups.knocking.length === 0;
    this.#page.peopleWaiting.hidden = waiting.hidden;
    this.#menus.forEach((menus) => menus.refresh());
    const more = room.count - here.length;
    setText(peopleMore, `and ${more} more`);
    peopleMore.hidden = more <= 0;
  }

  /** Oneself first, then by role and name. Sorted anew only when somebody came or went: a full room is long. */
  #sort(room, me) {
    if (this.#of === room && this.#version === room.membersVersion) {
      return;
    }
    const people = [...room.members].map(([user, member]) => ({ user, ...member }));
    people.sort((a, b) => (b.user === me.user) - (a.user === me.user) || RANKS.indexOf(a.affiliation) - RANKS.indexOf(b.affiliation) || order.compare(a.name, b.name));
    const within = (is) => people.filter(is).slice(0, SHOWN_MAX);
    this.#groups = {
      here: within((person) => person.connections > 0),
      absent: within((person) => !(person.connections > 0) && !person.knocking),
      knocking: within((person) => !(person.connections > 0) && person.knocking),
    };
    this.#of = room;
    this.#version = room.membersVersion;
  }

  #item({ person, isTyping, canDo }, me) {
    const item = element("li", isTyping ? "person is-typing" : "person");
    item.dataset.user = person.user;
    const text = element("span", "person-text");
    text.append(...nameParts(person), ...marks(person, me));
    item.append(avatarOf(person), text);
    if (canDo) {
      item.append(menuButton(`What to do about ${person.name}`, (more) => this.#acts.menu(more, person)));
    }
    return item;
  }

  #knockItem({ person }) {
    const item = element("li", "person knock");
    item.dataset.user = person.user;
    const text = element("span", "person-text");
    text.append(...nameParts(person));
    const choices = element("div", "knock-choices");
    const answer = (className, id, label) => {
      const made = button(className, label, () => this.#acts.answer(id, person));
      made.ariaLabel = `${label}: ${person.name}`;
      return made;
    };
    choices.append(answer("secondary", "approve", "Let in"), answer("quiet", "withdraw", "Turn down"));
    item.append(avatarOf(person), text, choices);
    return item;
  }
}

function marks(person, me) {
  const found = person.user === me.user ? [element("span", "you", "you")] : [];
  if (Object.hasOwn(ROLES, person.affiliation)) {
    found.push(element("span", `role ${person.affiliation}`, ROLES[person.affiliation]));
  }
  if (person.invited) {
    found.push(element("span", "role invited", "Invited"));
  }
  if (person.muted) {
    const muted = element("span", "role muted");
    muted.append(icon("muted"), "Muted");
    found.push(muted);
  }
  return found;
}
