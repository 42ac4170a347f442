// Many buttons in a list that are one stop for the Tab key: the arrow keys lead from one to the next.

/** `selector` finds the buttons within `list`. The last one that had the focus is the stop, or else the last of all, or the first. */
export class Roving {
  #list;
  #selector;
  #stopsAtLast;

  constructor(list, selector, { stopsAtLast = false } = {}) {
    this.#list = list;
    this.#selector = selector;
    this.#stopsAtLast = stopsAtLast;
    list.addEventListener("keydown", (event) => this.#keydown(event));
    list.addEventListener("focusin", ({ target }) => target.matches(selector) && this.#stopAt(target));
  }

  /** To be called when buttons have come or gone. */
  refresh() {
    const buttons = this.#buttons;
    const stops = buttons.filter((button) => button.tabIndex === 0);
    const isFocused = stops.includes(document.activeElement);
    const stop = isFocused ? document.activeElement : this.#stopsAtLast ? buttons.at(-1) : (stops[0] ?? buttons[0]);
    if (stop !== undefined && (stops.length !== 1 || stops[0] !== stop)) {
      this.#stopAt(stop);
    }
  }

  get #buttons() {
    return [...this.#list.querySelectorAll(this.#selector)];
  }

  #stopAt(stop) {
    for (const other of this.#list.querySelectorAll(`${this.#selector}[tabindex="0"]`)) {
      other.tabIndex = -1;
    }
    stop.tabIndex = 0;
  }

  #keydown(event) {
    if (!event.target.matches(this.#selector)) {
      return;
    }
    const buttons = this.#buttons;
    const at = buttons.indexOf(event.target);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to !== undefined && buttons[to] !== undefined) {
      event.preventDefault();
      buttons[to].focus();
    }
  }
}
