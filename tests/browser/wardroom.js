// The real server as a child process, and a browser to open its page with.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { chromium } from "playwright-core";

// The server takes every WARDROOM_ variable for one of its settings, so it must not see this one.
const { WARDROOM_BIN: BINARY, ...ENVIRONMENT } = process.env;
const LINK = /http:\/\/\S+#token=\S+/;
const LINKS = 2;

/** A port of the loopback address that nothing listens on. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** A server with a data directory of its own, which survives `stop` and `start`. */
export class Wardroom {
  #process = null;
  links = [];

  static async start(settings = []) {
    const wardroom = new Wardroom();
    wardroom.port = await freePort();
    wardroom.origin = `http://127.0.0.1:${wardroom.port}`;
    wardroom.settings = settings;
    wardroom.directory = await mkdtemp(join(tmpdir(), "wardroom-browser-"));
    try {
      await wardroom.start();
    } catch (error) {
      await rm(wardroom.directory, { recursive: true, force: true });
      throw error;
    }
    return wardroom;
  }

  /** Resolves when the server has printed its links, which it does once it listens. */
  async start() {
    const settings = [`listen.address=127.0.0.1:${this.port}`, "private.address=127.0.0.1:0", `store.directory=${this.directory}`, ...this.settings];
    const child = spawn(BINARY, settings.flatMap((setting) => ["--set", setting]), {
      env: ENVIRONMENT,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = child;
    let log = "";
    child.stderr.setEncoding("utf8").on("data", (text) => (log = (log + text).slice(-4000)));
    this.links = [];
    for await (const line of createInterface({ input: child.stdout })) {
      const link = LINK.exec(line)?.[0];
      if (link !== undefined && this.links.push(link) === LINKS) {
        child.stdout.resume();
        return;
      }
    }
    throw new Error(`the server ended before it printed ${LINKS} links:\n${log}`);
  }

  tokenOf(link) {
    return new URLSearchParams(new URL(this.links[link]).hash.slice(1)).get("token");
  }

  /** Ends the process at once, as a crash would. */
  async kill() {
    this.#process.kill("SIGKILL");
    await once(this.#process, "exit");
    this.#process = null;
  }

  async stop() {
    if (this.#process !== null) {
      await this.kill();
    }
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** A browser with a fresh profile. Each page gets a context of its own, like another person's computer. */
export async function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM_BIN ?? "/usr/bin/chromium",
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/**
 * A new page in a new context that notes what must never happen: requests to another origin, violations of the
 * policy, errors in scripts, dialogs. `page.faults` is the list.
 */
export async function newPage(browser, origin, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1120, height: 640 }, ...options });
  const page = await context.newPage();
  page.faults = [];
  page.on("request", (request) => noteForeign(page, request.url(), origin));
  page.on("websocket", (socket) => noteForeign(page, socket.url().replace(/^ws/, "http"), origin));
  page.on("pageerror", (error) => page.faults.push(`script error: ${error.message}`));
  page.on("console", (message) => /Content.Security.Policy/i.test(message.text()) && page.faults.push(message.text()));
  page.on("dialog", (dialog) => {
    page.faults.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`Content Security Policy: ${event.violatedDirective} ${event.blockedURI}`));
  });
  return page;
}

function noteForeign(page, url, origin) {
  if (new URL(url).origin !== origin) {
    page.faults.push(`request to ${url}`);
  }
}

/** Opens a sign-in link and waits until the page is in the lobby, with its people. */
export async function signIn(page, link) {
  await page.goto(link);
  await waitForStatus(page, "open");
  await page.locator("#people .person").first().waitFor({ state: "attached" });
}

export async function waitForStatus(page, kind, timeout = 30_000) {
  await page.locator(`#status[data-kind="${kind}"]`).waitFor({ state: "attached", timeout });
}

export async function say(page, text) {
  await page.fill("#message", text);
  await page.press("#message", "Enter");
}

/** The bubble, on `page`, of a message with exactly this text. */
export function bubble(page, text) {
  return page.locator("#timeline .bubble").filter({ hasText: new RegExp(`^${escape(text)}$`) });
}

function escape(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
