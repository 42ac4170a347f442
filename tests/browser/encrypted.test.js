// Two people over wss: TLS of the server itself, with a certificate that is replaced, and behind proxies that end TLS.

import assert from "node:assert/strict";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { Proxy, fingerprintAt, missing, newCertificate } from "./proxies.js";
import { bubbles, drainAndRestart, keepTalking, nothingIsLost, stopTalking } from "./talk.js";
import { GENEROUS, Wardroom, bubble, freePort, launch, newPage, say, signIn } from "./wardroom.js";

const RELOADED_WITHIN_MS = 30_000;

let browser;
let folder;
let certificate;
let cleanUps;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "wardroom-encrypted-"));
  cleanUps = [() => rm(folder, { recursive: true, force: true })];
  if (!missing("openssl")) {
    certificate = await newCertificate(folder);
  }
});
afterEach(async () => {
  for (const cleanUp of cleanUps.reverse()) {
    await cleanUp();
  }
});

async function twoPeople(wardroom) {
  const people = [];
  for (const link of wardroom.links) {
    const page = await newPage(browser, wardroom.origin, { ignoreHTTPSErrors: true });
    cleanUps.push(() => page.context().close());
    page.sockets = [];
    page.on("websocket", (socket) => page.sockets.push(socket.url()));
    await signIn(page, link);
    people.push(page);
  }
  return people;
}

async function encrypted() {
  // Files are looked at when a signal says so, and only then.
  const settings = [`tls.certificate=${certificate.chain}`, `tls.key=${certificate.key}`, "tls.look_every=0"];
  const wardroom = await Wardroom.start([...GENEROUS, ...settings], { originOf: (port) => `https://127.0.0.1:${port}` });
  cleanUps.push(() => wardroom.stop());
  return wardroom;
}

async function talk(first, second, text) {
  await say(first, text);
  await bubble(second, text).waitFor();
  await say(second, `${text} too`);
  await bubble(first, `${text} too`).waitFor();
}

test("two people talk over wss, through a drain and a restart with another certificate, and nothing confirmed is lost", { skip: missing("openssl") }, async () => {
  const wardroom = await encrypted();
  const [first, second] = await twoPeople(wardroom);
  assert.ok(first.sockets.every((url) => url.startsWith("wss://")) && first.sockets.length > 0);
  await talk(first, second, "Hello");
  const before = await fingerprintAt(wardroom.port);
  await newCertificate(folder);
  await drainAndRestart(wardroom, first, second);
  assert.notEqual(await fingerprintAt(wardroom.port), before);
  await nothingIsLost(first, second);
  await talk(first, second, "Still here");
  assert.deepEqual([...first.faults, ...second.faults], []);
});

test("a certificate that is replaced on SIGHUP in the middle of a talk is shown to newcomers, and nobody notices who is there", { skip: missing("openssl") }, async () => {
  const wardroom = await encrypted();
  const [first, second] = await twoPeople(wardroom);
  await talk(first, second, "Before");
  const before = await fingerprintAt(wardroom.port);
  const next = await newCertificate(await mkdtemp(join(folder, "next-")));
  await keepTalking(first, second);
  await Promise.all([copyFile(next.chain, certificate.chain), copyFile(next.key, certificate.key)]);
  wardroom.reload();
  const patience = AbortSignal.timeout(RELOADED_WITHIN_MS);
  while ((await fingerprintAt(wardroom.port)) === before) {
    patience.throwIfAborted();
  }
  const { length } = await bubbles(second);
  await second.waitForFunction((length) => document.querySelectorAll("#timeline .bubble").length > length + 5, length);
  await stopTalking(first);
  await first.locator("#pending:empty").waitFor({ state: "attached" });
  await talk(first, second, "After");
  await nothingIsLost(first, second);
  assert.deepEqual([first.sockets.length, second.sockets.length], [1, 1], "nobody had to connect again");
  await second.reload();
  await second.locator('#status[data-kind="open"]').waitFor({ state: "attached" });
  await talk(first, second, "With the new one");
  assert.deepEqual([...first.faults, ...second.faults], []);
});

for (const [program, more] of [["nginx", []], ["haproxy", ["proxy.protocol=true"]]]) {
  test(`two people talk over wss behind ${program}, through a drain and a restart, and nothing confirmed is lost`, { skip: missing("openssl", program) }, async () => {
    const from = await freePort();
    const settings = [`proxy.trusted=["127.0.0.1/32"]`, ...more, `origins.allow=["https://127.0.0.1:${from}"]`];
    const wardroom = await Wardroom.start([...GENEROUS, ...settings], { originOf: () => `https://127.0.0.1:${from}` });
    cleanUps.push(() => wardroom.stop());
    const proxy = await Proxy.start(program, { folder, from, to: wardroom.port, ...certificate });
    cleanUps.push(() => proxy.stop());
    const [first, second] = await twoPeople(wardroom);
    assert.ok(first.sockets[0].startsWith(`wss://127.0.0.1:${from}/`));
    await talk(first, second, "Hello");
    await drainAndRestart(wardroom, first, second);
    await nothingIsLost(first, second);
    await talk(first, second, "Still here");
    assert.deepEqual([...first.faults, ...second.faults], []);
  });
}
