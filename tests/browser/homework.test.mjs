// The tutorial's homework, line by line, between people at the app.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Person } from "../harness/app.mjs";
import { launch } from "../harness/browser.mjs";
import { Person as TutorialClient } from "../harness/client.mjs";
import { Server } from "../harness/server.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const arrive = (t, server, name) => Person.arrive(t, browser, server.url, name);

describe("the homework", () => {
  test("lets people chat under their names", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await Promise.all([arrive(t, server, "ada"), arrive(t, server, "bob")]);
    await ada.write("hello");
    await bob.shows("hello");
    await bob.write("hello yourself, <b>ada</b> & all");
    const both = ["hello", "hello yourself, <b>ada</b> & all"];
    await ada.shows(...both);
    await bob.shows(...both);
    const cleo = await arrive(t, server, "cleo");
    await cleo.shows(...both);
    for (const person of [ada, bob, cleo]) {
      assert.deepEqual(await person.page.locator(".author").allTextContents(), ["ada", "bob"]);
      person.assertContent();
    }
  });

  test("asks for a name once, in the field that is focused, and refuses one that is taken or reserved", async (t) => {
    const server = await Server.start(t);
    await arrive(t, server, "ada");
    const bob = await Person.open(t, browser, server.url);
    const field = bob.page.getByRole("textbox", { name: "Your name" });
    await field.waitFor();
    assert.ok(await field.evaluate((element) => element === document.activeElement));
    for (const [name, complaint] of [
      ["аda", "somebody else has this name"],
      ["Ada", "somebody else has this name"],
      ["admin", "this name is reserved"],
    ]) {
      await field.fill(name);
      await field.press("Enter");
      await bob.page.getByRole("alert").filter({ hasText: complaint }).waitFor();
      await field.fill("");
    }
    await bob.introduce("bob");
    await bob.page.reload();
    await bob.composer.waitFor();
    assert.equal(await field.count(), 0);
    bob.assertContent();
  });

  test("shows an own message at Enter, before the server knows it, and never gets it back", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await Promise.all([arrive(t, server, "ada"), arrive(t, server, "bob")]);
    await ada.write("flour");
    await bob.sees("flour");
    const before = await ada.page.evaluate(() => {
      const field = document.getElementById("message-field");
      const shown = new Promise((resolve) => {
        const log = document.getElementById("messages");
        const observer = new MutationObserver(() => {
          const row = log.querySelector(".message:last-of-type");
          if (!row?.textContent.includes("yeast")) return;
          observer.disconnect();
          resolve(row.dataset.seq ?? "not stored");
        });
        observer.observe(log, { subtree: true, childList: true });
      });
      field.value = "yeast";
      field.dispatchEvent(new InputEvent("input", { bubbles: true }));
      field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
      return shown;
    });
    assert.equal(before, "not stored");
    await bob.shows("flour", "yeast");
    await bob.write("salt");
    await ada.shows("flour", "yeast", "salt");
    const heard = ada.frames.events().filter(([name]) => name === "message").map(([, { text }]) => text);
    assert.deepEqual(heard, ["salt"]);
    assert.ok(!ada.frames.heard.some((packet) => /flour|yeast/.test(packet)));
  });

  test("tells who is typing, and no longer when the message is there", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await Promise.all([arrive(t, server, "ada"), arrive(t, server, "bob")]);
    await bob.composer.pressSequentially("he");
    await ada.page.getByText("bob is typing…").waitFor();
    assert.equal(await bob.page.getByText("is typing…").count(), 0);
    await bob.composer.pressSequentially("llo");
    await bob.composer.press("Enter");
    await ada.shows("hello");
    await ada.page.getByText("bob is typing…").waitFor({ state: "detached" });
  });

  test("tells who is online, and writes no line about who comes and goes", async (t) => {
    const server = await Server.start(t);
    const ada = await arrive(t, server, "ada");
    const [bob, cleo] = await Promise.all([arrive(t, server, "bob"), arrive(t, server, "cleo")]);
    await ada.online("ada", "bob", "cleo");
    await Promise.all([bob.context.close(), cleo.context.close()]);
    await ada.online("ada");
    await ada.people.getByText("Offline – 2").waitFor();
    assert.equal(await ada.log.locator(".row").count(), 0);
    ada.assertContent();
  });

  test("says nothing of somebody who is back at once", async (t) => {
    const server = await Server.start(t);
    const ada = await arrive(t, server, "ada");
    const bob = await arrive(t, server, "bob");
    await bob.connects();
    await ada.online("ada", "bob");
    for (let times = 0; times < 3; times += 1) {
      await bob.reload();
    }
    await bob.context.close();
    await ada.online("ada");
    const left = ada.frames.events().filter(([name, { offline }]) => name === "presence" && offline.includes(bob.user));
    assert.equal(left.length, 1);
  });

  test("carries private messages, which nobody else gets", async (t) => {
    const server = await Server.start(t);
    const [ada, bob, cleo] = await Promise.all([arrive(t, server, "ada"), arrive(t, server, "bob"), arrive(t, server, "cleo")]);
    await ada.member("bob").click();
    await ada.isIn("bob");
    await ada.write("only for you");
    await bob.unread("ada", 1);
    await bob.enter("ada");
    await bob.shows("only for you");
    await bob.write("and for you");
    await ada.shows("only for you", "and for you");
    await ada.enter("Lobby");
    await ada.write("for all");
    await cleo.shows("for all");
    assert.ok(!cleo.frames.heard.some((packet) => packet.includes("for you")));
    assert.equal(await cleo.rooms.getByRole("link").count(), 1);
    for (const person of [ada, bob, cleo]) person.assertContent();
  });

  test("changes a name for everybody", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await Promise.all([arrive(t, server, "ada"), arrive(t, server, "bob")]);
    await ada.write("who am I?");
    await bob.sees("who am I?");
    await ada.settings();
    await ada.dialog.getByRole("textbox", { name: "Your name" }).fill("ada lovelace");
    await ada.button("Save", ada.dialog).click();
    await bob.online("ada lovelace", "bob");
    const cleo = await arrive(t, server, "cleo");
    for (const person of [bob, cleo]) {
      await person.until(() => document.querySelector(".author")?.textContent === "ada lovelace");
      assert.deepEqual(await person.page.locator(".author").allTextContents(), ["ada lovelace"]);
    }
  });

  test("meets the tutorial's clients in the lobby", async (t) => {
    const server = await Server.start(t);
    const ada = await arrive(t, server, "ada");
    const old = await TutorialClient.connect(t, server.url);
    await old.say("from the tutorial");
    await ada.shows("from the tutorial");
    assert.match(await ada.page.locator(".author").textContent(), /^guest(-[0-9a-f]{4})?$/);
    await ada.write("from the app");
    await old.sees("from the app");
  });
});
