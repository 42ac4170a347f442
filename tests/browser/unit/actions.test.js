// What the page offers to be done to people, messages and rooms, and the requests that this comes to.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { deed, messageActions, personActions, roomActions } from "../../../web/actions.js";
import { deedParts, settingsOf } from "../../../web/deeds.js";
import { doorway } from "../../../web/doorway.js";
import { Room } from "../../../web/room.js";
import { change, creation, creationFields, identifierOf, settingsFields } from "../../../web/roomform.js";
import { plain } from "../../../web/text.js";

const ME = { user: "ada", name: "Ada" };
const BRINGS = {
  none: ["see", "join", "read", "send"],
  member: ["see", "join", "read", "send"],
  moderator: ["see", "join", "read", "send", "invite", "moderate"],
  owner: ["see", "join", "read", "send", "invite", "moderate", "configure"],
};
const AFFILIATIONS = ["none", "member", "moderator", "owner"];

function room(affiliation, more = {}) {
  const made = new Room("deck");
  made.describe({ room: "deck", kind: "members", join_rule: "invite", last_seq: 0, unread: 0, affiliation, can: BRINGS[affiliation], ...more });
  made.joined = true;
  return made;
}

const bo = (affiliation, more) => ({ user: "bo", name: "Bo", affiliation, connections: 1, muted: false, invited: false, knocking: false, ...more });
const ids = (actions) => actions.map(({ id }) => id);

test("nobody is offered to act on somebody of an equal or higher affiliation", () => {
  for (const [own, mine] of AFFILIATIONS.entries()) {
    for (const [other, theirs] of AFFILIATIONS.entries()) {
      const offered = ids(personActions(room(mine), ME, bo(theirs)));
      const isOver = own >= 2 && own > other;
      for (const id of ["kick", "ban", "mute", "purge"]) {
        assert.equal(offered.includes(id), isOver, `${mine} ${id} ${theirs}`);
      }
    }
  }
});

test("what is offered to whom, by affiliation", () => {
  assert.deepEqual(ids(personActions(room("member"), ME, bo("member"))), []);
  assert.deepEqual(ids(personActions(room("moderator"), ME, bo("member"))), ["make_none", "mute", "kick", "ban", "purge"]);
  assert.deepEqual(ids(personActions(room("moderator"), ME, bo("none"))), ["make_member", "mute", "kick", "ban", "purge"]);
  assert.deepEqual(ids(personActions(room("owner"), ME, bo("member"))), ["make_owner", "make_moderator", "make_none", "transfer", "mute", "kick", "ban", "purge"]);
  assert.deepEqual(ids(personActions(room("owner"), ME, bo("moderator"))), ["make_owner", "make_member", "make_none", "transfer", "mute", "kick", "ban", "purge"]);
  assert.deepEqual(ids(personActions(room("owner"), ME, bo("owner"))), ["transfer"]);
  assert.deepEqual(ids(personActions(room("owner"), ME, { ...bo("owner"), user: "ada" })), [], "nothing to oneself");
});

test("somebody who knocks is let in or turned down, an invitation is taken back, a mute lifted, and who is not there is not removed", () => {
  const moderator = room("moderator");
  assert.deepEqual(ids(personActions(moderator, ME, bo("none", { knocking: true, connections: 0 }))).slice(0, 2), ["approve", "withdraw"]);
  assert.deepEqual(ids(personActions(moderator, ME, bo("none", { invited: true, connections: 0 }))).includes("withdraw"), true);
  const muted = ids(personActions(moderator, ME, bo("member", { muted: true, connections: 0 })));
  assert.deepEqual([muted.includes("unmute"), muted.includes("mute"), muted.includes("kick")], [true, false, false]);
});

test("a sign-in that brings capabilities counts like the affiliation that has them", () => {
  const claimed = room("none", { can: BRINGS.moderator });
  assert.ok(ids(personActions(claimed, ME, bo("member"))).includes("ban"));
  assert.ok(!ids(personActions(claimed, ME, bo("moderator"))).includes("ban"));
  const configures = room("none", { can: ["see", "configure"], kind: "public", join_rule: "open" });
  assert.deepEqual(ids(personActions(configures, ME, bo("moderator"))), ["make_owner", "make_member", "make_none"]);
  assert.deepEqual(ids(personActions(configures, ME, bo("owner"))), []);
  assert.deepEqual(ids(roomActions(configures, "lobby", 0)), ["settings", "lock", "raid", "archive", "leave", "delete"]);
});

test("one's own message can be changed and deleted, another's deleted by who moderates, and neither where nothing is kept", () => {
  const own = { kind: "message", user: "ada", own: true, seq: 1 };
  const other = { kind: "message", user: "bo", own: false, seq: 2 };
  const offered = (affiliation, entry, more) => ids(messageActions(room(affiliation, more), ME, entry));
  assert.deepEqual(offered("none", own), ["edit", "delete_own"]);
  assert.deepEqual(offered("none", other), []);
  assert.deepEqual(offered("moderator", other), ["delete_message", "mute", "ban", "purge"]);
  assert.deepEqual(offered("moderator", { ...other, isDeleted: true }), ["mute", "ban", "purge"]);
  assert.deepEqual(offered("moderator", { ...own, isDeleted: true }), []);
  assert.deepEqual(offered("member", own, { ephemeral: true }), []);
  assert.deepEqual(offered("moderator", other, { ephemeral: true }), ["mute", "ban"]);
  assert.deepEqual(offered("member", own, { can: ["see", "join", "read"] }), [], "who is muted changes nothing");
  const peers = room("moderator");
  peers.list([bo("moderator")], 1);
  assert.deepEqual(ids(messageActions(peers, ME, other)), [], "not a peer's");
});

test("what one may do to a room depends on what one may do in it", () => {
  const offered = (affiliation, more) => ids(roomActions(room(affiliation, more), "lobby", 0));
  assert.deepEqual(offered("member"), ["log", "leave", "resign"]);
  assert.deepEqual(offered("moderator"), ["invite_somebody", "log", "slow_mode", "lock", "ban_somebody", "unban_somebody", "leave", "resign"]);
  assert.deepEqual(offered("owner"), ["settings", "invite_somebody", "log", "lock", "ban_somebody", "unban_somebody", "archive", "leave", "resign", "delete"]);
  assert.ok(offered("moderator", { kind: "public", join_rule: "open" }).includes("raid"));
  assert.ok(offered("moderator", { kind: "public", join_rule: "open", raid_until: 1 }).includes("end_raid"));
  assert.ok(offered("owner", { locked: true, archived: true }).join().includes("unlock"));
  assert.deepEqual(ids(roomActions(new Room("unknown"), "lobby", 0)), []);
});

test("everything that is offered can be done, and is a request of the protocol", async () => {
  const source = await readFile(new URL("../../../src/protocol/command/v1/shapes.rs", import.meta.url), "utf8");
  const commands = [...source.matchAll(/shape\(\s*"(\w+)"/g)].map(([, name]) => name);
  assert.ok(commands.length > 20);
  const everything = new Set();
  for (const mine of AFFILIATIONS) {
    for (const more of [{}, { kind: "public", join_rule: "open" }, { raid_until: 1, locked: true, archived: true }]) {
      roomActions(room(mine, more), "lobby", 0).forEach(({ id }) => everything.add(id));
    }
    for (const theirs of AFFILIATIONS) {
      for (const more of [{}, { muted: true }, { invited: true, connections: 0 }, { knocking: true, connections: 0 }]) {
        personActions(room(mine), ME, bo(theirs, more)).forEach(({ id }) => everything.add(id));
      }
    }
  }
  ["settings", "log", "leave"].forEach((id) => everything.delete(id));
  for (const id of everything) {
    const spec = deed(id, { room: "deck", user: "bo", name: "Bo", seq: 3 });
    const command = spec.command({ user: "cy", for_ms: "60000", reason: "noise", slow_mode_ms: "5000" });
    assert.ok(commands.includes(command.type), `${id} asks ${command.type}`);
    assert.equal(command.room, "deck", id);
    assert.ok(spec.title === undefined || spec.submit.length > 0, id);
  }
});

test("a sanction is for a time or lasting, with a reason or without", () => {
  const { command } = deed("ban", { room: "deck", user: "bo", name: "Bo" });
  assert.deepEqual(command({ for_ms: "3600000", reason: "noise" }), { type: "ban", room: "deck", user: "bo", for_ms: 3_600_000, reason: "noise" });
  assert.deepEqual(command({ for_ms: "", reason: "" }), { type: "ban", room: "deck", user: "bo" });
  const gone = deed("ban_somebody", { room: "deck" });
  assert.deepEqual(gone.command({ user: "cy", for_ms: "", reason: "" }), { type: "ban", room: "deck", user: "cy" });
});

test("what was done is told in a sentence, with names that stay names", () => {
  const told = { me: "ada", nameOf: (user) => user.toUpperCase(), now: 0 };
  const text = (entry) => plain(deedParts(entry, told));
  assert.equal(text({ action: "ban", actor: "bo", user: "cy", reason: "noise" }), "BO banned CY: noise");
  assert.equal(text({ action: "mute", actor: "ada", user: "cy" }), "You muted CY");
  assert.equal(text({ action: "kick", user: "ada" }), "The operator removed you from the room");
  assert.equal(text({ action: "affiliate", actor: "bo", user: "cy", details: "affiliation=moderator" }), "BO made CY a moderator");
  assert.equal(text({ action: "affiliate", actor: "bo", user: "cy" }), "BO gave CY another role");
  assert.match(text({ action: "mute", actor: "bo", user: "cy", until: 60_000 }), /^BO muted CY until .*\d/);
  assert.match(text({ action: "constructor", actor: "bo" }), /does not know/);
  assert.ok(deedParts({ action: "ban", actor: "bo", user: "cy" }, told).some((part) => part.name === "CY"), "isolated from the words around it");
  assert.deepEqual(settingsOf("name=The deck\nslow_mode_ms=5000\nconstructor=1\naffiliation=owner").map(({ name, value }) => [name, value]), [["name", "The deck"], ["time between two messages of one person, in milliseconds", "5000"], ["constructor", "1"]]);
});

test("every action of the server's log has its own sentence", async () => {
  const source = await readFile(new URL("../../../src/rooms/moderation.rs", import.meta.url), "utf8");
  const actions = [...source.split("actions! {")[1].split("\n}")[0].matchAll(/= "(\w+)"/g)].map(([, word]) => word);
  assert.ok(actions.length > 15);
  for (const action of actions) {
    assert.doesNotMatch(plain(deedParts({ action, actor: "bo", user: "cy" }, { me: "ada", nameOf: (user) => user, now: 0 })), /does not know/, action);
  }
});

test("what stands in the way of writing is told, with its reason and what helps", () => {
  const closed = (affiliation, more, change = {}) => Object.assign(room(affiliation, more), change);
  assert.equal(doorway(closed("member"), 0), null);
  assert.match(doorway(closed("member", { can: ["see", "read"] }, { mute: { reason: "noise" } }), 0).title, /muted here until somebody lifts it/);
  assert.match(doorway(closed("member", { can: ["see", "read"] }, { mute: { reason: "noise" } }), 0).detail, /noise/);
  assert.match(doorway(closed("member", { can: ["see", "read"], locked: true }), 0).title, /Only moderators/);
  assert.match(doorway(closed("member", { can: ["see", "read"], archived: true, locked: true }), 0).title, /archived/);
  assert.match(doorway(closed("member", { kind: "private" }), 0).title, /sealed/);
  assert.equal(doorway(closed("none", { can: ["see", "join"] }, { joined: false }), 0).act, "join");
  assert.equal(doorway(closed("none", { can: ["see"], join_rule: "knock" }, { joined: false }), 0).act, "knock");
  assert.equal(doorway(closed("none", { can: ["see"], join_rule: "open", raid_until: 9 }, { joined: false }), 0).act, "knock");
  assert.match(doorway(closed("none", { can: ["see"], join_rule: "knock", knocking: true }, { joined: false }), 0).title, /You asked/);
  assert.match(doorway(closed("none", { can: ["see", "join"], invited: true }, { joined: false }), 0).title, /invited/);
  const back = (more) => doorway(closed("none", { can: ["see", "join"], ...more }, { joined: false }), 0).back;
  assert.deepEqual([back({ invited: true }), back({ knocking: true }), back({})], ["Decline", "Take it back", ""]);
  const banned = doorway(closed("none", { can: [] }, { joined: false, out: { code: "banned", reason: "noise", until: undefined } }), 0);
  assert.equal(`${banned.title} ${banned.detail}${banned.act}`, "You are banned from this room until somebody lifts it. Reason given: noise");
  assert.equal(doorway(closed("none", {}, { joined: false, out: { code: "kicked", reason: "" } }), 0).act, "join");
  assert.match(doorway(closed("none", {}, { joined: false, out: { code: "constructor", reason: "" } }), 0).title, /not in this room any more/);
});

test("a room's identifier is made of its name, and one that can't be is told", () => {
  for (const [name, id] of [["Bridge watch", "bridge-watch"], ["  Été à Köln!  ", "ete-a-koln"], ["日本", ""], ["a".repeat(80), "a".repeat(64)], ["--x--", "x"]]) {
    assert.equal(identifierOf(name), id, name);
  }
  const values = { room: "", name: "Bridge watch", topic: "", kind: "members", join_rule: "invite", ephemeral: false };
  assert.deepEqual(creation(values), { type: "create", room: "bridge-watch", kind: "members", join_rule: "invite", name: "Bridge watch" });
  assert.deepEqual(creation({ ...values, name: "deck", ephemeral: true, topic: "t" }), { type: "create", room: "deck", kind: "members", join_rule: "invite", topic: "t", ephemeral: true });
  assert.match(creation({ ...values, name: "日本" }), /begins with a letter or digit/);
  assert.deepEqual(creationFields().map(({ name }) => name), ["name", "room", "topic", "kind", "join_rule", "ephemeral"]);
});

test("only what was changed in the settings is asked to be changed", () => {
  const about = { room: "deck", kind: "public", join_rule: "open", name: "Deck", slow_mode_ms: 5_000, members_max: 9 };
  const unchanged = Object.fromEntries(settingsFields(about).filter(({ name }) => name !== undefined).map(({ name, value = "" }) => [name, value]));
  assert.equal(change(about, unchanged), null);
  assert.deepEqual(change(about, { ...unchanged, slow_mode_ms: "10000", members_max: "", topic: "x", locked: true }), { type: "update", room: "deck", topic: "x", members_max: 0, locked: true, slow_mode_ms: 10_000 });
});

test("a setting that the page does not offer itself stays among the choices", () => {
  const field = settingsFields({ room: "deck", slow_mode_ms: 7_000 }).find(({ name }) => name === "slow_mode_ms");
  assert.equal(field.value, "7000");
  assert.ok(field.options.some(([value]) => value === "7000"));
});
