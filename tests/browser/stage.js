// What most tests begin with: a browser, a server, and pages in which nothing forbidden has happened by the end.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach } from "node:test";
import { fileURLToPath } from "node:url";

import { Wardroom, launch, newPage, signIn } from "./wardroom.js";

const SCREENSHOTS = fileURLToPath(new URL("../../docs/screenshots/", import.meta.url));

/** Pictures show the time of day, so they are renewed only when asked for. */
export async function keepPicture(page, name) {
  await page.screenshot(process.env.SCREENSHOTS ? { path: `${SCREENSHOTS}${name}` } : {});
}

/** To be called once in a file; the `wardroom` of the returned stage is another one in every test. */
export function stage(settings = []) {
  const here = { browser: null, wardroom: null, pages: [], open, enter };

  /** A page of somebody's own computer, nothing loaded. */
  async function open(options) {
    const page = await newPage(here.browser, here.wardroom.origin, options);
    here.pages.push(page);
    return page;
  }

  /** A page in the lobby. `who` is the number of one of the server's links, or the name of somebody else. */
  async function enter(who = 0, options = undefined) {
    const page = await open(options);
    await signIn(page, typeof who === "number" ? here.wardroom.links[who] : here.wardroom.linkWith(here.wardroom.token(who.toLowerCase(), { name: who })));
    return page;
  }

  before(async () => {
    here.browser = await launch();
  });
  after(() => here.browser.close());
  beforeEach(async () => {
    here.wardroom = await Wardroom.start(settings);
    here.pages = [];
  });
  afterEach(async () => {
    const faults = here.pages.flatMap((page) => page.faults);
    await Promise.all(here.pages.map((page) => page.context().close()));
    await here.wardroom.stop();
    assert.deepEqual(faults, [], "no foreign request, no policy violation, no script error");
  });
  return here;
}
