import assert from "node:assert/strict";
import { test } from "node:test";

import { Kept } from "../../../web/kept.js";
import { Outgoing } from "../../../web/outgoing.js";
import { SafeStorage } from "../../../web/storage.js";

const states = (outgoing) => outgoing.of("lobby").map((item) => `${item.text} ${item.state}`);

test("what the server has confirmed is gone, whichever of reply and message comes first", () => {
  for (const order of [["ok", "message"], ["message", "ok"]]) {
    const outgoing = new Outgoing();
    const id = outgoing.add("lobby", "hi");
    for (const what of order) {
      if (what === "ok") {
        outgoing.confirmed(id, 7);
      } else {
        outgoing.heard("lobby", "hi", 7);
      }
    }
    assert.deepEqual(states(outgoing), [], order.join());
    outgoing.add("lobby", "hi");
    outgoing.lost(2);
    assert.deepEqual(states(outgoing), ["hi unsure"], "the one before says nothing about this one");
  }
});

test("what was lost without an answer is of unknown fate, and stays until its writer decides", () => {
  const outgoing = new Outgoing();
  const id = outgoing.add("lobby", "hi");
  outgoing.lost(id);
  assert.deepEqual(states(outgoing), ["hi unsure"]);
  outgoing.again(id);
  assert.deepEqual(states(outgoing), ["hi sending"]);
  outgoing.lost(id);
  outgoing.discard(id);
  assert.deepEqual(states(outgoing), []);
});

test("a message that came back although its reply was lost has arrived", () => {
  const outgoing = new Outgoing();
  const early = outgoing.add("lobby", "early");
  outgoing.heard("lobby", "early", 1);
  outgoing.lost(early);
  const late = outgoing.add("lobby", "late");
  outgoing.lost(late);
  outgoing.heard("lobby", "late", 2);
  assert.deepEqual(states(outgoing), []);
});

test("the second of two equal messages is not taken for the first", () => {
  const outgoing = new Outgoing();
  const [first, second] = [outgoing.add("lobby", "hi"), outgoing.add("lobby", "hi")];
  outgoing.confirmed(first, 1);
  outgoing.heard("lobby", "hi", 1);
  outgoing.lost(second);
  assert.deepEqual(states(outgoing), ["hi unsure"]);
});

test("what was refused is not taken for sent when somebody says the same elsewhere", () => {
  const outgoing = new Outgoing();
  outgoing.refused(outgoing.add("lobby", "hi"), "no");
  outgoing.heard("lobby", "hi", 1);
  outgoing.heard("general", "hi", 2);
  assert.deepEqual(states(outgoing), ["hi refused"]);
});

test("a reload keeps drafts and what is not confirmed, and takes nothing on trust", () => {
  const items = new Map();
  const storage = new SafeStorage(() => ({ getItem: (key) => items.get(key) ?? null, setItem: (key, value) => items.set(key, value), removeItem: (key) => items.delete(key) }));
  const outgoing = new Outgoing();
  outgoing.add("lobby", "under way");
  outgoing.refused(outgoing.add("lobby", "refused"), "no");
  const kept = new Kept(storage, "ada");
  kept.keepDraft("general", "half a");
  kept.keepOutgoing(outgoing.save());

  const again = new Kept(storage, "ada");
  assert.equal(again.draft("general"), "half a");
  assert.equal(again.draft("__proto__"), "");
  assert.deepEqual(states(new Outgoing(again.outgoing)), ["under way unsure", "refused refused"]);
  assert.equal(new Kept(storage, "bo").draft("general"), "", "somebody else's");
  again.forget();
  assert.equal(items.size, 0);

  for (const broken of ["{", "null", "7", '{"drafts":{"a":1},"outgoing":[1,null,{"room":1}]}', '{"outgoing":{}}']) {
    items.set("wardroom.unsent.ada", broken);
    const from = new Kept(storage, "ada");
    assert.equal(from.draft("a"), "");
    assert.deepEqual(states(new Outgoing(from.outgoing)), [], broken);
  }
});

test("storage that is missing, forbidden or full forgets with the page and never throws", () => {
  const forbidden = () => {
    throw new Error("SecurityError");
  };
  const full = () => ({ getItem: () => null, removeItem: forbidden, setItem: forbidden });
  for (const open of [() => undefined, () => null, forbidden, full]) {
    const storage = new SafeStorage(open);
    storage.setItem("key", "value");
    assert.equal(storage.getItem("key"), "value");
    storage.removeItem("key");
    assert.equal(storage.getItem("key"), null);
  }
});

test("messages without an answer are bounded", () => {
  const outgoing = new Outgoing();
  for (let number = 0; number < 100; number++) {
    assert.equal(outgoing.isFull, false);
    outgoing.add("lobby", "x");
  }
  assert.equal(outgoing.isFull, true);
});

test("every message has a key of its own, which it keeps however often it is sent", () => {
  const outgoing = new Outgoing();
  const ids = [outgoing.add("lobby", "hi"), outgoing.add("lobby", "hi")];
  const keys = ids.map((id) => outgoing.get(id).key);
  assert.equal(new Set(keys).size, 2);
  assert.match(keys[0], /^[0-9a-f]{32}$/);
  outgoing.lost(ids[0]);
  assert.deepEqual(outgoing.unsure("lobby"), [ids[0]]);
  outgoing.again(ids[0]);
  assert.deepEqual(outgoing.unsure("lobby"), []);
  assert.equal(outgoing.get(ids[0]).key, keys[0]);
  assert.deepEqual(new Outgoing(outgoing.save()).save().map(({ key }) => key), keys, "through a reload");
});
