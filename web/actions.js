// What one may do to a person, a message or a room, as far as the page knows: the server judges. Pure.
//
// An action is `{id, label, danger}`; `deed` says what has to be asked before it is done, and which request does it.

import { duration } from "./when.js";

const RANK = { banned: 0, none: 1, member: 2, moderator: 3, owner: 4 };
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Bytes, as the server bounds a reason. */
const REASON_BYTES_MAX = 256;

/** One's own rank: the affiliation, or the one whose capabilities a sign-in brings. */
function ownRank({ can, affiliation }) {
  return can.has("configure") ? RANK.owner : Math.max(RANK[affiliation] ?? RANK.none, can.has("moderate") ? RANK.moderator : 0);
}

/** Whether one may quiet the room and say who belongs to it: with `configure` alone too. */
export function hasSay({ can }) {
  return can.has("moderate") || can.has("configure");
}

function rankOf(person) {
  return RANK[person?.affiliation] ?? RANK.none;
}

/** What one may do to `person`, who has a `user` and stands to the room as the list of people says. */
export function personActions(room, me, person) {
  if (person.user === me.user || room.about === null) {
    return [];
  }
  const own = ownRank(room);
  const rank = rankOf(person);
  const { can } = room;
  const isOver = can.has("moderate") && own > rank;
  const isOwner = room.affiliation === "owner";
  const appoints = hasSay(room) && own > rank;
  const mayGive = (to) => appoints && rank !== RANK[to] && (RANK[to] < own || (to === "owner" && own === RANK.owner));
  return [
    [person.knocking && can.has("moderate"), "approve", "Let in"],
    [person.knocking && can.has("moderate"), "withdraw", "Turn down"],
    [person.invited && can.has("invite"), "withdraw", "Take the invitation back"],
    [!person.invited && !person.knocking && rank === RANK.none && can.has("invite") && !(person.connections > 0), "invite", "Invite"],
    [mayGive("owner"), "make_owner", "Make owner"],
    [mayGive("moderator") && rank < RANK.moderator, "make_moderator", "Make moderator"],
    [mayGive("member") && rank === RANK.none && !person.knocking, "make_member", "Make member"],
    [mayGive("member") && rank > RANK.member, "make_member", "Make an ordinary member"],
    [appoints && rank > RANK.none, "make_none", "Take the role away"],
    [isOwner && rank >= RANK.member, "transfer", "Hand the room over…"],
    [isOver && !person.muted, "mute", "Mute…"],
    [can.has("moderate") && person.muted === true, "unmute", "Lift the mute"],
    [isOver && person.connections > 0, "kick", "Remove from the room…", true],
    [isOver, "ban", "Ban…", true],
    [isOver && room.isDurable, "purge", "Delete everything they said…", true],
  ].flatMap(action);
}

/** What one may do to a message, and to whoever said it. */
export function messageActions(room, me, entry) {
  if (room.about === null || !room.joined) {
    return [];
  }
  const { can } = room;
  const author = { user: entry.user, affiliation: "none", connections: 0, ...room.members.get(entry.user) };
  const isOver = can.has("moderate") && ownRank(room) > rankOf(author);
  const isThere = room.isDurable && Number.isInteger(entry.seq) && !entry.isDeleted;
  const aboutMessage = [
    [isThere && entry.own && can.has("send") && !entry.isSealed, "edit", "Edit"],
    [isThere && entry.own && (can.has("send") || can.has("moderate")), "delete_own", "Delete…", true],
    [isThere && !entry.own && isOver, "delete_message", "Delete…", true],
  ];
  const ofModerators = new Set(["mute", "unmute", "kick", "ban", "purge"]);
  return [...aboutMessage.flatMap(action), ...personActions(room, me, author).filter(({ id }) => ofModerators.has(id))];
}

/** What one may do to the room itself, or with it. `now`: milliseconds. */
export function roomActions(room, lobby, now) {
  const { can, about } = room;
  if (about === null) {
    return [];
  }
  const moderates = can.has("moderate");
  const isRaided = (about.raid_until ?? 0) * 1000 > now;
  const isOpen = about.kind === "public" && about.join_rule === "open";
  return [
    [can.has("configure"), "settings", "Room settings…"],
    [can.has("invite"), "invite_somebody", "Invite somebody…"],
    [can.has("read"), "log", "Moderation log…"],
    [moderates && !can.has("configure"), "slow_mode", "Slow mode…"],
    [hasSay(room), about.locked ? "unlock" : "lock", about.locked ? "Let everybody speak" : "Let only moderators speak"],
    [hasSay(room) && (isOpen || isRaided), isRaided ? "end_raid" : "raid", isRaided ? "Let people join freely again" : "Have people ask before they join…"],
    [moderates, "ban_somebody", "Ban somebody who is not here…", true],
    [moderates, "unban_somebody", "Lift a ban…"],
    [can.has("configure"), about.archived ? "unarchive" : "archive", about.archived ? "Take out of the archive" : "Archive…"],
    [room.name !== lobby && room.joined, "leave", "Leave room"],
    [["member", "moderator", "owner"].includes(room.affiliation), "resign", "Give up my role…", true],
    [can.has("configure"), "delete", "Delete the room…", true],
  ].flatMap(action);
}

function action([isPossible, id, label, danger = false]) {
  return isPossible ? [{ id, label, danger }] : [];
}

const REASON = { name: "reason", label: "Reason", kind: "text", bytesMax: REASON_BYTES_MAX, hint: "They are told, and so is the room." };
const SOMEBODY = { name: "user", label: "User", kind: "text", bytesMax: 128, required: true, hint: "The identifier they sign in with, as it stands beside their name." };
const FOR_HOW_LONG = { name: "for_ms", label: "For how long", kind: "select", options: [10 * MINUTE, HOUR, DAY, 7 * DAY, 30 * DAY].map((ms) => [String(ms), lengthText(ms)]).concat([["", "Until it is lifted"]]) };
const BREAKS = { name: "slow_mode_ms", label: "Between two messages of one person", kind: "select", options: [["0", "No wait"], ...[5_000, 10_000, 30_000, MINUTE, 5 * MINUTE, 30 * MINUTE].map((ms) => [String(ms), duration(ms)])] };

/** A length of time as one would choose it. */
export function lengthText(ms) {
  const days = ms / DAY;
  return days >= 1 ? `${days} ${days === 1 ? "day" : "days"}` : ms === HOUR ? "1 hour" : duration(ms);
}

/**
 * How action `id` is done: `{title, intro, fields, submit, danger, command(values)}`, without a `title` at once. `about`: the `room`, and the
 * `user` and their `name`, or the `seq`, that it is about.
 */
export function deed(id, { room, user = "", name = "", seq, slowMode = 0 }) {
  const toThem = (type, values = {}) => ({ type, room, user: user || values.user, ...given(values) });
  const affiliate = (affiliation, title, intro) => ({ title, intro, submit: title, command: () => ({ type: "affiliate", room, user, affiliation }) });
  const sanction = (type, title, intro) => ({ title, intro, fields: [...(user === "" ? [SOMEBODY] : []), FOR_HOW_LONG, REASON], submit: type === "ban" ? "Ban" : "Mute", danger: true, command: (values) => toThem(type, values) });
  const withReason = (title, intro, submit, command) => ({ title, intro, fields: [REASON], submit, danger: true, command });
  switch (id) {
    case "approve":
    case "withdraw":
    case "invite":
    case "unmute":
    case "unban":
      return { command: () => ({ type: id, room, user }) };
    case "make_owner":
      return affiliate("owner", `Make ${name} an owner?`, "Owners can do everything in the room. Nobody but themselves takes that away from them again.");
    case "make_moderator":
      return { command: () => ({ type: "affiliate", room, user, affiliation: "moderator" }) };
    case "make_member":
      return { command: () => ({ type: "affiliate", room, user, affiliation: "member" }) };
    case "make_none":
      return affiliate("none", `Take ${name}’s role away?`, "They stay only where anybody may be.");
    case "transfer":
      return { title: `Hand the room over to ${name}?`, intro: "They become its owner, and you a moderator. Only they can give it back.", submit: "Hand over", danger: true, command: () => ({ type: "transfer", room, user }) };
    case "mute":
      return sanction("mute", `Mute ${name}`, "They stay, and read, and can not write here.");
    case "ban":
      return sanction("ban", `Ban ${name}`, "They leave the room at once and can not come back.");
    case "ban_somebody":
      return sanction("ban", "Ban somebody", "They can not come in, or leave at once if they are here.");
    case "unban_somebody":
      return { title: "Lift a ban", fields: [SOMEBODY], submit: "Lift the ban", command: (values) => ({ type: "unban", room, user: values.user }) };
    case "invite_somebody":
      return { title: "Invite somebody", intro: "They are told at once if they are here, and can join whenever they like.", fields: [SOMEBODY], submit: "Invite", command: (values) => ({ type: "invite", room, user: values.user }) };
    case "kick":
      return withReason(`Remove ${name} from the room?`, "They can come back if they may join. Ban them to keep them out.", "Remove", (values) => toThem("kick", values));
    case "purge":
      return withReason(`Delete everything ${name} said here?`, "It is gone for everybody and can not be brought back.", "Delete all", (values) => toThem("purge", values));
    case "delete_own":
      return { title: "Delete your message?", intro: "It is gone for everybody. Where it was stands that it was deleted.", submit: "Delete", danger: true, command: () => ({ type: "delete_message", room, seq }) };
    case "delete_message":
      return withReason("Delete this message?", "It is gone for everybody. That you deleted it stands in the moderation log.", "Delete", (values) => ({ type: "delete_message", room, seq, ...given(values) }));
    case "slow_mode":
      return { title: "Slow mode", intro: "How long everybody waits before they write again. Moderators do not wait.", fields: [{ ...BREAKS, value: String(slowMode) }], submit: "Set", command: (values) => ({ type: "update", room, slow_mode_ms: Number(values.slow_mode_ms) }) };
    case "lock":
    case "unlock":
      return { command: () => ({ type: "update", room, locked: id === "lock" }) };
    case "raid":
      return { title: "Have people ask before they join?", intro: "For a time, who wants to join waits until a moderator lets them in.", fields: [{ ...FOR_HOW_LONG, options: FOR_HOW_LONG.options.slice(0, 3) }], submit: "Have them ask", command: (values) => ({ type: "raid", room, for_ms: Number(values.for_ms) }) };
    case "end_raid":
      return { command: () => ({ type: "raid", room, for_ms: 0 }) };
    case "archive":
      return { title: "Archive this room?", intro: "Everybody who belongs to it can still read it; nobody can write.", submit: "Archive", command: () => ({ type: "archive", room, archived: true }) };
    case "unarchive":
      return { command: () => ({ type: "archive", room, archived: false }) };
    case "resign":
      return { title: "Give up your role?", intro: "You are in this room like anybody else then, or not any more if it is only for members.", submit: "Give up", danger: true, command: () => ({ type: "resign", room }) };
    case "delete":
      return { title: "Delete this room?", intro: "The room and everything said in it are gone for good.", submit: "Delete for good", danger: true, command: () => ({ type: "delete", room }) };
    default:
      return null;
  }
}

/** What was filled in, as the protocol takes it. */
function given({ for_ms: forMs, reason }) {
  return { ...(forMs ? { for_ms: Number(forMs) } : {}), ...(reason ? { reason } : {}) };
}
