// Thousands of messages: what they cost the page, and that the reader keeps their place among them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Peer } from "./peer.js";
import { stage } from "./stage.js";
import { GENEROUS } from "./wardroom.js";

const MESSAGES = 5_000;
/** 240 entries, each a row with at most a day, a divider, an avatar, a head, a bubble and their texts. */
const NODES_MAX = 6_000;
const HEAP_MAX_MB = 16;
/** Generous, because a shared machine takes the processor away in the middle of a task. */
const LONG_TASK_MAX_MS = 500;

const here = stage(GENEROUS);

function numbered(from, to) {
  return Array.from({ length: to - from }, (_, index) => `Message ${from + index}: the tide turns at ${index % 24}:00, and everybody is told so at some length.`);
}

/** Returns what measures the page, from now on. */
async function meter(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  return async () => {
    await session.send("HeapProfiler.collectGarbage");
    const { metrics } = await session.send("Performance.getMetrics");
    const of = (name) => metrics.find((metric) => metric.name === name).value;
    return { nodes: of("Nodes"), heapMb: of("JSHeapUsedSize") / 1e6, scriptS: of("ScriptDuration"), layoutS: of("LayoutDuration") + of("RecalcStyleDuration") };
  };
}

const last = (page, text) => page.locator("#timeline .message").last().getByText(text);
const top = (page) => page.evaluate(() => document.getElementById("scroller").scrollTop);

/** Where the row with `text` stands on the screen. */
const place = (page, text) => page.locator("#timeline .bubble").getByText(text).evaluate((node) => node.getBoundingClientRect().top);

test(`${MESSAGES} messages keep elements, memory and long tasks bounded`, async (context) => {
  const page = await here.enter();
  const peer = await Peer.connect(here.browser, here.wardroom, here.wardroom.tokenOf(1));
  await page.evaluate(() => {
    globalThis.longest = 0;
    new PerformanceObserver((list) => list.getEntries().forEach(({ duration }) => (globalThis.longest = Math.max(globalThis.longest, duration)))).observe({ type: "longtask" });
  });
  const measure = await meter(page);
  const before = await measure();
  const begun = performance.now();
  for (let from = 0; from < MESSAGES; from += 250) {
    await peer.say(...numbered(from, from + 250));
  }
  await last(page, `Message ${MESSAGES - 1}:`).waitFor();
  const took = performance.now() - begun;
  const after = await measure();
  const longest = await page.evaluate(() => globalThis.longest);
  context.diagnostic(
    `${MESSAGES} messages in ${(took / 1000).toFixed(1)} s: ${after.nodes} DOM nodes (${before.nodes} before), heap ${after.heapMb.toFixed(1)} MB (${before.heapMb.toFixed(1)}), ` +
      `longest task ${longest.toFixed(0)} ms, script ${(after.scriptS - before.scriptS).toFixed(2)} s, style and layout ${(after.layoutS - before.layoutS).toFixed(2)} s`,
  );
  assert.ok((await page.locator("#timeline > li").count()) <= 480);
  assert.ok(after.nodes < NODES_MAX, `${after.nodes} nodes`);
  assert.ok(after.heapMb < HEAP_MAX_MB, `${after.heapMb} MB`);
  assert.ok(longest < LONG_TASK_MAX_MS, `${longest} ms`);
  await page.fill("#message", "Still quick?");
  const typed = await page.evaluate(async () => {
    const begun = performance.now();
    document.getElementById("composer").requestSubmit();
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    return performance.now() - begun;
  });
  assert.ok(typed < LONG_TASK_MAX_MS, `sending took ${typed} ms`);
  await last(page, "Still quick?").waitFor();
  await peer.close();
});

test("one who reads older messages keeps the place, is told of newer ones, and finds both ends", async () => {
  const page = await here.enter();
  const peer = await Peer.connect(here.browser, here.wardroom, here.wardroom.tokenOf(1));
  for (let from = 0; from < 1000; from += 250) {
    await peer.say(...numbered(from, from + 250));
  }
  await last(page, "Message 999:").waitFor();
  assert.equal(await page.isHidden("#newer"), true);

  // Upwards, window by window, until the first message is there.
  await page.hover("#scroller");
  for (let step = 0; (await page.locator("#timeline").getByText("Message 0:").count()) === 0; step++) {
    assert.ok(step < 400, "the first message is reached");
    await page.mouse.wheel(0, -1500);
    await page.evaluate(() => new Promise(requestAnimationFrame));
    assert.ok((await page.locator("#timeline > li").count()) < 480);
  }
  await page.locator("#newer").waitFor();
  await page.locator("#timeline").getByText("Message 0:").scrollIntoViewIfNeeded();
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));

  const before = [await place(page, "Message 0:"), await top(page)];
  await peer.say("A newer one", "and another");
  await page.getByRole("button", { name: "2 new messages" }).waitFor();
  assert.match(await page.title(), /^\(2\) /);
  assert.deepEqual([await place(page, "Message 0:"), await top(page)], before);

  await page.click("#newer");
  await last(page, "and another").waitFor();
  await page.locator("#newer").waitFor({ state: "hidden" });
  assert.doesNotMatch(await page.title(), /^\(/);
  await page.locator("#timeline .divider").getByText("New").waitFor();
  await peer.say("followed");
  await last(page, "followed").waitFor();
  assert.ok(await page.evaluate(() => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 2), "at the bottom again");
  await peer.close();
});

test("downwards again, every message is passed once and in order", async () => {
  const page = await here.enter();
  const peer = await Peer.connect(here.browser, here.wardroom, here.wardroom.tokenOf(1));
  for (let from = 0; from < 750; from += 250) {
    await peer.say(...numbered(from, from + 250));
  }
  await last(page, "Message 749:").waitFor();
  const seen = await page.evaluate(async () => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    const numbers = () => [...document.querySelectorAll("#timeline .bubble")].map((node) => Number(/^Message (\d+)/.exec(node.textContent)[1]));
    const isRun = (list) => list.every((number, index) => index === 0 || number === list[index - 1] + 1);
    const runs = [];
    for (const [step, end] of [[-700, () => numbers()[0] === 0 && scroller.scrollTop === 0], [700, () => numbers().at(-1) === 749 && scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 2]]) {
      for (let steps = 0; !end() && steps < 500; steps++) {
        scroller.scrollBy(0, step);
        await frame();
        runs.push(isRun(numbers()));
      }
      runs.push(end());
    }
    return runs.every(Boolean);
  });
  assert.equal(seen, true);
  await peer.close();
});
