// What stands in the way of writing in a room, in words, and what one can do about it. Pure.

import { momentText } from "./when.js";

const OUT = {
  kicked: "You were removed from this room",
  banned: "You are banned from this room",
  deleted: "This room was deleted",
  archived: "This room was archived",
  forbidden: "This room is not open to you any more",
};

/**
 * How the room is closed to its reader: `{title, detail, act, label, back, tone}`; null: it is open. `act`: `join`, `knock`, or "" when there is nothing
 * to be done; `back`: how an invitation or a knock is taken back, in a word, or "". `now`: milliseconds.
 */
export function doorway(room, now) {
  const { about, can, out, mute } = room;
  if (room.joined) {
    return inside(room, mute, now);
  }
  const may = wayIn(room, now);
  if (out !== null) {
    const title = Object.hasOwn(OUT, out.code) ? OUT[out.code] : "You are not in this room any more";
    const until = out.until === undefined ? (out.code === "banned" ? " until somebody lifts it" : "") : ` until ${momentText(out.until, now)}`;
    return { title: `${title}${until}.`, detail: reasonOf(out), tone: "bad", ...(out.code === "kicked" ? may : NOTHING) };
  }
  if (about === null) {
    return null;
  }
  if (about.knocking) {
    return { title: "You asked to come in.", detail: "A moderator decides. You can go on elsewhere meanwhile: you are told here.", tone: "", ...NOTHING, back: "Take it back" };
  }
  return { title: about.invited ? "You are invited to this room." : "You are not in this room.", detail: may.act === "" ? "It is for those who are invited." : "", tone: "", ...may, back: about.invited ? "Decline" : "" };
}

const NOTHING = { act: "", label: "", back: "" };

function wayIn({ about, can }, now) {
  if (can.has("join")) {
    return { act: "join", label: "Join", back: "" };
  }
  const isRaided = (about?.raid_until ?? 0) * 1000 > now;
  return about !== null && can.has("see") && (about.join_rule === "knock" || isRaided) ? { act: "knock", label: "Ask to come in", back: "" } : NOTHING;
}

function inside({ about, can, isSealed }, mute, now) {
  if (about === null) {
    return null;
  }
  if (isSealed) {
    return { title: "Messages here are sealed.", detail: "This page has no key to them: it can show who is here, and neither read nor write.", tone: "", ...NOTHING };
  }
  if (can.has("send")) {
    return null;
  }
  if (about.archived) {
    return { title: "This room is archived.", detail: "It can be read, and nothing is added to it.", tone: "", ...NOTHING };
  }
  if (mute !== null) {
    const until = mute.until === undefined ? " until somebody lifts it" : ` until ${momentText(mute.until, now)}`;
    return { title: `You are muted here${until}.`, detail: reasonOf(mute), tone: "bad", ...NOTHING };
  }
  if (about.locked) {
    return { title: "Only moderators speak here now.", detail: "", tone: "", ...NOTHING };
  }
  return { title: "You can read here, but not write.", detail: "", tone: "", ...NOTHING };
}

function reasonOf({ reason = "" }) {
  return reason === "" ? "" : `Reason given: ${reason}`;
}
