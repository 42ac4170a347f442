// Words for what the server says in codes, names and numbers. Pure.

const BY_CODE = {
  disconnected: "The connection was lost before the server confirmed this message. Look whether it arrived before you send it again.",
  not_a_member: "You are not in this room.",
  no_such_room: "There is no room of this name.",
};

const BY_LIMIT = {
  messages_per_user: "one person",
  messages_per_connection: "one connection",
  messages_per_address: "one network address",
  bytes_per_connection: "one connection",
  bytes_per_address: "one network address",
};

const BY_SCOPE = {
  user: "It counts all your tabs and devices together.",
  address: "It counts everybody at your network address together.",
  prefix: "It counts everybody at your network address together.",
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

/** Why a request was refused, in sentences. `verb` is what to do again when waiting helps. */
export function refusalText({ code, message, limit, scope, retryAfterMs }, verb = "Try again") {
  const sentences = [BY_CODE[code] ?? sentence(message || "The server refused this, and gave no reason")];
  if (limit !== undefined && limit !== null) {
    sentences.push(limitText(limit));
  }
  if (BY_SCOPE[scope] !== undefined && retryAfterMs > 0) {
    sentences.push(BY_SCOPE[scope]);
  }
  if (retryAfterMs > 0) {
    sentences.push(`${verb} in ${duration(retryAfterMs)}.`);
  }
  return sentences.filter((part) => part !== "").join(" ");
}

function limitText(limit) {
  if (typeof limit === "number") {
    return `The limit is ${limit}.`;
  }
  return BY_LIMIT[limit] === undefined ? "" : `This is the limit for ${BY_LIMIT[limit]}.`;
}

/** Why the server ended the connection for good. */
export function stopText(reason) {
  return reason === "" ? "The server closed the connection and gave no reason." : sentence(reason);
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

function sentence(text) {
  const trimmed = text.trim();
  const first = [...trimmed][0] ?? "";
  const end = /[.!?]$/.test(trimmed) ? "" : ".";
  return first.toUpperCase() + trimmed.slice(first.length) + end;
}
