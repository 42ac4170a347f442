import assert from "node:assert/strict";
import { test } from "node:test";

import { linked } from "../../../web/links.js";

/** The links found, as "what is shown -> where it leads" where these differ. */
const links = (text) => linked(text).filter((part) => part.href !== undefined).map((part) => (part.text === part.href ? part.text : `${part.text} -> ${part.href}`));

test("addresses of the web are found where people write them", () => {
  for (const [text, expected] of [
    ["https://example.com/", ["https://example.com/"]],
    ["see https://example.com.", ["https://example.com -> https://example.com/"]],
    ["(https://example.com/a_(b))", ["https://example.com/a_(b)"]],
    ["[https://example.com/a]", ["https://example.com/a"]],
    ["https://example.com/?a=1&b=2#c, and http://b.example/x!", ["https://example.com/?a=1&b=2#c", "http://b.example/x"]],
    ["HTTPS://EXAMPLE.COM/A", ["https://example.com/A"]],
    ["https://[::1]:8080/x", ["https://[::1]:8080/x"]],
    ["«https://example.com/»", ["https://example.com/"]],
    ["https://example.com/\nhttps://b.example/", ["https://example.com/", "https://b.example/"]],
  ]) {
    assert.deepEqual(links(text), expected, text);
  }
});

test("nothing but an address of the web becomes a link", () => {
  for (const text of [
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,<b>x", "vbscript:x", "file:///etc/passwd", "blob:https", "ftp://example.com/",
    "//example.com/", "www.example.com", "http:example.com", "https://", "https:///", "http://%", "xhttps://example.com/", "view-source:x",
    "https://bank.example@evil.example/", "https://bank.example:pw@evil.example/", "https://@evil.example/", "https://a\u200b@b",
    `https://example.com/${"a".repeat(3000)}`,
  ]) {
    const found = links(text).filter((link) => !/^https:\/\/a -> https:\/\/a\/$/.test(link));
    assert.deepEqual(found, [], text.slice(0, 60));
  }
});

test("a host of another alphabet is shown as the ASCII that is asked for", () => {
  assert.deepEqual(links("https://аpple.com/"), ["https://xn--pple-43d.com/"]);
  assert.deepEqual(links("https://xn--pple-43d.com/"), ["https://xn--pple-43d.com/"]);
  assert.deepEqual(links("https://example。com/"), ["https://example.com/"]);
  assert.deepEqual(links("https://example.com/é"), ["https://example.com/%C3%A9"]);
});

test("a link ends before what is not seen or turns the direction of writing", () => {
  for (const code of [0x00ad, 0x034f, 0x061c, 0x115f, 0x180e, 0x200b, 0x200d, 0x200e, 0x200f, 0x202a, 0x202e, 0x2060, 0x2066, 0x2069, 0x3164, 0xfe0f, 0xfeff, 0xffa0, 0xe0041]) {
    const text = `https://example.com/a${String.fromCodePoint(code)}exe.txt`;
    assert.deepEqual(links(text), ["https://example.com/a"], code.toString(16));
  }
});

test("what is shown of a link is ASCII without white space, whatever was written", () => {
  for (const written of ["https://пример.рф/путь?й#ъ", "https://example.com/\u05d0\u05d1", "https://例え.jp/パス", "https://example.com/👨‍👩‍👧"]) {
    for (const part of linked(written).filter(({ href }) => href !== undefined)) {
      assert.match(part.text, /^[\x21-\x7e]+$/, written);
    }
  }
});

test("cutting a text into parts loses nothing of it but the spelling of links", () => {
  for (const text of ["", "a", "a https://b.example/ c", "https://b.example/https://c.example/", "  \n ", "x".repeat(5000)]) {
    assert.equal(linked(text).map((part) => part.text).join(""), text);
  }
});

test("a message full of addresses gets a bounded number of links, soon", () => {
  const begun = performance.now();
  assert.equal(links("https://a.example/ ".repeat(1000)).length, 20);
  links(`https://a.example/${"(".repeat(8000)}`);
  links("https://".repeat(1000));
  links(`https://a.example/${".)".repeat(4000)}`);
  assert.ok(performance.now() - begun < 1000);
});
