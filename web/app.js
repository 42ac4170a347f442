// Wires the parts together: who signs in, what is shown when, and what the keys and the browser's own events do.

import { roomActions } from "./actions.js";
import { Announcer } from "./announcer.js";
import { Banner } from "./banner.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { doorway } from "./doorway.js";
import { avatarOf, elementsById, sentenceNodes, setText } from "./dom.js";
import { Expiry } from "./expiry.js";
import { Moderate } from "./moderate.js";
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
/** The server's clock and this one's need not agree to the second. */
const AFTER_END_MS = 1_500;
/** The longest that a timer waits (WHATWG HTML, 32 bits). */
const TIMER_MAX_MS = 2 ** 31 - 1;

let frame = 0;
const page = elementsById(document);
const announcer = new Announcer(page);
const panels = new Panels(page);
const signin = new SignIn(page, { signIn, renew });
const banner = new Banner(page, announcer, { retry: () => conversation.reconnect(), renew: () => signin.ask() });
const expiry = new Expiry((leftMs) => banner.expires(leftMs));
const composer = new Composer(page, { send, change, changeLast, typing: () => conversation.typing(), draft: (room, text) => conversation.keepDraft(room, text) });
const conversation = new Conversation(tab, { changed: renderSoon, status, greeted, news, told, isWatched, trouble, refused });
const moderate = new Moderate(page, conversation, { open, edit: (entry) => composer.edit(entry.seq, entry.text), say: (text) => announcer.say(text), complain: (text) => composer.complain(text), leave });
const timeline = new Timeline(
  page,
  {
    ...{ again, edit, discard },
    canDo: (entry) => moderate.canDoToMessage(entry),
    menu: (button, entry) => moderate.messageMenu(button, entry),
    earlier: () => conversation.earlier(),
    fill: (entry) => conversation.fill(entry),
  },
  renderSoon,
);
const people = new People(page, {
  canDo: (person) => moderate.canDoToPerson(person),
  menu: (button, person) => moderate.personMenu(button, person),
  answer: (id, person) => moderate.answer(id, person),
});
let doorwayTimer = 0;
/** The room whose invitation is being declined: what comes of it is no news. */
let declining = "";

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

/** Something was done in a room that concerns whoever reads: it is said aloud, and where it is about another room, shown as well. */
function told(notice) {
  const { chat } = conversation;
  const room = chat.rooms.get(notice.room);
  if (notice.type === "invited") {
    const by = notice.by ? chat.nameOf(notice.by) : "The operator";
    announcer.say(`${by} invites you to the room ${room?.title ?? notice.room}.`);
  } else if (notice.room === declining) {
    return;
  } else if (notice.type === "answered") {
    announcer.say(room.can.has("join") ? `You were let into ${room.title}. You can join now.` : `You were not let into ${room.title}.`);
  } else if (notice.type === "knock") {
    announcer.say(`${notice.name} asks to come into ${room?.title ?? notice.room}.`);
  } else if (notice.type === "removed" && room !== undefined) {
    const { title, detail } = doorway(room, Date.now());
    announcer.warn(`${room.title}: ${title} ${detail}`);
  } else if (notice.type === "moderation" && notice.user === chat.me.user && notice.actor !== chat.me.user && !room.about?.knocking) {
    announcer.warn(`${room.title}: ${plain(room.entries.at(-1)?.parts ?? [])}`);
  }
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
    announcer.say(`Room ${conversation.chat.room.title}. ${page.roomCount.textContent}`);
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

/** Other words for what one said before; what is not taken goes back to where it was written. */
async function change(seq, text) {
  const room = conversation.chat.current;
  if (text === conversation.chat.room.message(seq)?.text) {
    return;
  }
  try {
    await conversation.ask({ type: "edit", room, seq, message: text });
    announcer.say("Your message was changed.");
  } catch (refusal) {
    if (room === conversation.chat.current) {
      composer.edit(seq, text);
    }
    composer.complain(refusalText({ ...refusal, message: refusal.message }));
  }
}

/** The newest of one's own messages that can be changed. */
function changeLast() {
  const { room } = conversation.chat;
  const last = room.isDurable && room.can.has("send") ? room.entries.findLast((entry) => entry.kind === "message" && entry.own) : undefined;
  if (last !== undefined && !last.isDeleted && !last.isSealed) {
    composer.edit(last.seq, last.text);
  }
}

/** In a room that one is not in: comes in, or asks to be let in. */
async function passDoorway() {
  const { chat } = conversation;
  const { room } = chat;
  const { act } = doorway(room, Date.now()) ?? {};
  composer.complain("");
  if (act === "join") {
    await conversation.enter();
  } else if (act === "knock") {
    await conversation.ask({ type: "knock", room: room.name }).then(
      () => announcer.say("You asked to come in. A moderator decides."),
      (refusal) => composer.complain(refusalText({ ...refusal, message: refusal.message })),
    );
  }
  renderNow();
  focusRoom();
}

/** Declines an invitation, or asks no longer to be let in. */
async function turnBack() {
  const { room, me, lobby } = conversation.chat;
  const words = room.about.invited ? `You declined the invitation to ${room.title}.` : `You do not ask to come into ${room.title} any more.`;
  composer.complain("");
  declining = room.name;
  try {
    await conversation.ask({ type: "withdraw", room: room.name, user: me.user });
    if (conversation.chat.current === room.name) {
      await open(lobby);
    }
    announcer.say(words);
  } catch (refusal) {
    composer.complain(refusalText({ ...refusal, message: refusal.message }));
  }
  declining = "";
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
  if (page.composer.hidden) {
    (page.doorwayAct.hidden ? page.doorway : page.doorwayAct).focus({ preventScroll: true });
  } else if (matchMedia("(pointer: coarse)").matches) {
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
  const closed = doorway(room, now);
  composer.show(room.name, conversation.draft(room.name), room.about?.name ? room.title : `#${room.name}`);
  composer.configure({ charactersMax: room.about?.message_characters_max || chat.charactersMax, usable: isOpen && room.joined, isHidden: closed !== null && isOpen });
  renderDoorway(isOpen ? closed : null, room, now);
  timeline.render(room, outgoing.of(room.name), now);
  if (isWatched()) {
    conversation.seen();
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
  setText(page.roomName, room.title);
  setText(page.roomTopic, room.about?.topic ?? "");
  page.roomTopic.title = room.about?.topic ?? "";
  page.roomHash.hidden = room.isClosed;
  page.roomLock.toggleAttribute("hidden", !room.isClosed);
  page.roomMenu.hidden = !room.joined || !conversation.isOpen || roomActions(room, chat.lobby, Date.now()).length === 0;
  setText(page.roomCount, room.count === 0 ? "" : peopleText(room.count));
  page.leave.hidden = room.name === chat.lobby || !room.joined;
  page.roomsUnread.hidden = chat.unread === 0;
}

/** What stands in the way of writing, in the place where one writes. */
function renderDoorway(closed, room, now) {
  const hadFocus = document.activeElement === document.body || page.foot.contains(document.activeElement);
  const isNew = page.doorway.hidden !== (closed === null);
  page.doorway.hidden = closed === null;
  page.foot.classList.toggle("closed", closed !== null);
  if (closed !== null) {
    page.doorway.dataset.tone = closed.tone;
    setText(page.doorwayTitle, closed.title);
    setText(page.doorwayDetail, closed.detail);
    setText(page.doorwayAct, closed.label);
    setText(page.doorwayBack, closed.back);
    page.doorwayAct.hidden = closed.act === "";
    page.doorwayBack.hidden = closed.back === "";
  }
  if (isNew && hadFocus) {
    focusRoom();
  }
  clearTimeout(doorwayTimer);
  const until = room.joined ? room.mute?.until : room.out?.until;
  if (closed !== null && until > now) {
    doorwayTimer = setTimeout(lookAgain, Math.min(until - now + AFTER_END_MS, TIMER_MAX_MS), room.name);
  }
}

/** What was for a time is over: the server says how it is now. */
function lookAgain(room) {
  conversation.ask({ type: "describe", room }).catch(() => {});
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
page.create.addEventListener("click", () => moderate.create());
page.roomMenu.addEventListener("click", () => moderate.roomMenu(page.roomMenu));
page.doorwayAct.addEventListener("click", passDoorway);
page.doorwayBack.addEventListener("click", turnBack);
page.newer.addEventListener("click", () => {
  timeline.toEnd();
  focusRoom();
});
page.skip.addEventListener("click", (event) => {
  event.preventDefault();
  composer.focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing && !document.querySelector("dialog[open]")) {
    if (panels.isOpen) {
      panels.close();
    } else if (composer.isEditing) {
      composer.stopEditing();
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
