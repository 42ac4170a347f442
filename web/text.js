// Words for what the server says in codes, names and numbers. Pure.

const BY_CODE = {
  disconnected: "The connection was lost before the server confirmed this. Look whether it arrived before you send it again.",
  unanswered: "The server did not answer. Look whether it arrived before you send it again.",
};

const BY_LIMIT = {
  messages_per_user: "Too many messages in a short time, counted over all your tabs and devices.",
  messages_per_connection: "Too many messages in a short time.",
  commands_per_user: "Too much at once from this page.",
  messages_per_address: "Too many messages in a short time from your network address.",
  bytes_per_connection: "Too much text in a short time.",
  bytes_per_address: "Too much text in a short time from your network address.",
};

/** By the text of the close frame. */
const BY_REASON = {
  "too many connections for this user": "You are already connected as often as the server allows. Close another tab or device with this sign-in, then connect again.",
  "too many connections from this address": "Your network address has as many connections as the server allows. Close another tab or device, then connect again.",
  "rate limit exceeded": "You went on sending after the server asked you to wait.",
  "reading too slowly": "This page did not keep up with the messages.",
  "token expired": "Your sign-in has expired. Use a new link or token to go on.",
  "invalid credentials": "The server does not accept your sign-in any more.",
  "credentials required": "The server wants you to sign in.",
};

/** Unicode scalar values, as the server counts them. */
export function characters(text) {
  let count = 0;
  for (const _ of text) {
    count++;
  }
  return count;
}

/** A duration in the unit a person would use, rounded up. */
export function duration(ms) {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  if (seconds < 90) {
    return seconds === 1 ? "1 second" : `${seconds} seconds`;
  }
  return `${Math.ceil(seconds / 60)} minutes`;
}

/** Why a request was refused, in sentences. `again` is what to do once waiting has helped. */
export function refusalText({ code, message, limit, retryAfterMs }, again = "Try again") {
  const sentences = [known(BY_LIMIT, limit) ?? known(BY_CODE, code) ?? sentence(message || "The server refused this and gave no reason")];
  if (typeof limit === "number" && !message.includes(String(limit))) {
    sentences.push(`The limit is ${limit}.`);
  }
  if (retryAfterMs > 0) {
    sentences.push(`${again} in ${duration(retryAfterMs)}.`);
  }
  return sentences.join(" ");
}

/** Why the server ended the connection for good. */
export function stopText(reason) {
  return known(BY_REASON, reason) ?? sentence(reason || "The server closed the connection and gave no reason");
}

/** Why signing in did not work. */
export function signinText(code, message) {
  if (code.includes("expired") || /expired/i.test(message)) {
    return "This sign-in has expired. Get a new link or token to go on.";
  }
  return "The server does not accept this sign-in. Check that you copied all of it, or get a new one.";
}

export function tooLongText(count, max) {
  const over = count - max;
  return `This message is ${over} ${over === 1 ? "character" : "characters"} too long: at most ${max} are allowed.`;
}

export function typingText(names) {
  if (names.length === 0) {
    return "";
  }
  if (names.length > 2) {
    return "Several people are typing";
  }
  return names.length === 1 ? `${names[0]} is typing` : `${names[0]} and ${names[1]} are typing`;
}

export function peopleText(count) {
  return count === 1 ? "Only you are here" : `${count} people here`;
}

/** The line for an entry that nobody said. */
export function lineText(entry) {
  switch (entry.kind) {
    case "joined":
      return entry.own ? "You have joined the chat." : `${entry.name} has joined the chat.`;
    case "left":
      return entry.own ? "You have left the chat." : `${entry.name} has left the chat.`;
    case "gap":
      return "Connected again. What was said in between is not shown.";
    default:
      return entry.text;
  }
}

export function statusText({ kind }) {
  return { connecting: "Connecting…", open: "Connected", waiting: "Reconnecting…", stopped: "Disconnected" }[kind] ?? "";
}

/** One or two letters to stand for a name. */
export function initials(name) {
  const words = name.trim().split(/[\s._-]+/u).filter((word) => word !== "");
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

/** Looks up what came from outside, which may be called "constructor". */
function known(table, key) {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

function sentence(text) {
  const trimmed = text.trim();
  const first = [...trimmed][0] ?? "";
  const end = /[.!?]$/.test(trimmed) ? "" : ".";
  return first.toUpperCase() + trimmed.slice(first.length) + end;
}
