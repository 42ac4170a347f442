// Somebody who does not stop talking, and what must be true of it afterwards.

import assert from "node:assert/strict";

import { waitForStatus } from "./wardroom.js";

const texts = (page, selector) => page.locator(selector).allTextContents();

export const bubbles = (page) => texts(page, "#timeline .bubble");

/**
 * `first` says a numbered message every few milliseconds until `stopTalking`; what is refused or lost stays on the page.
 * Resolves in the middle of it. Slow enough that no page lets go of an element before the talk is over.
 */
export async function keepTalking(first, second) {
  await first.evaluate(() => {
    let number = 0;
    globalThis.talking = setInterval(() => {
      const message = document.getElementById("message");
      message.value = `Number ${++number}`;
      document.getElementById("composer").requestSubmit();
      message.value = "";
    }, 40);
  });
  await second.locator("#timeline .bubble").getByText("Number 20", { exact: true }).waitFor();
}

export const stopTalking = (page) => page.evaluate(() => clearInterval(globalThis.talking));

/** The server goes in its own way in the middle of `first` talking to `second`, and comes back on the same port. */
export async function drainAndRestart(wardroom, first, second) {
  await keepTalking(first, second);
  assert.equal(await wardroom.drain(), 0);
  await first.locator("#banner").getByText("The server is restarting.").waitFor();
  await stopTalking(first);
  await wardroom.start();
  await Promise.all([waitForStatus(first, "open", 60_000), waitForStatus(second, "open", 60_000)]);
}

/** What `first` was told to have been said has reached `second`, once; the rest is marked. */
export async function nothingIsLost(first, second) {
  const [confirmed, unsure, received] = [await bubbles(first), await texts(first, "#pending .bubble"), await bubbles(second)];
  assert.ok(confirmed.length >= 20);
  assert.deepEqual(confirmed.filter((text) => !received.includes(text)), [], "confirmed and not received");
  assert.deepEqual(received, [...new Set(received)], "received twice");
  assert.equal(await first.locator("#pending li:not(.unsure, .refused)").count(), 0, "neither confirmed nor marked");
  assert.deepEqual(unsure.filter((text) => confirmed.includes(text)), [], "confirmed and marked as not confirmed");
}
