// Wires the parts together: what a person does goes to the connection, what the server says to the state, the state to the page.

import { Composer } from "/composer.js";
import { Connection } from "/connection.js";
import { forgetToken, keepToken, takeToken, tokenIn } from "/session.js";
import { Chat, TYPING_SHOWN_MS } from "/state.js";
import { refusalText, signinText, stopText } from "/text.js";
import { Timeline } from "/timeline.js";
import { View, elementsById } from "/view.js";

const PATIENT_TRIES_MAX = 4;
const COMPLAINT_SHOWN_MS = 6_000;

const page = elementsById(document);
const view = new View(page, { signIn, signOut, open, leave, reconnect: () => connection?.start() });
const timeline = new Timeline(page);
const composer = new Composer(page, { send, typing });

let chat = new Chat();
let connection = null;
let isOpen = false;
let frame = 0;
let pendingId = 0;

function begin(token) {
  connection?.stop();
  chat = new Chat();
  composer.clear();
  isOpen = false;
  connection = new Connection(token, { status, hello, notice });
  connection.start();
}

function signIn(pasted) {
  const token = tokenIn(pasted);
  if (token === "") {
    view.showSignIn("That is neither a sign-in link nor a token.");
    return;
  }
  keepToken(sessionStorage, token);
  begin(token);
}

function signOut() {
  connection?.stop();
  connection = null;
  forgetToken(sessionStorage);
  document.title = "Wardroom";
  view.showSignIn("");
}

function status(now) {
  isOpen = now.kind === "open";
  if (!isOpen) {
    chat.disconnected();
  }
  if (now.kind === "unauthorized") {
    forgetToken(sessionStorage);
    view.showSignIn(signinText(now.refusal.code, now.refusal.message));
    return;
  }
  view.showChat();
  view.renderStatus(now, now.kind === "stopped" ? stopText(now.reason) : "");
  renderSoon();
}

async function hello(greeting) {
  const again = chat.hello(greeting);
  view.showChat();
  composer.focus();
  renderSoon();
  list(chat.lobby);
  for (const room of again) {
    await join(room);
  }
}

function notice(said) {
  if (said.type === "error") {
    composer.complain(refusalText({ ...said, message: said.error, retryAfterMs: said.retry_after_ms ?? 0 }), COMPLAINT_SHOWN_MS);
    return;
  }
  const isNews = chat.notice(said, Date.now());
  if (isNews && document.hidden) {
    document.title = "● Wardroom";
  }
  if (said.type === "typing") {
    setTimeout(renderSoon, TYPING_SHOWN_MS + 50);
  }
  renderSoon();
}

async function open(room) {
  if (chat.rooms.get(room)?.joined || (await join(room))) {
    chat.open(room);
    composer.complain("");
    composer.focus();
    renderSoon();
  }
}

async function join(room) {
  try {
    await patiently({ type: "join", room });
    chat.joined(room);
    list(room);
    return true;
  } catch (refusal) {
    if (refusal.code !== "disconnected") {
      composer.complain(`You could not join #${room}. ${refusalText(refusal)}`);
    }
    return false;
  } finally {
    renderSoon();
  }
}

async function leave() {
  const room = chat.current;
  try {
    await patiently({ type: "leave", room });
    chat.left(room);
  } catch (refusal) {
    composer.complain(refusalText(refusal));
  }
  renderSoon();
}

async function list(room) {
  const from = connection;
  const reply = await patiently({ type: "members", room }).catch(() => null);
  if (reply !== null && from === connection) {
    chat.listed(room, reply);
    renderSoon();
  }
}

async function send(text) {
  const here = chat;
  const room = here.current;
  const id = ++pendingId;
  here.sent(room, id, text);
  renderSoon();
  try {
    await connection.request({ type: "send", room, message: text });
  } catch (refusal) {
    if (here === chat) {
      composer.restore(text);
      composer.complain(refusalText(refusal, "Send it again"), retryShownFor(refusal));
    }
  } finally {
    here.answered(room, id);
    renderSoon();
  }
}

function typing() {
  connection.request({ type: "typing", room: chat.current }).catch(() => {});
}

/** A request that nobody typed: when told to come back later, it does. */
async function patiently(command) {
  for (let tries = 1; ; tries++) {
    try {
      return await connection.request(command);
    } catch (refusal) {
      if (!(refusal.retryAfterMs > 0) || tries === PATIENT_TRIES_MAX) {
        throw refusal;
      }
      await new Promise((resolve) => setTimeout(resolve, refusal.retryAfterMs));
    }
  }
}

/** Long enough to read; when there is nothing to wait for, until the next message. */
function retryShownFor({ retryAfterMs }) {
  return retryAfterMs > 0 ? Math.max(COMPLAINT_SHOWN_MS, retryAfterMs) : 0;
}

function renderSoon() {
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    if (chat.room === undefined) {
      return;
    }
    view.render(chat, Date.now());
    timeline.render(chat.room, chat.me);
    composer.configure({ charactersMax: chat.charactersMax, room: chat.current, usable: isOpen && chat.room.joined });
  });
}

function enter() {
  const token = takeToken({ location, history, storage: sessionStorage });
  if (token === "") {
    view.showSignIn("");
  } else {
    begin(token);
  }
}

addEventListener("hashchange", enter);
addEventListener("online", () => connection?.isWaiting && connection.start());
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    document.title = "Wardroom";
  }
});
enter();
