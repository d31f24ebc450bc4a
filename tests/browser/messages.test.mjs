// Messages: written, changed, taken back, refused, counted.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Person } from "../harness/app.mjs";
import { launch } from "../harness/browser.mjs";
import { flip } from "../harness/disk.mjs";
import { V1Person } from "../harness/person.mjs";
import { Server } from "../harness/server.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const arrive = (t, server, ...names) => Promise.all(names.map((name) => Person.arrive(t, browser, server.url, name)));

describe("a message", () => {
  test("is edited and deleted for all who see it, and for those who come later", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await arrive(t, server, "ada", "bob");
    for (const text of ["stays", "changes", "goes"]) await ada.write(text);
    await bob.shows("stays", "changes", "goes");
    await bob.row("changes").hover();
    const toolbar = bob.page.getByRole("toolbar", { name: "Message actions" });
    await toolbar.waitFor();
    assert.equal(await bob.button("Edit", toolbar).count(), 0, "nobody edits what others wrote");
    await ada.edit("changes", "was changed");
    await ada.delete("goes");
    const after = ["stays", "was changed", "This message was deleted."];
    for (const person of [ada, bob]) await person.shows(...after);
    await bob.row("was changed").getByText("(edited)").waitFor();
    const cleo = await Person.arrive(t, browser, server.url, "cleo");
    await cleo.shows(...after);
    assert.ok(!cleo.frames.heard.some((packet) => packet.includes("goes")), "what was deleted is not sent any more");
    for (const person of [ada, bob, cleo]) person.assertContent();
  });

  test("that the disk has damaged stands in its place, and nobody is said to have written it", async (t) => {
    const server = await Server.start(t);
    const writer = await V1Person.connect(t, server.url, { name: "writer" });
    for (const text of ["before it", "what is damaged", "behind it"]) await writer.say(text);
    await server.stop();
    flip(server, ["what is damaged"]);
    await server.startAgain();
    const ada = await Person.arrive(t, browser, server.url, "ada");
    await ada.shows("before it", "This message is damaged.", "behind it");
    const authors = await ada.log.locator(".author").allTextContents();
    assert.deepEqual(authors, ["writer", "Unknown", "writer"]);
    assert.match(await ada.row("This message is damaged.").getAttribute("aria-label"), /^Unknown/);
  });

  test("is edited by ArrowUp in an empty field, and left alone by Escape", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await arrive(t, server, "ada", "bob");
    await ada.write("tipo");
    await bob.shows("tipo");
    await ada.composer.press("ArrowUp");
    await ada.page.getByText("Editing a message").waitFor();
    assert.equal(await ada.composer.inputValue(), "tipo");
    await ada.composer.press("Escape");
    await ada.page.getByText("Editing a message").waitFor({ state: "detached" });
    await ada.composer.press("ArrowUp");
    await ada.composer.fill("typo");
    await ada.composer.press("Enter");
    for (const person of [ada, bob]) await person.shows("typo");
  });

  test("of several lines is written with Shift and Enter", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await arrive(t, server, "ada", "bob");
    await ada.composer.fill("one");
    await ada.composer.press("Shift+Enter");
    await ada.composer.pressSequentially("two");
    await ada.composer.press("Enter");
    await bob.sees("onetwo");
    assert.equal(await bob.row("onetwo").locator(".body").innerText(), "one\ntwo");
  });

  test("that is too long is not sent, and the longest one is", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await arrive(t, server, "ada", "bob");
    await ada.composer.fill("x".repeat(16 * 1024 + 1));
    await ada.composer.press("Enter");
    await ada.page.getByRole("alert").filter({ hasText: "too long" }).waitFor();
    assert.equal((await ada.composer.inputValue()).length, 16 * 1024 + 1);
    await ada.write("x".repeat(16 * 1024));
    await bob.has(1);
    assert.equal((await bob.texts())[0].length, 16 * 1024);
  });

  test("that was refused says why, and gives its text back", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await arrive(t, server, "ada", "bob");
    await ada.create("private", "Plans");
    await bob.answers(await ada.invitation(), "Join");
    await bob.isIn("Plans");
    await bob.write("here");
    await ada.sees("here");
    // Bob writes while he does not know yet that he was removed.
    await bob.context.setOffline(true);
    await bob.waitsForServer();
    await bob.write("still here?");
    await ada.remove("bob");
    await bob.context.setOffline(false);
    await ada.notices("ada removed bob");
    await bob.roomLink("Plans").waitFor({ state: "detached" });
    assert.equal(await ada.row("still here?").count(), 0);
    await bob.eventually(async () => (await bob.stored("outbox")).every((row) => row.refused !== undefined));
    for (const person of [ada, bob]) person.assertContent();
  });

  test("is formatted, and its links lead out of the page without telling where from", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await arrive(t, server, "ada", "bob");
    await ada.write("**bold** `code` https://example.org/x. and [here](https://example.org/y)");
    await bob.has(1);
    const body = bob.log.locator(".body");
    assert.deepEqual(await body.locator("strong, code").allTextContents(), ["bold", "code"]);
    const links = await body.locator("a").evaluateAll((all) => all.map(({ href, rel, target }) => ({ href, rel, target })));
    const away = { rel: "noopener noreferrer nofollow", target: "_blank" };
    assert.deepEqual(links, [{ href: "https://example.org/x", ...away }, { href: "https://example.org/y", ...away }]);
  });
});

describe("unread messages", () => {
  test("are counted the same on two devices of one person, and read on both", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await arrive(t, server, "ada", "bob");
    await ada.create("private", "Plans");
    await ada.enter("Lobby");
    const phone = await Person.open(t, browser, server.url);
    await phone.answers(await ada.deviceLink(), "Become ada");
    await phone.composer.waitFor();
    phone.name = "ada";
    await phone.roomLink("Plans").waitFor();
    assert.equal(await phone.page.getByRole("textbox", { name: "Your name" }).count(), 0, "it is ada's");
    assert.ok(!phone.page.url().includes("link="));
    await ada.enter("Plans");
    await bob.answers(await ada.invitation(), "Join");
    await bob.isIn("Plans");
    await ada.enter("Lobby");
    for (let count = 1; count <= 3; count += 1) {
      await bob.write(`news ${count}`);
      for (const device of [ada, phone]) await device.unread("Plans", count);
    }
    await bob.delete("news 2");
    for (const device of [ada, phone]) await device.unread("Plans", 2);
    await phone.enter("Plans");
    await phone.sees("news 3");
    for (const device of [ada, phone]) await device.unread("Plans", 0);
    await ada.page.reload();
    await ada.unread("Plans", 0);
    await ada.write("own messages do not count");
    await phone.enter("Lobby");
    await phone.sees("own messages do not count");
    for (const person of [ada, bob, phone]) person.assertContent();
  });

  test("stand below a line when the room is opened", async (t) => {
    const server = await Server.start(t);
    const ada = await Person.arrive(t, browser, server.url, "ada");
    await ada.create("public", "Bread");
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    await bob.must("join", { room: ada.room() });
    const room = ada.room();
    await bob.say("read", room);
    await ada.sees("read");
    await ada.enter("Lobby");
    await bob.say("new", room);
    await bob.say("newer", room);
    await ada.unread("Bread", 2);
    await ada.enter("Bread");
    await ada.sees("newer");
    const order = await ada.log.locator(".new-line, .message .body").allTextContents();
    assert.deepEqual(order.map((text) => text.trim()), ["read", "New", "new", "newer"]);
  });

  test("are told in the title of the page", async (t) => {
    const server = await Server.start(t);
    const ada = await Person.arrive(t, browser, server.url, "ada");
    await ada.create("public", "Bread");
    const room = ada.room();
    await ada.enter("Lobby");
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    await bob.must("join", { room });
    await bob.say("one", room);
    await bob.say("two", room);
    await ada.until(() => document.title === "(2) Lobby – Tidings");
    assert.equal(await ada.page.title(), "(2) Lobby – Tidings");
  });
});
