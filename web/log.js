// The moderation log of a room as something to read: newest first, older ones as one asks for them.

import { deedParts, settingsOf } from "./deeds.js";
import { button, element, sentenceNodes, setText } from "./dom.js";
import { refusalText } from "./refusals.js";
import { exactText, millis, moment, momentText } from "./when.js";

/** As hexadecimal digits: enough to compare by eye. */
const HASH_SHOWN = 12;

export class Log {
  #page;
  #events;
  #room = "";
  #oldest = 0;
  /** Of whom a later entry than the one being shown speaks about a ban. */
  #settled = new Set();

  /** `events`: `fetch(room, before)` resolves to the reply to `log`, `about()` says how people are called, `mayLift()`, `lift(user)`. */
  constructor(page, events) {
    this.#page = page;
    this.#events = events;
    page.logClose.addEventListener("click", () => page.log.close());
    page.logMore.addEventListener("click", () => this.#load());
  }

  async open(room, title) {
    this.#room = room;
    this.#oldest = 0;
    this.#settled.clear();
    setText(this.#page.logRoom, title);
    this.#page.logEntries.replaceChildren();
    this.#page.logMore.hidden = true;
    setText(this.#page.logHead, "");
    this.#page.log.showModal();
    await this.#load();
  }

  async #load() {
    const { logEntries, logMore, logNote, logHead } = this.#page;
    const room = this.#room;
    setText(logNote, "Loading…");
    try {
      const reply = await this.#events.fetch(room, this.#oldest || undefined);
      if (room !== this.#room) {
        return;
      }
      const entries = [...(reply.entries ?? [])].reverse();
      logEntries.append(...entries.map((entry) => this.#row(entry)));
      this.#oldest = entries.at(-1)?.number ?? 0;
      logMore.hidden = this.#oldest <= 1;
      setText(logNote, logEntries.childElementCount === 0 ? "Nothing has been done here." : "");
      setText(logHead, reply.head?.number > 0 ? `${reply.head.number} · ${reply.head.hash}` : "");
    } catch (refusal) {
      setText(logNote, refusalText({ ...refusal, message: refusal.message }));
    }
  }

  #row(entry) {
    const now = Date.now();
    const at = millis(entry);
    const row = element("li", "log-entry");
    const words = element("p", "log-words");
    words.dir = "auto";
    words.append(...sentenceNodes(deedParts({ ...entry, until: moment(entry.until) }, { ...this.#events.about(), now })));
    const foot = element("p", "log-foot");
    if (at !== undefined) {
      const time = element("time", "", momentText(at, now));
      time.dateTime = new Date(at).toISOString();
      time.title = exactText(at);
      foot.append(time, " · ");
    }
    const hash = element("code", "", String(entry.hash ?? "").slice(0, HASH_SHOWN));
    hash.title = String(entry.hash ?? "");
    foot.append(`No. ${entry.number} `, hash);
    row.append(words, ...settingsList(entry), foot);
    if (this.#isBanInForce(entry, now) && this.#events.mayLift()) {
      const lift = button("secondary", "Lift the ban", async () => {
        if (await this.#events.lift(entry.user)) {
          lift.replaceWith(element("span", "hint", "Lifted"));
          this.#page.logClose.focus();
        }
      });
      row.append(lift);
    }
    return row;
  }

  /** The newest word about somebody's ban is what holds. */
  #isBanInForce({ action, user, until }, now) {
    const isAboutBan = (action === "ban" || action === "unban") && !this.#settled.has(user);
    if (isAboutBan) {
      this.#settled.add(user);
    }
    return isAboutBan && action === "ban" && (until === undefined || moment(until) > now);
  }
}

function settingsList({ details }) {
  const settings = settingsOf(details);
  if (settings.length === 0) {
    return [];
  }
  const list = element("ul", "log-settings");
  for (const { name, value } of settings) {
    const item = element("li", "", `${name}: `);
    item.append(element("bdi", "", value === "" ? "none" : value));
    list.append(item);
  }
  return [list];
}
