// Where addresses lead: to messages that are not there, to rooms that are closed or gone, and back.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { LOBBY, Person } from "../harness/app.mjs";
import { launch } from "../harness/browser.mjs";
import { V1Person } from "../harness/person.mjs";
import { Server } from "../harness/server.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const MISSING = "The linked message does not exist, or you cannot see it.";
const AWAY = "The linked message is not on this device.";
const NO_ROOM = "This conversation does not exist, or you cannot see it.";

async function conversation(t, count) {
  const server = await Server.start(t);
  const bob = await V1Person.connect(t, server.url, { name: "bob" });
  await Promise.all(Array.from({ length: count }, (_, index) => bob.say(`line ${index + 1}`)));
  const ada = await Person.arrive(t, browser, server.url, "ada");
  await ada.sees(`line ${count}`);
  return { server, bob, ada };
}

const goTo = (person, hash) => person.page.evaluate((to) => void (location.hash = to), hash);

async function isAtEnd(person) {
  await person.eventually(
    () => person.page.evaluate(() => {
      const { scrollTop, scrollHeight, clientHeight } = document.querySelector(".scroller");
      return scrollHeight - scrollTop - clientHeight < 2;
    }),
    "the end",
  );
}

describe("a link to a message", () => {
  for (const [name, seq] of [["past the end", 99_999], ["past all numbers", "9999999999999999"], ["before the beginning", 0]]) {
    test(`${name} says so, and leads back to the conversation`, async (t) => {
      const { ada } = await conversation(t, 120);
      await goTo(ada, `#/room/${LOBBY}/seq/${seq}`);
      await ada.page.getByText(MISSING).waitFor();
      assert.equal(await ada.page.getByText("Loading").count(), 0);
      // What one sends there is shown.
      await ada.write("I am here");
      await ada.sees("I am here");
      await ada.page.getByText(MISSING).waitFor();
      await ada.page.getByRole("link", { name: "Show the conversation" }).click();
      await ada.page.getByText(MISSING).waitFor({ state: "detached" });
      await ada.sees("I am here");
      await isAtEnd(ada);
      ada.assertContent();
    });
  }

  test("past the end is explained to a page that begins with it, and the lobby is one click away", async (t) => {
    const { server, ada } = await conversation(t, 20);
    const tab = await ada.tab(`${server.url}/#/room/${LOBBY}/seq/500`);
    await tab.page.getByText(MISSING).waitFor();
    await tab.sees("line 20");
    await tab.enter("Lobby");
    await tab.page.getByText(MISSING).waitFor({ state: "detached" });
    await isAtEnd(tab);
    tab.assertContent();
  });

  test("that was deleted shows that it was", async (t) => {
    const { bob, ada } = await conversation(t, 200);
    await bob.must("delete", { room: LOBBY, seq: 50 });
    await goTo(ada, `#/room/${LOBBY}/seq/50`);
    await ada.page.locator("[data-seq='50']", { hasText: "This message was deleted." }).waitFor();
    await ada.page.locator("[data-seq='50'].target").waitFor();
    assert.equal(await ada.page.getByText(MISSING).count(), 0);
    ada.assertContent();
  });

  test("that is not on the device waits for the network, and says that it does", async (t) => {
    const { server, ada } = await conversation(t, 400);
    await ada.connects();
    await server.kill();
    await ada.waitsForServer();
    for (const seq of [100, 99_999]) {
      await goTo(ada, `#/room/${LOBBY}/seq/${seq}`);
      await ada.page.getByText(AWAY).waitFor();
      assert.equal(await ada.page.getByText("Loading").count(), 0);
    }
    await goTo(ada, `#/room/${LOBBY}`);
    await ada.page.getByText(AWAY).waitFor({ state: "detached" });
    await ada.sees("line 400");
    await goTo(ada, `#/room/${LOBBY}/seq/100`);
    await ada.page.getByText(AWAY).waitFor();
    await server.restart();
    await ada.sees("line 100");
    await ada.page.getByText(AWAY).waitFor({ state: "detached" });
    ada.assertContent();
  });
});

describe("a room that is not there", () => {
  test("is explained, with a message in its address or without, and offline too", async (t) => {
    const { server, ada } = await conversation(t, 3);
    for (const hash of ["#/room/77", "#/room/77/seq/5"]) {
      await goTo(ada, hash);
      await ada.page.getByText(NO_ROOM).waitFor();
      assert.equal(await ada.page.getByText("Loading").count(), 0);
      await ada.page.getByRole("link", { name: "Go to the lobby" }).click();
      await ada.sees("line 3");
    }
    await server.kill();
    await ada.waitsForServer();
    await goTo(ada, "#/room/78/seq/5");
    await ada.page.getByText("This conversation is not on this device.").waitFor();
    assert.equal(await ada.page.getByText(NO_ROOM).count(), 0, "nobody knows that yet");
    await ada.page.getByRole("link", { name: "Go to the lobby" }).click();
    await ada.sees("line 3");
    ada.assertContent();
  });

  test("because one was removed says by whom and from what", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await Promise.all(["ada", "bob"].map((name) => Person.arrive(t, browser, server.url, name)));
    await ada.create("private", "secret plans");
    const link = await ada.invitation();
    await bob.answers(link, "Join");
    await bob.isIn("secret plans");
    const second = await bob.tab(bob.page.url());
    await second.isIn("secret plans");
    await ada.remove("bob");
    for (const page of [bob, second]) {
      await page.page.getByText("ada removed you from secret plans.").waitFor();
      await page.isIn("secret plans");
      await page.eventually(async () => (await page.page.title()) === "secret plans – Tidings", "the name in the title");
      assert.equal(await page.page.getByText("People appear when you are online.").count(), 0);
    }
    // It is called the same after a reload, with a network and without.
    await second.page.reload();
    await bob.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
    await server.kill();
    await bob.waitsForServer();
    await bob.page.reload();
    for (const page of [bob, second]) {
      await page.page.getByText("ada removed you from secret plans.").waitFor();
      await page.isIn("secret plans");
      assert.equal(await page.page.getByText("People appear when you are online.").count(), 0);
    }
    await bob.page.getByRole("link", { name: "Go to the lobby" }).click();
    await bob.isIn("Lobby");
    await bob.composer.waitFor();
    for (const person of [ada, bob, second]) person.assertContent();
  });

  test("because one was removed while away says from what", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await Promise.all(["ada", "bob"].map((name) => Person.arrive(t, browser, server.url, name)));
    await ada.create("private", "secret plans");
    await bob.answers(await ada.invitation(), "Join");
    await bob.isIn("secret plans");
    await bob.connects();
    await bob.context.setOffline(true);
    await bob.waitsForServer();
    await ada.remove("bob");
    await bob.context.setOffline(false);
    await bob.page.getByText(/(removed you from|no longer in) secret plans\./).waitFor();
    await bob.isIn("secret plans");
    for (const person of [ada, bob]) person.assertContent();
  });

  test("because one was removed from a public room says so and offers no way that would be refused", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await Promise.all(["ada", "bob"].map((name) => Person.arrive(t, browser, server.url, name)));
    await ada.create("public", "Bread");
    await bob.join("Bread");
    await ada.remove("bob");
    await bob.page.getByText("ada removed you from Bread.").waitFor();
    assert.equal(await bob.button("Join").count(), 0);
    await bob.page.getByRole("link", { name: "Go to the lobby" }).click();
    await bob.isIn("Lobby");
    for (const person of [ada, bob]) person.assertContent();
  });
});

const NOTHING = "That did not work: it does not exist, or you cannot see it.";

describe("an address that names no place", () => {
  for (const hash of ["#/foo", "#/room/0", "#/room/-1", "#/room/abc", "#/room/99999999999999999999", "#link=%E0%A4%A"]) {
    test(`${hash} says so and becomes that of the room that is shown, in a page that is open and in a new one`, async (t) => {
      const { server, ada } = await conversation(t, 3);
      await ada.create("public", "Bread");
      const bread = ada.page.url();
      await goTo(ada, hash);
      await ada.page.locator(".note", { hasText: NOTHING }).waitFor();
      assert.equal(ada.page.url(), bread);
      await ada.isIn("Bread");
      await ada.enter("Lobby");
      await ada.page.goBack();
      await ada.isIn("Bread");
      await ada.page.goBack();
      await ada.isIn("Bread");
      await ada.page.goBack();
      await ada.isIn("Lobby");
      await ada.page.goForward();
      await ada.isIn("Bread");
      const tab = await ada.tab(`${server.url}/${hash}`);
      await tab.page.locator(".note", { hasText: NOTHING }).waitFor();
      await tab.isIn("Lobby");
      assert.equal(tab.page.url(), `${server.url}/#/room/${LOBBY}`);
      for (const page of [ada, tab]) page.assertContent();
    });
  }
});

describe("the way back", () => {
  test("from a room to the bare address shows the lobby", async (t) => {
    const { ada } = await conversation(t, 3);
    await ada.create("public", "Bread");
    assert.match(ada.page.url(), /#\/room\/\d+$/);
    await ada.page.goBack();
    await ada.isIn("Lobby");
    await ada.sees("line 3");
    await ada.page.goForward();
    await ada.isIn("Bread");
    ada.assertContent();
  });
});

describe("the title", () => {
  test("says how much is unread elsewhere while it never stops", async (t) => {
    const { bob, ada } = await conversation(t, 3);
    await ada.create("public", "Bread");
    let isOver = false;
    const talk = (async () => {
      while (!isOver) await bob.say("on and on");
    })();
    await ada.eventually(async () => /^\(\d+\+?\) Bread – Tidings$/.test(await ada.page.title()), "a count");
    isOver = true;
    await talk;
    ada.assertContent();
  });

  test("counts as the list does, and says when there is more", async (t) => {
    const { bob, ada } = await conversation(t, 3);
    await ada.create("public", "Bread");
    await Promise.all(Array.from({ length: 120 }, (_, index) => bob.say(`more ${index + 1}`)));
    await ada.rooms.getByText("100+").waitFor();
    await ada.eventually(async () => (await ada.page.title()) === "(100+) Bread – Tidings", "the title");
    ada.assertContent();
  });
});
