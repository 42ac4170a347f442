// Warns before a sign-in ends. Knows no page and no connection.

const WARN_BEFORE_MAX_MS = 5 * 60_000;
const WARN_BEFORE_SHARE = 0.25;
/** The longest that `setTimeout` can wait: HTML §8.6 keeps the delay in 32 bits. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export class Expiry {
  #world;
  #warn;
  #timer;

  /** `warn(leftMs)` is called once for each sign-in. */
  constructor(warn, world = globalThis) {
    this.#warn = warn;
    this.#world = world;
  }

  /** The sign-in ends in `expiresInMs`; `undefined`: never. Replaces what was said before. */
  set(expiresInMs) {
    this.#world.clearTimeout(this.#timer);
    if (!Number.isFinite(expiresInMs)) {
      return;
    }
    const before = Math.min(WARN_BEFORE_MAX_MS, expiresInMs * WARN_BEFORE_SHARE);
    const waitMs = Math.max(0, expiresInMs - before);
    this.#timer =
      waitMs > TIMER_MAX_MS
        ? this.#world.setTimeout(() => this.set(expiresInMs - TIMER_MAX_MS), TIMER_MAX_MS)
        : this.#world.setTimeout(() => this.#warn(expiresInMs - waitMs), waitMs);
  }
}
