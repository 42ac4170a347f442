// The page in other shapes: narrow, with long words, from right to left, without storage; and what it costs to load.

import assert from "node:assert/strict";
import { test } from "node:test";

import { stage } from "./stage.js";
import { GENEROUS, bubble, say, signIn, waitForStatus } from "./wardroom.js";

const LONG_ROOM = `long-${"x".repeat(58)}`;
const TRANSFER_MAX_BYTES = 224 * 1024;
const here = stage([...GENEROUS, `rooms.public=["general", "random", "${LONG_ROOM}"]`]);

/** Elements that stick out to the side, and how wide the page is beyond the screen. */
function overflow(page) {
  return page.evaluate(() => {
    const isSeen = (node) => node.checkVisibility({ visibilityProperty: true }) && !node.closest(".unseen, .skip, svg, #typing-text *");
    const out = [...document.querySelectorAll("body *")].filter((node) => isSeen(node) && (node.getBoundingClientRect().right > innerWidth + 1 || node.getBoundingClientRect().left < -1));
    return { wide: Math.max(0, document.documentElement.scrollWidth - innerWidth), out: out.map((node) => `${node.tagName}.${node.className}#${node.id}`) };
  });
}

for (const width of [320, 360, 768, 1024]) {
  test(`at ${width} pixels nothing sticks out, however long names, rooms and words are`, async () => {
    const page = await here.enter(`Bartholomew${"w".repeat(45)}`, { viewport: { width, height: 640 } });
    const other = await here.enter(`שם ארוך ${"א".repeat(50)}`, { viewport: { width, height: 640 } });
    await say(page, `${"W".repeat(300)} and https://example.com/${"path/".repeat(30)}`);
    await say(other, "ש".repeat(300));
    await bubble(page, "ש".repeat(300)).waitFor();
    await page.fill("#message", "m".repeat(490));
    for (const each of [page, other]) {
      assert.deepEqual(await overflow(each), { wide: 0, out: [] });
    }
    const arrival = page.locator("#timeline .presence bdi").filter({ hasText: "שם ארוך" });
    assert.ok((await arrival.boundingBox()).height < 30, "a long name takes one line where somebody comes");
    assert.equal(await arrival.getAttribute("title"), await arrival.textContent(), "and all of it can be had");
    await page.evaluate((room) => document.querySelector(`[data-room="${room}"]`).click(), LONG_ROOM);
    await page.locator("#room-name").getByText(LONG_ROOM).waitFor();
    assert.deepEqual(await overflow(page), { wide: 0, out: [] });
    await here.wardroom.kill();
    await page.locator("#banner").waitFor();
    assert.deepEqual(await overflow(page), { wide: 0, out: [] });
  });
}

test("with text of twice the size nothing is lost", async () => {
  const page = await here.enter(0, { viewport: { width: 640, height: 700 } });
  await page.evaluate(() => (document.documentElement.style.fontSize = "200%"));
  await say(page, "Large");
  await bubble(page, "Large").waitFor();
  assert.deepEqual(await overflow(page), { wide: 0, out: [] });
  const box = await page.locator("#send").boundingBox();
  assert.ok(box.y + box.height <= 700, "one can still send");
});

test("what is written from right to left begins at the right, beside what does not", async () => {
  const page = await here.enter(0);
  await page.fill("#message", "שלום, עולם");
  assert.equal(await page.locator("#message").evaluate((node) => getComputedStyle(node).direction), "rtl");
  await page.press("#message", "Enter");
  await say(page, "Hello, world");
  await bubble(page, "Hello, world").waitFor();
  assert.deepEqual(await page.locator("#timeline .bubble").evaluateAll((nodes) => nodes.map((node) => getComputedStyle(node).direction)), ["rtl", "ltr"]);
});

test("the choice of colours is remembered, and without one the system's are taken", async () => {
  const page = await here.enter(0, { colorScheme: "dark" });
  const canvas = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await canvas();
  await page.getByRole("button", { name: "Colours: as the system" }).click();
  await page.getByRole("button", { name: "Colours: light" }).waitFor();
  const light = await canvas();
  assert.notEqual(light, dark);
  await page.reload();
  await waitForStatus(page, "open");
  assert.equal(await canvas(), light);
  await page.getByRole("button", { name: "Colours: light" }).click();
  await page.emulateMedia({ colorScheme: "light" });
  assert.equal(await canvas(), dark);
  await page.getByRole("button", { name: "Colours: dark" }).click();
  assert.equal(await canvas(), light);
});

test("without any storage the page works, and forgets on reload", async () => {
  const page = await here.open();
  await page.context().addInitScript(() => {
    for (const name of ["localStorage", "sessionStorage"]) {
      Object.defineProperty(globalThis, name, { get: () => { throw new DOMException("no", "SecurityError"); } });
    }
  });
  await signIn(page, here.wardroom.links[0]);
  await say(page, "Kept nowhere");
  await bubble(page, "Kept nowhere").waitFor();
  await page.click("#theme");
  await page.reload();
  await page.locator("#signin").waitFor();
});

test("an address with a room leads there, and follows when another is opened", async () => {
  const page = await here.open();
  await signIn(page, here.wardroom.linkWith(here.wardroom.tokenOf(0), "/?room=general"));
  await page.locator("#room-name").getByText("general").waitFor();
  assert.equal(page.url(), `${here.wardroom.origin}/?room=general`);
  await page.click('[data-room="random"]');
  await page.waitForURL(`${here.wardroom.origin}/?room=random`);
  await page.click('[data-room="lobby"]');
  await page.waitForURL(`${here.wardroom.origin}/`);

  const lost = await here.open();
  await signIn(lost, here.wardroom.linkWith(here.wardroom.tokenOf(1), "/?room=nowhere"));
  await lost.getByText("You could not join #nowhere. There is no such room.").waitFor();
  assert.equal(await lost.textContent("#room-name"), "lobby");
});

test("a draft stays with its room, and through a reload", async () => {
  const page = await here.enter(0);
  await page.fill("#message", "for the lobby");
  await page.click('[data-room="general"]');
  await page.locator("#room-name").getByText("general").waitFor();
  assert.equal(await page.inputValue("#message"), "");
  await page.fill("#message", "for general");
  await page.reload();
  await waitForStatus(page, "open");
  await page.locator("#room-name").getByText("general").waitFor();
  assert.equal(await page.inputValue("#message"), "for general");
  await page.click('[data-room="lobby"]');
  await page.locator("#room-name").getByText("lobby").waitFor();
  assert.equal(await page.inputValue("#message"), "for the lobby");
  await page.click("#signout");
  assert.equal(await page.evaluate(() => sessionStorage.length), 0, "signing out forgets what was written");
});

test("the title counts what is unread", async () => {
  const [page, other] = [await here.enter(0), await here.enter(1)];
  assert.equal(await page.title(), "#lobby · Wardroom");
  await page.click('[data-room="general"]');
  await page.waitForFunction(() => document.title === "#general · Wardroom");
  await say(other, "one");
  await say(other, "two");
  await page.waitForFunction(() => document.title === "(2) #general · Wardroom");
  await page.click('[data-room="lobby"]');
  await page.waitForFunction(() => document.title === "#lobby · Wardroom");
});

test("messages of one person are a group, and every group and time says when", async () => {
  const [page, other] = [await here.enter(0), await here.enter(1)];
  await say(other, "one");
  await say(other, "two");
  await bubble(page, "two").waitFor();
  await say(page, "three");
  await bubble(page, "three").waitFor();
  assert.deepEqual(await page.locator("#timeline .message").evaluateAll((rows) => rows.map((row) => row.matches(".first"))), [true, false, true]);
  const times = await page.locator("#timeline .message time").evaluateAll((nodes) => nodes.map((node) => [node.dateTime, node.textContent]));
  assert.equal(times.length, 3);
  for (const [machine, shown] of times) {
    assert.match(machine, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.ok(Math.abs(new Date(machine) - Date.now()) < 60_000);
    assert.match(shown, /\d:\d\d/);
  }
  assert.match(await page.locator("#timeline .day time").getAttribute("datetime"), /^\d{4}-\d\d-\d\d$/);
});

test("the time of every message can be seen in full, one's own and those of a group too", async () => {
  const [page, other] = [await here.enter(0, { locale: "en-US" }), await here.enter(1)];
  for (const [speaker, words] of [[other, "one"], [other, "two"], [page, "three"], [page, "four"]]) {
    await say(speaker, words);
    await bubble(page, words).waitFor();
  }
  for (const width of [1120, 320]) {
    await page.setViewportSize({ width, height: 640 });
    for (const words of ["two", "four"]) {
      await bubble(page, words).hover();
      const row = page.locator("#timeline .message").filter({ hasText: words });
      const found = await row.evaluate((row) => {
        const [time, bubble] = [row.querySelector("time"), row.querySelector(".bubble")].map((node) => node.getBoundingClientRect());
        const style = getComputedStyle(row.querySelector("time"));
        return { isSeen: style.opacity === "1" && time.width > 0, isWhole: row.querySelector("time").scrollWidth <= Math.ceil(time.width), isBeside: time.right <= bubble.left && time.left >= scroller.getBoundingClientRect().left };
      });
      assert.deepEqual(found, { isSeen: true, isWhole: true, isBeside: true }, `${words} at ${width}`);
    }
  }
});

test("every day begins with its name, which is another one after midnight, on a page that nobody touches too", async () => {
  const page = await here.open();
  await page.clock.install();
  await signIn(page, here.wardroom.links[0]);
  await say(page, "Good night");
  await bubble(page, "Good night").waitFor();
  const days = () => page.locator("#timeline .day").allTextContents();
  assert.deepEqual(await days(), ["Today"]);
  await page.clock.fastForward(24 * 3_600_000);
  await page.getByRole("heading", { name: "Yesterday" }).waitFor();
  assert.deepEqual(await days(), ["Yesterday"]);

  const rows = await page.evaluate(async () => {
    const { rowsOf } = await import("/rows.js");
    const entry = (key, at) => ({ key, kind: "message", version: 0, user: "ada", name: "Ada", text: "Hm", own: false, at });
    const [before, after] = [entry(1, new Date(2026, 2, 1, 23, 59).getTime()), entry(2, new Date(2026, 2, 2, 0, 1).getTime())];
    return rowsOf(after, before, { isFirstUnread: false, now: after.at }).map((row) => row.className);
  });
  assert.deepEqual(rows, ["day", "message first"], "a day parts even what one person says within minutes");
});

test("all of the page comes from its own server and is small", async (context) => {
  const page = await here.open();
  const seen = [];
  page.on("response", (response) => seen.push(response));
  await signIn(page, here.wardroom.links[0]);
  const bodies = await Promise.all(seen.filter((response) => response.request().method() === "GET").map(async (response) => [response.url(), response.status(), (await response.body()).length]));
  const bytes = bodies.reduce((sum, [, , length]) => sum + length, 0);
  context.diagnostic(`${bodies.length} files, ${bytes} bytes`);
  assert.ok(bodies.every(([url, status]) => status === 200 && url.startsWith(here.wardroom.origin)));
  assert.ok(bytes < TRANSFER_MAX_BYTES, `${bytes} bytes`);
});
