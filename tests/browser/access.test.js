// The page for those who use it by keyboard, by ear, with large text or without colour: what its parts are called, where
// the focus goes, what is read aloud, and the rules of axe-core (WCAG 2.2 A and AA, and its best practices).

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { stage } from "./stage.js";
import { GENEROUS, bubble, say, waitForStatus } from "./wardroom.js";

const AXE = await readFile(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const PHONE = { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true };
const here = stage(GENEROUS);

/** What axe finds wrong with what is on the page now, contrast included. */
async function faults(page) {
  await page.evaluate(AXE);
  const { violations, incomplete } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations", "incomplete"] }));
  const contrasts = incomplete.filter(({ id }) => id === "color-contrast");
  return [...violations, ...contrasts].flatMap(({ id, nodes }) => nodes.map(({ target, any }) => `${id}: ${target} ${any[0]?.message ?? ""}`));
}

for (const colorScheme of ["light", "dark"]) {
  test(`axe-core finds no fault in rooms that people run, their menus, dialogs and log, in ${colorScheme}`, async () => {
    const page = await here.enter("Ada", { colorScheme });
    const looked = [];
    const look = async (what) => looked.push(...(await faults(page)).map((fault) => `${what}: ${fault}`));
    await page.click("#create");
    await page.fill("#ask-name", "Bridge watch");
    await page.selectOption("#ask-kind", "members");
    await look("making a room");
    await page.click("#ask-submit");
    await page.locator("#people .role.owner").waitFor();
    await say(page, "Mine");
    await bubble(page, "Mine").waitFor();
    await page.locator("#timeline .more").focus();
    await look("a room");
    await page.keyboard.press("Enter");
    await look("a menu");
    await page.keyboard.press("Enter");
    await page.fill("#message", "Mine, changed");
    await look("changing a message");
    await page.press("#message", "Enter");
    await page.getByText("edited", { exact: true }).waitFor();
    for (const action of ["Room settings…", "Moderation log…"]) {
      await page.click("#room-menu");
      await page.getByRole("menuitem", { name: action }).click();
      await page.locator("dialog[open]").waitFor();
      await page.locator("#log-note").getByText("Loading…").waitFor({ state: "hidden" });
      await look(action);
      await page.keyboard.press("Escape");
    }
    await page.click("#room-menu");
    await page.getByRole("menuitem", { name: "Archive…" }).click();
    await page.click("#ask-submit");
    await page.locator("#doorway").getByText("This room is archived.").waitFor();
    await look("what is closed");
    assert.deepEqual(looked, []);
  });
}

const focused = (page) => page.evaluate(() => document.activeElement.id || document.activeElement.dataset.room || document.activeElement.tagName);
const spoken = (page) => page.locator("#news p").allTextContents();

for (const colorScheme of ["light", "dark"]) {
  for (const [size, shape] of [["a desk", { viewport: { width: 1120, height: 640 } }], ["a phone", PHONE]]) {
    test(`axe-core finds no fault and no contrast below 4.5 in ${colorScheme} on ${size}`, async () => {
      const page = await here.open({ colorScheme, ...shape });
      await page.goto(here.wardroom.origin);
      await page.fill("#signin-token", "two words");
      await page.press("#signin-token", "Enter");
      assert.deepEqual(await faults(page), [], "signing in");

      await page.goto(here.wardroom.links[0]);
      await waitForStatus(page, "open");
      const other = await here.enter(1);
      await say(page, "Mine, with https://example.com/");
      await say(other, "Theirs, with https://example.com/");
      await say(other, "and again");
      await bubble(page, "and again").waitFor();
      await other.locator("#message").pressSequentially("typing");
      await page.locator(".typing.shown").waitFor();
      await page.fill("#message", "x".repeat(490));
      assert.deepEqual(await faults(page), [], "the chat");

      await page.fill("#message", "x".repeat(501));
      await page.press("#message", "Enter");
      assert.deepEqual(await faults(page), [], "a complaint");

      for (const panel of size === "a phone" ? ["rooms", "people"] : []) {
        await page.click(`#${panel}-toggle`);
        await page.locator(`#${panel}-panel.open`).evaluate((node) => Promise.all(node.getAnimations().map((animation) => animation.finished)));
        assert.deepEqual(await faults(page), [], `the ${panel}`);
        await page.keyboard.press("Escape");
      }

      await page.fill("#message", "Is it there?");
      here.wardroom.freeze();
      await page.press("#message", "Enter");
      await here.wardroom.kill();
      await page.locator("#pending .unsure").waitFor();
      assert.deepEqual(await faults(page), [], "a lost connection and a message that was not confirmed");
    });
  }
}

test("everything has a role and a name", async () => {
  const page = await here.enter();
  await say(page, "Hello");
  await bubble(page, "Hello").waitFor();
  const tree = await page.locator("body").ariaSnapshot();
  for (const line of [
    'link "Skip to the message field"', 'navigation "Rooms"', 'heading "Rooms" [level=2]', 'button "lobby"', 'button "general Join"', 'button "Sign out"',
    'main "lobby"', 'heading "lobby" [level=1]', 'region "Messages"', 'heading "Today" [level=2]', 'textbox "Message to #lobby"', 'button "Send message" [disabled]',
    'complementary "People"', 'button "Colours: as the system"', 'log "New messages"', "- status", "- alert",
  ]) {
    assert.ok(tree.includes(line), `${line} in\n${tree}`);
  }
  assert.equal(await page.locator("html").getAttribute("lang"), "en");
});

test("a new message is read once; one's own, the past, and a change of room are not", async () => {
  const [page, other] = [await here.enter(0), await here.enter(1)];
  await say(other, "First");
  await page.locator("#news p").getByText("Bob: First").waitFor();
  await say(page, "My own");
  await bubble(page, "My own").waitFor();
  await page.click('[data-room="general"]');
  await page.locator("#room-name").getByText("general").waitFor();
  await page.click('[data-room="lobby"]');
  await bubble(page, "First").waitFor();
  await say(other, "Second");
  await page.locator("#news p").getByText("Bob: Second").waitFor();
  assert.deepEqual(await spoken(page), ["Bob: First", "Bob: Second"]);
  assert.equal(await page.locator("#timeline, #pending, #scroller, #banner").evaluateAll((nodes) => nodes.some((node) => node.closest("[aria-live], [role=log], [role=alert], [role=status]"))), false);
});

test("a burst of messages is counted, not read out one by one", async () => {
  const [page, other] = [await here.enter(0), await here.enter(1)];
  await page.evaluate(() => {
    globalThis.read = [];
    new MutationObserver((changes) => changes.forEach(({ addedNodes }) => addedNodes.forEach((node) => read.push(node.textContent)))).observe(news, { childList: true });
  });
  await other.evaluate(() => {
    for (let number = 1; number <= 40; number++) {
      document.getElementById("message").value = `Message ${number}`;
      document.getElementById("composer").requestSubmit();
    }
  });
  await page.locator("#news").getByText("Message 40").waitFor();
  const read = await page.evaluate(() => globalThis.read);
  assert.ok(read.length <= 20, read.join());
  assert.ok(read.some((line) => /^\d+ new messages/.test(line)), read.join());
  assert.ok((await spoken(page)).length <= 4);
});

test("the whole page is walked by keyboard, and every stop can be seen", async () => {
  const page = await here.open();
  await page.goto(here.wardroom.origin);
  assert.equal(await focused(page), "signin-token");
  await page.keyboard.insertText(here.wardroom.links[0]);
  await page.keyboard.press("Enter");
  await waitForStatus(page, "open");
  await page.waitForFunction(() => document.activeElement.id === "message");

  await page.keyboard.insertText("Hello");
  await page.keyboard.press("Enter");
  await bubble(page, "Hello").waitFor();
  assert.equal(await focused(page), "message", "the focus stays where one writes");

  await page.focus("#skip");
  const stops = [];
  for (let step = 0; step < 12 && stops.at(-1) !== "message"; step++) {
    stops.push(await focused(page));
    const seen = await page.evaluate(() => {
      const node = document.activeElement;
      const box = node.getBoundingClientRect();
      const ring = getComputedStyle(node.id === "message" ? node.form : node);
      return box.top >= 0 && box.left >= 0 && box.bottom <= innerHeight && (node.id === "message" ? ring.boxShadow !== "none" : ring.outlineStyle !== "none" && parseFloat(ring.outlineWidth) >= 2);
    });
    assert.equal(seen, true, `the focus on ${stops.at(-1)} is not seen`);
    await page.keyboard.press("Tab");
  }
  assert.deepEqual(stops, ["skip", "theme", "create", "lobby", "general", "random", "signout", "room-menu", "scroller", "message"]);

  await page.focus("#skip");
  await page.keyboard.press("Enter");
  assert.equal(await focused(page), "message");
  await page.focus('[data-room="general"]');
  await page.keyboard.press("Enter");
  await page.locator("#room-name").getByText("general").waitFor();
  await page.waitForFunction(() => document.activeElement.id === "message");
  await page.focus("#leave");
  await page.keyboard.press("Space");
  await page.locator("#room-name").getByText("lobby").waitFor();
  await page.waitForFunction(() => document.activeElement.id === "message");
  await page.focus("#signout");
  await page.keyboard.press("Enter");
  await page.locator("#signin").waitFor();
  assert.equal(await focused(page), "signin-token");
});

test("the focus stays on a room while messages and people come", async () => {
  const page = await here.enter(0);
  await page.focus('[data-room="random"]');
  const other = await here.enter(1);
  await other.click('[data-room="general"]');
  await say(other, "Elsewhere");
  await other.click('[data-room="lobby"]');
  await say(other, "Here");
  await bubble(page, "Here").waitFor();
  assert.equal(await focused(page), "random");
});

test("a drawer holds the focus while it is open, and gives it back", async () => {
  const page = await here.enter(0, PHONE);
  for (const panel of ["rooms", "people"]) {
    await page.focus(`#${panel}-toggle`);
    await page.keyboard.press("Enter");
    assert.equal(await focused(page), `${panel}-close`);
    for (let step = 0; step < 12; step++) {
      await page.keyboard.press("Tab");
      const isWithin = await page.evaluate((panel) => document.activeElement === document.body || document.getElementById(`${panel}-panel`).contains(document.activeElement), panel);
      assert.equal(isWithin, true, `step ${step}: ${await focused(page)}`);
    }
    await page.keyboard.press("Escape");
    assert.equal(await focused(page), `${panel}-toggle`);
    assert.equal(await page.locator("[inert]").count(), 0);
  }
  await page.click("#rooms-toggle");
  await page.setViewportSize({ width: 1120, height: 640 });
  await page.waitForFunction(() => document.querySelectorAll("[inert]").length === 0);
});

test("Enter that ends a composition does not send", async () => {
  const page = await here.enter(0);
  await page.focus("#message");
  const input = await page.context().newCDPSession(page);
  await input.send("Input.imeSetComposition", { text: "にほん", selectionStart: 3, selectionEnd: 3 });
  await input.send("Input.dispatchKeyEvent", { type: "rawKeyDown", key: "Enter", code: "Enter", windowsVirtualKeyCode: 229 });
  await input.send("Input.insertText", { text: "日本" });
  assert.equal(await page.inputValue("#message"), "日本");
  // Safari ends the composition before it tells of the key.
  await page.evaluate(() => message.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", keyCode: 229, bubbles: true, cancelable: true })));
  assert.equal(await page.inputValue("#message"), "日本");
  await page.keyboard.press("Enter");
  await bubble(page, "日本").waitFor();
  assert.equal(await page.locator("#timeline .bubble").count(), 1);
});

test("with the system's own few colours the focus is seen, and so is whether one is connected", async () => {
  const page = await here.enter(0, { forcedColors: "active" });
  await page.focus("#skip");
  await page.keyboard.press("Enter");
  const seen = await page.evaluate(() => {
    const [ring, dot] = [getComputedStyle(composer), getComputedStyle(document.getElementById("status"), "::before")];
    return { isRinged: ring.outlineStyle === "solid" && parseFloat(ring.outlineWidth) >= 2, isDotted: dot.backgroundColor !== getComputedStyle(document.body).backgroundColor };
  });
  assert.deepEqual(seen, { isRinged: true, isDotted: true });
});

test("nothing moves for those who do not want it to", async () => {
  const page = await here.enter(0, { reducedMotion: "reduce" });
  const moving = await page.evaluate(() => [...document.querySelectorAll("*")].filter((node) => getComputedStyle(node).animationName !== "none" || getComputedStyle(node).transitionDuration !== "0s").length);
  assert.equal(moving, 0);
});
