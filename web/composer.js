// Where a message is written: counting, sending on Enter, and saying why it was not sent.

import { characters, tooLongText } from "/text.js";

const COUNTED_FROM = 0.8;
const TYPING_EVERY_MS = 2_500;

export class Composer {
  #form;
  #input;
  #button;
  #counter;
  #complaint;
  #max = 500;
  #usable = false;
  #complaintTimer = 0;
  #typingAt = -Infinity;

  /** `events`: `send(text)`, `typing()`. */
  constructor({ composer, message, send, counter, complaint }, events) {
    this.#form = composer;
    this.#input = message;
    this.#button = send;
    this.#counter = counter;
    this.#complaint = complaint;
    composer.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit(events.send);
    });
    message.addEventListener("keydown", (event) => this.#keydown(event));
    message.addEventListener("input", () => this.#typed(events.typing));
    this.#measure();
  }

  configure({ charactersMax, room, usable }) {
    this.#max = charactersMax;
    this.#usable = usable;
    this.#input.placeholder = `Message #${room}`;
    this.#measure();
  }

  focus() {
    this.#input.focus({ preventScroll: true });
  }

  /** Puts an unsent text back, before what has been written since. */
  restore(text) {
    this.#input.value = this.#input.value === "" ? text : `${text}\n${this.#input.value}`;
    this.#measure();
  }

  clear() {
    this.#input.value = "";
    this.#measure();
    this.complain("");
  }

  /** Says what is wrong; the words go away after `forMs`, or when a message is sent. */
  complain(words, forMs = 0) {
    clearTimeout(this.#complaintTimer);
    this.#complaint.textContent = words;
    this.#complaint.hidden = words === "";
    if (forMs > 0) {
      this.#complaintTimer = setTimeout(() => this.complain(""), forMs);
    }
  }

  #submit(send) {
    const text = this.#input.value.trim();
    const count = characters(text);
    if (count > this.#max) {
      this.complain(tooLongText(count, this.#max));
    } else if (count > 0 && this.#usable) {
      this.complain("");
      this.#input.value = "";
      this.#typingAt = -Infinity;
      this.#measure();
      send(text);
    }
  }

  #keydown(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.#form.requestSubmit();
    }
  }

  #typed(typing) {
    this.#measure();
    const now = performance.now();
    if (this.#usable && this.#input.value.trim() !== "" && now - this.#typingAt > TYPING_EVERY_MS) {
      this.#typingAt = now;
      typing();
    }
  }

  #measure() {
    const count = characters(this.#input.value.trim());
    this.#counter.textContent = `${count} / ${this.#max}`;
    this.#counter.classList.toggle("near", count >= this.#max * COUNTED_FROM);
    this.#counter.classList.toggle("over", count > this.#max);
    this.#button.disabled = !this.#usable || count === 0;
    this.#input.style.height = "auto";
    this.#input.style.height = `${this.#input.scrollHeight}px`;
  }
}
