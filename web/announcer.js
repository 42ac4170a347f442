// Tells those who listen what those who look can see: new messages once each, and what has become of the connection.
//
// It has regions of its own, so that a change of room or a look back at older messages is never read aloud.

const TOGETHER_WITHIN_MS = 400;
const READ_OUT_MAX = 3;
const CHARACTERS_MAX = 300;
const KEPT_MS = 20_000;

export class Announcer {
  #news;
  #said;
  #alarm;
  #waiting = [];
  #timer = 0;

  constructor({ news, said, alarm }) {
    this.#news = news;
    this.#said = said;
    this.#alarm = alarm;
  }

  /** A new message. Those that come together are counted, not all read. */
  message(name, text) {
    this.#waiting.push(`${name}: ${text.slice(0, CHARACTERS_MAX)}`);
    this.#timer ||= setTimeout(() => this.#readOut(), TOGETHER_WITHIN_MS);
  }

  /** Something to know, when there is a moment for it. */
  say(text) {
    this.#said.textContent = text;
  }

  /** Something to know now. */
  warn(text) {
    this.#alarm.textContent = text;
  }

  #readOut() {
    this.#timer = 0;
    const lines = this.#waiting.splice(0);
    const shown = lines.slice(-READ_OUT_MAX);
    if (lines.length > shown.length) {
      shown.unshift(`${lines.length} new messages. The last:`);
    }
    for (const line of shown) {
      const item = document.createElement("p");
      item.dir = "auto";
      item.textContent = line;
      this.#news.append(item);
      setTimeout(() => item.remove(), KEPT_MS);
    }
    while (this.#news.childElementCount > READ_OUT_MAX + 1) {
      this.#news.firstElementChild.remove();
    }
  }
}
