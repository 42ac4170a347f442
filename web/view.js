// The page around the messages: sign-in, rooms, people, connection state, panels.

import { element, nameParts, paintAvatar } from "/timeline.js";
import { duration, peopleText, statusText, typingText } from "/text.js";

const PEOPLE_SHOWN_MAX = 200;

/** Every element with an id, by its id in camel case. */
export function elementsById(root) {
  const found = {};
  for (const node of root.querySelectorAll("[id]")) {
    found[node.id.replace(/-(\w)/g, (_, letter) => letter.toUpperCase())] = node;
  }
  return found;
}

export class View {
  #page;
  #events;
  #countdown = 0;

  /** `events`: `signIn(text)`, `signOut()`, `open(room)`, `leave()`, `reconnect()`. */
  constructor(page, events) {
    this.#page = page;
    this.#events = events;
    page.signinForm.addEventListener("submit", (event) => {
      event.preventDefault();
      events.signIn(page.signinToken.value);
    });
    page.signinToken.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        page.signinForm.requestSubmit();
      }
    });
    page.signout.addEventListener("click", () => events.signOut());
    page.bannerSignin.addEventListener("click", () => events.signOut());
    page.bannerRetry.addEventListener("click", () => events.reconnect());
    page.leave.addEventListener("click", () => events.leave());
    this.#wirePanel(page.roomsToggle, page.roomsPanel);
    this.#wirePanel(page.peopleToggle, page.peoplePanel);
    page.scrim.addEventListener("click", () => this.#closePanels());
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.#closePanels());
  }

  showSignIn(reason) {
    const page = this.#page;
    page.chat.hidden = true;
    page.signin.hidden = false;
    page.signinReason.textContent = reason;
    page.signinReason.hidden = reason === "";
    page.signinToken.value = "";
    page.signinToken.focus();
  }

  showChat() {
    this.#page.signin.hidden = true;
    this.#page.chat.hidden = false;
  }

  /** Shows the connection's state; `detail` says why it ended. */
  renderStatus(status, detail) {
    const page = this.#page;
    clearInterval(this.#countdown);
    page.status.textContent = statusText(status);
    page.status.dataset.kind = status.kind;
    page.banner.dataset.kind = status.kind;
    page.banner.hidden = status.kind === "open" || status.kind === "connecting";
    page.bannerSignin.hidden = status.kind !== "stopped";
    page.bannerRetry.textContent = status.kind === "stopped" ? "Connect again" : "Try now";
    if (status.kind === "stopped") {
      page.bannerTitle.textContent = "Disconnected.";
      page.bannerDetail.textContent = detail;
    } else if (status.kind === "waiting") {
      page.bannerTitle.textContent = "Connection lost.";
      this.#countDown(status.delayMs);
    }
  }

  render(chat, now) {
    const { room, me } = chat;
    const page = this.#page;
    const count = room.members.size + room.unlisted;
    page.selfName.textContent = me.name;
    paintAvatar(page.selfAvatar, me);
    page.roomName.textContent = room.name;
    page.roomCount.textContent = count === 0 ? "" : peopleText(count);
    page.leave.hidden = room.name === chat.lobby || !room.joined;
    page.roomsUnread.hidden = chat.unread === 0;
    page.rooms.replaceChildren(...[...chat.rooms.values()].map((each) => this.#roomItem(each, chat.current)));
    this.#renderPeople(room, me, now);
    this.renderTyping(chat.typists(now));
  }

  renderTyping(names) {
    this.#page.typing.classList.toggle("shown", names.length > 0);
    this.#page.typingText.textContent = typingText(names);
  }

  #roomItem(room, current) {
    const item = element("li", "");
    const button = element("button", room.joined ? "room-link joined" : "room-link");
    button.type = "button";
    button.dataset.room = room.name;
    if (room.name === current) {
      button.setAttribute("aria-current", "true");
    }
    const hash = element("span", "hash", "#");
    hash.ariaHidden = "true";
    button.append(hash, element("bdi", "room-link-name", room.name));
    if (room.unread > 0) {
      button.append(element("span", "badge", room.unread > 99 ? "99+" : String(room.unread)), element("span", "unseen", " unread"));
    } else if (!room.joined) {
      button.append(element("span", "join", "Join"));
    }
    button.addEventListener("click", () => {
      this.#closePanels();
      this.#events.open(room.name);
    });
    item.append(button);
    return item;
  }

  #renderPeople(room, me, now) {
    const people = [...room.members].map(([user, name]) => ({ user, name }));
    people.sort((a, b) => (b.user === me.user) - (a.user === me.user) || a.name.localeCompare(b.name));
    const shown = people.slice(0, PEOPLE_SHOWN_MAX);
    const more = people.length - shown.length + room.unlisted;
    this.#page.people.replaceChildren(...shown.map((person) => personItem(person, room, me, now)));
    this.#page.peopleMore.textContent = `and ${more} more`;
    this.#page.peopleMore.hidden = more === 0;
  }

  #countDown(delayMs) {
    const end = performance.now() + delayMs;
    const tick = () => {
      const left = end - performance.now();
      this.#page.bannerDetail.textContent = left > 0 ? `Trying again in ${duration(left)}.` : "Trying again.";
    };
    tick();
    this.#countdown = setInterval(tick, 1000);
  }

  #wirePanel(toggle, panel) {
    toggle.addEventListener("click", () => {
      const opens = !panel.classList.contains("open");
      this.#closePanels();
      panel.classList.toggle("open", opens);
      toggle.setAttribute("aria-expanded", String(opens));
      if (opens) {
        panel.querySelector("button")?.focus();
      }
    });
  }

  #closePanels() {
    const page = this.#page;
    for (const [toggle, panel] of [[page.roomsToggle, page.roomsPanel], [page.peopleToggle, page.peoplePanel]]) {
      if (panel.classList.contains("open")) {
        panel.classList.remove("open");
        toggle.setAttribute("aria-expanded", "false");
        toggle.focus();
      }
    }
  }
}

function personItem(person, room, me, now) {
  const item = element("li", "person");
  item.dataset.user = person.user;
  const avatar = element("span", "avatar");
  avatar.ariaHidden = "true";
  paintAvatar(avatar, person);
  const text = element("span", "person-text");
  text.append(...nameParts(person));
  if (person.user === me.user) {
    text.append(element("span", "you", "you"));
  }
  item.append(avatar, text);
  item.classList.toggle("is-typing", (room.typing.get(person.user)?.until ?? 0) > now);
  return item;
}
