// The open room's messages on the page. However many a room has, only a window of them are elements; it moves with the
// reader. Nothing here is a live region: see announcer.js.

import { setText } from "./dom.js";
import { update } from "./list.js";
import { Roving } from "./roving.js";
import { HISTORY_MAX } from "./room.js";
import { outgoingRow, rowsOf } from "./rows.js";
import { newMessagesText } from "./text.js";
import { dayText, midnightAfter, sameDay } from "./when.js";

/** Entries that are elements at most. */
export const SHOWN_MAX = 240;
const CHUNK = 60;
const AT_BOTTOM_PX = 48;
const NEAR_EDGE_PX = 600;
/** A timer may fire a little early. */
const AFTER_MIDNIGHT_MS = 1_000;

export class Timeline {
  #page;
  #acts;
  #reachedEnd;
  #room = null;
  /** Keys of the first and last entry shown; null: none is. */
  #from = null;
  #to = null;
  /** Of the room, as it was rendered last. */
  #shape = 0;
  #lastVersion = 0;
  /** Whether the last render ended with the room's newest entry. */
  #isWhole = true;
  #sticks = true;
  #top = 0;
  /** When the days were last called by their names. */
  #daysCalledAt;
  #midnight = 0;
  #menus;

  /**
   * `acts` on unconfirmed messages: `again(id)`, `edit(id)`, `discard(id)`; on others: as `rowsOf` has them, and `earlier()`: the reader wants
   * what was said before all of it. `reachedEnd()`: the newest message is in sight.
   */
  constructor(page, acts, reachedEnd) {
    this.#page = page;
    this.#acts = acts;
    this.#reachedEnd = reachedEnd;
    page.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    const observer = new ResizeObserver(() => this.#sticks && this.#scrollDown());
    observer.observe(page.scroller);
    observer.observe(page.flow);
    this.#menus = new Roving(page.timeline, ".more", { stopsAtLast: true });
    page.earlierLoad.addEventListener("click", () => acts.earlier());
  }

  /** Whether the newest message is before the reader. */
  get isAtEnd() {
    return this.#sticks;
  }

  /** Brings the page up to `room`: adds what is new, drops what the room has dropped. */
  render(room, unconfirmed, now) {
    if (room !== this.#room) {
      this.#room = room;
      this.#sticks = true;
      this.#rebuild(now);
    }
    this.#trim(now);
    this.#reshape(now);
    this.#refreshLast(now);
    this.#follow(now);
    this.#callDays(now);
    update(this.#page.pending, unconfirmed.map(pendingItem), ({ item }) => outgoingRow(item, this.#acts));
    this.#page.empty.hidden = !room.joined || unconfirmed.length > 0 || room.entries.some((entry) => entry.kind === "message");
    this.#renderEarlier();
    this.#menus.refresh();
    if (this.#sticks) {
      this.#scrollDown();
    }
    this.#renderNewer();
    this.#fillScreen();
  }

  /** Shows the newest message and stays with those to come. */
  toEnd() {
    this.#sticks = true;
    if (this.#room !== null && this.#to !== this.#room.entries.at(-1)?.key) {
      this.#rebuild(Date.now());
    }
    this.#scrollDown();
    this.#renderNewer();
    this.#reachedEnd();
  }

  #rebuild(now) {
    const { entries } = this.#room;
    this.#page.timeline.replaceChildren();
    this.#from = null;
    this.#to = null;
    this.#shape = this.#room.shape;
    this.#append(Math.max(0, entries.length - CHUNK * 2), entries.length, now);
  }

  /** Lets go of rows whose entries the room has let go. */
  #trim(now) {
    const first = this.#room.entries[0]?.key ?? Infinity;
    if (this.#from !== null && this.#from < first) {
      if (this.#to < first) {
        this.#rebuild(now);
      } else {
        this.#keepingInPlace(this.#page.timeline.lastElementChild, () => this.#removeBefore(first));
      }
    }
  }

  /** Entries within the window have changed, or others have come between them: all of its rows are made anew, and what is read stays in place. */
  #reshape(now) {
    const { shape, entries } = this.#room;
    if (shape === this.#shape) {
      return;
    }
    this.#shape = shape;
    if (this.#from === null || this.#sticks) {
      this.#keepingFocus(() => this.#rebuild(now));
      return;
    }
    const { scroller, timeline } = this.#page;
    const top = scroller.getBoundingClientRect().top;
    const seen = [...timeline.children].find((row) => row.getBoundingClientRect().bottom > top);
    // What is missing fills up from above: what stands before it is what stays.
    const anchor = seen?.classList.contains("missed") ? (seen.previousElementSibling ?? seen) : seen;
    const [key, before] = [anchor?.dataset.key, anchor?.getBoundingClientRect().top];
    const begin = indexFrom(entries, this.#from);
    const end = Math.min(indexFrom(entries, this.#to) + 1, entries.length, begin + SHOWN_MAX);
    this.#keepingFocus(() => {
      timeline.replaceChildren();
      this.#from = null;
      this.#append(begin, end, now);
    });
    const again = key === undefined ? null : [...timeline.querySelectorAll(`[data-key="${key}"]`)].at(-1);
    if (again != null) {
      scroller.scrollTop += again.getBoundingClientRect().top - before;
      this.#top = scroller.scrollTop;
    }
    if (begin > 0 && scroller.scrollTop < NEAR_EDGE_PX) {
      this.#showEarlier();
    }
  }

  #keepingFocus(change) {
    const focused = document.activeElement;
    const isWithin = this.#page.timeline.contains(focused);
    const key = isWithin ? focused.closest("[data-key]")?.dataset.key : undefined;
    change();
    if (isWithin) {
      const same = key === undefined ? null : this.#page.timeline.querySelector(`[data-key="${key}"] :is(.more, .fill)`);
      (same ?? this.#page.scroller).focus({ preventScroll: true });
    }
  }

  /** The last line may have taken one more coming or going along. */
  #refreshLast(now) {
    const { entries } = this.#room;
    if (this.#to === null) {
      return;
    }
    const index = indexFrom(entries, this.#to);
    const entry = entries[index];
    if (entry?.key === this.#to && entry.version !== this.#lastVersion) {
      for (const row of this.#page.timeline.querySelectorAll(`[data-key="${entry.key}"]`)) {
        row.remove();
      }
      this.#append(index, index + 1, now);
    }
  }

  #follow(now) {
    const { entries } = this.#room;
    const next = this.#next;
    const fresh = entries.length - next;
    if (fresh === 0) {
      return;
    }
    if (this.#sticks && fresh > CHUNK) {
      this.#rebuild(now);
    } else if (this.#sticks) {
      this.#append(next, entries.length, now);
      this.#limitFront();
    } else if (this.#shownCount() + fresh <= SHOWN_MAX) {
      this.#append(next, entries.length, now);
    } else {
      this.#isWhole = false;
    }
  }

  /** What was today becomes yesterday, on a page that nobody touches too. */
  #callDays(now) {
    if (sameDay(this.#daysCalledAt, now)) {
      return;
    }
    this.#daysCalledAt = now;
    for (const row of this.#page.timeline.querySelectorAll(".day")) {
      setText(row.querySelector("time"), dayText(Number(row.dataset.at), now));
    }
    clearTimeout(this.#midnight);
    this.#midnight = setTimeout(() => this.#callDays(Date.now()), midnightAfter(now) - now + AFTER_MIDNIGHT_MS);
  }

  #append(from, to, now) {
    const rows = this.#rows(from, to, now);
    this.#page.timeline.append(...rows);
    const { entries } = this.#room;
    this.#from ??= entries[from]?.key ?? null;
    this.#to = entries[to - 1]?.key ?? this.#to;
    this.#lastVersion = entries[to - 1]?.version ?? 0;
    this.#isWhole = to === entries.length;
  }

  #rows(from, to, now) {
    const { entries, unreadFrom } = this.#room;
    const rows = [];
    for (let index = from; index < to; index++) {
      const isFirstUnread = entries[index].key === unreadFrom;
      if (isFirstUnread) {
        this.#page.timeline.querySelector(".divider")?.remove();
      }
      rows.push(...rowsOf(entries[index], entries[index - 1], { isFirstUnread, now, acts: this.#acts }));
    }
    return rows;
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#page.scroller;
    const below = scrollHeight - scrollTop - clientHeight;
    const wasAtEnd = this.#sticks;
    // Only a move upwards leaves the bottom: the room may have become smaller since this event was queued.
    this.#sticks = this.#isWhole && (below < AT_BOTTOM_PX || (this.#sticks && scrollTop >= this.#top));
    this.#top = scrollTop;
    if (this.#sticks && !wasAtEnd) {
      this.#reachedEnd();
    }
    if (!this.#sticks && scrollTop < NEAR_EDGE_PX) {
      this.#showEarlier();
    } else if (!this.#isWhole && below < NEAR_EDGE_PX) {
      this.#showLater();
    }
    this.#renderNewer();
  }

  #showEarlier() {
    const { entries } = this.#room;
    const first = indexFrom(entries, this.#from);
    const from = Math.max(0, first - CHUNK);
    if (from === first) {
      this.#acts.earlier();
      return;
    }
    const { timeline } = this.#page;
    this.#keepingInPlace(timeline.firstElementChild, () => {
      timeline.prepend(...this.#rows(from, first, Date.now()));
      this.#from = entries[from].key;
      const last = Math.min(from + SHOWN_MAX, this.#next) - 1;
      this.#removeAfter(entries[last].key);
    });
    this.#renderEarlier();
    this.#menus.refresh();
  }

  #showLater() {
    const { entries } = this.#room;
    const next = this.#next;
    this.#keepingInPlace(this.#page.timeline.lastElementChild, () => {
      this.#append(next, Math.min(entries.length, next + CHUNK), Date.now());
      this.#limitFront();
    });
    this.#menus.refresh();
  }

  #limitFront() {
    const over = this.#shownCount() - SHOWN_MAX;
    if (over > 0) {
      const { entries } = this.#room;
      this.#removeBefore(entries[indexFrom(entries, this.#from) + over].key);
    }
  }

  #removeBefore(key) {
    const { timeline } = this.#page;
    while (timeline.firstElementChild !== null && Number(timeline.firstElementChild.dataset.key) < key) {
      timeline.firstElementChild.remove();
    }
    this.#from = key;
  }

  #removeAfter(key) {
    const { timeline } = this.#page;
    while (timeline.lastElementChild !== null && Number(timeline.lastElementChild.dataset.key) > key) {
      timeline.lastElementChild.remove();
    }
    if (this.#to !== key) {
      this.#to = key;
      this.#lastVersion = -1;
      this.#isWhole = false;
    }
  }

  /** Changes what is above or below while `anchor`, which survives it, stays where the reader sees it. */
  #keepingInPlace(anchor, change) {
    const before = anchor?.getBoundingClientRect().top ?? 0;
    change();
    if (anchor?.isConnected && !this.#sticks) {
      this.#page.scroller.scrollTop += anchor.getBoundingClientRect().top - before;
      this.#top = this.#page.scroller.scrollTop;
    }
  }

  #shownCount() {
    const { entries } = this.#room;
    return this.#from === null ? 0 : this.#next - indexFrom(entries, this.#from);
  }

  /** Where the first entry behind those shown is. */
  get #next() {
    const { entries } = this.#room;
    const at = this.#to === null ? 0 : indexFrom(entries, this.#to);
    return entries[at]?.key === this.#to ? at + 1 : at;
  }

  /** A room that says less than the screen holds is asked for what was said before. */
  #fillScreen() {
    const { scroller } = this.#page;
    if (this.#room.hasEarlier && scroller.scrollHeight <= scroller.clientHeight) {
      this.#acts.earlier();
    }
  }

  /** Above the first message: a way to those before it, or that there is none. */
  #renderEarlier() {
    const { earlier, earlierLoad, earlierText } = this.#page;
    const { hasEarlier, isLoading, isTrimmed, isDurable, entries, firstSeq } = this.#room;
    const isFirst = entries[0]?.key === this.#from;
    const words = hasEarlier ? "" : isDurable && firstSeq > 1 ? "What was said before is not kept any more." : isTrimmed || entries.length >= HISTORY_MAX ? "Earlier messages are no longer kept on this page." : "";
    setText(earlierText, words);
    earlierLoad.hidden = !hasEarlier;
    setText(earlierLoad, isLoading ? "Loading…" : "Earlier messages");
    earlier.hidden = !isFirst || (words === "" && !hasEarlier);
  }

  #scrollDown() {
    const { scroller } = this.#page;
    scroller.scrollTop = scroller.scrollHeight;
    this.#top = scroller.scrollTop;
  }

  #renderNewer() {
    const { newer, newerText } = this.#page;
    newer.hidden = this.#sticks;
    setText(newerText, this.#room?.unread > 0 ? newMessagesText(this.#room.unread) : "To the newest");
  }
}

/** Where the first entry with at least this key is. Keys grow, with holes. */
function indexFrom(entries, key) {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (entries[middle].key < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

function pendingItem(item) {
  return { key: item.id, print: `${item.state} ${item.why}`, item };
}
