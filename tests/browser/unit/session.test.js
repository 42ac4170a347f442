import assert from "node:assert/strict";
import { test } from "node:test";

import { forgetToken, keepToken, keptToken, roomIn, showRoom, takeToken, tokenIn } from "../../../web/session.js";

function tab(hash) {
  const items = new Map();
  return {
    location: { hash, pathname: "/", search: "" },
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

test("a token in the address bar is taken out of it, and the room stays", () => {
  const opened = tab("#token=a.b.c");
  opened.location.search = "?room=general";
  assert.equal(takeToken(opened), "a.b.c");
  assert.deepEqual(opened.history.urls, ["/?room=general"]);
  assert.equal(takeToken({ ...opened, location: { hash: "", pathname: "/" } }), "");
});

test("a token is kept for the tab until it is forgotten", () => {
  const { storage } = tab("");
  keepToken(storage, "first");
  keepToken(storage, "second");
  assert.equal(keptToken(storage), "second");
  forgetToken(storage);
  assert.equal(keptToken(storage), "");
});

test("a room in the address is one only when it can be one", () => {
  for (const [search, room] of [["?room=general", "general"], ["?a=1&room=x.y:z-1", "x.y:z-1"], ["", ""], ["?room=", ""], ["?room=%3Cb%3E", ""], [`?room=${"a".repeat(65)}`, ""], ["?room=-a", ""]]) {
    assert.equal(roomIn({ search }), room, search);
  }
});

test("the address leads to the open room, and to none in the lobby", () => {
  const opened = tab("");
  opened.location.search = "";
  showRoom(opened, "general", "lobby");
  showRoom({ ...opened, location: { ...opened.location, search: "?room=general" } }, "lobby", "lobby");
  showRoom(opened, "lobby", "lobby");
  assert.deepEqual(opened.history.urls, ["/?room=general", "/"]);
});
