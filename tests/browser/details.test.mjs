// Small things that people meet every day: keys, hints, sizes under the finger, what is told and what is not.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { LOBBY, Person } from "../harness/app.mjs";
import { launch } from "../harness/browser.mjs";
import { V1Person } from "../harness/person.mjs";
import { Server } from "../harness/server.mjs";

const PHONE = { viewport: { width: 375, height: 720 }, hasTouch: true, isMobile: true };
/** The least width and height of what is tapped. */
const FINGER = 44;

let browser;
before(async () => {
  browser = await launch("--host-resolver-rules=MAP tidings.test 127.0.0.1");
});
after(() => browser.close());

const arrive = (t, server, ...names) => Promise.all(names.map((name) => Person.arrive(t, browser, server.url, name)));

async function fill(person, count) {
  await Promise.all(Array.from({ length: count }, (_, index) => person.say(`line ${index + 1}`)));
}

describe("the message field", () => {
  test("jumps to the latest message by End while it is empty, and moves its caret otherwise", async (t) => {
    const server = await Server.start(t);
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    await fill(bob, 70);
    const [ada] = await arrive(t, server, "ada");
    await ada.sees("line 70");
    const latest = ada.page.getByRole("button", { name: /Jump to latest/ });
    await ada.page.locator(".scroller").evaluate((scroller) => (scroller.scrollTop = 0));
    await latest.waitFor();
    await ada.composer.fill("half a thought");
    await ada.composer.press("Home");
    await ada.composer.press("End");
    assert.equal(await ada.composer.evaluate((field) => field.selectionStart), 14);
    assert.equal(await latest.count(), 1);
    await ada.composer.fill("");
    await ada.composer.press("End");
    await latest.waitFor({ state: "detached" });
  });

  test("tells the others that somebody stopped typing as soon as it is empty", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await arrive(t, server, "ada", "bob");
    await bob.composer.pressSequentially("he");
    await ada.page.getByText("bob is typing…").waitFor();
    const since = Date.now();
    await bob.composer.fill("");
    await ada.page.getByText("bob is typing…").waitFor({ state: "detached" });
    assert.ok(Date.now() - since < 4_000, "it was not waited for the end of the five seconds");
  });
});

describe("somebody without a name", () => {
  test("is asked for it where they make a room", async (t) => {
    const server = await Server.start(t);
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    const guest = await Person.open(t, browser, server.url);
    await guest.button("Not now").click();
    await guest.button("Create a room", guest.rooms).click();
    await guest.dialog.getByRole("textbox", { name: "Room name" }).fill("tea");
    assert.equal(await guest.button("Create", guest.dialog).isDisabled(), true);
    await guest.dialog.getByRole("textbox", { name: "Your name" }).fill("bob");
    await guest.button("Create", guest.dialog).click();
    await guest.dialog.getByText(/somebody else has this name/i).waitFor();
    await guest.dialog.getByRole("textbox", { name: "Your name" }).fill("ada");
    await guest.button("Create", guest.dialog).click();
    await guest.isIn("tea");
    const answer = await bob.ask("rooms", {});
    assert.deepEqual(answer.rooms.map(({ name }) => name), ["Lobby", "tea"]);
    guest.assertContent();
  });

  test("is asked for it where they choose people to talk to", async (t) => {
    const server = await Server.start(t);
    await V1Person.connect(t, server.url, { name: "bob" });
    const guest = await Person.open(t, browser, server.url);
    await guest.button("Not now").click();
    await guest.button("New message", guest.rooms).click();
    await guest.dialog.getByRole("checkbox", { name: "bob" }).check();
    assert.equal(await guest.button("Start", guest.dialog).isDisabled(), true);
    await guest.dialog.getByRole("textbox", { name: "Your name" }).fill("ada");
    await guest.button("Start", guest.dialog).click();
    await guest.isIn("bob");
  });

  test("is asked for it below the messages where an action needs one", async (t) => {
    const server = await Server.start(t);
    await V1Person.connect(t, server.url, { name: "bob" });
    const guest = await Person.open(t, browser, server.url);
    await guest.button("Not now").click();
    await guest.member("bob").click();
    await guest.page.getByText(/you need a name first/).first().waitFor();
    await guest.page.getByRole("textbox", { name: "Your name" }).waitFor();
  });
});

describe("somebody who is offline", () => {
  test("is found in the dialogs, and a conversation with them has their name at once", async (t) => {
    const server = await Server.start(t);
    const cleo = await V1Person.connect(t, server.url, { name: "cleo" });
    await cleo.leave();
    const [ada] = await arrive(t, server, "ada");
    await ada.button("New message", ada.rooms).click();
    const found = ada.dialog.getByRole("checkbox", { name: "cleo" });
    await found.waitFor();
    await ada.dialog.getByRole("searchbox").fill("xyz");
    await ada.dialog.getByText("Nothing found").waitFor();
    await ada.dialog.getByRole("searchbox").fill("cl");
    await found.check();
    await ada.button("Start", ada.dialog).click();
    await ada.isIn("cleo");
  });
});

describe("the beginning of a room", () => {
  test("of two people is their first message", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await arrive(t, server, "ada", "bob");
    await ada.member("bob").click();
    await ada.isIn("bob");
    await ada.write("hello");
    await bob.unread("ada", 1);
    await bob.enter("ada");
    for (const person of [ada, bob]) {
      await person.shows("hello");
      assert.equal(await person.log.locator(".notice").count(), 0);
    }
  });

  test("that is private offers to add people, and tells the added ones by whom", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await arrive(t, server, "ada", "bob");
    await ada.create("private", "plans");
    for (const place of [ada.log, ada.people]) {
      assert.deepEqual(await place.locator(".ways-in").getByRole("button").allTextContents(), ["Add people", "Invite people"]);
    }
    await ada.button("Add people", ada.log).click();
    await ada.dialog.getByRole("checkbox", { name: "bob" }).check();
    await ada.button("Add people", ada.dialog).click();
    await ada.notices("ada added bob");
    await bob.enter("plans");
    await bob.notices("ada added you");
    ada.assertContent();
    bob.assertContent();
  });
});

describe("the times", () => {
  test("of twelve hours do not run into the messages", async (t) => {
    const server = await Server.start(t);
    const [ada] = await arrive(t, server, "ada");
    for (const text of ["one", "two"]) await ada.write(text);
    await ada.shows("one", "two");
    await ada.row("two").hover();
    const overlap = await ada.row("two").evaluate((row) => {
      const time = document.createRange();
      time.selectNodeContents(row.querySelector(":scope > time"));
      return time.getBoundingClientRect().right - row.querySelector(".body").getBoundingClientRect().left;
    });
    assert.ok(overlap <= 0, `${overlap} px`);
    assert.match(await ada.row("one").locator("time").first().textContent(), /[AP]M/);
  });

  test("of a day cover no words of the message below", async (t) => {
    const server = await Server.start(t);
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    await fill(bob, 60);
    const [ada] = await arrive(t, server, "ada");
    await ada.sees("line 60");
    const covered = await ada.page.evaluate(() => {
      const line = document.querySelector(".day-line").getBoundingClientRect();
      // All along the line of the day there is nothing but it.
      return [0.1, 0.3, 0.5, 0.7, 0.9].map((part) => document.elementFromPoint(line.left + line.width * part, line.top + line.height / 2)?.closest(".day-line, .row")?.className);
    });
    assert.deepEqual(covered, Array(5).fill("day-line"));
    const top = await ada.page.evaluate(() => document.querySelector(".day-line").getBoundingClientRect().top - document.querySelector(".scroller").getBoundingClientRect().top);
    assert.equal(Math.round(top), 0);
  });
});

describe("under the finger", () => {
  /** What can be tapped and is smaller than a fingertip. Links within a text are as large as its words. */
  const small = (person) =>
    person.page.evaluate((least) => {
      const targets = document.querySelectorAll("button, a[href], select, input, textarea, label.choice, label.choose, .segments label");
      return [...targets].flatMap((target) => {
        const inText = target.closest(".body, .skip") !== null || target.matches(":is(.choice, .choose, .segments) input");
        const { width, height } = target.getBoundingClientRect();
        if (inText || !target.checkVisibility({ visibilityProperty: true }) || width === 0) return [];
        return width < least - 0.5 || height < least - 0.5 ? [`${target.outerHTML.slice(0, 90)} ${width}×${height}`] : [];
      });
    }, FINGER);

  test("nothing is smaller than a fingertip", async (t) => {
    const server = await Server.start(t);
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    await bob.say("hello");
    const ada = await Person.open(t, browser, server.url, PHONE);
    await ada.page.getByRole("textbox", { name: "Your name" }).waitFor();
    assert.deepEqual(await small(ada), [], "the question for a name");
    await ada.introduce("ada");
    await ada.composer.fill("mine");
    await ada.button("Send").tap();
    await ada.shows("hello", "mine");
    assert.deepEqual(await small(ada), [], "a conversation");
    await ada.row("mine").tap();
    const toolbar = ada.page.getByRole("toolbar", { name: "Message actions" });
    await toolbar.waitFor();
    assert.deepEqual(await small(ada), [], "what can be done with a message");
    const [above, below] = [await ada.row("mine").locator(".body").boundingBox(), await toolbar.boundingBox()];
    assert.ok(below.y >= above.y + above.height, "it covers no words");
    await ada.page.goto(`${ada.home}#/rooms`);
    await ada.rooms.waitFor();
    assert.deepEqual(await small(ada), [], "the conversations");
    for (const name of ["Create a room", "Browse rooms", "New message"]) {
      await ada.button(name, ada.rooms).tap();
      await ada.dialog.waitFor();
      assert.deepEqual(await small(ada), [], name);
      await ada.page.keyboard.press("Escape");
      await ada.dialog.waitFor({ state: "detached" });
    }
    await ada.page.goto(`${ada.home}#/room/1/people`);
    await ada.people.waitFor();
    assert.deepEqual(await small(ada), [], "the people");
    await ada.button("Invite people", ada.people).tap();
    await ada.dialog.waitFor();
    assert.deepEqual(await small(ada), [], "the invitation");
    ada.assertContent();
  });
});

describe("without a connection", () => {
  test("nobody is shown as online", async (t) => {
    const server = await Server.start(t);
    const [ada] = await arrive(t, server, "ada");
    await V1Person.connect(t, server.url, { name: "bob" });
    await ada.online("ada", "bob");
    const colours = () =>
      ada.people.locator(".sign.online").evaluateAll((signs) => [...new Set(signs.map((sign) => getComputedStyle(sign, "::after").backgroundColor))]);
    const [online] = await colours();
    await ada.context.setOffline(true);
    await ada.waitsForServer();
    await ada.eventually(async () => !(await colours()).includes(online), "grey dots");
    await ada.context.setOffline(false);
    await ada.eventually(async () => (await colours())[0] === online, "green dots");
  });
});

describe("in forced colours", () => {
  test("the open room and who is online can be told", async (t) => {
    const server = await Server.start(t);
    const ada = await Person.arrive(t, browser, server.url, "ada", { forcedColors: "active" });
    await ada.create("public", "tea");
    const outlines = await ada.rooms.getByRole("link").evaluateAll((links) => links.map((link) => [link.ariaCurrent, getComputedStyle(link).outlineStyle]));
    assert.deepEqual(outlines.sort(), [[null, "none"], ["page", "solid"]]);
    const [dot, page] = await ada.people.locator(".sign.online").first().evaluate((sign) => [getComputedStyle(sign, "::after").backgroundColor, getComputedStyle(document.body).backgroundColor]);
    assert.notEqual(dot, page);
  });
});

describe("on paper", () => {
  test("there are the messages, and nothing that one can press", async (t) => {
    const server = await Server.start(t);
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    await fill(bob, 60);
    const [ada] = await arrive(t, server, "ada");
    await ada.sees("line 60");
    await ada.page.emulateMedia({ media: "print" });
    const { inner, outer, buttons } = await ada.page.evaluate(() => ({
      inner: document.getElementById("messages").getBoundingClientRect().height,
      outer: document.documentElement.scrollHeight,
      buttons: [...document.querySelectorAll("button, textarea, nav")].filter((element) => element.checkVisibility()).length,
    }));
    assert.ok(outer >= inner && inner > 1_000, `${inner} of ${outer} px`);
    assert.equal(buttons, 0);
    assert.equal(await ada.row("line 1").isVisible(), true);
  });
});

describe("the invitation", () => {
  const warning = (person) => person.dialog.getByText(/Only this computer can open this address/);

  test("says where nobody else can open its link, and what to do", async (t) => {
    const server = await Server.start(t);
    const [ada] = await arrive(t, server, "ada");
    await ada.button("Invite people", ada.people).click();
    await warning(ada).waitFor();
    await ada.dialog.getByText(`--listen 0.0.0.0:${new URL(server.url).port}`).waitFor();
  });

  test("says nothing of it at an address of the network, where the page tells what plain http lacks", async (t) => {
    const server = await Server.start(t, { args: ["--host=tidings.test"] });
    const { port } = new URL(server.url);
    const ada = await Person.arrive(t, browser, `http://tidings.test:${port}/`, "ada");
    await ada.button("Invite people", ada.people).click();
    await ada.dialog.getByRole("textbox", { name: "Invite link" }).waitFor();
    assert.equal(await warning(ada).count(), 0);
    await ada.close();
    await ada.button(/^Settings of/).or(ada.page.locator(".myself")).first().click();
    await ada.dialog.getByText(/Over plain http this page cannot be opened without a network/).waitFor();
    await ada.close();
    await ada.context.setOffline(true);
    await ada.page.locator(".offline-bar").getByText(/Over plain http/).waitFor();
  });
});

test("the lobby is called so in the language of the reader until somebody renames it", async (t) => {
  const server = await Server.start(t);
  const owner = await V1Person.connect(t, server.url, { name: "cleo" });
  const ada = await Person.open(t, browser, `${server.url}/?lang=ar`);
  const heading = ada.page.getByRole("heading", { level: 1 });
  await ada.page.getByRole("heading", { level: 1, name: "البهو" }).waitFor();
  await owner.must("claim", { code: /#setup=(\S+)/.exec(server.output.stdout)[1] });
  await owner.must("rename", { room: LOBBY, name: "Market" });
  await ada.page.getByRole("heading", { level: 1, name: "Market" }).waitFor();
  assert.equal(await heading.textContent(), "Market");
});
