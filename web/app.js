// Wires the parts together: who signs in, what is shown when, and what the keys and the browser's own events do.

import { Announcer } from "./announcer.js";
import { Banner } from "./banner.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { avatarOf, elementsById, sentenceNodes, setText } from "./dom.js";
import { Expiry } from "./expiry.js";
import { Panels } from "./panels.js";
import { People } from "./people.js";
import { isAboutCredentials, refusalText, signinText } from "./refusals.js";
import { renderRooms } from "./rooms.js";
import { forgetToken, keepToken, keptToken, roomIn, showRoom, takeToken, tokenIn } from "./session.js";
import { SignIn } from "./signin.js";
import { TYPING_SHOWN_MS } from "./state.js";
import { tab } from "./storage.js";
import { peopleText, plain, titleText, typingParts } from "./text.js";
import { wireTheme } from "./theme.js";
import { Timeline } from "./timeline.js";

const COMPLAINT_SHOWN_MS = 6_000;

let frame = 0;
const page = elementsById(document);
const announcer = new Announcer(page);
const panels = new Panels(page);
const people = new People(page);
const signin = new SignIn(page, { signIn, renew });
const banner = new Banner(page, announcer, { retry: () => conversation.reconnect(), renew: () => signin.ask() });
const expiry = new Expiry((leftMs) => banner.expires(leftMs));
const composer = new Composer(page, { send, typing: () => conversation.typing(), draft: (room, text) => conversation.keepDraft(room, text) });
const timeline = new Timeline(page, { again, edit, discard }, renderSoon);
const conversation = new Conversation(tab, { changed: renderSoon, status, greeted, news, isWatched, trouble, refused });

// Signing in and out

function begin(token) {
  keepToken(tab, token);
  composer.clear();
  conversation.begin(token);
}

function signIn(pasted) {
  const token = tokenIn(pasted);
  if (token === "") {
    signin.show("That is neither a sign-in link nor a token.");
  } else {
    begin(token);
  }
}

async function renew(pasted) {
  const token = tokenIn(pasted);
  const refusal = token === "" ? null : await extend(token);
  return token === "" ? "That is neither a sign-in link nor a token." : refusal === null ? "" : refusalText(refusal);
}

/** Goes on with another token, over the same connection where the server can. Resolves to its refusal, or null. */
async function extend(token) {
  if (conversation.isOpen) {
    try {
      const reply = await conversation.refresh(token);
      expiry.set(reply.expires_in_ms);
      banner.renewed();
      keepToken(tab, token);
      return null;
    } catch (refusal) {
      if (!["unknown_type", "disconnected", "unanswered"].includes(refusal.code)) {
        return refusal;
      }
    }
  }
  keepToken(tab, token);
  conversation.continueWith(token);
  return null;
}

/** A link was opened in the tab of somebody who is signed in: who opens another person's wants to be that person. */
async function renewByLink(token) {
  const refusal = await extend(token);
  if (refusal?.code === "other_user") {
    begin(token);
  } else if (refusal !== null) {
    composer.complain(refusalText(refusal));
  }
}

function signOut(reason = "") {
  conversation.end();
  expiry.set(undefined);
  forgetToken(tab);
  composer.clear();
  document.title = titleText(0, "");
  signin.show(reason);
}

/** A link with a token was opened, or the page was: in the second case the token that this tab has will do. */
function enter() {
  const found = takeToken({ location, history });
  if (found !== "" && conversation.chat.me.user !== "") {
    renewByLink(found);
  } else if (found !== "" || keptToken(tab) !== "") {
    begin(found || keptToken(tab));
  } else {
    signin.show("");
  }
}

// What the conversation tells

function status(now) {
  const isSignedOut = now.kind === "unauthorized" || isAboutCredentials(now.reason);
  if (isSignedOut) {
    forgetToken(tab);
    expiry.set(undefined);
  }
  if (now.kind === "unauthorized" && conversation.chat.me.user === "") {
    signOut(signinText(now.refusal));
    return;
  }
  signin.hide();
  banner.show(now, navigator.onLine);
  renderSoon();
}

function greeted(hello, isFirst) {
  expiry.set(hello.expires_in_ms);
  const wanted = roomIn(location);
  if (isFirst && wanted !== "" && wanted !== hello.lobby) {
    open(wanted);
  }
  renderNow();
  if (document.activeElement === document.body) {
    focusRoom();
  }
}

function news(entry) {
  if (entry.room === conversation.chat.current && !document.hidden) {
    announcer.message(entry.name, entry.text);
  }
  renderTitle();
}

/** Whether the newest message of the open room is before somebody's eyes. */
function isWatched() {
  return !document.hidden && timeline.isAtEnd;
}

function trouble(words, forMs) {
  composer.complain(words, forMs);
}

/** What was not taken goes back to where it was written, unless something else is there by now. */
function refused(item, refusal) {
  const why = refusalText(refusal, "Send it again");
  if (item.room === conversation.chat.current && composer.isEmpty) {
    conversation.discard(item.id);
    composer.restore(item.text);
    composer.complain(why, refusal.retryAfterMs > 0 ? Math.max(COMPLAINT_SHOWN_MS, refusal.retryAfterMs) : 0);
  } else {
    conversation.refused(item.id, refusalText({ ...refusal, message: refusal.message, retryAfterMs: 0 }));
    announcer.warn(`A message was not sent. ${why}`);
  }
}

// What the person does

async function open(room) {
  panels.close();
  if (await conversation.open(room)) {
    showRoom({ location, history }, room, conversation.chat.lobby);
    renderNow();
    focusRoom();
    announcer.say(`Room ${room}. ${page.roomCount.textContent}`);
  }
}

async function leave() {
  await conversation.leave();
  showRoom({ location, history }, conversation.chat.current, conversation.chat.lobby);
  renderNow();
  focusRoom();
}

function send(text) {
  if (conversation.outgoing.isFull) {
    composer.restore(text);
    composer.complain("Too many messages wait to be confirmed. Send or discard them first.");
    return;
  }
  conversation.send(text);
  timeline.toEnd();
}

function again(id) {
  if (conversation.isOpen) {
    conversation.again(id);
  } else {
    composer.complain("There is no connection. What you wrote is kept until there is one.", COMPLAINT_SHOWN_MS);
  }
  composer.focus();
}

function edit(id) {
  composer.restore(conversation.outgoing.get(id).text);
  conversation.discard(id);
  composer.focus();
}

function discard(id) {
  conversation.discard(id);
  composer.focus();
}

/** To where one writes; on a touch screen that would open the keyboard over the messages, so there it is the heading. */
function focusRoom() {
  if (matchMedia("(pointer: coarse)").matches) {
    page.roomHeading.focus({ preventScroll: true });
  } else {
    composer.focus();
  }
}

// What is shown

function renderSoon() {
  frame ||= requestAnimationFrame(renderNow);
}

function renderNow() {
  cancelAnimationFrame(frame);
  frame = 0;
  const { chat, outgoing, isOpen } = conversation;
  const { room, me } = chat;
  if (room === undefined) {
    return;
  }
  const now = Date.now();
  composer.show(room.name, conversation.draft(room.name));
  composer.configure({ charactersMax: chat.charactersMax, usable: isOpen && room.joined });
  timeline.render(room, outgoing.of(room.name), now);
  if (isWatched()) {
    room.seen();
  }
  renderRooms(page.rooms, chat, open);
  people.render(room, me, now);
  renderHead(chat, room);
  renderTyping(chat.typists(now));
  renderTitle();
}

function renderHead(chat, room) {
  if (page.selfName.textContent !== chat.me.name) {
    page.selfName.textContent = chat.me.name;
    page.selfAvatar.replaceChildren(avatarOf(chat.me));
  }
  setText(page.roomName, room.name);
  setText(page.roomCount, room.count === 0 ? "" : peopleText(room.count));
  page.leave.hidden = room.name === chat.lobby || !room.joined;
  page.roomsUnread.hidden = chat.unread === 0;
}

function renderTyping(names) {
  const parts = typingParts(names);
  if (page.typingText.textContent !== plain(parts)) {
    page.typingText.replaceChildren(...sentenceNodes(parts));
  }
  page.typing.classList.toggle("shown", names.length > 0);
  if (names.length > 0) {
    clearTimeout(renderTyping.timer);
    renderTyping.timer = setTimeout(renderSoon, TYPING_SHOWN_MS / 4);
  }
}

function renderTitle() {
  document.title = titleText(conversation.chat.unread, conversation.chat.current);
}

// What the browser tells

page.signout.addEventListener("click", () => signOut());
page.leave.addEventListener("click", leave);
page.newer.addEventListener("click", () => {
  timeline.toEnd();
  focusRoom();
});
page.skip.addEventListener("click", (event) => {
  event.preventDefault();
  composer.focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing && !page.renew.open) {
    if (panels.isOpen) {
      panels.close();
    } else {
      composer.complain("");
    }
  }
});
addEventListener("hashchange", enter);
addEventListener("online", () => conversation.hurry());
addEventListener("offline", () => conversation.check());
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    conversation.check();
    renderSoon();
  }
});
wireTheme(page.theme, (text) => announcer.say(text));
enter();
