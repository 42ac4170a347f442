// Words for what happens: people, presence, typing, rooms. Pure. Where a name stands in a sentence, the sentence is a
// list of parts, `text` or `{name}`, so that whoever shows it can keep the name from reordering the words around it.

const NAMED_MAX = 3;

/** Unicode scalar values, as the server counts them. */
export function characters(text) {
  let count = 0;
  for (const _ of text) {
    count++;
  }
  return count;
}

export function typingParts(names) {
  switch (names.length) {
    case 0:
      return [];
    case 1:
      return [{ name: names[0] }, " is typing"];
    case 2:
      return [{ name: names[0] }, " and ", { name: names[1] }, " are typing"];
    default:
      return ["Several people are typing"];
  }
}

export function peopleText(count) {
  return count === 1 ? "Only you are here" : `${count} people here`;
}

/** The line for an entry that nobody said. */
export function lineParts(entry) {
  switch (entry.kind) {
    case "presence":
      return presenceParts(entry.changes, entry.unnamed);
    case "gap":
      return ["Connected again. What was said in between is not shown."];
    case "deed":
      return entry.parts;
    default:
      return [entry.text];
  }
}

/** Comings and goings in a row as one sentence: those who came, those who left, those who did both. */
function presenceParts(changes, unnamed) {
  const groups = { came: [], left: [], both: [] };
  for (const change of changes) {
    groups[change.what].push(change.own ? "You" : { name: change.name });
  }
  const clauses = [
    [groups.came, "joined"],
    [groups.left, "left"],
    [groups.both, "came and went"],
  ].filter(([people]) => people.length > 0);
  const parts = clauses.flatMap(([people, verb], index) => [index === 0 ? "" : " · ", ...listed(people), ` ${verb}`]);
  return unnamed > 0 ? [...parts, ` · and ${unnamed} more came or went`] : parts;
}

/** "A", "A and B", "A, B and 5 others". */
function listed(people) {
  const shown = people.length > NAMED_MAX ? people.slice(0, NAMED_MAX - 1) : people;
  const others = people.length - shown.length;
  const items = others > 0 ? [...shown, `${others} others`] : shown;
  return items.flatMap((item, index) => {
    const isLast = index === items.length - 1;
    return index === 0 ? [item] : [isLast ? " and " : ", ", item];
  });
}

export function newMessagesText(count) {
  return count === 1 ? "1 new message" : `${count} new messages`;
}

/** What is missing between two messages. */
export function missedText({ from, to }) {
  const count = to - from + 1;
  return count === 1 ? "1 message was said meanwhile." : `${count} messages were said meanwhile.`;
}

export function titleText(unread, room) {
  const counted = unread === 0 ? "" : `(${unread > 99 ? "99+" : unread}) `;
  return room === "" ? "Wardroom" : `${counted}#${room} · Wardroom`;
}

export function plain(parts) {
  return parts.map((part) => part.name ?? part).join("");
}

/** One or two letters to stand for a name, without marks and what can't be seen. */
export function initials(name) {
  const words = name.replace(/[\p{C}\p{M}]/gu, "").trim().split(/[\s._-]+/u).filter((word) => word !== "");
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return letters.map((word) => [...word][0].toUpperCase()).join("") || "?";
}

/** One of 8 colours, always the same one for a user. */
export function hue(user) {
  let hash = 2166136261;
  for (const char of user) {
    hash = Math.imul(hash ^ char.codePointAt(0), 16777619);
  }
  return (hash >>> 0) % 8;
}

/** A user's identifier where the name alone would not tell who it is; "" otherwise. */
export function byline({ user, name }) {
  return user.toLowerCase() === name.toLowerCase() ? "" : user;
}
