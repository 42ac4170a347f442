// What the page does when a connection ends: go on where that helps, stop where it does not, and say which.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";

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

async function open() {
  const page = await newPage(browser, wardroom.origin);
  pages.push(page);
  return page;
}

test("the fourth page of one person stops, says why, and goes on when asked", async () => {
  const first = await open();
  const socketOpened = first.waitForEvent("websocket");
  await signIn(first, wardroom.links[0]);
  const socket = await socketOpened;
  for (let number = 2; number <= 3; number++) {
    await signIn(await open(), `${wardroom.origin}/#token=${wardroom.tokenOf(0)}`);
  }
  const fourth = await open();
  let tickets = 0;
  fourth.on("request", (request) => request.url().endsWith("/ticket") && tickets++);
  await fourth.clock.install();
  await fourth.goto(`${wardroom.origin}/#token=${wardroom.tokenOf(0)}`);
  await waitForStatus(fourth, "stopped");
  await fourth.locator("#banner").getByText("You are already connected as often as the server allows.").waitFor();
  await fourth.clock.runFor(10 * 60_000);
  assert.equal(tickets, 1, "it does not try again by itself");

  await Promise.all([socket.waitForEvent("close"), first.click("#signout")]);
  await fourth.click("#banner-retry");
  await waitForStatus(fourth, "open");
});

test("a page comes back to its rooms after the server was killed and started again", async () => {
  const [first, second] = [await open(), await open()];
  await signIn(first, wardroom.links[0]);
  await signIn(second, wardroom.links[1]);
  await first.click('[data-room="general"]');
  await second.click('[data-room="general"]');
  await first.locator("#people .person").nth(1).waitFor();

  await wardroom.kill();
  await waitForStatus(first, "waiting");
  await first.getByText("Connection lost.").waitFor();
  assert.equal(await first.isDisabled("#send"), true);
  await wardroom.start();
  await Promise.all([waitForStatus(first, "open", 60_000), waitForStatus(second, "open", 60_000)]);
  await first.getByText("Connected again. What was said in between is not shown.").waitFor();
  await first.locator("#people .person").nth(1).waitFor();
  await second.locator("#people .person").nth(1).waitFor();
  await say(first, "Still in general");
  await bubble(second, "Still in general").waitFor();
});
