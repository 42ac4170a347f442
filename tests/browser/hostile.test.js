// Messages and names made to break a page: whatever is said stays text, in its own place.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Peer } from "./peer.js";
import { stage } from "./stage.js";
import { GENEROUS } from "./wardroom.js";

const RLO = "\u202e";
const MESSAGES = {
  script: "<script>document.title='owned'</script>",
  "event attribute": '<img src=x onerror="document.title=\'owned\'"><svg onload=alert(1)><body onpageshow=alert(1)>',
  frame: '<iframe srcdoc="<script>parent.document.title=1</script>"></iframe><object data="x"></object><embed src=x>',
  style: "<style>*{display:none}</style><link rel=stylesheet href=//other.example/x>",
  form: '<form action="https://other.example/"><input name=token autofocus onfocus=alert(1)></form><base href="https://other.example/">',
  entities: "&lt;b&gt; &#x3c;b&#x3e; &amp;",
  "script address": "javascript:alert(1) JAVASCRIPT:alert(1) java\tscript:alert(1)",
  "data address": "data:text/html,<script>alert(1)</script>",
  "markup in an address": 'https://example.com/"onmouseover="alert(1)',
  "address with a name": "https://bank.example@evil.example/login",
  template: "{{constructor.constructor('alert(1)')()}} ${alert(1)} <%= 1 %>",
  prototype: '__proto__ {"__proto__":{"polluted":true}} constructor',
  override: `${RLO}gpj.exe \u2066\u2067\u2068 not closed`,
  "zero width": "a\u200bb\u200cc\u200dd\ufeffe\u2060f",
  marks: `Z${"\u0301\u0327\u0336".repeat(165)}`,
  "marks on nothing": "\u0301".repeat(499) + "x",
  family: "👨‍👩‍👧‍👦".repeat(30),
  flags: "🇩🇪🇫🇷🏴󠁧󠁢󠁥󠁮󠁧󠁿❤️‍🔥1️⃣",
  tags: `x${"\u{e0041}".repeat(100)}`,
  "long word": "W".repeat(500),
  "many lines": "line\n".repeat(99) + "end",
  "right to left": "שלום עולם! https://example.com/ היה כאן",
  mixed: "abc אבג 123 def",
  ligature: "﷽".repeat(50),
  "wide character": "𒐫".repeat(40),
  "private use": "\ue000\u{f0000}\u{10fffd}",
  noncharacter: "\uffff\ufffe",
  tab: "a\tb",
};

const here = stage(GENEROUS);

test("a hostile message stays text, in its own bubble, and moves nothing else", async () => {
  const page = await here.enter();
  const peer = await Peer.connect(here.browser, here.wardroom, here.wardroom.tokenOf(1));
  for (const [what, text] of Object.entries(MESSAGES)) {
    await peer.say(text, "next");
    const bubbles = page.locator("#timeline .bubble");
    await page.waitForFunction((count) => document.querySelectorAll("#timeline .bubble").length >= count, 2 * (Object.keys(MESSAGES).indexOf(what) + 1));
    const found = await bubbles.nth(-2).evaluate((bubble) => {
      const box = bubble.getBoundingClientRect();
      const next = document.querySelector("#timeline > li:last-child .bubble").getBoundingClientRect();
      return {
        text: bubble.textContent,
        elements: [...bubble.querySelectorAll("*")].filter((node) => !node.matches("a.link[rel~='noopener'][rel~='noreferrer'][target='_blank']")).length,
        links: [...bubble.querySelectorAll("a")].map((link) => link.href),
        isWithin: box.bottom <= next.top + 1 && box.right <= scroller.getBoundingClientRect().right,
        clips: getComputedStyle(bubble).overflowY === "clip" || getComputedStyle(bubble).overflowY === "hidden",
        wide: Math.max(document.documentElement.scrollWidth - innerWidth, scroller.scrollWidth - scroller.clientWidth),
      };
    });
    assert.equal(found.text, text, what);
    assert.equal(found.elements, 0, `${what}: elements`);
    assert.ok(found.links.every((href) => /^https?:\/\//.test(href)), `${what}: ${found.links}`);
    assert.ok(found.isWithin && found.clips, `${what}: it reaches out of its bubble`);
    assert.ok(found.wide <= 0, `${what}: ${found.wide} pixels too wide`);
  }
  const leftovers = await page.evaluate(() => ({
    handlers: [...document.querySelectorAll("*")].flatMap((node) => node.getAttributeNames()).filter((name) => name.startsWith("on")),
    foreign: document.querySelectorAll("#room-view :is(script, iframe, object, embed, img, style, link, base, input)").length,
    isPolluted: {}.polluted !== undefined,
    title: document.title,
  }));
  assert.deepEqual(leftovers, { handlers: [], foreign: 0, isPolluted: false, title: "#lobby · Wardroom" });
  await peer.close();
});

test("paint of piled-up marks does not leave the bubble", async () => {
  const page = await here.enter();
  const peer = await Peer.connect(here.browser, here.wardroom, here.wardroom.tokenOf(1));
  await peer.say("above", MESSAGES.marks, "below");
  await page.locator("#timeline").getByText("below").waitFor();
  const marks = page.locator("#timeline .bubble").nth(1);
  const others = () => Promise.all(["above", "below"].map((text) => page.locator("#timeline .bubble").getByText(text).screenshot()));
  const before = await others();
  await marks.evaluate((node) => (node.style.visibility = "hidden"));
  assert.deepEqual(await others(), before);
  await peer.close();
});

test("a name turns around nothing but itself, wherever it is shown", async () => {
  const page = await here.enter();
  for (const [sub, name] of [["rtl", "ליאור כהן"], ["long", `Konstantin${"x".repeat(50)}`], ["markup", "<b>Bold</b>"], ["emoji", "👩‍🚀 Ada"]]) {
    const peer = await Peer.connect(here.browser, here.wardroom, here.wardroom.token(sub, { name }));
    await peer.say(`I am ${sub}`);
    const row = page.locator("#timeline .message").filter({ hasText: `I am ${sub}` });
    await row.waitFor();
    const head = await row.locator(".message-head").evaluate((node) => {
      const [shown, time] = [node.querySelector("bdi.name"), node.querySelector("time")].map((part) => part.getBoundingClientRect());
      return { isBefore: shown.right <= time.left + 1, isWithin: time.right <= node.closest("li").getBoundingClientRect().right + 1, elements: node.querySelectorAll("b").length };
    });
    assert.deepEqual(head, { isBefore: true, isWithin: true, elements: 0 }, sub);
    await page.locator(`#people [data-user="${sub}"] bdi.name`).waitFor();
    await page.locator(`#timeline .presence bdi`).getByText([...name][0]).first().waitFor();
    await peer.close();
  }
});

test("a link shows the host that it leads to, opens elsewhere, and takes nothing along", async () => {
  const page = await here.enter();
  const peer = await Peer.connect(here.browser, here.wardroom, here.wardroom.tokenOf(1));
  await peer.say(`See https://аpple.com/a(b). and https://good.example/${RLO}gpj.exe`);
  const links = page.locator("#timeline a");
  await links.nth(1).waitFor();
  assert.deepEqual(await links.allTextContents(), ["https://xn--pple-43d.com/a(b)", "https://good.example/"]);
  for (const link of await links.all()) {
    assert.equal(await link.getAttribute("href"), await link.textContent());
    assert.equal(await link.getAttribute("rel"), "noopener noreferrer nofollow");
    assert.equal(await link.getAttribute("target"), "_blank");
    assert.equal(await link.getAttribute("dir"), "ltr");
  }
  await peer.close();
});
