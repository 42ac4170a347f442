import assert from "node:assert/strict";
import { test } from "node:test";

import { forgetToken, takeToken, tokenIn } from "../../../web/session.js";

function tab(hash) {
  const items = new Map();
  return {
    location: { hash, pathname: "/" },
    history: { replaceState(_state, _title, url) { this.urls.push(url); }, urls: [] },
    storage: {
      getItem: (key) => items.get(key) ?? null,
      setItem: (key, value) => items.set(key, value),
      removeItem: (key) => items.delete(key),
    },
  };
}

test("a token is found in a link, a fragment, or alone", () => {
  for (const [pasted, token] of [
    ["a.b-c_d.e", "a.b-c_d.e"],
    ["  a.b.c\n", "a.b.c"],
    ["#token=a.b.c", "a.b.c"],
    ["http://127.0.0.1:8080/#token=a.b.c", "a.b.c"],
    ["#other=1&token=a.b.c", "a.b.c"],
    ["", ""],
    ["not a token", ""],
    ["#other=1", ""],
    ["<b>", ""],
  ]) {
    assert.equal(tokenIn(pasted), token, JSON.stringify(pasted));
  }
});

test("a token in the address bar is taken out of it and kept for the tab", () => {
  const opened = tab("#token=a.b.c");
  assert.equal(takeToken(opened), "a.b.c");
  assert.deepEqual(opened.history.urls, ["/"]);
  assert.equal(takeToken({ ...opened, location: { hash: "", pathname: "/" } }), "a.b.c", "after a reload");
  forgetToken(opened.storage);
  assert.equal(takeToken({ ...opened, location: { hash: "", pathname: "/" } }), "");
});

test("a link opened in the same tab replaces the token before it", () => {
  const opened = tab("#token=first");
  takeToken(opened);
  assert.equal(takeToken({ ...opened, location: { hash: "#token=second", pathname: "/" } }), "second");
});
