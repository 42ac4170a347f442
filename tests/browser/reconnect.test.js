// What the page does when a connection ends: go on where that helps, stop where it does not, say which, and lose nothing.

import assert from "node:assert/strict";
import { test } from "node:test";

import { keepPicture, stage } from "./stage.js";
import { bubbles, drainAndRestart, nothingIsLost } from "./talk.js";
import { GENEROUS, bubble, say, signIn, waitForStatus } from "./wardroom.js";

const LEEWAY = "auth.jwt.leeway=0s";
const here = stage([LEEWAY]);

async function generousServer() {
  here.wardroom.settings.push(...GENEROUS);
  await here.wardroom.kill();
  await here.wardroom.start();
}

test("the fourth page of one person stops, says why, and goes on when asked", async () => {
  const first = await here.open();
  const socketOpened = first.waitForEvent("websocket");
  await signIn(first, here.wardroom.links[0]);
  const socket = await socketOpened;
  for (let number = 2; number <= 3; number++) {
    await here.enter(0);
  }
  const fourth = await here.open();
  let tickets = 0;
  fourth.on("request", (request) => request.url().endsWith("/ticket") && tickets++);
  await fourth.clock.install();
  await fourth.goto(here.wardroom.links[0]);
  await waitForStatus(fourth, "stopped");
  await fourth.locator("#banner").getByText("You are already connected as often as the server allows.").waitFor();
  await fourth.clock.runFor(10 * 60_000);
  assert.equal(tickets, 1, "it does not try again by itself");

  await Promise.all([socket.waitForEvent("close"), first.click("#signout")]);
  await fourth.click("#banner-retry");
  await waitForStatus(fourth, "open");
});

test("a page comes back to its rooms after the server was killed and started again", async () => {
  const [first, second] = [await here.enter(0), await here.enter(1)];
  await first.click('[data-room="general"]');
  await second.click('[data-room="general"]');
  await first.locator("#people .person").nth(1).waitFor();
  await first.fill("#message", "Half a sent");

  await here.wardroom.kill();
  await waitForStatus(first, "waiting");
  await first.getByText("Connection lost.", { exact: true }).waitFor();
  await first.locator("#alarm").getByText("What you write is kept").waitFor({ state: "attached" });
  assert.equal(await first.isDisabled("#send"), true);
  await here.wardroom.start();
  await Promise.all([waitForStatus(first, "open", 60_000), waitForStatus(second, "open", 60_000)]);
  await first.getByText("Connected again. What was said in between is not shown.").waitFor();
  assert.equal(await first.inputValue("#message"), "Half a sent", "the draft is still there");
  await first.locator("#people .person").nth(1).waitFor();
  await second.locator("#people .person").nth(1).waitFor();
  await say(first, "Still in general");
  await bubble(second, "Still in general").waitFor();
});

test("through a drain and a restart on the same port nothing that was confirmed is lost, and the rest is marked", async () => {
  await generousServer();
  const [first, second] = [await here.enter(0), await here.enter(1)];
  await drainAndRestart(here.wardroom, first, second);
  await nothingIsLost(first, second);
});

test("a message of which no answer came is marked, kept through a reload, and sent again only when asked", async () => {
  const [first, second] = [await here.enter(0), await here.enter(1)];
  here.wardroom.freeze();
  await say(first, "Did it arrive?");
  await say(first, "And this?");
  await first.locator("#pending .sending").nth(1).waitFor();
  await here.wardroom.kill();
  await first.locator("#pending .unsure").nth(1).waitFor();
  await first.getByText("Not confirmed: it may or may not have arrived.").first().waitFor();
  await keepPicture(first, "lost.png");
  await here.wardroom.start();
  await Promise.all([waitForStatus(first, "open", 60_000), waitForStatus(second, "open", 60_000)]);
  assert.equal(await first.locator("#pending .unsure").count(), 2, "nothing is sent again by itself");

  await first.reload();
  await waitForStatus(first, "open");
  const row = first.locator("#pending li").filter({ hasText: "Did it arrive?" });
  await row.getByRole("button", { name: "Send again" }).click();
  await bubble(second, "Did it arrive?").waitFor();
  await row.waitFor({ state: "detached" });
  await first.locator("#pending li").getByRole("button", { name: "Edit" }).click();
  assert.equal(await first.inputValue("#message"), "And this?");
  await first.locator("#pending:empty").waitFor({ state: "attached" });
  assert.deepEqual(await bubbles(second), ["Did it arrive?"]);
});

test("a message that was refused while another was begun is marked with the reason, and can be discarded", async () => {
  const page = await here.enter(0);
  await page.evaluate(() => {
    for (let number = 1; number <= 6; number++) {
      message.value = `Message ${number}`;
      composer.requestSubmit();
    }
    message.value = "Another one";
    message.dispatchEvent(new Event("input"));
  });
  const row = page.locator("#pending .refused");
  await row.getByText("Not sent. Too many messages in a short time").waitFor();
  assert.equal(await page.inputValue("#message"), "Another one");
  await row.getByRole("button", { name: "Discard" }).click();
  await row.waitFor({ state: "detached" });
  assert.equal(await page.evaluate(() => document.activeElement.id), "message");
});

test("a page that is offline says so, and comes back at once when the network does", async () => {
  const page = await here.enter(0);
  await page.context().setOffline(true);
  await here.wardroom.kill();
  await page.locator("#banner").getByText("You are offline.").waitFor();
  await waitForStatus(page, "offline");
  await page.locator("#banner").getByText(/The page connects again when the network is back\. Next try in \d+ seconds?\./).waitFor();
  await here.wardroom.start();
  const begun = Date.now();
  await page.context().setOffline(false);
  await waitForStatus(page, "open");
  assert.ok(Date.now() - begun < 10_000);
  await page.locator("#said").getByText("Connected again.").waitFor({ state: "attached" });
});

test("the wait for the next attempt is counted down, and can be cut short", async () => {
  const page = await here.enter(0);
  await page.route("**/ticket", (route) => route.fulfill({ status: 503, headers: { "Retry-After": "60" }, json: { error: "full", code: "server_full", retry_after_ms: 60_000 } }));
  await here.wardroom.kill();
  await here.wardroom.start();
  await page.locator("#banner").getByText("The server is full at the moment.").waitFor();
  const left = async () => Number(/in (\d+) seconds/.exec(await page.textContent("#banner-detail"))[1]);
  const before = await left();
  assert.ok(before > 50);
  await page.waitForFunction((before) => Number(/in (\d+) seconds/.exec(document.getElementById("banner-detail").textContent)?.[1]) < before, before);
  await page.unroute("**/ticket");
  await page.getByRole("button", { name: "Try now" }).click();
  await waitForStatus(page, "open");
  assert.equal(await page.isHidden("#banner"), true);
});

test("a sign-in that runs out is told before and after, and another one goes on where it ended", async () => {
  const page = await here.open();
  await signIn(page, here.wardroom.linkWith(here.wardroom.token("ada", { name: "Ada", ttl: "6s" })));
  await say(page, "Before");
  await bubble(page, "Before").waitFor();
  await page.fill("#message", "Not yet sent");
  await page.locator("#banner").getByText("Your sign-in ends soon.").waitFor();
  await page.locator("#banner").getByText("Your sign-in has expired. Use a new link or token to go on.").waitFor();
  await waitForStatus(page, "stopped");
  assert.equal(await page.isHidden("#banner-retry"), true, "connecting again would not help");

  await page.getByRole("button", { name: "Use a new sign-in" }).click();
  const dialog = page.getByRole("dialog", { name: "Use a new sign-in" });
  await dialog.waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "renew-token");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  assert.equal(await page.evaluate(() => document.activeElement.id), "banner-signin");
  await page.keyboard.press("Enter");
  await page.fill("#renew-token", "two words");
  await page.keyboard.press("Enter");
  await dialog.getByText("neither a sign-in link nor a token").waitFor();
  await page.fill("#renew-token", here.wardroom.token("ada", { name: "Ada" }));
  await page.keyboard.press("Enter");
  await waitForStatus(page, "open");
  await dialog.waitFor({ state: "hidden" });
  await bubble(page, "Before").waitFor();
  assert.equal(await page.inputValue("#message"), "Not yet sent");
});

test("in the middle of a sign-in that ends, somebody else's is refused in words, and one's own extends the very connection", async () => {
  const page = await here.open();
  let sockets = 0;
  page.on("websocket", () => sockets++);
  await signIn(page, here.wardroom.linkWith(here.wardroom.token("ada", { name: "Ada", ttl: "20s" })));
  await page.getByRole("button", { name: "Use a new sign-in" }).click({ timeout: 30_000 });
  await page.fill("#renew-token", here.wardroom.token("bo"));
  await page.keyboard.press("Enter");
  await page.locator("#renew").getByText("This sign-in is somebody else's.").waitFor();
  await page.fill("#renew-token", here.wardroom.token("ada", { name: "Ada" }));
  await page.keyboard.press("Enter");
  await page.locator("#banner").waitFor({ state: "hidden" });
  await page.locator("#said").getByText("Your sign-in was renewed.").waitFor({ state: "attached" });
  assert.equal(sockets, 1);
});

test("somebody else's sign-in begins with an empty page", async () => {
  const page = await here.enter("Ada");
  await say(page, "Ada's own");
  await bubble(page, "Ada's own").waitFor();
  await page.goto(here.wardroom.linkWith(here.wardroom.token("bo", { name: "Bo" })));
  await page.locator("#self-name").getByText("Bo").waitFor();
  await waitForStatus(page, "open");
  assert.equal(await bubble(page, "Ada's own").count(), 0);
});
