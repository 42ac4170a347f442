// The browser's storage, or one that forgets: in a private window or a frame the real one may be missing, full or forbidden.

export class SafeStorage {
  #real;
  #items = new Map();

  /** `open` returns the storage to use, and may throw. */
  constructor(open) {
    try {
      this.#real = open() ?? null;
    } catch {
      this.#real = null;
    }
  }

  getItem(key) {
    try {
      return this.#items.get(key) ?? this.#real?.getItem(key) ?? null;
    } catch {
      return null;
    }
  }

  setItem(key, value) {
    this.#items.delete(key);
    try {
      if (this.#real !== null) {
        this.#real.setItem(key, value);
        return;
      }
    } catch {
      // Full or forbidden: kept for as long as the page lives.
    }
    this.#items.set(key, value);
  }

  removeItem(key) {
    this.#items.delete(key);
    try {
      this.#real?.removeItem(key);
    } catch {
      // What could not be kept need not be removed.
    }
  }
}

/** Of this tab, gone with it. */
export const tab = new SafeStorage(() => globalThis.sessionStorage);
/** Of this browser: nothing but taste belongs here. */
export const browser = new SafeStorage(() => globalThis.localStorage);
