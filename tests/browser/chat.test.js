// Two people in the web page, end to end.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { keepPicture } from "./stage.js";
import { Wardroom, bubble, launch, newPage, say, signIn, waitForStatus } from "./wardroom.js";

let browser;
let wardroom;
let pages;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

beforeEach(async () => {
  wardroom = await Wardroom.start();
  pages = [];
});
afterEach(async () => {
  const faults = pages.flatMap((page) => page.faults);
  await Promise.all(pages.map((page) => page.context().close()));
  await wardroom.stop();
  assert.deepEqual(faults, [], "no foreign request, no policy violation, no script error");
});

async function open(options) {
  const page = await newPage(browser, wardroom.origin, options);
  pages.push(page);
  return page;
}

async function twoPeople(secondOptions) {
  const [first, second] = [await open(), await open(secondOptions)];
  await signIn(first, wardroom.links[0]);
  await signIn(second, wardroom.links[1]);
  return [first, second, await first.textContent("#self-name"), await second.textContent("#self-name")];
}

test("two people see each other come, type, talk and go", async () => {
  const [first, second, firstName, secondName] = await twoPeople({ colorScheme: "dark" });
  await first.locator("#timeline .presence").getByText(`${secondName} joined`).waitFor();
  await first.locator("#people .person").nth(1).waitFor();
  await second.locator("#people .person").nth(1).waitFor();
  assert.equal(await first.textContent("#room-count"), "2 people here");

  const talk = [
    [first, "Good morning! Is the harbour open?"],
    [second, "It is. Fog until nine, then a fine day."],
    [second, "The pilot boards at ten."],
    [first, "Then we cast off at half past.\nI will tell the engine room."],
  ];
  for (const [speaker, text] of talk) {
    await say(speaker, text);
    await bubble(speaker === first ? second : first, text).waitFor();
  }
  const own = talk.filter(([speaker]) => speaker === first).map(([, text]) => text);
  assert.deepEqual(await first.locator("#timeline .own .bubble").allTextContents(), own);
  assert.deepEqual(await second.locator("#timeline .message:not(.own) .bubble").allTextContents(), own);
  assert.deepEqual(await second.locator("#timeline .message:not(.own) .name").allTextContents(), [firstName, firstName]);
  await first.locator("#pending:empty").waitFor({ state: "attached" });

  await second.locator("#message").pressSequentially("I will be on deck");
  await first.getByText(`${secondName} is typing`).waitFor();
  await keepPicture(first, "chat-light.png");
  await keepPicture(second, "chat-dark.png");

  await second.click("#signout");
  await first.locator("#timeline .presence").getByText(`${secondName} left`).waitFor();
  await first.locator("#people .person").nth(1).waitFor({ state: "detached" });
});

test("the token leaves the address bar, and a reload stays signed in", async () => {
  const page = await open();
  await signIn(page, wardroom.links[0]);
  assert.equal(page.url(), `${wardroom.origin}/`);
  await page.reload();
  await waitForStatus(page, "open");
});

test("another room is joined, has its own talk, and counts what was not read", async () => {
  const [first, second] = await twoPeople();
  await first.click('[data-room="general"]');
  await second.click('[data-room="general"]');
  await first.locator("#people .person").nth(1).waitFor();
  await second.click('[data-room="lobby"]');
  await say(first, "Only in here");
  await second.locator('[data-room="general"] .badge').getByText("1").waitFor();
  assert.equal(await bubble(second, "Only in here").count(), 0);
  await second.click('[data-room="general"]');
  await bubble(second, "Only in here").waitFor();
  await second.click("#leave");
  await second.locator('[data-room="lobby"][aria-current="true"]').waitFor();
  await first.locator("#people .person").nth(1).waitFor({ state: "detached" });
});

test("the sixth message at once is told in words, and is not lost", async () => {
  const [first, second] = await twoPeople();
  // Within the page, so that a slow machine does not give the bucket time to fill.
  await first.evaluate(() => {
    for (let number = 1; number <= 6; number++) {
      document.getElementById("message").value = `Message ${number}`;
      document.getElementById("composer").requestSubmit();
    }
  });
  const complaint = first.locator("#complaint:not([hidden])");
  await complaint.waitFor();
  assert.match(await complaint.textContent(), /^Too many messages in a short time.* Send it again in \d+ seconds?\.$/);
  assert.equal(await first.inputValue("#message"), "Message 6");
  await bubble(second, "Message 5").waitFor();
  assert.equal(await bubble(second, "Message 6").count(), 0);
  await keepPicture(first, "rate-limit.png");
  await complaint.waitFor({ state: "hidden" });
  await first.press("#message", "Enter");
  await bubble(second, "Message 6").waitFor();
});

test("a message that is markup stays text", async () => {
  const [first, second] = await twoPeople();
  const hostile = '<img src="http://other.example/x" onerror="alert(1)"><script>alert(2)</script><b>bold</b>';
  await say(first, hostile);
  await bubble(second, hostile).waitFor();
  for (const page of [first, second]) {
    assert.equal(await page.locator("#timeline :is(img, script, b)").count(), 0);
  }
});

test("a message is counted in characters, and one too long is held back in words", async () => {
  const [first, second] = await twoPeople();
  await first.fill("#message", "🙂".repeat(501));
  assert.equal(await first.textContent("#counter"), "501 / 500");
  await first.press("#message", "Enter");
  await first.getByText("This message is 1 character too long: at most 500 are allowed.").waitFor();
  await say(first, "🙂".repeat(500));
  await bubble(second, "🙂".repeat(500)).waitFor();
});

test("Shift and Enter start a new line, and lines stay lines", async () => {
  const [first, second] = await twoPeople();
  await first.locator("#message").pressSequentially("one");
  await first.press("#message", "Shift+Enter");
  await first.locator("#message").pressSequentially("two");
  await first.press("#message", "Enter");
  await bubble(second, "one\ntwo").waitFor();
});

test("it works at the width of a phone", async () => {
  const [first, phone, firstName] = await twoPeople({ viewport: { width: 360, height: 720 } });
  await say(first, "Does this fit in a pocket?");
  await bubble(phone, "Does this fit in a pocket?").waitFor();
  const overflow = await phone.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `${overflow} pixels wider than the screen`);
  await keepPicture(phone, "chat-phone.png");
  await phone.click("#people-toggle");
  await phone.locator("#people-panel").getByText(firstName, { exact: true }).waitFor();
  await phone.keyboard.press("Escape");
  await phone.locator("#people-panel").waitFor({ state: "hidden" });
  await phone.click("#rooms-toggle");
  await phone.click('[data-room="random"]');
  await phone.locator("#room-name").getByText("random").waitFor();
});

test("without a sign-in there is a form, and a wrong token is told so", async () => {
  const page = await open();
  await page.goto(wardroom.origin);
  await page.locator("#signin").waitFor();
  await page.getByText("wardroom token --sub you").waitFor();
  await page.fill("#signin-token", "two words");
  await page.press("#signin-token", "Enter");
  await page.getByText("neither a sign-in link nor a token").waitFor();
  await page.fill("#signin-token", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJldmUifQ.AAAA");
  await page.press("#signin-token", "Enter");
  await page.getByText("The server does not accept this sign-in.").waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  await keepPicture(page, "sign-in.png");
  await page.fill("#signin-token", wardroom.links[0]);
  await page.press("#signin-token", "Enter");
  await waitForStatus(page, "open");
});
