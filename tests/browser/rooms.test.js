// Rooms that people run, as those see them who own, moderate, belong to and are kept out of them: a window each.

import assert from "node:assert/strict";
import { test } from "node:test";

import { keepPicture, stage } from "./stage.js";
import { GENEROUS, bubble, say, signIn, waitForStatus } from "./wardroom.js";

const here = stage(GENEROUS);
const ROOM = '[data-room="bridge-watch"]';

/** `page` makes the members-only room and invites these people by their identifiers. */
async function makeRoom(page, ...invited) {
  await page.click("#create");
  await page.fill("#ask-name", "Bridge watch");
  await page.fill("#ask-topic", "Who stands when");
  await page.selectOption("#ask-kind", "members");
  await page.selectOption("#ask-join_rule", "invite");
  await page.click("#ask-submit");
  await page.locator("#room-name").getByText("Bridge watch", { exact: true }).waitFor();
  await page.locator("#people .role.owner").waitFor();
  for (const user of invited) {
    await chooseOfRoom(page, "Invite somebody…");
    await page.fill("#ask-user", user);
    await confirm(page);
  }
}

async function acceptInvitation(page) {
  await page.locator(`${ROOM} .room-mark`).getByText("Invited").waitFor();
  await page.click(ROOM);
  await page.locator("#doorway").getByText("You are invited to this room.").waitFor();
  await page.click("#doorway-act");
  await page.locator("#composer").waitFor();
}

async function chooseOfRoom(page, action) {
  await page.click("#room-menu");
  await page.getByRole("menuitem", { name: action, exact: true }).click();
}

async function chooseOfPerson(page, user, action) {
  const row = page.locator(`#people-panel [data-user="${user}"]`);
  await row.hover();
  await row.locator(".more").click();
  await page.getByRole("menuitem", { name: action, exact: true }).click();
}

const rowOf = (page, text) => page.locator("#timeline > .message").filter({ has: page.locator(`.bubble:text-is("${text}")`) });

async function chooseOfMessage(page, text, action) {
  await rowOf(page, text).hover();
  await rowOf(page, text).locator(".more").click();
  await page.getByRole("menuitem", { name: action, exact: true }).click();
}

async function confirm(page) {
  await page.click("#ask-submit");
  await page.locator("#ask").waitFor({ state: "hidden" });
}

const texts = (page) => page.locator("#timeline .bubble").allTextContents();

test("an owner makes a room and invites, a moderator mutes and bans, and who is banned is told so and hears nothing more", async () => {
  const [owner, moderator, member, banned] = [await here.enter("Ada"), await here.enter("Bo", { colorScheme: "dark" }), await here.enter("Cy"), await here.enter("Dee")];
  await makeRoom(owner, "bo", "cy", "dee");
  for (const page of [moderator, member, banned]) {
    await acceptInvitation(page);
  }
  await chooseOfPerson(owner, "bo", "Make moderator");
  await owner.locator('#people [data-user="bo"] .role.moderator').waitFor();
  await moderator.locator("#timeline .deed").getByText("Ada made you a moderator").waitFor();

  await say(owner, "The glass is falling. Double the lookouts tonight.");
  await bubble(moderator, "The glass is falling. Double the lookouts tonight.").waitFor();
  await say(moderator, "Aye. Who takes the middle watch?");
  await bubble(banned, "Aye. Who takes the middle watch?").waitFor();
  await say(banned, "Cheap rum!");
  await bubble(member, "Cheap rum!").waitFor();
  await say(member, "I do, with Ada.");
  await bubble(banned, "I do, with Ada.").waitFor();
  await rowOf(member, "Cheap rum!").hover();
  assert.equal(await rowOf(member, "Cheap rum!").locator(".more").count(), 0, "a member is offered nothing against others");

  await chooseOfMessage(moderator, "Cheap rum!", "Mute…");
  await moderator.fill("#ask-reason", "Selling on watch");
  await confirm(moderator);
  await banned.locator("#doorway").getByText(/^You are muted here until .*\./).waitFor();
  await banned.locator("#doorway").getByText("Reason given: Selling on watch").waitFor();
  await banned.locator("#alarm").getByText(/Bo muted you/).waitFor({ state: "attached" });
  assert.equal(await banned.isVisible("#composer"), false);
  await owner.locator('#people [data-user="dee"] .role.muted').waitFor();

  await chooseOfMessage(owner, "Cheap rum!", "Delete…");
  await confirm(owner);
  for (const page of [owner, moderator, member, banned]) {
    await page.getByText("This message was deleted.").waitFor();
    assert.equal(await bubble(page, "Cheap rum!").count(), 0);
  }

  await chooseOfPerson(moderator, "dee", "Ban…");
  await moderator.selectOption("#ask-for_ms", { label: "Until it is lifted" });
  await moderator.fill("#ask-reason", "Still selling");
  await confirm(moderator);
  await banned.locator("#doorway").getByText("You are banned from this room until somebody lifts it.").waitFor();
  await banned.locator("#alarm").getByText(/banned.*Still selling/).waitFor({ state: "attached" });
  const before = await texts(banned);
  await say(member, "Is she gone?");
  await bubble(owner, "Is she gone?").waitFor();
  await banned.click('[data-room="lobby"]');
  await say(banned, "What happened?");
  await bubble(banned, "What happened?").waitFor();
  assert.ok(!before.includes("Is she gone?"));
  await banned.locator(ROOM).waitFor({ state: "detached" });
  await keepPicture(owner, "rooms-owner.png");
  await keepPicture(moderator, "rooms-moderator.png");

  await chooseOfRoom(owner, "Moderation log…");
  const first = owner.locator(".log-entry").first();
  await first.getByText("Bo banned Dee: Still selling", { exact: true }).waitFor();
  assert.match(await owner.textContent("#log-head"), /^\d+ · [0-9a-f]{64}$/);
  await first.getByRole("button", { name: "Lift the ban" }).click();
  await owner.locator(".log-entry").first().getByText("Lifted").waitFor();
  await owner.click("#log-close");
  await owner.locator("#timeline .deed").getByText("You lifted the ban of Dee").waitFor();
});

test("one changes and deletes what one has said, from the keyboard too", async () => {
  const [owner, member] = [await here.enter("Ada"), await here.enter("Bo")];
  await makeRoom(owner, "bo");
  await acceptInvitation(member);
  await say(member, "Good mornign");
  await bubble(owner, "Good mornign").waitFor();
  await member.press("#message", "ArrowUp");
  await member.getByText("You are changing your message.").waitFor();
  await member.fill("#message", "Good morning");
  await member.press("#message", "Enter");
  await bubble(owner, "Good morning").waitFor();
  await owner.getByText("edited", { exact: true }).waitFor();
  assert.equal(await bubble(owner, "Good mornign").count(), 0);
  assert.equal(await member.inputValue("#message"), "");

  await member.fill("#message", "A draft");
  await rowOf(member, "Good morning").locator(".more").focus();
  await member.keyboard.press("Enter");
  await member.keyboard.press("ArrowDown");
  assert.equal(await member.evaluate(() => document.activeElement.textContent), "Delete…");
  await member.keyboard.press("Escape");
  assert.equal(await member.evaluate(() => document.activeElement.matches(".more")), true, "the focus is back where it was");
  await member.keyboard.press("Enter");
  await member.keyboard.press("Enter");
  await member.getByText("You are changing your message.").waitFor();
  await member.keyboard.press("Escape");
  assert.equal(await member.inputValue("#message"), "A draft", "what was being written is back");
  await chooseOfMessage(member, "Good morning", "Delete…");
  await confirm(member);
  await owner.getByText("This message was deleted.").waitFor();
});

test("what was said before one came is there by scrolling up, page by page, and stays in place", async () => {
  const [owner, member] = [await here.enter("Ada"), await here.enter("Bo")];
  await makeRoom(owner, "bo");
  await sayMany(owner, 1, 250);
  await acceptInvitation(member);
  await bubble(member, "Line 250").waitFor();
  assert.equal(await bubble(member, "Line 150").count(), 0);
  const seen = new Set();
  for (let step = 0; !seen.has("Line 1"); step++) {
    assert.ok(step < 400, `no end; the first is ${[...seen].at(-1)}`);
    await member.locator("#scroller").hover();
    await member.mouse.wheel(0, -600);
    await member.waitForFunction((before) => scroller.scrollTop < before || scroller.scrollTop === 0 || document.querySelectorAll("#timeline > .message").length > 0, await member.evaluate(() => scroller.scrollTop));
    (await texts(member)).forEach((text) => seen.add(text));
    assert.ok((await member.locator("#timeline > li").count()) < 320, "only a window of them are elements");
  }
  assert.equal(seen.size, 250);
  await member.evaluate(() => (scroller.scrollTop = 0));
  await member.locator("#earlier-load").waitFor({ state: "hidden" });
  await member.click("#newer");
  await bubble(member, "Line 250").waitFor();
  await say(owner, "And on");
  await bubble(member, "And on").waitFor();
});

test("after a crash of the server the page shows what was missed, says itself what was lost, and says nothing twice", async () => {
  const [owner, member] = [await here.enter("Ada"), await here.enter("Bo")];
  await makeRoom(owner, "bo");
  await acceptInvitation(member);
  await say(owner, "Before");
  await bubble(member, "Before").waitFor();
  await member.context().setOffline(true);
  await member.evaluate(() => dispatchEvent(new Event("offline")));
  await waitForStatus(member, "offline");
  await sayMany(owner, 1, 180);
  await bubble(owner, "Line 180").waitFor();
  here.wardroom.freeze();
  await say(owner, "Was this heard?");
  await owner.locator("#pending .sending").waitFor();
  await here.wardroom.kill();
  await owner.locator("#pending .unsure").waitFor();
  await here.wardroom.start();
  await waitForStatus(owner, "open", 60_000);
  await bubble(owner, "Was this heard?").waitFor();
  await owner.locator("#pending:empty").waitFor({ state: "attached" });

  await member.context().setOffline(false);
  await waitForStatus(member, "open", 60_000);
  await bubble(member, "Was this heard?").waitFor();
  assert.equal(await bubble(member, "Was this heard?").count(), 1);
  await member.evaluate(() => (scroller.scrollTop = 0));
  const missed = member.locator("#timeline .missed");
  await missed.getByText("81 messages were said meanwhile.").waitFor();
  assert.equal(await member.locator("#timeline .day").count(), 1, "the day is named once");
  await missed.getByRole("button", { name: "Show them" }).click();
  await missed.waitFor({ state: "detached" });
  const order = [];
  for (let step = 0; order.at(-1) !== "Was this heard?"; step++) {
    assert.ok(step < 400, order.at(-1));
    for (const text of await texts(member)) {
      if (!order.includes(text)) {
        order.push(text);
      }
    }
    await member.locator("#scroller").hover();
    await member.mouse.wheel(0, 500);
    await member.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  }
  assert.deepEqual(order, ["Before", ...Array.from({ length: 180 }, (_, index) => `Line ${index + 1}`), "Was this heard?"]);
});

test("who asks to come in is let in, and a role that is given acts on the open page", async () => {
  const [owner, guest] = [await here.enter("Ada"), await here.enter("Bo")];
  await owner.click("#create");
  await owner.fill("#ask-name", "Bridge watch");
  await owner.selectOption("#ask-kind", "members");
  await owner.selectOption("#ask-join_rule", "knock");
  await confirm(owner);
  await owner.locator("#people .role.owner").waitFor();
  await guest.reload();
  await waitForStatus(guest, "open");
  await guest.click(ROOM);
  await guest.locator("#doorway-act").getByText("Ask to come in").click();
  await guest.locator("#doorway").getByText("You asked to come in.").waitFor();
  await owner.locator("#said").getByText("Bo asks to come into Bridge watch.").waitFor({ state: "attached" });
  await owner.getByRole("button", { name: "Let in: Bo" }).click();
  await guest.locator("#said").getByText("You were let into Bridge watch.").waitFor({ state: "attached" });
  await guest.locator("#doorway-act").getByText("Join", { exact: true }).click();
  await guest.locator("#composer").waitFor();
  assert.equal(await guest.locator("#people .more").count(), 0);
  await chooseOfPerson(owner, "bo", "Make owner");
  await confirm(owner);
  await guest.locator('#people [data-user="bo"] .role.owner').waitFor();

  await chooseOfRoom(owner, "Let only moderators speak");
  await chooseOfRoom(owner, "Room settings…");
  await owner.fill("#ask-name", "Middle watch");
  await owner.selectOption("#ask-slow_mode_ms", { label: "10 seconds" });
  await confirm(owner);
  await guest.locator("#room-name").getByText("Middle watch").waitFor();
  await guest.locator(ROOM).getByText("Middle watch").waitFor();
  await chooseOfRoom(guest, "Delete the room…");
  await confirm(guest);
  await owner.locator("#doorway").getByText("This room was deleted.").waitFor();
});

test("an invitation is declined, and what is done to somebody who is elsewhere is told them there", async () => {
  const [owner, guest, second] = [await here.enter("Ada"), await here.enter("Bo"), await here.enter("Bo")];
  await makeRoom(owner, "bo");
  for (const page of [guest, second]) {
    await page.locator(`${ROOM} .room-mark`).getByText("Invited").waitFor();
  }
  await guest.click(ROOM);
  await guest.locator("#doorway-back").getByText("Decline").click();
  await guest.locator("#said").getByText("You declined the invitation to Bridge watch.").waitFor({ state: "attached" });
  await guest.locator('[data-room="lobby"][aria-current]').waitFor();
  await guest.locator(ROOM).waitFor({ state: "detached" });
  assert.equal(await guest.locator("#alarm").textContent(), "", "it is no alarm");
  await second.locator(`${ROOM} .room-mark`).getByText("Closed").waitFor();
  await owner.locator('#absent [data-user="bo"]').waitFor({ state: "detached" });

  await chooseOfRoom(owner, "Invite somebody…");
  await owner.fill("#ask-user", "bo");
  await confirm(owner);
  await acceptInvitation(guest);
  await chooseOfPerson(owner, "bo", "Make moderator");
  await owner.locator("#timeline .deed").getByText("You made Bo a moderator").waitFor();
  for (const page of [guest, second]) {
    await page.locator("#alarm").getByText("Bridge watch: Ada made you a moderator").waitFor({ state: "attached" });
  }
  await guest.click('[data-room="lobby"]');
  await chooseOfPerson(owner, "bo", "Ban…");
  await owner.fill("#ask-reason", "Enough");
  await confirm(owner);
  for (const page of [guest, second]) {
    await page.locator("#alarm").getByText(/You are banned from this room.*Enough/).waitFor({ state: "attached" });
  }
});

test("on a phone the menus of a room, a person and a message are whole on the screen, and so is what they ask", async () => {
  for (const width of [320, 390]) {
    const phone = { viewport: { width, height: 640 }, hasTouch: true, isMobile: true };
    const [owner, guest] = [await here.enter("Ada", phone), await here.enter("Bo", phone)];
    await owner.click("#rooms-toggle");
    const name = width === 320 ? "Bridge watch" : "Engine room";
    await owner.click("#create");
    await owner.fill("#ask-name", name);
    await owner.selectOption("#ask-kind", "members");
    await owner.selectOption("#ask-join_rule", "invite");
    await confirm(owner);
    await owner.locator("#room-name").getByText(name, { exact: true }).waitFor();
    await chooseOfRoom(owner, "Invite somebody…");
    await owner.fill("#ask-user", "bo");
    await confirm(owner);
    await guest.locator("#said").getByText("invites you").waitFor({ state: "attached" });
    await guest.click("#rooms-toggle");
    await guest.locator("#rooms").getByText(name).click();
    await guest.locator("#doorway-back").getByText("Decline").waitFor();
    await guest.waitForFunction(() => document.getElementById("rooms-panel").getBoundingClientRect().right <= 0);
    await expectWhole(guest, "#doorway");
    await keepPicture(guest, "rooms-invited.png");
    await guest.click("#doorway-act");
    await guest.locator("#composer").waitFor();
    await say(guest, "Cheap rum!");
    await bubble(owner, "Cheap rum!").waitFor();

    await owner.click("#room-menu");
    await expectWhole(owner, "#menu");
    await keepPicture(owner, "rooms-phone.png");
    await owner.keyboard.press("Escape");
    await rowOf(owner, "Cheap rum!").locator(".more").click();
    await expectWhole(owner, "#menu");
    await owner.getByRole("menuitem", { name: "Mute…", exact: true }).click();
    await expectWhole(owner, "#ask");
    await owner.keyboard.press("Escape");
    await owner.click("#people-toggle");
    await owner.locator('#people [data-user="bo"] .more').click();
    await expectWhole(owner, "#menu");
    await owner.getByRole("menuitem", { name: "Make moderator", exact: true }).click();
    await owner.locator('#people [data-user="bo"] .role.moderator').waitFor();
    await expectWhole(owner, "#people-panel");
    await owner.keyboard.press("Escape");
    await chooseOfRoom(owner, "Moderation log…");
    await owner.locator(".log-entry").first().getByText("You made Bo a moderator", { exact: true }).waitFor();
    await expectWhole(owner, "#log");
  }
});

/** All of an element, and of what can be pressed in it, is on the screen or can be scrolled to within it. */
async function expectWhole(page, selector) {
  const found = await page.locator(selector).evaluate((node) => {
    const inside = ({ left, right, top, bottom }) => left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight;
    const { left, right } = node.getBoundingClientRect();
    const presses = [...node.querySelectorAll("button, input, select")].filter((each) => each.checkVisibility({ visibilityProperty: true }));
    const out = presses.filter((each) => {
      const box = each.getBoundingClientRect();
      return box.left < left || box.right > right || (node.matches(".menu") && box.height < 40);
    });
    return { whole: inside(node.getBoundingClientRect()), presses: presses.length > 0, out: out.map((each) => each.textContent), wide: document.documentElement.scrollWidth > innerWidth };
  });
  assert.deepEqual(found, { whole: true, presses: true, out: [], wide: false }, selector);
}

test("words of a room, a reason and a name are text wherever they are shown", async () => {
  const hostile = '<img src=x onerror="document.title=1"><b>bold</b>';
  const owner = await here.enter("Ada");
  const guest = await here.open();
  await signIn(guest, here.wardroom.linkWith(here.wardroom.token("bo", { name: "<i>Bo</i>" })));
  await owner.click("#create");
  await owner.fill("#ask-name", "Bridge watch");
  await owner.fill("#ask-topic", hostile);
  await confirm(owner);
  await owner.locator("#people .role.owner").waitFor();
  await guest.reload();
  await guest.click(ROOM);
  await guest.locator("#room-topic").getByText(hostile).waitFor();
  await owner.locator('#people [data-user="bo"]').waitFor();
  await chooseOfPerson(owner, "bo", "Ban…");
  await owner.locator("#ask-title").getByText("Ban <i>Bo</i>").waitFor();
  await owner.fill("#ask-reason", hostile);
  await confirm(owner);
  await guest.locator("#doorway").getByText(hostile).waitFor();
  await owner.locator("#timeline .deed").getByText(hostile).waitFor();
  await chooseOfRoom(owner, "Moderation log…");
  await owner.locator(".log-entry").first().getByText(hostile).waitFor();
  for (const page of [owner, guest]) {
    assert.equal(await page.locator(":is(#chat, dialog) :is(img:not([src='/favicon.svg']), b, i:not(.typing-dots i), script)").count(), 0);
  }
});

test("what is not possible is told in the dialog, and nothing is lost", async () => {
  const owner = await here.enter("Ada");
  await makeRoom(owner);
  await owner.click("#create");
  await owner.fill("#ask-name", "Bridge watch");
  await owner.fill("#ask-topic", "Another one");
  await owner.click("#ask-submit");
  await owner.locator("#ask-reason:not([hidden])").waitFor();
  assert.equal(await owner.inputValue("#ask-topic"), "Another one");
  await owner.keyboard.press("Escape");
  await owner.locator("#ask").waitFor({ state: "hidden" });
  assert.equal(await owner.evaluate(() => document.activeElement.id), "create");
});

test("unread messages are counted over a reload, and are read once they were looked at", async () => {
  const [owner, member] = [await here.enter("Ada"), await here.enter("Bo")];
  await makeRoom(owner, "bo");
  await acceptInvitation(member);
  await say(owner, "Read this");
  await bubble(member, "Read this").waitFor();
  await member.click('[data-room="lobby"]');
  await say(owner, "And this");
  await say(owner, "And that");
  await member.locator(`${ROOM} .badge`).getByText("2").waitFor();
  await member.reload();
  await member.locator(`${ROOM} .badge`).getByText(/^[23]$/).waitFor();
  await member.click(ROOM);
  await bubble(member, "And that").waitFor();
  await member.locator("#timeline .divider").waitFor();
  await member.locator(`${ROOM} .badge`).waitFor({ state: "detached" });
});

/** `page` says "Line from" to "Line to", one after the other has been confirmed. */
async function sayMany(page, from, to) {
  await page.evaluate(
    async ([from, to]) => {
      for (let number = from; number <= to; number++) {
        message.value = `Line ${number}`;
        composer.requestSubmit();
        // As many as are without an answer at most, and a frame in which that is seen.
        do {
          await new Promise((resolve) => requestAnimationFrame(resolve));
        } while (document.querySelectorAll("#pending > li").length > 20);
      }
    },
    [from, to],
  );
  await page.locator("#pending:empty").waitFor({ state: "attached" });
}
