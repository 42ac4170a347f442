// The one dialog in which the page asks for something before it does it: a few fields, a word to confirm, and why it did not work.

import { element, setText } from "./dom.js";

export class Ask {
  #page;
  #fields = new Map();
  #act = null;
  #isBusy = false;

  constructor(page) {
    this.#page = page;
    page.askForm.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    page.askCancel.addEventListener("click", () => page.ask.close());
    page.ask.addEventListener("close", () => page.askFields.replaceChildren());
  }

  /**
   * `spec`: `{title, intro, fields, submit, danger}`. `act(values)` is given what was filled in, by name, and resolves to why it did not work;
   * "" closes the dialog. The browser gives the focus back to where it was.
   */
  open({ title, intro = "", fields = [], submit, danger = false }, act) {
    const page = this.#page;
    this.#act = act;
    this.#fields.clear();
    setText(page.askTitle, title);
    setText(page.askIntro, intro);
    page.askIntro.hidden = intro === "";
    setText(page.askSubmit, submit);
    page.askSubmit.classList.toggle("danger", danger);
    this.#refuse("");
    page.askFields.replaceChildren(...fields.map((field) => this.#row(field)));
    page.ask.classList.toggle("wide", fields.length > 8);
    for (const { name, follows, from } of fields) {
      if (follows !== undefined) {
        this.#follow(this.#fields.get(name), this.#fields.get(follows), from);
      }
    }
    page.ask.showModal();
    // Where nothing is to be filled in, what changes nothing is nearest.
    (page.askFields.querySelector("input, select") ?? page.askCancel).focus();
  }

  get isOpen() {
    return this.#page.ask.open;
  }

  async #submit() {
    const missing = [...this.#fields.values()].find((input) => input.required && input.value.trim() === "");
    if (missing !== undefined) {
      this.#refuse("Something is still to be filled in.");
      missing.focus();
    } else if (!this.#isBusy) {
      this.#isBusy = true;
      const refusal = await this.#act(this.#values());
      this.#isBusy = false;
      this.#refuse(refusal);
      if (refusal === "") {
        this.#page.ask.close();
      }
    }
  }

  #values() {
    return Object.fromEntries([...this.#fields].map(([name, input]) => [name, input.type === "checkbox" ? input.checked : input.value.trim()]));
  }

  #refuse(why) {
    setText(this.#page.askReason, why);
    this.#page.askReason.hidden = why === "";
  }

  #row({ name, label, kind, value, options, hint, required, bytesMax, placeholder = "" }) {
    if (kind === "heading") {
      return element("h3", "ask-heading", label);
    }
    const input = element(kind === "select" ? "select" : "input");
    input.id = `ask-${name}`;
    input.name = name;
    this.#fields.set(name, input);
    const row = element("div", kind === "checkbox" ? "ask-row check" : "ask-row");
    const caption = element("label", "", label);
    caption.htmlFor = input.id;
    if (kind === "select") {
      input.append(...options.map(([word, words]) => new Option(words, word)));
      input.value = value ?? options[0][0];
    } else if (kind === "checkbox") {
      input.type = "checkbox";
      input.checked = value === true;
    } else {
      input.type = kind === "number" ? "number" : "text";
      input.min = "0";
      input.placeholder = placeholder;
      input.value = value ?? "";
      input.required = required === true;
      input.autocomplete = "off";
      input.dir = "auto";
      input.maxLength = bytesMax ?? 20;
    }
    row.append(...(kind === "checkbox" ? [input, caption] : [caption, input]));
    if (hint !== undefined) {
      const words = element("p", "hint", hint);
      words.id = `${input.id}-hint`;
      input.setAttribute("aria-describedby", words.id);
      row.append(words);
    }
    return row;
  }

  /** One field says what another one does, until somebody writes into it. */
  #follow(input, source, from) {
    let isFollowing = true;
    input.addEventListener("input", () => (isFollowing = input.value === ""));
    source.addEventListener("input", () => isFollowing && (input.value = from(source.value)));
  }
}
