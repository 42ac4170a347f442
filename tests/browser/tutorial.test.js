// The browser code of a beginner's tutorial, unchanged, on a page of the same origin; and that of our own documents.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { Wardroom, launch, newPage } from "./wardroom.js";

const SNIPPET = `
  const ws = new WebSocket(\`ws://\${location.host}/ws/chat?token=\${token}\`);
  ws.onopen = () => console.log("Connected");
  ws.onmessage = (event) => {
    const data = JSON.parse(event.data);
    if (data.error) {
      console.log("Error: " + data.error);
    } else {
      console.log(data.sender + ": " + data.message);
    }
  };
  ws.onclose = (event) => console.log("Closed " + event.code + " " + event.reason);
  function sendMessage(message) {
    ws.send(JSON.stringify({ message: message }));
  }
`;

let browser;
let wardroom;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

beforeEach(async () => {
  wardroom = await Wardroom.start();
});
afterEach(() => wardroom.stop());

/** A page without a policy, of the server's own origin, that runs the snippet with `token`; `page.printed` is what it logged. */
async function tutorialPage(token) {
  const page = await newPage(browser, wardroom.origin);
  page.printed = [];
  page.on("console", (message) => page.printed.push(message.text()));
  await page.goto(`${wardroom.origin}/healthz`);
  const connected = printed(page, /^(Connected|Closed)/);
  await page.addScriptTag({ content: `const token = ${JSON.stringify(token)};${SNIPPET}` });
  await connected;
  return page;
}

/** Resolves to the first line, printed already or later, that matches. */
async function printed(page, pattern) {
  const before = page.printed.find((line) => pattern.test(line));
  return before ?? (await page.waitForEvent("console", (message) => pattern.test(message.text()))).text();
}

test("it connects, sends and prints who said what", async () => {
  const first = await tutorialPage(wardroom.tokenOf(0));
  const second = await tutorialPage(wardroom.tokenOf(1));
  await printed(first, /^System: .+ has joined the chat\.$/);
  await first.evaluate("sendMessage('Hello from the tutorial')");
  const line = await printed(second, /Hello from the tutorial$/);
  assert.equal(await printed(first, /Hello from the tutorial$/), line);
  assert.match(line, /^(?!undefined)\S.*: Hello from the tutorial$/);

  await second.context().close();
  await printed(first, /^System: .+ has left the chat\.$/);
  await first.context().close();
});

test("it shows the tutorial's errors word for word", async () => {
  const page = await tutorialPage(wardroom.tokenOf(0));
  for (const [code, text] of [
    ["sendMessage('')", "Message cannot be empty"],
    ["sendMessage('x'.repeat(501))", "Message too long (max 500 characters)"],
    ["ws.send('not json')", "Invalid JSON format"],
    ["ws.send(JSON.stringify({ message: 'hi', room_id: 'no room!' }))", "Room ID must be alphanumeric"],
  ]) {
    const error = printed(page, new RegExp(`^Error: ${text.replace(/[()]/g, "\\$&")}$`));
    await page.evaluate(code);
    await error;
  }
  await page.context().close();
});

test("its sixth message in five seconds is told so", async () => {
  const page = await tutorialPage(wardroom.tokenOf(1));
  const error = printed(page, /^Error: Rate limit exceeded\. Please wait before sending more messages\.$/);
  await page.evaluate("for (let i = 1; i <= 6; i++) sendMessage('Message ' + i)");
  await error;
  assert.ok(await printed(page, /Message 5$/));
  assert.equal(page.printed.some((line) => line.endsWith(": Message 6")), false);
  await page.context().close();
});

test("a token that is not to be trusted is told in the close reason", async () => {
  const page = await tutorialPage("not.a.token");
  assert.equal(await printed(page, /^Closed/), "Closed 1008 invalid credentials");
  await page.context().close();
});

for (const [document, line] of [["README.md", /^Alice: hi$/], ["docs/quickstart.md", /^{type: message, room: lobby, /]]) {
  test(`the code in ${document} connects with a ticket of its back end and talks`, async () => {
    const text = await readFile(new URL(`../../${document}`, import.meta.url), "utf8");
    const code = text.split("```js\n").slice(1).map((block) => block.split("```")[0]).find((block) => block.includes("wardroom.ticket."));
    const page = await newPage(browser, wardroom.origin);
    await page.route("**/my-ticket", async (route) => {
      const asked = await fetch(`${wardroom.origin}/ticket`, { method: "POST", headers: { Authorization: `Bearer ${wardroom.tokenOf(0)}` } });
      await route.fulfill({ json: await asked.json() });
    });
    await page.goto(`${wardroom.origin}/healthz`);
    const said = page.waitForEvent("console", (message) => line.test(message.text()));
    await page.addScriptTag({ type: "module", content: code.replace(/wss?:\/\/[^/]+/, wardroom.origin.replace(/^http/, "ws")) });
    await said;
    await page.context().close();
  });
}
