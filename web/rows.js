// One entry of a room as rows on the page. What somebody wrote is only ever text, never markup.

import { avatarOf, button, element, icon, nameParts, sentenceNodes } from "./dom.js";
import { linked } from "./links.js";
import { lineParts, missedText } from "./text.js";
import { clockText, dayIso, dayText, exactText, sameDay } from "./when.js";

const GROUP_WITHIN_MS = 5 * 60_000;
const NOTHING_TO_DO = { canDo: () => false };

/**
 * The rows of `entry`, which comes after `previous`: the day and what begins with it, then the entry itself. `acts`: `canDo(entry)`, whether there
 * is anything to be done to it, `menu(button, entry)`, and `fill(entry)`.
 */
export function rowsOf(entry, previous, { isFirstUnread, now, acts = NOTHING_TO_DO }) {
  const isNewDay = entry.at !== undefined && !sameDay(entry.at, previous?.at);
  const rows = isNewDay ? [dayRow(entry, now)] : [];
  if (isFirstUnread) {
    rows.push(unreadRow());
  }
  const isFirst = isNewDay || isFirstUnread || !continues(entry, previous);
  rows.push(entry.kind === "message" ? messageRow(entry, isFirst, acts) : entry.kind === "missed" ? missedRow(entry, acts) : lineRow(entry));
  for (const row of rows) {
    row.dataset.key = entry.key;
  }
  return rows;
}

/** A message that the server has not confirmed. `acts`: `again(id)`, `edit(id)`, `discard(id)`. */
export function outgoingRow(item, acts) {
  const row = element("li", `message own ${item.state}`);
  const note = element("p", "note", { sending: "Sending…", unsure: "Not confirmed: it may or may not have arrived.", refused: "Not sent." }[item.state]);
  if (item.why !== "") {
    note.append(" ", item.why);
  }
  row.append(bubbleOf(item.text), note);
  if (item.state !== "sending") {
    const choices = element("div", "choices");
    choices.append(
      button("quiet", "Send again", () => acts.again(item.id)),
      button("quiet", "Edit", () => acts.edit(item.id)),
      button("quiet", "Discard", () => acts.discard(item.id)),
    );
    row.append(choices);
  }
  return row;
}

function messageRow(entry, isFirst, acts) {
  const row = element("li", `message${entry.own ? " own" : ""}${isFirst ? " first" : ""}`);
  const who = entry.own ? [element("span", "name", "You")] : nameParts(entry);
  if (isFirst) {
    const head = element("div", "message-head");
    head.append(...who, ...timeOf(entry));
    row.append(avatarOf(entry), head, contentOf(entry));
  } else {
    const unseen = element("span", "unseen");
    unseen.append(...who);
    row.append(unseen, contentOf(entry), ...timeOf(entry));
  }
  if (acts.canDo(entry)) {
    row.append(menuButton(`What to do with this message of ${entry.own ? "yours" : entry.name}`, (button) => acts.menu(button, entry)));
  }
  return row;
}

/** A button that opens a menu. */
export function menuButton(label, open) {
  const more = button("icon more", undefined, ({ currentTarget }) => open(currentTarget));
  more.append(icon("more"));
  more.ariaLabel = label;
  more.ariaHasPopup = "menu";
  more.ariaExpanded = "false";
  more.tabIndex = -1;
  return more;
}

/** What was said, or what stands there instead. */
function contentOf(entry) {
  if (entry.isDeleted || entry.isSealed) {
    return element("div", "bubble gone", entry.isDeleted ? "This message was deleted." : "A sealed message: this page has no key to it.");
  }
  const bubble = bubbleOf(entry.text);
  if (entry.isEdited) {
    const group = element("div", "edited");
    group.append(bubble, element("span", "edited-note", "edited"));
    return group;
  }
  return bubble;
}

/** A place where messages are missing that the server still has. */
function missedRow(entry, acts) {
  const row = element("li", "line missed");
  row.append(element("span", "line-text", missedText(entry)));
  const show = button("secondary fill", entry.isLoading ? "Loading…" : "Show them", () => acts.fill(entry));
  show.disabled = entry.isLoading === true;
  row.append(show);
  return row;
}

function bubbleOf(text) {
  const bubble = element("div", "bubble");
  bubble.dir = "auto";
  bubble.append(...linked(text).map((part) => (part.href === undefined ? document.createTextNode(part.text) : linkOf(part))));
  return bubble;
}

/** Opens elsewhere, tells that place nothing about this one, and is read from left to right whatever stands around it. */
function linkOf({ text, href }) {
  const link = element("a", "link", text);
  link.href = href;
  link.target = "_blank";
  link.rel = "noopener noreferrer nofollow";
  link.referrerPolicy = "no-referrer";
  link.dir = "ltr";
  return link;
}

function lineRow(entry) {
  const row = element("li", `line ${entry.kind}`);
  const text = element("span", "line-text");
  text.dir = "auto";
  text.append(...sentenceNodes(lineParts(entry)));
  row.append(text, ...timeOf(entry));
  return row;
}

function dayRow(entry, now) {
  const row = element("li", "day");
  row.dataset.at = entry.at;
  const heading = element("h2", "day-text");
  const time = element("time", "", dayText(entry.at, now));
  time.dateTime = dayIso(entry.at);
  heading.append(time);
  row.append(heading);
  return row;
}

function unreadRow() {
  const row = element("li", "divider");
  row.append(element("span", "", "New"));
  return row;
}

function timeOf({ at }) {
  if (at === undefined) {
    return [];
  }
  const time = element("time", "time", clockText(at));
  time.dateTime = new Date(at).toISOString();
  time.title = exactText(at);
  return [time];
}

function continues(entry, previous) {
  return previous?.kind === "message" && previous.user === entry.user && !(entry.at - previous.at >= GROUP_WITHIN_MS);
}
