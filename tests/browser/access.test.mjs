// For everybody: by keyboard alone, on a phone, in the dark, in other languages and directions, by screen reader.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { LOBBY, Person } from "../harness/app.mjs";
import { assertAccessible } from "../harness/axe.mjs";
import { launch } from "../harness/browser.mjs";
import { otherDevice, V1Person } from "../harness/person.mjs";
import { Server } from "../harness/server.mjs";

const PHONE = { viewport: { width: 375, height: 720 }, hasTouch: true, isMobile: true };

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** A server with something of everything in its lobby, and bob, who wrote it. */
async function lively(t) {
  const server = await Server.start(t);
  const bob = await V1Person.connect(t, server.url, { name: "bob" });
  for (const text of ["hello **ada**", "`code` and https://example.org/", "```\nlong code\n```", "> said\n\n- one\n- two"]) await bob.say(text);
  const { seq } = await bob.say("goes");
  await bob.must("delete", { room: LOBBY, seq });
  return { server, bob };
}

describe("the keyboard alone", () => {
  test("is enough to come, write, edit, delete, make a room, and talk to somebody", async (t) => {
    const { server, bob } = await lively(t);
    const ada = await Person.open(t, browser, server.url);
    const { keyboard } = ada.page;
    const focused = (selector) => ada.focuses(selector);
    await focused(".name-field");
    await keyboard.type("ada");
    await keyboard.press("Enter");
    await focused("#message-field");
    await keyboard.type("frist");
    await keyboard.press("Enter");
    await bob.sees("frist");
    await ada.sees("frist");
    // What is not stored yet cannot be edited.
    await ada.waits();
    await keyboard.press("ArrowUp");
    await ada.page.getByText("Editing a message").waitFor();
    await keyboard.press("Control+a");
    await keyboard.type("first");
    await keyboard.press("Enter");
    await ada.sees("first");
    // Into the messages, along them, and at the newest one: Delete, and yes.
    await keyboard.press("Shift+Tab");
    await focused("#messages .row, #messages .row *");
    while (!(await ada.page.evaluate(() => document.activeElement.matches("#messages .row")))) await keyboard.press("Shift+Tab");
    await keyboard.press("End");
    await focused("#messages .message.own");
    await keyboard.press("ArrowUp");
    await keyboard.press("ArrowDown");
    await focused("#messages .message.own");
    await keyboard.press("Delete");
    await ada.dialog.waitFor();
    await keyboard.press("Enter");
    await ada.row("first").waitFor({ state: "detached" });
    await ada.dialog.waitFor({ state: "detached" });
    // A room.
    await reach(ada, "Create a room");
    await keyboard.press("Enter");
    await ada.dialog.waitFor();
    await focused("dialog input");
    await keyboard.type("Bread");
    await keyboard.press("Enter");
    await ada.isIn("Bread");
    await focused("#message-field");
    // Another conversation by a few letters, and back by the arrow keys.
    await keyboard.press("Control+k");
    await ada.dialog.waitFor();
    await focused("dialog input");
    await keyboard.type("bo");
    await ada.dialog.getByRole("option").filter({ hasText: "bob" }).waitFor();
    await keyboard.press("Enter");
    await ada.isIn("bob");
    await focused("#message-field");
    await keyboard.type("psst");
    await keyboard.press("Enter");
    await bob.until(() => bob.of("message").some(({ text }) => text === "psst"), "the private message");
    await keyboard.press("Alt+ArrowUp");
    await ada.isIn("Bread");
    await keyboard.press("Alt+ArrowUp");
    await ada.isIn("Lobby");
    await keyboard.press("Control+/");
    await ada.dialog.waitFor();
    await keyboard.press("Escape");
    await ada.dialog.waitFor({ state: "detached" });
    ada.assertContent();
  });

  test("always shows where the focus is, and leads through everything in order", async (t) => {
    const { server } = await lively(t);
    const ada = await Person.arrive(t, browser, server.url, "ada");
    await ada.has(5);
    await ada.online("ada", "bob");
    await ada.focuses("#message-field");
    const seen = [];
    for (let around = 0; around < 2 && seen.length < 80; ) {
      await ada.page.keyboard.press("Tab");
      const at = await ada.page.evaluate(focusOfNow);
      // Behind the last element comes the browser itself, and then the first one.
      if (at === null || at.name === seen[0]?.name) around += 1;
      if (at !== null && around === 1) seen.push(at);
    }
    assert.deepEqual(seen.filter(({ marked }) => !marked).map(({ name }) => name), [], "every focus is seen");
    assert.deepEqual(seen.filter(({ width, height, isInline }) => !isInline && (width < 24 || height < 24)), [], "targets have at least 24 px");
    assert.match(seen[0].name, /^Skip/);
    assert.ok(seen.some(({ name }) => name === "Message"));
  });

  test("stays where it is in a list whose order changes", async (t) => {
    const { server, bob } = await lively(t);
    const { room: bread } = await bob.must("create", { kind: "public", name: "Bread" });
    const { room: plans } = await bob.must("create", { kind: "public", name: "Plans" });
    const ada = await Person.arrive(t, browser, server.url, "ada");
    for (const name of ["Bread", "Plans"]) {
      await ada.browse(name);
      await ada.button("Join").click();
      await ada.roomLink(name).waitFor();
    }
    await ada.enter("Lobby");
    await ada.focuses("#message-field");
    // Chromium can move an element that keeps the focus; not every browser can.
    await ada.page.evaluate(() => delete Element.prototype.moveBefore);

    // People who come and go.
    await ada.online("ada", "bob");
    await ada.member("bob").focus();
    bob.leave();
    await ada.online("ada");
    assert.match(await focusedText(ada), /bob.*offline/);
    const again = await otherDevice(t, server.url, bob);
    await ada.online("ada", "bob");
    assert.match(await focusedText(ada), /bob.*online/);

    // Rooms with new names: the one that moves, and the one that it moves past.
    for (const [room, focused, before, after] of [[plans, "Plans", "Plans", "Apples"], [plans, "Bread", "Apples", "Plums"]]) {
      await ada.roomLink(focused).focus();
      await again.must("rename", { room, name: after });
      await ada.roomLink(after).waitFor();
      await ada.roomLink(before).waitFor({ state: "detached" });
      assert.match(await focusedText(ada), new RegExp(`^${focused === before ? after : focused}`));
    }

    // People to choose from.
    const cleo = await V1Person.connect(t, server.url, { name: "cleo" });
    await ada.button("New message", ada.rooms).click();
    const box = (name) => ada.dialog.getByRole("checkbox", { name, exact: true });
    await box("cleo").focus();
    await cleo.must("name", { name: "abel" });
    await box("abel").waitFor();
    assert.ok(await box("abel").evaluate((element) => element === document.activeElement));
    await ada.close();
    ada.assertContent();
  });

  test("opens what is lit in the switcher, whatever moves meanwhile", async (t) => {
    const { server, bob } = await lively(t);
    const ada = await Person.arrive(t, browser, server.url, "ada");
    await ada.create("public", "Bread");
    const bread = ada.room();
    await ada.create("public", "Plans");
    await bob.must("join", { room: bread });
    const lit = () => ada.dialog.getByRole("option", { selected: true });
    await ada.page.keyboard.press("Control+k");
    await ada.dialog.waitFor();
    await lit().filter({ hasText: "Lobby" }).waitFor();
    await bob.say("unread conversations go to the top", bread);
    await ada.dialog.getByRole("option").first().filter({ hasText: "Bread" }).waitFor();
    await lit().filter({ hasText: "Lobby" }).waitFor();
    await ada.page.keyboard.press("Enter");
    await ada.isIn("Lobby");
    ada.assertContent();
  });
});

describe("axe has nothing serious to say", () => {
  for (const colorScheme of ["light", "dark"]) {
    test(`of the page and its dialogs when it is ${colorScheme}`, async (t) => {
      const { server, bob } = await lively(t);
      const ada = await Person.open(t, browser, server.url, { colorScheme, reducedMotion: "reduce" });
      await ada.composer.or(ada.page.getByRole("textbox", { name: "Your name" })).waitFor();
      await assertAccessible(ada.page, "the first visit");
      await ada.introduce("ada");
      await ada.write("mine");
      await ada.has(6);
      await ada.online("ada", "bob");
      await ada.row("mine").hover();
      await assertAccessible(ada.page, "the lobby");
      await ada.create("private", "Plans", "what we do");
      await bob.say("unread");
      await ada.unread("Lobby", 1);
      await assertAccessible(ada.page, "a room");
      for (const [label, within] of [["Browse rooms", ada.rooms], ["Create a room", ada.rooms], ["New message", ada.rooms], ["Jump to…", ada.rooms], ["Settings of ada", ada.rooms], ["Room settings", ada.page]]) {
        await ada.button(label, within).click();
        await ada.dialog.waitFor();
        await assertAccessible(ada.page, `the dialog ${label}`);
        await ada.close();
      }
      await ada.context.setOffline(true);
      await ada.waitsForServer();
      await ada.write("waits");
      await ada.waits("waits");
      await assertAccessible(ada.page, "offline");
      ada.assertContent();
    });
  }

  test("of the page on a phone", async (t) => {
    const { server } = await lively(t);
    const ada = await Person.arrive(t, browser, server.url, "ada", { ...PHONE, reducedMotion: "reduce" });
    await ada.has(5);
    await assertAccessible(ada.page, "the messages");
    await ada.page.getByRole("link", { name: "Back to conversations" }).tap();
    await ada.rooms.waitFor();
    await assertAccessible(ada.page, "the conversations");
  });
});

describe("a phone", () => {
  test("shows one thing at a time, without scrolling sideways", async (t) => {
    const { server, bob } = await lively(t);
    const ada = await Person.arrive(t, browser, server.url, "ada", PHONE);
    await ada.has(5);
    assert.ok(!(await ada.rooms.isVisible()));
    await ada.composer.fill("from the phone");
    await ada.button("Send").tap();
    await bob.sees("from the phone");
    const fits = () => ada.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
    assert.ok(await fits());
    await ada.page.getByRole("button", { name: /^Show people/ }).tap();
    await ada.people.waitFor();
    assert.ok(!(await ada.composer.isVisible()));
    assert.ok(await fits());
    await ada.page.goBack();
    await ada.composer.waitFor();
    await ada.page.getByRole("link", { name: "Back to conversations" }).tap();
    await ada.rooms.waitFor();
    assert.ok(await fits());
    await ada.create("public", "Bread");
    await ada.write("on the phone\u200b");
    await ada.button("Send").tap();
    await ada.has(1);
    assert.ok(await fits());
    ada.assertContent();
  });

  test("keeps long words and wide code within the page", async (t) => {
    const { server, bob } = await lively(t);
    await bob.say("w".repeat(500));
    await bob.say(`\`\`\`\n${"c".repeat(500)}\n\`\`\``);
    await bob.say(`https://example.org/${"l".repeat(400)}`);
    const ada = await Person.arrive(t, browser, server.url, "ada", PHONE);
    await ada.has(8);
    assert.ok(await ada.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    const scroller = await ada.page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.querySelector(".scroller");
      return scrollWidth - clientWidth;
    });
    assert.ok(scroller <= 0, `the messages scroll sideways by ${scroller}`);
  });
});

describe("other languages and looks", () => {
  test("are those of the browser: German, and Arabic from right to left", async (t) => {
    const { server, bob } = await lively(t);
    const ada = await Person.open(t, browser, server.url, { locale: "de-DE" });
    await ada.page.getByRole("textbox").first().waitFor();
    assert.deepEqual(await tongue(ada), ["de", "ltr"]);
    assert.equal(await ada.page.getByText("What should people call you?").count(), 0);
    const cleo = await Person.open(t, browser, server.url, { locale: "ar" });
    const field = cleo.page.getByRole("textbox").first();
    await field.fill("كليو");
    await field.press("Enter");
    await cleo.page.locator("#message-field").waitFor();
    assert.deepEqual(await tongue(cleo), ["ar", "rtl"]);
    await cleo.page.locator("#message-field").fill("مرحبا");
    await cleo.page.locator("#message-field").press("Enter");
    await bob.sees("مرحبا");
    const sides = await cleo.page.evaluate(() => {
      const left = (selector) => document.querySelector(selector).getBoundingClientRect().left;
      return { rooms: left(".sidebar"), messages: left("#messages"), people: left(".people") };
    });
    assert.ok(sides.rooms > sides.messages && sides.messages > sides.people, JSON.stringify(sides));
    assert.ok(await cleo.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    await assertAccessible(cleo.page, "from right to left");
    for (const person of [ada, cleo]) person.assertContent();
  });

  test("are chosen in the settings and kept", async (t) => {
    const server = await Server.start(t);
    const ada = await Person.arrive(t, browser, server.url, "ada", { colorScheme: "light" });
    const background = () => ada.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    await ada.settings();
    await ada.dialog.getByRole("radio", { name: "Dark" }).check();
    const dark = await background();
    assert.notEqual(dark, light);
    await ada.page.reload();
    await ada.composer.waitFor();
    assert.equal(await background(), dark);
    await ada.settings();
    await ada.dialog.getByRole("combobox", { name: "Language" }).selectOption("de");
    await ada.until(() => document.documentElement.lang.startsWith("de"));
    await ada.page.getByRole("textbox", { name: "Nachricht", exact: true }).waitFor();
    ada.assertContent();
  });
});

describe("a screen reader", () => {
  test("is told of new messages by one polite region, of a burst by its number", async (t) => {
    const { server, bob } = await lively(t);
    const ada = await Person.arrive(t, browser, server.url, "ada");
    await ada.has(5);
    assert.equal(await ada.page.locator("[aria-live=polite]").count(), 1);
    const region = ada.page.locator("[aria-live=polite]");
    await bob.say("one alone");
    await region.filter({ hasText: "bob: one alone" }).waitFor({ state: "attached" });
    await Promise.all(["a", "b", "c"].map((text) => bob.say(text)));
    await region.filter({ hasText: "3 new messages" }).waitFor({ state: "attached" });
    const label = await ada.row("one alone").getAttribute("aria-label");
    assert.match(label, /^bob, .*, one alone$/);
  });
});

/** The language of the page, and its direction. */
function tongue(person) {
  return person.page.evaluate(() => [document.documentElement.lang.split("-")[0], document.documentElement.dir]);
}

/** What is focused, whether that can be seen, and how large it is. */
function focusOfNow() {
  const element = document.activeElement;
  if (element === document.body) return null;
  const box = element.closest(".composer-box, .choose") ?? element;
  const marked = [element, box].some((marks) => getComputedStyle(marks).outlineStyle !== "none" || getComputedStyle(marks).boxShadow !== "none");
  const { width, height } = element.getBoundingClientRect();
  const isInline = getComputedStyle(element).display === "inline";
  return { name: element.getAttribute("aria-label") ?? element.textContent.trim().slice(0, 40), marked, width, height, isInline };
}

/** The text of the control that is focused. */
function focusedText(person) {
  return person.page.evaluate(() => document.activeElement.closest("a, button")?.textContent.trim() ?? "nothing");
}

/** Goes on with Tab until this button is focused. */
async function reach(person, name) {
  for (let step = 0; step < 60; step += 1) {
    const at = await person.page.evaluate(() => document.activeElement?.getAttribute("aria-label"));
    if (at === name) return;
    await person.page.keyboard.press("Tab");
  }
  assert.fail(`Tab does not lead to ${name}`);
}
