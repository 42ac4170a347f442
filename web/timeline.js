// The open room's messages on the page. What somebody wrote is only ever text, never markup.

import { byline, hue, initials, lineText } from "/text.js";

const GROUP_WITHIN_MS = 5 * 60_000;
const AT_BOTTOM_PX = 48;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

export class Timeline {
  #scroller;
  #list;
  #pending;
  #newer;
  #room = null;
  #last = null;
  #sticks = true;

  constructor({ scroller, timeline, pending, newer }) {
    this.#scroller = scroller;
    this.#list = timeline;
    this.#pending = pending;
    this.#newer = newer;
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    newer.addEventListener("click", () => this.#toBottom());
    new ResizeObserver(() => this.#sticks && this.#toBottom()).observe(scroller);
  }

  /** Brings the page up to `room`: adds what is new, drops what the room has dropped. */
  render(room, me) {
    const isOther = room !== this.#room;
    if (isOther) {
      this.#sticks = true;
      this.#room = room;
      this.#last = null;
      this.#list.replaceChildren();
    }
    const added = this.#add(room.entries);
    this.#drop(room.entries[0]?.key ?? Infinity);
    this.#renderPending(room, me);
    if (this.#sticks) {
      this.#toBottom();
    } else if (added.some((entry) => entry.kind === "message")) {
      this.#newer.hidden = false;
    }
  }

  #add(entries) {
    const shown = this.#last?.key ?? 0;
    const added = entries.filter((entry) => entry.key > shown);
    const fragment = document.createDocumentFragment();
    for (const entry of added) {
      if (entry.at !== undefined && !sameDay(entry.at, this.#last?.at)) {
        fragment.append(dayLine(entry));
      }
      fragment.append(entry.kind === "message" ? messageItem(entry, this.#last) : lineItem(entry));
      this.#last = { ...entry, at: entry.at ?? this.#last?.at };
    }
    this.#list.append(fragment);
    return added;
  }

  #drop(firstKey) {
    while (this.#list.firstElementChild && Number(this.#list.firstElementChild.dataset.key) < firstKey) {
      this.#list.firstElementChild.remove();
    }
  }

  #renderPending(room, me) {
    const items = [...room.pending.values()].map((text) => {
      const item = messageItem({ kind: "message", ...me, own: true, text }, this.#last);
      item.classList.add("sending");
      return item;
    });
    this.#pending.replaceChildren(...items);
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    this.#sticks = scrollHeight - scrollTop - clientHeight < AT_BOTTOM_PX;
    if (this.#sticks) {
      this.#newer.hidden = true;
    }
  }

  #toBottom() {
    this.#sticks = true;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#newer.hidden = true;
  }
}

/** An element with a class and, if given, text. */
export function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) {
    made.textContent = text;
  }
  return made;
}

export function paintAvatar(avatar, { user, name }) {
  avatar.textContent = initials(name);
  avatar.dataset.hue = hue(user);
}

/** A name that cannot reorder the text around it, with the user's identifier where they differ. */
export function nameParts(person) {
  const name = element("bdi", "name", person.name);
  const id = byline(person);
  return id === "" ? [name] : [name, element("bdi", "byline", id)];
}

function messageItem(entry, previous) {
  const item = element("li", entry.own ? "message own" : "message");
  item.dataset.key = entry.key ?? "";
  const bubble = element("div", "bubble", entry.text);
  bubble.dir = "auto";
  if (!continues(entry, previous)) {
    item.classList.add("first");
    const avatar = element("span", "avatar");
    avatar.ariaHidden = "true";
    paintAvatar(avatar, entry);
    item.append(avatar, messageHead(entry));
  }
  item.append(bubble);
  return item;
}

function messageHead(entry) {
  const head = element("div", "message-head");
  head.append(...(entry.own ? [element("span", "name", "You")] : nameParts(entry)));
  if (entry.at !== undefined) {
    head.append(timeOf(entry.at));
  }
  return head;
}

function continues(entry, previous) {
  return (
    previous?.kind === "message" &&
    previous.user === entry.user &&
    (entry.at === undefined || entry.at - previous.at < GROUP_WITHIN_MS) &&
    (entry.at === undefined || sameDay(entry.at, previous.at))
  );
}

function lineItem(entry) {
  const item = element("li", `line ${entry.kind}`);
  item.dataset.key = entry.key;
  const text = element("span", "line-text", lineText(entry));
  text.dir = "auto";
  item.append(text);
  if (entry.at !== undefined) {
    item.append(timeOf(entry.at));
  }
  return item;
}

function dayLine(entry) {
  const item = element("li", "day");
  item.dataset.key = entry.key;
  item.append(element("span", "day-text", sameDay(entry.at, Date.now()) ? "Today" : calendar.format(entry.at)));
  return item;
}

function timeOf(at) {
  const time = element("time", "time", clock.format(at));
  time.dateTime = new Date(at).toISOString();
  return time;
}

function sameDay(one, other) {
  return other !== undefined && new Date(one).toDateString() === new Date(other).toDateString();
}
