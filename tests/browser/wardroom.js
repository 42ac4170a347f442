// The real server as a child process, and a browser to open its page with.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { chromium } from "playwright-core";

// The server takes every WARDROOM_ variable for one of its settings, so it must not see this one.
const { WARDROOM_BIN: BINARY, ...ENVIRONMENT } = process.env;
const LINK = /https?:\/\/\S+#token=\S+/;
const LINKS = 2;

const given = new Set();
/** Servers that have not been stopped. */
const running = new Set();

/** A port of the loopback address that nothing listens on, and that was not given before: whoever asked for that may not listen there yet. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  if (given.has(port)) {
    return freePort();
  }
  given.add(port);
  return port;
}

/** Limits that no test of something else should meet. */
export const GENEROUS = [
  ...["connections_per_user=100", "connections_per_address=1000", "plain_per_address=1000"],
  ...["commands_per_user", "messages_per_user", "messages_per_connection", "messages_per_address", "frames_per_connection", "handshakes_per_address"].map(
    (limit) => `${limit}={ burst = 1000000, per = "1s" }`,
  ),
  ...["bytes_per_connection", "bytes_per_address"].map((limit) => `${limit}={ burst = 100000000, per = "1s" }`),
  "outbound_bytes_per_connection_max=16777216",
].map((setting) => `limits.${setting}`).concat("auth.ticket.tickets_per_user_max=1000");

/**
 * A server with a data directory of its own, which survives `kill`, `drain` and `start`.
 *
 * `settings` are `section.key=value`. Where it is reached at another address than the one it listens on (TLS, a proxy
 * before it), `originOf(port)` names that: it is what the links begin with and what a page may talk to.
 */
export class Wardroom {
  #process = null;
  links = [];
  /** The end of what it wrote to standard error. */
  log = "";

  static async start(settings = [], { originOf = (port) => `http://127.0.0.1:${port}` } = {}) {
    const wardroom = new Wardroom();
    wardroom.port = await freePort();
    wardroom.origin = originOf(wardroom.port);
    wardroom.settings = [...settings];
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
    running.add(this);
    child.stderr.setEncoding("utf8").on("data", (text) => (this.log = (this.log + text).slice(-4000)));
    this.links = [];
    for await (const line of createInterface({ input: child.stdout })) {
      const link = LINK.exec(line)?.[0];
      if (link !== undefined && this.links.push(this.linkWith(tokenIn(link))) === LINKS) {
        child.stdout.resume();
        return;
      }
    }
    if (child.exitCode === null && child.signalCode === null) {
      await once(child, "close");
    }
    throw new Error(`the server ended before it printed ${LINKS} links:\n${this.log}`);
  }

  tokenOf(link) {
    return tokenIn(this.links[link]);
  }

  linkWith(token, path = "/") {
    return `${this.origin}${path}#token=${token}`;
  }

  /** A token for anybody, as `wardroom token` signs it. `ttl` is in the words of the configuration. */
  token(sub, { name = sub, ttl = "1h" } = {}) {
    const settings = [`store.directory=${this.directory}`, ...this.settings].flatMap((setting) => ["--set", setting]);
    return execFileSync(BINARY, ["token", "--sub", sub, "--name", name, "--ttl", ttl, ...settings], { env: ENVIRONMENT, encoding: "utf8" }).trim();
  }

  /** Stops the process where it stands: what is sent to it is neither read nor answered any more. */
  freeze() {
    this.#process.kill("SIGSTOP");
  }

  /** Ends the process at once, as a crash would. */
  kill() {
    return this.#end("SIGKILL");
  }

  /** Asks the server to end in its own way. Resolves to its exit status. */
  drain() {
    return this.#end("SIGTERM");
  }

  /** Asks the server to read its files again. */
  reload() {
    this.#process.kill("SIGHUP");
  }

  async #end(signal) {
    const ended = once(this.#process, "exit");
    this.#process.kill(signal);
    this.#process = null;
    return (await ended)[0];
  }

  async stop() {
    running.delete(this);
    if (this.#process !== null) {
      await this.kill();
    }
    await rm(this.directory, { recursive: true, force: true });
  }
}

function tokenIn(link) {
  return new URLSearchParams(new URL(link).hash.slice(1)).get("token");
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
 * policy, errors in scripts, dialogs. `page.faults` is the list. `page.course` is what its connections met, for the report of a failure.
 */
export async function newPage(browser, origin, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1120, height: 640 }, ...options });
  const page = await context.newPage();
  page.faults = [];
  page.course = [];
  page.on("requestfailed", (request) => page.course.push(`${request.method()} ${request.url()}: ${request.failure()?.errorText}`));
  page.on("response", (response) => response.status() >= 400 && page.course.push(`${response.url()}: ${response.status()}`));
  page.on("websocket", (socket) => {
    page.course.push(`${socket.url()}: asked for`);
    socket.on("socketerror", (error) => page.course.push(`${socket.url()}: ${error}`));
    socket.on("close", () => page.course.push(`${socket.url()}: closed`));
  });
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
  try {
    await page.locator(`#status[data-kind="${kind}"]`).waitFor({ state: "attached", timeout });
  } catch (error) {
    throw new Error(`${error.message}\n${await whatIsSeen(page)}`, { cause: error });
  }
}

/** What somebody in front of `page` sees of its connection, and what its connections and the servers have gone through: for a failed test. */
async function whatIsSeen(page) {
  const seen = await page.evaluate(() => ({ ...document.querySelector("#status")?.dataset, banner: document.querySelector("#banner")?.innerText }), null, { timeout: 1_000 }).catch(String);
  const servers = [...running].map((wardroom) => wardroom.log);
  return [JSON.stringify(seen), ...page.course, ...page.faults, ...servers].join("\n");
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
