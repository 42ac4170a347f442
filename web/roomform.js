// What is asked when a room is made or configured, and the request that it comes to. Pure.

import { lengthText } from "./actions.js";
import { duration } from "./when.js";

const ROOM_ID = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$/;
const ID_CHARACTERS_MAX = 64;
const SECOND = 1_000;
const DAY = 24 * 60 * 60 * SECOND;

const KINDS = [
  ["public", "Everybody who is signed in"],
  ["members", "Members only"],
  ["private", "Members only, sealed"],
];
const JOIN_RULES = [
  ["open", "By joining"],
  ["knock", "By asking: a moderator decides"],
  ["invite", "By invitation"],
];
const PAUSES = [0, 5, 10, 30, 60, 300, 1_800].map((seconds) => seconds * SECOND);
const KEPT_FOR = [0, 1, 7, 30, 90, 365].map((days) => days * DAY);

const NAME = { name: "name", label: "Name", kind: "text", bytesMax: 128 };
const TOPIC = { name: "topic", label: "Topic", kind: "text", bytesMax: 1024 };
const KIND = { name: "kind", label: "Whom it is for", kind: "select", options: KINDS, hint: "Sealed: listed nowhere, and readable only to programs with a key. This page has none, and can not write there." };
const JOIN_RULE = { name: "join_rule", label: "How people come in", kind: "select", options: JOIN_RULES };

/** The fields for a new room. */
export function creationFields() {
  return [
    { ...NAME, required: true },
    { name: "room", label: "Identifier", kind: "text", bytesMax: ID_CHARACTERS_MAX, hint: "For links: letters, digits, _ . : - It stays as it is.", follows: "name", from: identifierOf },
    TOPIC,
    KIND,
    JOIN_RULE,
    { name: "ephemeral", label: "Keep no messages: who is not here misses them", kind: "checkbox", value: false },
  ];
}

/** The request that makes a room; a sentence when something is missing. */
export function creation({ room, name, topic, kind, join_rule: joinRule, ephemeral }) {
  const id = room === "" ? identifierOf(name) : room;
  if (!ROOM_ID.test(id)) {
    return "The identifier begins with a letter or digit, and has at most 64 letters, digits, and _ . : -";
  }
  return { type: "create", room: id, kind, join_rule: joinRule, ...(name !== "" && name !== id && { name }), ...(topic !== "" && { topic }), ...(ephemeral && { ephemeral: true }) };
}

/** A room's identifier made of its name: what can stand in one, in lower case; "" when nothing can. */
export function identifierOf(name) {
  const plain = name.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  return plain.replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, ID_CHARACTERS_MAX).replace(/-+$/, "");
}

/** The fields for what an owner can set, as `about` says the room is. */
export function settingsFields(about) {
  const number = (name, label) => ({ name, label, kind: "number", value: about[name] ? String(about[name]) : "", placeholder: "As the server allows" });
  const time = (name, label, all, zero) => {
    const value = about[name] ?? 0;
    const choices = all.includes(value) ? all : [...all, value].sort((a, b) => a - b);
    return { name, label, kind: "select", value: String(value), options: choices.map((ms) => [String(ms), ms === 0 ? zero : ms >= DAY ? lengthText(ms) : duration(ms)]) };
  };
  return [
    { ...NAME, value: about.name ?? "" },
    { ...TOPIC, value: about.topic ?? "" },
    { kind: "heading", label: "Coming in" },
    { ...KIND, value: about.kind },
    { ...JOIN_RULE, value: about.join_rule },
    number("members_max", "People at most"),
    number("joins_per_minute", "Joins per minute at most"),
    { kind: "heading", label: "Speaking" },
    { name: "locked", label: "Only moderators speak", kind: "checkbox", value: about.locked === true },
    time("slow_mode_ms", "Between two messages of one person", PAUSES, "No wait"),
    time("cooldown_ms", "Before somebody’s first message", PAUSES, "No wait"),
    number("message_characters_max", "Characters in a message at most"),
    number("messages_per_minute_per_member", "Messages per minute and person"),
    number("messages_per_minute", "Messages per minute of everybody"),
    number("bytes_per_second", "Bytes per second of everybody"),
    ...(about.ephemeral ? [] : [
      { kind: "heading", label: "Keeping" },
      number("retention_messages", "Messages kept at most"),
      time("retention_ms", "Messages are kept for", KEPT_FOR, "As long as the server keeps them"),
    ]),
  ];
}

/** The request that changes what was changed in the fields; null: nothing was. */
export function change(about, values) {
  const changed = {};
  for (const { name, kind, value = "" } of settingsFields(about)) {
    const now = values[name];
    if (name !== undefined && now !== undefined && now !== value) {
      changed[name] = kind === "number" || name.endsWith("_ms") ? Number(now) : now;
    }
  }
  return Object.keys(changed).length === 0 ? null : { type: "update", room: about.room, ...changed };
}
