// A menu at a button: opened, walked through by keys, and closed with the focus back where it was.

import { element } from "./dom.js";

const MARGIN_PX = 8;

export class Menu {
  #menu;
  #from = null;
  #choose = null;

  constructor({ menu }) {
    this.#menu = menu;
    menu.addEventListener("keydown", (event) => this.#keydown(event));
    menu.addEventListener("click", (event) => this.#clicked(event));
    // A press elsewhere, Escape, or a choice.
    menu.addEventListener("toggle", ({ newState }) => newState === "closed" && this.#closed());
    addEventListener("resize", () => this.close());
  }

  /** `items` are `{id, label, danger}`; `choose(id)` is called for the one that is chosen, after the focus went back to `from`. */
  open(from, label, items, choose) {
    this.#menu.replaceChildren(element("p", "menu-title", label), ...items.map(itemOf));
    this.#menu.firstElementChild.ariaHidden = "true";
    this.#menu.setAttribute("aria-label", label);
    this.#from = from;
    this.#choose = choose;
    from.setAttribute("aria-expanded", "true");
    // Part of what its button is part of: for a screen reader, and where all else is out of reach.
    from.closest("nav, main, aside").append(this.#menu);
    this.#menu.showPopover();
    this.#place(from.getBoundingClientRect());
    this.#items[0]?.focus();
  }

  close() {
    if (this.#from !== null) {
      this.#menu.hidePopover();
    }
  }

  get #items() {
    return [...this.#menu.querySelectorAll("[role=menuitem]")];
  }

  /** Below the button where there is room, else above it; never beyond the edge of the window. */
  #place(button) {
    const { offsetWidth: width, offsetHeight: height } = this.#menu;
    const isRightToLeft = getComputedStyle(this.#menu).direction === "rtl";
    const left = isRightToLeft ? button.left : button.right - width;
    const fitsBelow = button.bottom + height + MARGIN_PX <= innerHeight;
    const top = fitsBelow ? button.bottom + 4 : Math.max(MARGIN_PX, button.top - height - 4);
    this.#menu.style.left = `${Math.min(Math.max(MARGIN_PX, left), Math.max(MARGIN_PX, innerWidth - width - MARGIN_PX))}px`;
    this.#menu.style.top = `${Math.min(top, Math.max(MARGIN_PX, innerHeight - height - MARGIN_PX))}px`;
  }

  /** ARIA Authoring Practices, "Menu Button". */
  #keydown(event) {
    const items = this.#items;
    const at = items.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      items[(to + items.length) % items.length].focus();
    } else if (event.key === "Tab") {
      event.preventDefault();
      this.close();
    } else if (event.key === "Escape") {
      event.stopPropagation();
      event.preventDefault();
      this.close();
    } else if (event.key.length === 1 && event.key !== " ") {
      const wanted = event.key.toLowerCase();
      const after = [...items.slice(at + 1), ...items.slice(0, at + 1)];
      after.find((item) => item.textContent.toLowerCase().startsWith(wanted))?.focus();
    }
  }

  #clicked({ target }) {
    const item = target.closest("[role=menuitem]");
    const choose = this.#choose;
    if (item !== null) {
      this.close();
      choose(item.dataset.action);
    }
  }

  #closed() {
    const from = this.#from;
    this.#from = null;
    this.#choose = null;
    from?.setAttribute("aria-expanded", "false");
    if (this.#menu.contains(document.activeElement) || document.activeElement === document.body) {
      from?.focus({ preventScroll: true });
    }
    this.#menu.replaceChildren();
  }
}

function itemOf({ id, label, danger }) {
  const item = element("button", danger ? "menu-item danger" : "menu-item", label);
  item.type = "button";
  item.setAttribute("role", "menuitem");
  item.tabIndex = -1;
  item.dataset.action = id;
  return item;
}
