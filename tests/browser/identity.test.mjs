// Who one is in this browser: no address and no wrong server takes an identity away, or sends as one person what another
// has written.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Person } from "../harness/app.mjs";
import { assertAccessible } from "../harness/axe.mjs";
import { launch } from "../harness/browser.mjs";
import { V1Person } from "../harness/person.mjs";
import { Server, temporaryFolder } from "../harness/server.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** The owner of a server, and somebody who wants to be her. */
async function ownerAndEve(t) {
  const server = await Server.start(t);
  const [, setup] = /(http:\S+#setup=\S+)/.exec(server.output.stdout);
  const vicky = await Person.arrive(t, browser, setup, "vicky");
  const eve = await V1Person.connect(t, server.url, { name: "eve" });
  await vicky.until(() => document.title !== "");
  return { server, vicky, eve };
}

const linkTo = async (server, person) => `${server.url}/#link=${(await person.ask("link", {})).code}`;

/** Vicky cannot reach the server and writes all the same; then the address of her page gets a link to eve. */
async function driveBy({ server, vicky, eve }) {
  await vicky.write("of vicky");
  await vicky.shows("of vicky");
  await vicky.connects();
  await vicky.context.setOffline(true);
  await vicky.status("Offline");
  await vicky.write("private");
  await vicky.waits("private");
  await vicky.page.goto(await linkTo(server, eve));
  await vicky.dialog.waitFor();
  assert.ok(!vicky.page.url().includes("link="), "the code is out of the address at once");
}

describe("a link to somebody else", () => {
  test("that a page navigates to changes nothing by itself, and Enter and Escape mean to stay", async (t) => {
    const { server, vicky, eve } = await ownerAndEve(t);
    await driveBy({ server, vicky, eve });
    await vicky.context.setOffline(false);
    await vicky.dialog.getByText("Become eve on this device?").waitFor();
    await vicky.dialog.getByText("You are vicky here.").waitFor();
    await assertAccessible(vicky.page, "the question of a link");
    await vicky.shows("of vicky", "private");
    await vicky.focuses("dialog button.primary");
    await vicky.page.keyboard.press("Enter");
    await vicky.dialog.waitFor({ state: "detached" });
    await vicky.page.goto(await linkTo(server, eve));
    await vicky.dialog.getByText("Become eve on this device?").waitFor();
    await vicky.close();
    await vicky.reload();
    await vicky.shows("of vicky", "private");
    const { from } = await eve.sees("private");
    assert.deepEqual(from, { user: vicky.user, name: "vicky" });
    assert.equal(vicky.frames.events().findLast(([event]) => event === "welcome")[1].owner, true);
    vicky.assertContent();
  });

  test("that is followed keeps the one before with the message that waits: nobody else ever sends it", async (t) => {
    const { server, vicky, eve } = await ownerAndEve(t);
    const owner = vicky.user;
    await vicky.write("of vicky");
    await vicky.shows("of vicky");
    // Another tab is not told, and goes on as who it is.
    const tab = await vicky.tab();
    await tab.sees("of vicky");
    tab.name = "vicky";
    await vicky.answers(await linkTo(server, eve), "Become eve");
    await vicky.button("Settings of eve", vicky.rooms).waitFor();
    await vicky.eventually(() => vicky.user === eve.user, "a welcome for eve");
    assert.equal(await vicky.composer.inputValue(), "");
    vicky.name = "eve";
    await vicky.write("of eve");
    await tab.shows("of vicky", "of eve");
    await tab.context.setOffline(true);
    await tab.status("Offline");
    await tab.write("private");
    await tab.waits("private");
    await tab.composer.fill("half a thought");
    await tab.eventually(async () => (await tab.stored("drafts")).some(({ text }) => text === "half a thought"));
    await tab.page.close();
    await vicky.context.setOffline(false);
    await vicky.write("and more");
    await vicky.shows("of vicky", "of eve", "and more");

    await vicky.settings();
    await vicky.button("Use another identity on this device", vicky.dialog).click();
    await vicky.dialog.getByRole("button", { name: /^vicky/ }).waitFor();
    await assertAccessible(vicky.page, "the people of a device");
    await vicky.dialog.getByRole("button", { name: /^vicky/ }).click();
    await vicky.shows("of vicky", "of eve", "and more", "private");
    assert.equal(vicky.user, owner);
    assert.equal(await vicky.composer.inputValue(), "half a thought");
    assert.deepEqual((await eve.sees("private")).from, { user: owner, name: "vicky" });
    vicky.assertContent();
  });

  test("that was used already says so, and leaves everything as it is", async (t) => {
    const { server, vicky, eve } = await ownerAndEve(t);
    const link = await linkTo(server, eve);
    await V1Person.connect(t, server.url, { auth: { link: new URL(link).hash.slice("#link=".length) } });
    await vicky.page.goto(link);
    await vicky.dialog.getByText("this link is no longer valid, or never was. Make a new one in the settings of your other device.").waitFor();
    await vicky.close();
    await vicky.write("still me");
    await vicky.shows("still me");
    assert.equal((await eve.sees("still me")).from.name, "vicky");
  });

  test("that is used up while it asks leaves only the way out", async (t) => {
    const { server, vicky, eve } = await ownerAndEve(t);
    const link = await linkTo(server, eve);
    await vicky.page.goto(link);
    await vicky.dialog.getByText("Become eve on this device?").waitFor();
    await V1Person.connect(t, server.url, { auth: { link: new URL(link).hash.slice("#link=".length) } });
    await vicky.button("Become eve", vicky.dialog).click();
    await vicky.dialog.getByText("this link was used already, or is too old. Make a new one").waitFor();
    assert.equal(await vicky.button("Become eve", vicky.dialog).count(), 0);
    assert.equal(await vicky.dialog.getByText("from then on, your messages").count(), 0);
    await vicky.dialog.locator("footer").getByRole("button", { name: "Close" }).click();
    await vicky.dialog.waitFor({ state: "detached" });
    assert.notEqual(vicky.user, eve.user);
  });

  test("asks a device that was nobody yet in one sentence, and forgets the guest", async (t) => {
    const { server, eve } = await ownerAndEve(t);
    const phone = await Person.open(t, browser, await linkTo(server, eve));
    await phone.dialog.getByText("Use Tidings as eve on this device?").waitFor();
    await phone.dialog.getByText("Continue only if you made this link yourself").waitFor();
    assert.equal(await phone.dialog.getByText("guest-").count(), 0);
    await phone.focuses("dialog button.primary");
    await assertAccessible(phone.page, "the question of a link on a new device");
    await phone.button("Become eve", phone.dialog).click();
    phone.name = "eve";
    await phone.settings();
    await phone.button("Use another identity on this device", phone.dialog).click();
    await phone.button("Start as somebody new", phone.dialog).waitFor();
    assert.deepEqual(await phone.dialog.getByRole("listitem").count(), 1, "oneself alone");
    await phone.dialog.getByRole("listitem").filter({ hasText: "eve" }).getByText("you", { exact: true }).waitFor();
    const people = () => phone.page.evaluate(readPeople);
    assert.deepEqual((await people()).map(({ user }) => user), [eve.user]);
  });

  test("in the address of an open page asks once, and leaves the page, its room and its address where they are", async (t) => {
    const { server, vicky, eve } = await ownerAndEve(t);
    await vicky.create("public", "Bread");
    const bread = vicky.page.url();
    const { hash } = new URL(await linkTo(server, eve));
    await vicky.page.evaluate((code) => void (location.hash = code), hash);
    await vicky.dialog.getByText("Become eve on this device?").waitFor();
    assert.equal(vicky.page.url(), bread);
    await vicky.close();
    await vicky.reload();
    await vicky.isIn("Bread");
    assert.equal(vicky.page.url(), bread);
    assert.equal(await vicky.dialog.count(), 0);
    assert.notEqual(vicky.user, eve.user);
    await vicky.page.goBack();
    await vicky.page.goBack();
    await vicky.isIn("Lobby");
    assert.equal(await vicky.dialog.count(), 0);
    vicky.assertContent();
  });

  test("is text in a message, and one to a room is a link", async (t) => {
    const { server, vicky, eve } = await ownerAndEve(t);
    const { port } = new URL(server.url);
    const codes = [`${server.url}/#link=7K2Q`, `HTTP://LOCALHOST:${port}/#invite=AQAA`, `http://127.0.0.1.:${port}/?x#%73etup=7K2Q`, `[here](${server.url}/#link=7K2Q)`];
    await eve.say(codes.join("\n"));
    await eve.say(`${server.url}/#/room/1`);
    await vicky.has(2);
    assert.deepEqual(await vicky.log.locator(".body a").allTextContents(), [`${server.url}/#/room/1`]);
  });
});

describe("a link for another device", () => {
  test("comes with a warning where nobody but this computer can open it, with the port of the page", async (t) => {
    const { server, vicky } = await ownerAndEve(t);
    await vicky.rooms.getByRole("button", { name: /^Settings of vicky ?, owner$/ }).click();
    await vicky.dialog.getByText(`--listen 0.0.0.0:${new URL(server.url).port}`).waitFor();
  });
});

describe("an invite and the code for the owner", () => {
  test("ask who has a name already, and staying is the default", async (t) => {
    const { server, vicky, eve } = await ownerAndEve(t);
    const { room } = await eve.must("create", { kind: "private", name: "Trap" });
    const { code } = await eve.ask("invite", { room });
    await vicky.page.goto(`${server.url}/#invite=${code}`);
    await vicky.dialog.getByText("Join Trap?").waitFor();
    await vicky.dialog.getByText("eve invites you to Trap.").waitFor();
    await vicky.focuses("dialog button.primary");
    await vicky.page.keyboard.press("Enter");
    await vicky.dialog.waitFor({ state: "detached" });
    await vicky.reload();
    await vicky.isIn("Lobby");
    assert.deepEqual((await eve.ask("members", { room })).members.map(({ name }) => name), ["eve"]);
    await vicky.answers(`${server.url}/#invite=${code}`, "Join");
    await vicky.isIn("Trap");
  });

  test("to a room that one is in already says so, and opens it", async (t) => {
    const { vicky } = await ownerAndEve(t);
    await vicky.create("private", "Plans");
    const link = await vicky.invitation();
    await vicky.enter("Lobby");
    await vicky.page.goto(link);
    await vicky.dialog.getByRole("heading", { name: "You are in Plans already" }).waitFor();
    await assertAccessible(vicky.page, "an invite to a room that one is in");
    await vicky.dialog.locator("footer").getByRole("button", { name: "Close" }).click();
    await vicky.dialog.waitFor({ state: "detached" });
    await vicky.isIn("Lobby");
    await vicky.answers(link, "Open");
    await vicky.isIn("Plans");
  });

  test("ask a guest for a name at once: one form, one Join", async (t) => {
    const { server, eve } = await ownerAndEve(t);
    const { room } = await eve.must("create", { kind: "private", name: "Plans" });
    const { code } = await eve.ask("invite", { room });
    const gus = await Person.open(t, browser, server.url);
    await gus.button("Not now").click();
    await gus.connects();
    await gus.page.goto(`${server.url}/#invite=${code}`);
    await gus.dialog.getByText("eve invites you to Plans.").waitFor();
    assert.equal(await gus.dialog.getByText("People there will see you as").count(), 0);
    await assertAccessible(gus.page, "an invite for a guest");
    const field = gus.dialog.getByRole("textbox", { name: "Your name" });
    await field.press("Enter");
    assert.ok(await gus.button("Join", gus.dialog).isDisabled());
    await field.fill("eve");
    await gus.button("Join", gus.dialog).click();
    await gus.dialog.getByText("somebody else has this name").waitFor();
    await field.fill("gus");
    await field.press("Enter");
    await gus.isIn("Plans");
    await gus.composer.waitFor();
    assert.equal(await gus.page.getByRole("textbox", { name: "Your name" }).count(), 0);
    await gus.button("Settings of gus", gus.rooms).waitFor();
  });

  test("and the owner's code makes nobody the owner who does not want to be", async (t) => {
    const server = await Server.start(t);
    const [, setup] = /(http:\S+#setup=\S+)/.exec(server.output.stdout);
    const ada = await Person.arrive(t, browser, server.url, "ada");
    await ada.page.goto(setup);
    await ada.dialog.getByText("This code makes ada the owner of this server.").waitFor();
    await ada.close();
    await ada.reload();
    assert.equal(ada.frames.events().findLast(([event]) => event === "welcome")[1].owner, false);
    await ada.answers(setup, "Become the owner");
    await ada.page.getByText("owner").first().waitFor();
    // Used up: for somebody here, and for somebody new.
    const late = "this link is no longer valid, or never was. Or this server has an owner already.";
    await ada.page.goto(setup);
    await ada.dialog.getByText(late).waitFor();
    const bob = await Person.open(t, browser, setup);
    await bob.dialog.getByText(late).waitFor();
  });
});

describe("another server at the same address", () => {
  test("is given nothing, and when the right one is back, so is everybody", async (t) => {
    const { server, vicky } = await ownerAndEve(t);
    const owner = vicky.user;
    await vicky.write("before");
    await vicky.shows("before");
    await server.stop();
    const other = await Server.start(t, { data: temporaryFolder(), listen: [new URL(server.url).host] });
    await vicky.status("This server does not know you");
    await vicky.write("meanwhile");
    await vicky.waits("meanwhile");
    await vicky.page.reload();
    await vicky.status("This server does not know you");
    await vicky.waits("meanwhile");
    const witness = await V1Person.connect(t, other.url);
    assert.deepEqual((await witness.ask("history", { room: 1 })).messages, []);
    await vicky.button("What to do").click();
    await vicky.dialog.getByText("nothing is sent. The app keeps trying by itself. If this lasts, ask the person who runs the server.").waitFor();
    await other.kill();
    await server.startAgain();
    await vicky.dialog.waitFor({ state: "detached" });
    await vicky.shows("before", "meanwhile");
    assert.equal(vicky.user, owner);
    vicky.assertContent();
  });

  test("gets somebody new who asks for it, and who one was is there when the right one is back", async (t) => {
    const { server, vicky } = await ownerAndEve(t);
    await vicky.write("before");
    await vicky.shows("before");
    await server.stop();
    const other = await Server.start(t, { data: temporaryFolder(), listen: [new URL(server.url).host] });
    await vicky.status("This server does not know you");
    await vicky.write("of vicky");
    await vicky.button("What to do").click();
    await vicky.button("Start as somebody new", vicky.dialog).click();
    await vicky.introduce("nova");
    await vicky.write("elsewhere");
    await vicky.shows("elsewhere");
    await other.kill();
    await server.startAgain();
    await vicky.status("This server does not know you");
    await vicky.button("What to do").click();
    await vicky.dialog.getByRole("button", { name: /^vicky/ }).click();
    await vicky.shows("before", "of vicky");
    assert.equal(vicky.frames.events().findLast(([event]) => event === "welcome")[1].owner, true);
    vicky.assertContent();
  });
});

describe("somebody who is forgotten on a device", () => {
  /** Vicky has left a message and a draft; the page is open as nova, and shows who else is here. */
  async function leftBehind(t) {
    const { server, vicky } = await ownerAndEve(t);
    await vicky.write("of vicky");
    await vicky.shows("of vicky");
    await vicky.connects();
    const tab = await vicky.tab();
    await tab.sees("of vicky");
    await vicky.context.setOffline(true);
    await vicky.status("Offline");
    await vicky.write("private");
    await vicky.waits("private");
    await vicky.composer.fill("half a thought");
    await vicky.eventually(async () => (await vicky.stored("drafts")).some(({ text }) => text === "half a thought"));
    await vicky.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
    await vicky.rooms.getByRole("button", { name: /^Settings of vicky/ }).click();
    await vicky.button("Use another identity on this device", vicky.dialog).click();
    await vicky.button("Start as somebody new", vicky.dialog).click();
    await vicky.page.getByRole("textbox", { name: "Your name" }).waitFor();
    return { server, vicky, tab };
  }

  async function askToForget(person, name) {
    await person.page.getByRole("button", { name: /^Settings of/ }).click();
    await person.button("Use another identity on this device", person.dialog).click();
    await person.button(`Forget ${name}`, person.dialog).click();
    await person.dialog.getByText(`Forget ${name} on this device?`).waitFor();
  }

  const kept = (person) => person.page.evaluate(async () => ({
    databases: (await indexedDB.databases()).map(({ name }) => name).filter((name) => name === "tidings"),
    notes: Object.keys(localStorage).filter((key) => key.startsWith("tidings typed ")),
  }));

  test("is said to lose what was not sent; nobody is forgotten by Enter, and nothing is left by the button", async (t) => {
    const { server, vicky, tab } = await leftBehind(t);
    await tab.page.close();
    // What a page could only jot down counts as well.
    const note = [{ room: 1, seq: 1, text: "a change", at: Date.now(), after: 0, leaving: [] }];
    await vicky.page.evaluate((notes) => localStorage.setItem("tidings typed 0123", JSON.stringify(notes)), note);
    await askToForget(vicky, "vicky");
    await vicky.dialog.getByText("3 messages and drafts were never sent and will be lost.").waitFor();
    await vicky.dialog.getByText("vicky owns a server.").waitFor();
    await assertAccessible(vicky.page, "the question before somebody is forgotten");
    await vicky.focuses("dialog button.primary");
    await vicky.page.keyboard.press("Enter");
    await vicky.button("Forget vicky", vicky.dialog).click();
    await vicky.dialog.getByText("never sent").waitFor();
    await vicky.button("Forget vicky", vicky.dialog).click();
    await vicky.button("Start as somebody new", vicky.dialog).waitFor();
    assert.equal(await vicky.button("Forget vicky", vicky.dialog).count(), 0);
    assert.deepEqual(await kept(vicky), { databases: [], notes: [] });
    await vicky.close();
    await vicky.context.setOffline(false);
    await vicky.introduce("nova");
    await vicky.write("of nova");
    await vicky.shows("of vicky", "of nova");
    await vicky.reload();
    await vicky.shows("of vicky", "of nova");
    const witness = await V1Person.connect(t, server.url);
    const { messages } = await witness.ask("history", { room: 1 });
    assert.deepEqual(messages.map(({ text }) => text), ["of vicky", "of nova"]);
    vicky.assertContent();
  });

  for (const [name, prepare] of [
    ["", () => undefined],
    [", where tabs cannot lock anything", (context) => context.addInitScript(() => delete Navigator.prototype.locks)],
  ]) {
    test(`stays while another tab is open as them, and can go when it is closed${name}`, async (t) => {
      const server = await Server.start(t);
      const context = await browser.newContext({ locale: "en-US" });
      t.after(() => context.close());
      await prepare(context);
      const vicky = await Person.in(context, server.url);
      await vicky.introduce("vicky");
      const tab = await vicky.tab();
      await tab.composer.waitFor();
      await vicky.settings();
      await vicky.button("Use another identity on this device", vicky.dialog).click();
      await vicky.button("Start as somebody new", vicky.dialog).click();
      await vicky.page.getByRole("textbox", { name: "Your name" }).waitFor();
      await askToForget(vicky, "vicky");
      await vicky.button("Forget vicky", vicky.dialog).click();
      await vicky.dialog.getByText("A page of this browser is open as vicky. Close it first.").waitFor();
      await tab.write("still here");
      await tab.shows("still here");
      await tab.page.close();
      await vicky.button("Forget vicky", vicky.dialog).click();
      await vicky.button("Start as somebody new", vicky.dialog).waitFor();
      assert.deepEqual((await kept(vicky)).databases, []);
    });

    test(`goes with the store when the device is left by a guest who did nothing${name}`, async (t) => {
      const { server, eve } = await ownerAndEve(t);
      const context = await browser.newContext({ locale: "en-US" });
      t.after(() => context.close());
      await prepare(context);
      const phone = await Person.in(context, await linkTo(server, eve));
      await phone.button("Become eve", phone.dialog).click();
      phone.name = "eve";
      await phone.settings();
      assert.deepEqual((await phone.page.evaluate(readPeople)).map(({ user }) => user), [eve.user]);
      assert.deepEqual(await kept(phone), { databases: [], notes: [] });
    });
  }
});

describe("a browser", () => {
  test("is asked to keep what is stored when there is something to lose", async (t) => {
    const server = await Server.start(t);
    const ada = await Person.open(t, browser, server.url);
    await ada.page.getByRole("textbox", { name: "Your name" }).waitFor();
    const asked = () => ada.page.evaluate(() => localStorage.getItem("tidings.storage"));
    assert.equal(await asked(), null);
    await ada.introduce("ada");
    await ada.eventually(async () => (await asked()) !== null);
    await ada.page.evaluate(() => localStorage.setItem("tidings.storage", "refused"));
    await ada.reload();
    await ada.settings();
    await ada.dialog.getByText("This browser may delete what is stored here").waitFor();
  });

  test("that was one person only before there could be several goes on as that person", async (t) => {
    const server = await Server.start(t);
    const ada = await V1Person.connect(t, server.url, { name: "ada" });
    const person = await Person.open(t, browser, `${server.url}/health`);
    await person.page.evaluate(writeOldStore, { user: ada.user, token: ada.token });
    await person.page.goto(server.url);
    await person.shows("waiting since before");
    assert.equal(person.user, ada.user);
    assert.equal(await person.composer.inputValue(), "half a thought");
    assert.deepEqual((await ada.sees("waiting since before")).from, { user: ada.user, name: "ada" });
  });
});

/** Runs in the page: the people of this device. */
async function readPeople() {
  const database = await new Promise((resolve, reject) => {
    const request = indexedDB.open("tidings identities");
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const all = database.transaction("identities").objectStore("identities").getAll();
  await new Promise((resolve) => (all.onsuccess = resolve));
  database.close();
  return all.result;
}

/** Runs in the page: a store as the first version of the schema had it. */
async function writeOldStore({ user, token }) {
  const device = "5f0c1d2e3b4a59687766554433221100";
  const request = indexedDB.open("tidings", 1);
  request.onupgradeneeded = () => {
    const database = request.result;
    for (const table of ["cursor", "session", "device", "drafts"]) database.createObjectStore(table);
    const row = { id: 1, device, n: 1, command: { event: "say", room: 1, text: "waiting since before" }, at: 1 };
    database.createObjectStore("outbox", { keyPath: "id" }).put(row);
    database.createObjectStore("rooms", { keyPath: "room" });
    database.createObjectStore("messages", { keyPath: ["room", "seq"] });
    database.createObjectStore("notices", { keyPath: ["room", "rev"] });
    database.createObjectStore("people", { keyPath: "user" });
    const { transaction } = request;
    transaction.objectStore("session").put({ user, name: "ada", owner: false, token }, "session");
    transaction.objectStore("device").put({ id: device, next: 2, lastRow: 1 }, "device");
    transaction.objectStore("drafts").put("half a thought", 1);
  };
  await new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result.close());
    request.onerror = () => reject(request.error);
  });
}
