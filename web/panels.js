// Rooms and people as drawers where the screen is too narrow for columns: opened, closed, and holding the focus while open.

export class Panels {
  #panels;
  #rest;
  #open = null;

  constructor({ roomsToggle, roomsPanel, roomsClose, peopleToggle, peoplePanel, peopleClose, roomView, scrim, skip }) {
    this.#panels = [
      { toggle: roomsToggle, panel: roomsPanel, close: roomsClose },
      { toggle: peopleToggle, panel: peoplePanel, close: peopleClose },
    ];
    this.#rest = [roomView, skip];
    for (const each of this.#panels) {
      each.toggle.addEventListener("click", () => this.#show(each));
      each.close.addEventListener("click", () => this.close());
    }
    scrim.addEventListener("click", () => this.close());
    addEventListener("resize", () => this.#open !== null && !isShown(this.#open.toggle) && this.close());
  }

  get isOpen() {
    return this.#open !== null;
  }

  /** Closes the open drawer, if there is one, and gives the focus back to what opened it. */
  close() {
    const closed = this.#open;
    if (closed === null) {
      return;
    }
    this.#open = null;
    this.#setInert(closed, false);
    closed.panel.classList.remove("open");
    closed.toggle.setAttribute("aria-expanded", "false");
    closed.toggle.focus();
  }

  #show(each) {
    this.close();
    this.#open = each;
    each.panel.classList.add("open");
    each.toggle.setAttribute("aria-expanded", "true");
    this.#setInert(each, true);
    each.close.focus();
  }

  /** Everything but the open drawer is out of reach, for the keyboard and for a screen reader. */
  #setInert(open, isInert) {
    const others = this.#panels.filter((each) => each !== open).map((each) => each.panel);
    for (const node of [...this.#rest, ...others]) {
      node.inert = isInert;
    }
  }
}

function isShown(node) {
  return getComputedStyle(node).display !== "none";
}
