// What people did to each other in a room, in words. Pure. Sentences are lists of parts, as in text.js.

import { momentText } from "./when.js";

/** `{actor, action, user, until, reason, details}` as a sentence. `about`: `{me, nameOf(user), now}`. */
export function deedParts(deed, about) {
  const make = Object.hasOwn(SENTENCES, deed.action) ? SENTENCES[deed.action] : () => [` did something that this page does not know (${deed.action})`];
  const who = person(deed.actor ?? "", about, true);
  const parts = [...who, ...make(person(deed.user ?? "", about, false), deed)];
  if (deed.until !== undefined && deed.action !== "update") {
    parts.push(` until ${momentText(deed.until, about.now)}`);
  }
  if (typeof deed.reason === "string" && deed.reason !== "") {
    parts.push(": ", { name: deed.reason });
  }
  return parts;
}

const SENTENCES = {
  create: () => [" made this room"],
  update: () => [" changed the room’s settings"],
  archive: () => [" archived the room"],
  unarchive: () => [" took the room out of the archive"],
  delete: () => [" deleted the room"],
  affiliate: (whom, { user, actor, details }) => {
    const role = roleIn(details);
    return user === actor && (role === "a member" || role === undefined) ? [" became a member"] : role === undefined ? [" gave ", ...whom, " another role"] : [" made ", ...whom, ` ${role}`];
  },
  transfer: (whom) => [" handed the room over to ", ...whom],
  resign: () => [" gave up their role"],
  invite: (whom) => [" invited ", ...whom],
  withdraw: (whom) => [" did not let ", ...whom, " in after all"],
  knock: () => [" asked to come in"],
  approve: (whom) => [" let ", ...whom, " in"],
  kick: (whom) => [" removed ", ...whom, " from the room"],
  ban: (whom) => [" banned ", ...whom],
  unban: (whom) => [" lifted the ban of ", ...whom],
  mute: (whom) => [" muted ", ...whom],
  unmute: (whom) => [" lifted the mute of ", ...whom],
  delete_message: (_, { seq }) => [` deleted message ${seq ?? ""}`.trimEnd()],
  purge: (whom) => [" deleted what ", ...whom, " had said"],
  raid: (_, { until }) => [until === undefined ? " let people join again without asking" : " had people ask before they join"],
};

function person(user, { me, nameOf }, isFirst) {
  if (user === "") {
    return [isFirst ? "The operator" : "the room"];
  }
  return user === me ? [isFirst ? "You" : "you"] : [{ name: nameOf(user) }];
}

const ROLES = { owner: "an owner", moderator: "a moderator", member: "a member", none: "somebody without a role" };

/** What `details` say somebody was made. */
function roleIn(details = "") {
  const word = /affiliation=(\w+)/.exec(details)?.[1] ?? "";
  return Object.hasOwn(ROLES, word) ? ROLES[word] : undefined;
}

const SETTINGS = {
  name: "name",
  topic: "topic",
  kind: "kind",
  join_rule: "who may join",
  locked: "only moderators speak",
  slow_mode_ms: "time between two messages of one person, in milliseconds",
  cooldown_ms: "time before the first message, in milliseconds",
  message_characters_max: "longest message",
  members_max: "people at most",
  retention_messages: "messages kept",
  retention_ms: "time messages are kept, in milliseconds",
  messages_per_minute: "messages per minute",
  messages_per_minute_per_member: "messages per minute and person",
  bytes_per_second: "bytes per second",
  joins_per_minute: "joins per minute",
};

/** The settings that an entry of the log names, as `{name, value}`. */
export function settingsOf(details = "") {
  return details.split("\n").flatMap((line) => {
    const at = line.indexOf("=");
    const name = line.slice(0, at);
    return at > 0 && name !== "affiliation" ? [{ name: Object.hasOwn(SETTINGS, name) ? SETTINGS[name] : name, value: line.slice(at + 1) }] : [];
  });
}
