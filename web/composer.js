// Where a message is written: counting, sending on Enter, a draft for each room, and saying why something was not sent.

import { setText } from "./dom.js";
import { characters } from "./text.js";
import { tooLongText } from "./refusals.js";

const COUNTED_FROM = 0.8;
const TYPING_EVERY_MS = 2_500;
/** What a browser says of a key that the input method has taken (UI Events §7.3.1). */
const KEY_OF_INPUT_METHOD = 229;

export class Composer {
  #form;
  #input;
  #label;
  #button;
  #counter;
  #complaint;
  #events;
  #room = "";
  #max = 500;
  #usable = false;
  /** The message that is being changed, and what was being written before: `{seq, draft}`. */
  #editing = null;
  #bar;
  #complaintTimer = 0;
  #typingAt = -Infinity;

  /** `events`: `send(text)`, `change(seq, text)`, `changeLast()`, `typing()`, `draft(room, text)`. */
  constructor({ composer, message, messageLabel, send, counter, complaint, editing, editingCancel }, events) {
    this.#form = composer;
    this.#input = message;
    this.#label = messageLabel;
    this.#button = send;
    this.#counter = counter;
    this.#complaint = complaint;
    this.#events = events;
    this.#bar = editing;
    editingCancel.addEventListener("click", () => this.stopEditing());
    composer.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    message.addEventListener("keydown", (event) => this.#keydown(event));
    message.addEventListener("input", () => this.#typed());
    this.#measure();
  }

  /** Writes to `room` from now on, beginning with its draft. */
  show(room, draft, title = room) {
    if (room !== this.#room) {
      this.#editing = null;
      this.#bar.hidden = true;
      this.#room = room;
      this.#input.value = draft;
      this.#typingAt = -Infinity;
      this.complain("");
      this.#measure();
    }
    setText(this.#label, `Message to ${title}`);
    if (this.#input.placeholder !== `Message ${title}`) {
      this.#input.placeholder = `Message ${title}`;
    }
  }

  /** Has a message changed that was sent before; what was being written waits. */
  edit(seq, text) {
    this.#editing = { seq, draft: this.#editing?.draft ?? this.#input.value };
    this.#bar.hidden = false;
    this.#input.value = text;
    this.complain("");
    this.#measure();
    this.focus();
  }

  get isEditing() {
    return this.#editing !== null;
  }

  stopEditing() {
    if (this.#editing !== null) {
      this.#input.value = this.#editing.draft;
      this.#editing = null;
      this.#bar.hidden = true;
      this.complain("");
      this.#measure();
      this.focus();
    }
  }

  configure({ charactersMax, usable, isHidden = false }) {
    this.#form.hidden = isHidden;
    if (isHidden && this.#editing !== null) {
      this.stopEditing();
    }
    if (charactersMax !== this.#max || usable !== this.#usable) {
      this.#max = charactersMax;
      this.#usable = usable;
      this.#measure();
    }
  }

  get isEmpty() {
    return this.#input.value.trim() === "";
  }

  focus() {
    this.#input.focus({ preventScroll: true });
  }

  /** Puts an unsent text back, before what has been written since. */
  restore(text) {
    this.#input.value = this.#input.value === "" ? text : `${text}\n${this.#input.value}`;
    this.#changed();
  }

  clear() {
    this.#room = "";
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

  #submit() {
    const text = this.#input.value.trim();
    const count = characters(text);
    if (count > this.#max) {
      this.complain(tooLongText(count, this.#max));
    } else if (count > 0 && this.#usable) {
      this.complain("");
      this.#typingAt = -Infinity;
      if (this.#editing === null) {
        this.#input.value = "";
        this.#changed();
        this.#events.send(text);
      } else {
        const { seq } = this.#editing;
        this.stopEditing();
        this.#events.change(seq, text);
      }
    }
    this.focus();
  }

  #keydown(event) {
    const isComposing = event.isComposing || event.keyCode === KEY_OF_INPUT_METHOD;
    if (event.key === "Enter" && !event.shiftKey && !isComposing) {
      event.preventDefault();
      this.#form.requestSubmit();
    } else if (event.key === "ArrowUp" && this.#input.value === "" && !isComposing) {
      event.preventDefault();
      this.#events.changeLast();
    }
  }

  #typed() {
    this.#changed();
    const now = performance.now();
    if (this.#usable && !this.isEmpty && !this.isEditing && now - this.#typingAt > TYPING_EVERY_MS) {
      this.#typingAt = now;
      this.#events.typing();
    }
  }

  #changed() {
    this.#measure();
    if (this.#editing === null) {
      this.#events.draft(this.#room, this.#input.value);
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
