// Rooms and direct conversations: made, changed, joined, left, and closed to those who are not in them.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { LOBBY, Person } from "../harness/app.mjs";
import { launch } from "../harness/browser.mjs";
import { Server } from "../harness/server.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const arrive = (t, server, ...names) => Promise.all(names.map((name) => Person.arrive(t, browser, server.url, name)));

describe("a public room", () => {
  test("is made, found, read before it is joined, and left", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await arrive(t, server, "ada", "bob");
    await ada.create("public", "Bread", "flour and time");
    await ada.write("who bakes today?");
    await bob.browse("Bread");
    await bob.page.getByText("flour and time").waitFor();
    await bob.shows("who bakes today?");
    assert.equal(await bob.composer.count(), 0);
    await bob.button("Join").click();
    await ada.notices("bob joined");
    await bob.write("I do");
    await ada.shows("who bakes today?", "I do");
    await ada.online("ada", "bob");
    await bob.leave();
    await bob.isIn("Lobby");
    await ada.notices("bob left");
    await bob.roomLink("Bread").waitFor({ state: "detached" });
    await ada.write("gone?");
    await ada.shows("who bakes today?", "I do", "gone?");
    for (const person of [ada, bob]) person.assertContent();
    const heard = bob.frames.events().filter(([name, { text }]) => name === "message" && text === "gone?");
    assert.deepEqual(heard, []);
  });

  test("is renamed and given a topic by its host, for all to see", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await arrive(t, server, "ada", "bob");
    await ada.create("public", "Bread");
    await bob.join("Bread");
    await bob.settingsOfRoom();
    assert.equal(await bob.dialog.getByRole("textbox", { name: "Room name" }).count(), 0, "only the host may");
    await bob.close();
    await ada.settingsOfRoom();
    await ada.dialog.getByRole("textbox", { name: "Room name" }).fill("Baking");
    await ada.dialog.getByRole("textbox", { name: "Topic" }).fill("bread, cake");
    await ada.button("Save", ada.dialog).click();
    await bob.isIn("Baking");
    await bob.page.locator(".topic", { hasText: "bread, cake" }).waitFor();
    await bob.notices("ada renamed the room to Baking");
    await bob.notices("ada set the topic: bread, cake");
    await bob.roomLink("Baking").waitFor();
    await bob.page.reload();
    await bob.isIn("Baking");
    await bob.notices("ada renamed the room to Baking");
    for (const person of [ada, bob]) person.assertContent();
  });

  test("does not take the name of another one", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await arrive(t, server, "ada", "bob");
    await ada.create("public", "Bread");
    await bob.button("Create a room", bob.rooms).click();
    await bob.dialog.getByRole("textbox", { name: "Room name" }).fill("bread");
    await bob.button("Create", bob.dialog).click();
    await bob.dialog.getByRole("alert").filter({ hasText: "somebody else has this name" }).waitFor();
    bob.assertContent();
  });
});

describe("a private room", () => {
  test("is joined by a link, with one field for somebody new", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await arrive(t, server, "ada", "bob");
    await ada.create("private", "Plans");
    await ada.write("before anybody");
    const link = await ada.invitation();
    const cleo = await Person.open(t, browser, link);
    await cleo.page.getByText("You are invited.").waitFor();
    await cleo.page.getByText("ada invites you to Plans.").waitFor();
    assert.equal(await cleo.page.getByRole("textbox").count(), 1);
    await cleo.introduce("cleo");
    await cleo.isIn("Plans");
    assert.ok(!cleo.page.url().includes("invite"), "a code does not stay in the address");
    await ada.notices("cleo joined");
    await bob.answers(link, "Join");
    await bob.isIn("Plans");
    await ada.write("hello both");
    for (const person of [bob, cleo]) await person.shows("hello both");
    assert.equal(await bob.page.getByText("before anybody").count(), 0, "seen from the joining on");
    for (const person of [ada, bob, cleo]) person.assertContent();
  });

  test("takes people whom a member adds, and is closed to all others", async (t) => {
    const server = await Server.start(t);
    const [ada, bob, cleo] = await arrive(t, server, "ada", "bob", "cleo");
    await ada.create("private", "Plans");
    await ada.settingsOfRoom();
    await ada.button("Add people", ada.dialog).click();
    await ada.dialog.getByRole("checkbox", { name: "bob" }).check();
    await ada.button("Add people", ada.dialog).click();
    await ada.dialog.waitFor({ state: "detached" });
    await bob.enter("Plans");
    await ada.write("not for cleo");
    await bob.shows("not for cleo");
    await cleo.page.goto(`${cleo.home}#/room/${ada.room()}`);
    await cleo.page.getByText("This conversation does not exist, or you cannot see it.").waitFor();
    assert.equal(await cleo.page.getByText("not for cleo").count(), 0);
    assert.ok(!cleo.frames.heard.some((packet) => /Plans|not for cleo/.test(packet)), "not even its name");
    for (const person of [ada, bob, cleo]) person.assertContent();
  });

  test("is over for a removed member at once: not one frame more", async (t) => {
    const server = await Server.start(t);
    const [ada, bob, cleo] = await arrive(t, server, "ada", "bob", "cleo");
    await ada.create("private", "Plans");
    const link = await ada.invitation();
    for (const person of [bob, cleo]) {
      await person.answers(link, "Join");
      await person.isIn("Plans");
    }
    const room = ada.room();
    await ada.write("while you are here");
    await bob.shows("while you are here");
    await ada.remove("bob");
    await cleo.notices("ada removed bob");
    await ada.write("without bob");
    await cleo.shows("while you are here", "without bob");
    await cleo.write("yes, without bob");
    await ada.shows("while you are here", "without bob", "yes, without bob");
    await bob.roomLink("Plans").waitFor({ state: "detached" });
    // A message in the lobby that bob gets comes after everything that he does not get.
    await ada.enter("Lobby");
    await ada.write("in the lobby");
    await bob.frames.until(({ heard }) => heard.some((packet) => packet.includes("in the lobby")), "the mark in the lobby");
    const removal = bob.frames.heard.findIndex((packet) => packet.includes('"removed"'));
    const after = bob.frames.heard.slice(removal + 1).filter((packet) => packet.includes(`"room":${room},`));
    assert.notEqual(removal, -1);
    assert.deepEqual(after.filter((packet) => !packet.includes('"ok":false')), []);
    await bob.page.goto(link);
    await bob.page.getByText("That did not work").first().waitFor();
    assert.equal(await bob.page.getByText("without bob").count(), 0);
    for (const person of [ada, cleo]) person.assertContent();
  });
});

describe("a direct conversation", () => {
  test("is one among the same people, whoever begins it", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await arrive(t, server, "ada", "bob");
    await ada.direct("bob");
    await ada.isIn("bob");
    await ada.write("psst");
    await bob.direct("ada");
    await bob.isIn("ada");
    await bob.shows("psst");
    assert.equal(bob.room(), ada.room());
    assert.notEqual(bob.room(), LOBBY);
    for (const person of [ada, bob]) person.assertContent();
  });

  test("can be left, and another one can be begun", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await arrive(t, server, "ada", "bob");
    await bob.direct("ada");
    await bob.write("buy this");
    await ada.enter("bob");
    await ada.shows("buy this");
    const first = ada.room();
    await ada.leave();
    await ada.page.getByRole("link", { name: /^bob\b/ }).waitFor({ state: "detached" });
    await bob.page.getByText("ada left").first().waitFor();
    await ada.direct("bob");
    await ada.isIn("bob");
    assert.notEqual(ada.room(), first);
    await ada.write("not today");
    for (const person of [ada, bob]) person.assertContent();
  });

  test("takes three, who all read it", async (t) => {
    const server = await Server.start(t);
    const [ada, bob, cleo, dan] = await arrive(t, server, "ada", "bob", "cleo", "dan");
    await ada.direct("bob", "cleo");
    await ada.isIn(/^(bob and cleo|cleo and bob)$/);
    await ada.write("the three of us");
    await bob.enterDirect("ada", "cleo");
    await cleo.enterDirect("ada", "bob");
    await bob.write("indeed");
    for (const person of [ada, bob, cleo]) await person.shows("the three of us", "indeed");
    // A message to one of them is for that one alone.
    await ada.people.getByRole("button", { name: /^Message bob\b/ }).click();
    await ada.isIn("bob");
    await ada.write("the two of us");
    await bob.enter("ada");
    await bob.shows("the two of us");
    assert.ok(!dan.frames.heard.some((packet) => /of us|indeed/.test(packet)));
    assert.ok(!cleo.frames.heard.some((packet) => /the two of us/.test(packet)));
    for (const person of [ada, bob, cleo, dan]) person.assertContent();
  });
});

describe("a page without a connection", () => {
  test("says of nobody that they are online, and changes no message but the last", async (t) => {
    const server = await Server.start(t);
    const [ada] = await arrive(t, server, "ada", "bob");
    await ada.online("ada", "bob");
    await ada.write("first");
    await ada.shows("first");
    await ada.connects();
    await ada.context.setOffline(true);
    await ada.status("Offline");
    await ada.people.getByRole("heading", { name: "Here before" }).waitFor();
    assert.equal(await ada.people.getByText(/^(Online|Offline) –/).count(), 0);
    await ada.people.getByRole("button", { name: "Message bob", exact: true }).waitFor();
    await ada.composer.press("ArrowUp");
    await ada.page.getByText("Editing a message").waitFor();
    await ada.composer.press("Escape");
    await ada.write("second");
    await ada.waits("second");
    await ada.row("second").getByText("waiting to be sent").waitFor();
    await ada.composer.press("ArrowUp");
    assert.equal(await ada.composer.inputValue(), "");
    assert.equal(await ada.page.getByText("Editing a message").count(), 0);
  });
});

describe("the question before somebody is removed", () => {
  test("says that they cannot come back by an invite", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await arrive(t, server, "ada", "bob");
    await ada.create("public", "Bread");
    await bob.join("Bread");
    await ada.button("Remove bob from the room", ada.people).click();
    await ada.dialog.getByText("no invite lets them in until the host or the owner adds them").waitFor();
  });
});

test("a question about a room goes when another room opens, and nothing is done there", async (t) => {
  const server = await Server.start(t);
  const [ada] = await arrive(t, server, "ada");
  await ada.write("stays here");
  await ada.create("public", "Bread");
  await ada.write("stays there");
  await ada.act("stays there", "Delete");
  await ada.dialog.waitFor();
  await ada.page.goBack();
  await ada.isIn("Lobby");
  await ada.dialog.waitFor({ state: "detached" });
  await ada.shows("stays here");
  await ada.page.goForward();
  await ada.isIn("Bread");
  await ada.shows("stays there");
});
