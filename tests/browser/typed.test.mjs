// What somebody typed belongs to them: it outlives every look elsewhere, every reload, and every room that is lost.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { LOBBY, Person } from "../harness/app.mjs";
import { assertAccessible } from "../harness/axe.mjs";
import { launch } from "../harness/browser.mjs";
import { Server } from "../harness/server.mjs";
import { readRoom } from "../harness/views.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const arrive = (t, server, name) => Person.arrive(t, browser, server.url, name);

/** Waits until the message field holds this. */
async function offers(person, text) {
  await person.until((wanted) => document.getElementById("message-field")?.value === wanted, text);
}

/** A private room of bob's that ada was added to. */
async function den(bob, name) {
  await bob.create("private", name);
  await bob.settingsOfRoom();
  await bob.button("Add people", bob.dialog).click();
  await bob.dialog.getByRole("checkbox", { name: "ada", exact: true }).check();
  await bob.button("Add people", bob.dialog).click();
  await bob.dialog.waitFor({ state: "detached" });
}

describe("a draft", () => {
  test("that was typed in the last moment before a reload is there after it", async (t) => {
    const server = await Server.start(t);
    const ada = await arrive(t, server, "ada");
    for (const text of ["half a thought", "half a thought, and the rest of it"]) {
      // Typing and leaving in one turn: no timer of the page can come between.
      await ada.composer.evaluate((field, wanted) => {
        field.value = wanted;
        field.dispatchEvent(new InputEvent("input", { bubbles: true }));
        location.reload();
      }, text);
      await offers(ada, text);
    }
    await ada.composer.press("Enter");
    await ada.shows("half a thought, and the rest of it");
    await ada.page.reload();
    await ada.shows("half a thought, and the rest of it");
    await offers(ada, "");
    assert.deepEqual(await ada.page.evaluate(() => Object.keys(localStorage).filter((name) => name.includes("typed"))), []);
  });

  test("is followed by the other tab, and never comes back after it was sent", async (t) => {
    const server = await Server.start(t);
    const ada = await arrive(t, server, "ada");
    const other = await ada.tab();
    await other.composer.waitFor();
    await ada.composer.pressSequentially("hello");
    await offers(other, "hello");
    await ada.composer.press("Enter");
    await offers(other, "");
    await other.composer.pressSequentially("x");
    await offers(ada, "x");
    await other.page.reload();
    await offers(other, "x");
    await other.composer.press("Enter");
    for (const tab of [ada, other]) await tab.shows("hello", "x");
    for (const tab of [ada, other]) await offers(tab, "");
    for (const tab of [ada, other]) tab.assertContent();
  });

  test("of a change survives a look into another room and a reload, and is offered on its message", async (t) => {
    const server = await Server.start(t);
    const ada = await arrive(t, server, "ada");
    await ada.write("helo");
    await ada.shows("helo");
    await ada.create("public", "garden");
    await ada.enter("Lobby");
    await ada.composer.fill("next");
    await ada.act("helo", "Edit");
    await offers(ada, "helo");
    await ada.composer.fill("hello everybody");
    await ada.enter("garden");
    await offers(ada, "");
    await ada.page.reload();
    await ada.enter("Lobby");
    await offers(ada, "next");
    await ada.button("Edit", ada.row("helo").locator(".state")).click();
    await offers(ada, "hello everybody");
    await ada.composer.press("Enter");
    await ada.shows("hello everybody");
    await offers(ada, "next");
    assert.equal(await ada.row("hello everybody").getByText("your change is not saved").count(), 0);

    await ada.act("hello everybody", "Edit");
    await ada.composer.fill("never mind");
    await ada.enter("garden");
    await ada.enter("Lobby");
    await ada.button("Discard", ada.row("hello everybody").locator(".state")).click();
    await ada.row("hello everybody").getByText("your change is not saved").waitFor({ state: "detached" });
    await ada.act("hello everybody", "Edit");
    await offers(ada, "hello everybody");
    await ada.composer.press("Escape");
    await offers(ada, "next");
    ada.assertContent();
  });

  test("is not replaced under an input method, whatever another tab types", async (t) => {
    const server = await Server.start(t);
    const ada = await arrive(t, server, "ada");
    const other = await ada.tab();
    await other.composer.waitFor();
    await other.composer.focus();
    const session = await other.context.newCDPSession(other.page);
    await session.send("Input.imeSetComposition", { text: "こん", selectionStart: 2, selectionEnd: 2 });
    await offers(ada, "こん");
    // As good as typed: it goes out from what this tab has seen, which would replace the text in the other one.
    await ada.composer.fill("");
    await ada.eventually(async () => (await ada.stored("drafts")).every(({ text }) => text === null));
    await session.send("Input.imeSetComposition", { text: "こんにちは", selectionStart: 5, selectionEnd: 5 });
    await session.send("Input.insertText", { text: "今日は" });
    await offers(other, "今日は");
    await offers(ada, "今日は");
    await other.composer.press("Enter");
    for (const tab of [ada, other]) await tab.shows("今日は");
  });
});

describe("a message", () => {
  test("that the browser cannot keep stays in the field, and its writer is told", async (t) => {
    const server = await Server.start(t);
    const ada = await arrive(t, server, "ada");
    await ada.write("kept");
    await ada.shows("kept");
    // The page gives its database up, as it does for a newer page: from now on nothing can be kept.
    await ada.page.evaluate(
      () =>
        new Promise((resolve) => {
          indexedDB.deleteDatabase("tidings").onsuccess = resolve;
        }),
    );
    await ada.composer.fill("not kept");
    await ada.composer.press("Enter");
    await ada.page.getByText("this browser could not store it").first().waitFor();
    await offers(ada, "not kept");
    await ada.shows("kept");
  });

  test("that is sent in the very turn of a switch goes where the field says", async (t) => {
    const server = await Server.start(t);
    const ada = await arrive(t, server, "ada");
    await ada.create("public", "garden");
    const garden = ada.room();
    const sent = await ada.page.evaluate(sendWhileSwitching, [LOBBY, garden]);
    assert.deepEqual(sent.length, 24);
    for (const [room, name] of [[LOBBY, "Lobby"], [garden, "garden"]]) {
      const wanted = sent.filter(([, field]) => field === `Message ${name}`).map(([text]) => text);
      await ada.enter(name);
      await ada.shows(...wanted);
      assert.deepEqual((await readRoom(t, server.url, room)).map(({ text }) => text), wanted);
      await offers(ada, "");
    }
    assert.ok(sent.some(([, field]) => field === "Message Lobby") && sent.some(([, field]) => field === "Message garden"));
  });
});

/** Goes from room to room and sends something at once, or a little later; gives back what, and what its field was called. */
async function sendWhileSwitching(rooms) {
  const sent = [];
  const send = (text) => {
    const field = document.getElementById("message-field");
    field.value = text;
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
    sent.push([text, field.placeholder]);
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
  };
  const heard = () => new Promise((resolve) => addEventListener("hashchange", resolve, { once: true }));
  const moments = {
    "in the turn": () => undefined,
    "in a microtask": () => Promise.resolve(),
    "in the event": heard,
    "in a microtask after the event": () => heard().then(() => undefined),
    "in a frame": () => new Promise(requestAnimationFrame),
    "in a timer": () => new Promise((resolve) => setTimeout(resolve)),
  };
  for (let round = 0; round < 4; round += 1) {
    for (const [moment, wait] of Object.entries(moments)) {
      location.hash = `#/room/${rooms[sent.length % 2]}`;
      const due = wait();
      if (due !== undefined) await due;
      send(`${moment} ${round}`);
    }
  }
  return sent;
}

describe("a text for a room that is gone", () => {
  test("is counted and offered in one place, also after a reload, to be copied or discarded", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = [await arrive(t, server, "ada"), await arrive(t, server, "bob")];
    for (const name of ["den", "attic"]) await den(bob, name);
    await ada.enter("attic");
    await ada.composer.fill("half a thought");
    await ada.enter("den");
    await ada.context.setOffline(true);
    await ada.status("Offline");
    await ada.write("long thought");
    await ada.waits("long thought");
    for (const name of ["den", "attic"]) {
      await bob.enter(name);
      await bob.remove("ada");
    }
    await ada.context.setOffline(false);
    await ada.status("2 texts were left unsent");
    await ada.button("Show").click();
    for (const name of ["den", "attic"]) await ada.dialog.getByRole("textbox", { name: `Written for ${name}` }).waitFor();
    await ada.close();
    await ada.page.reload();
    await ada.status("2 texts were left unsent");
    await ada.button("Show").click();
    await ada.dialog.waitFor();
    await assertAccessible(ada.page, "the list of what could not be sent");
    const fields = ada.dialog.getByRole("textbox");
    assert.deepEqual((await Promise.all((await fields.all()).map((field) => field.inputValue()))).toSorted(), ["half a thought", "long thought"]);
    await ada.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    const stray = ada.dialog.locator(".stray").filter({ has: ada.page.locator("textarea") });
    for (const left of [1, 0]) {
      const field = stray.first();
      const written = await field.getByRole("textbox").inputValue();
      await ada.button("Copy", field).click();
      await ada.eventually(async () => (await ada.page.evaluate(() => navigator.clipboard.readText())) === written);
      await ada.button("Discard", field).click();
      if (left > 0) await ada.status("1 text was left unsent");
    }
    await ada.dialog.waitFor({ state: "detached" });
    await ada.enter("Lobby");
    await ada.page.reload();
    await ada.composer.waitFor();
    assert.equal(await ada.page.getByText("left unsent").count(), 0);
    assert.equal(ada.room(), LOBBY);
    ada.assertContent();
  });

  test("is kept while a dialog is closed by a slip of the hand", async (t) => {
    const server = await Server.start(t);
    const ada = await arrive(t, server, "ada");
    await ada.button("Create a room", ada.rooms).click();
    await ada.dialog.getByRole("textbox", { name: "Topic" }).fill("a topic that took some thought");
    await ada.close();
    await ada.button("Create a room", ada.rooms).click();
    assert.equal(await ada.dialog.getByRole("textbox", { name: "Topic" }).inputValue(), "a topic that took some thought");
    await ada.button("Cancel", ada.dialog).click();
    await ada.button("Create a room", ada.rooms).click();
    assert.equal(await ada.dialog.getByRole("textbox", { name: "Topic" }).inputValue(), "");
  });
});
