// Why the server said no, in words that say what to do. Pure.

import { duration, moment, momentText } from "./when.js";

const OUR_FAULT = "This page sent something that the server does not understand. Reload the page; if that does not help, tell whoever runs this server";

/** By the `code` of an error. Those that only a program can cause are told as a fault of the page. */
const BY_CODE = {
  message_empty: "There is nothing in this message.",
  message_too_long: "This message is too long.",
  invalid_characters: "This message has characters that nobody can see and the server does not pass on. Remove them and send it again.",
  rate_limited: "Too much in a short time.",
  unknown_room: "There is no such room.",
  not_in_room: "You are not in this room. Join it first.",
  forbidden: "You may not do this in this room.",
  banned: "You are banned from this room.",
  muted: "You are muted in this room: you can read, and say nothing.",
  room_locked: "Only moderators may speak in this room at the moment.",
  room_archived: "This room is archived: it can only be read.",
  knock_required: "This room lets in whom a moderator has approved. Ask to be let in.",
  room_full: "This room has as many people as it may have.",
  already: "It is so already.",
  outranked: "They stand as high in this room as you do, or higher.",
  last_owner: "You are the last owner of this room. Make somebody else owner first.",
  operator_ban: "Whoever runs this server decided this. Nobody in the room can change it.",
  oneself: "You can not do this to yourself.",
  target_banned: "They are banned from this room. Lift the ban first.",
  room_exists: "There is a room of this name already, or of one that looks like it. Choose another.",
  too_many_rooms_created: "There are as many rooms as the server allows. Delete one first.",
  above_ceiling: "The server does not allow so much here.",
  fixed: "This can not be changed.",
  not_kept: "This room keeps no messages.",
  unknown_message: "This message does not exist any more.",
  not_yours: "Only who said it can change it.",
  body_required: "This room is private, and this page can not encipher yet.",
  store_unavailable: "The server can keep nothing at the moment. What you wrote was not sent.",
  too_long: "This is too long.",
  invalid_value: "The server does not take this. Nothing unseen, nothing that could be taken for something else, and no number too large.",
  too_many_rooms: "You are in as many rooms as the server allows. Leave one first.",
  credentials_required: "The server wants you to sign in.",
  invalid_credentials: "The server does not accept this sign-in. Check that you copied all of it, or get a new one.",
  token_expired: "Your sign-in has expired. Get a new link or token to go on.",
  revoked: "This sign-in was taken back. Get a new link or token to go on.",
  other_user: "This sign-in is somebody else's. To use it, sign out first.",
  busy: "The server has too much to do at the moment.",
  origin_forbidden: "The server does not let pages of this address connect. Whoever runs it can add it to origins.allow.",
  too_many: "Too much from your network address in a short time.",
  server_full: "The server is full at the moment.",
  authentication_unavailable: "The server can not find out at the moment whether your sign-in is good. It may well be.",
  tls_required: "This server takes encrypted connections only. Open this page by its https address.",
  request_timeout: "The connection is too slow: the server did not get the whole request in time.",
  disconnected: "The connection was lost before the server confirmed this.",
  unanswered: "The server has not answered.",
};

const BY_LIMIT = {
  messages_per_user: "Too many messages in a short time, counted over all your tabs and devices.",
  messages_per_connection: "Too many messages in a short time.",
  commands_per_user: "Too much at once from this page.",
  messages_per_address: "Too many messages in a short time from your network address.",
  bytes_per_connection: "Too much text in a short time.",
  bytes_per_address: "Too much text in a short time from your network address.",
  messages_per_minute: "Too many messages in this room in a short time.",
  messages_per_minute_per_member: "Too many messages of yours in this room in a short time.",
  bytes_per_second: "Too much text in this room in a short time.",
  joins_per_minute: "Too many people come into this room at once, or you too often.",
  knocks_per_user: "You asked too often to come into this room.",
  slow_mode_ms: "This room is in slow mode.",
  cooldown_ms: "You are new in this room: read for a while first.",
  created_per_user_max: "You have made as many rooms as the server allows. Delete one first.",
  connections_max: "The server has as many connections as it takes.",
  failed_authentications_per_address: "Too many failed sign-ins from your network address.",
  offences_per_address: "The server takes nothing from your network address for a while: too many sign-ins failed, or requests were broken.",
  handshakes_per_address: "Too many connections from your network address in a short time.",
  tickets_per_user_max: "This page was opened too often in a short time.",
};

const FAULTS_OF_THE_PAGE = [
  "invalid_json", "too_deep", "not_an_object", "too_many_fields", "duplicate_field", "invalid_id", "missing_type", "unknown_type",
  "missing_field", "wrong_type", "invalid_room", "unknown_field", "conflicting_fields", "message_required", "malformed_request", "not_found", "method_not_allowed",
  "upgrade_required", "version_unsupported", "head_too_large",
];

/** By the text of the close frame: those after which only a person can help. */
const BY_REASON = {
  "too many connections for this user": "You are already connected as often as the server allows. Close another tab or device with this sign-in, then connect again.",
  "too many connections from this address": "Your network address has as many connections as the server allows. Close another tab or device, then connect again.",
  "rate limit exceeded": "You went on sending after the server asked you to wait. Wait a little, then connect again.",
  "too many glitches": "What this page sent did not look like what a chat page sends. Something between it and the server may be broken. Connect again.",
  "reading too slowly": "This page did not keep up with the messages: a slow network, or a device that was asleep. Connect again.",
  "too many fragments": "Something between this page and the server cuts messages into too many pieces. Connect again.",
  "no message came": "This page said nothing for too long after it connected. Connect again.",
  "disconnected by the operator": "Whoever runs this server has ended your connection. Connect again if that is all right with them.",
  revoked: "Your sign-in was taken back. Use a new link or token to go on.",
  "token expired": "Your sign-in has expired. Use a new link or token to go on.",
  "invalid credentials": "The server does not accept your sign-in any more. Use a new link or token to go on.",
  "credentials required": "The server wants you to sign in.",
};

const ABOUT_CREDENTIALS = new Set(["token expired", "revoked", "invalid credentials", "credentials required"]);

/** By the text of the close frame, or its code: those after which the page comes back by itself. */
const BY_PASSING_REASON = {
  "server is going away": "The server is restarting.",
  idle: "You were disconnected because nothing was said for a long time.",
  "no answer to ping": "The server has not heard from this page.",
  "overloaded, try again later": "The server is overloaded.",
  "short of memory, try again later": "The server is short of memory.",
  "authentication is not available": "The server can not find out at the moment whether your sign-in is good.",
  "internal error": "The server had a fault.",
  "message too big": "Something too big was sent.",
  "protocol error": "Something between this page and the server garbled the connection.",
  "invalid UTF-8": "Something between this page and the server garbled the connection.",
  "binary messages are not accepted": "Something between this page and the server garbled the connection.",
};

/** Why a request was refused, in sentences. `again` is what to do once waiting has helped. */
export function refusalText({ code, message, limit, retryAfterMs, until, reason }, again = "Try again") {
  const sentences = [known(BY_LIMIT, limit) ?? known(BY_CODE, code) ?? ourFault(code) ?? sentence(message || "The server refused this and gave no reason")];
  if (typeof limit === "number") {
    sentences.push(`The limit is ${limit}.`);
  }
  if (moment(until) !== undefined) {
    sentences.push(`That ends ${momentText(moment(until), Date.now())}.`);
  }
  if (typeof reason === "string" && reason !== "") {
    sentences.push(sentence(`Reason given: ${reason}`));
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

/** Why the connection is gone for now. */
export function lostText(reason) {
  return known(BY_PASSING_REASON, reason) ?? "Connection lost.";
}

/** Whether another sign-in is what helps. */
export function isAboutCredentials(reason) {
  return ABOUT_CREDENTIALS.has(reason);
}

/** Why signing in did not work. */
export function signinText({ code, message }) {
  const isExpired = code.includes("expired") || /expired/i.test(message);
  return isExpired ? BY_CODE.token_expired : BY_CODE.invalid_credentials;
}

export function tooLongText(count, max) {
  const over = count - max;
  return `This message is ${over} ${over === 1 ? "character" : "characters"} too long: at most ${max} are allowed.`;
}

function ourFault(code) {
  return FAULTS_OF_THE_PAGE.includes(code) ? `${OUR_FAULT} (${code}).` : undefined;
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
