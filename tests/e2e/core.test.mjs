// The app's own core against the real binary: what its users write is stored exactly once and shown once, whatever
// happens to the server, and the history checker agrees.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { check, demand } from "../harness/checker.mjs";
import { CorePerson, loadCore } from "../harness/core.mjs";
import { Proxy } from "../harness/proxy.mjs";
import { Server, run, temporaryFolder } from "../harness/server.mjs";

const LOBBY = 1;
let core;
before(async () => (core = await loadCore(after)));

/** Judges what everybody sent, was told and has in the end. */
async function judge(people, { log } = {}) {
  const all = log ?? (await people[0].readRoom(LOBBY));
  const acked = people.flatMap(({ answers, label }) => answers.filter(({ result }) => result.ok).map(({ text }) => ({ sender: label, key: text })));
  const views = await Promise.all(people.map(async (person) => ({ client: person.label, steps: await person.readRoom(LOBBY) })));
  const sent = people.flatMap(({ said = [], label }) => said.map((text) => ({ sender: label, key: text, text })));
  demand(check({ log: all, sent, acked, views }));
  for (const person of people) assert.deepEqual(person.faults, []);
}

async function somebody(t, url, name) {
  const person = await CorePerson.open(t, core, url, { name });
  person.label = name;
  person.said = [];
  person.view(LOBBY);
  return person;
}

function tell(person, text) {
  person.said.push(text);
  return person.say(LOBBY, text);
}

describe("the core and the real server", () => {
  test("talk: own and others' messages, edits, deletions, typing, unread", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = [await somebody(t, server.url, "ada"), await somebody(t, server.url, "bob")];
    assert.equal((await ada.say(LOBBY, "hello")).ok, true);
    await bob.sees(LOBBY, "hello");
    await ada.chat.edit(LOBBY, 1, "hello, all");
    await bob.sees(LOBBY, "hello, all");
    ada.chat.typing(LOBBY);
    const view = bob.view(LOBBY);
    await bob.until(() => view.typing.value.some(({ name }) => name === "ada"), "ada typing");
    await ada.say(LOBBY, "more");
    await bob.until(() => bob.chat.rooms.value.find(({ room }) => room === LOBBY)?.unread === 2, "two unread");
    await ada.chat.delete(LOBBY, 2);
    await bob.until(() => bob.chat.rooms.value.find(({ room }) => room === LOBBY)?.unread === 1, "one unread");
    view.markRead(2);
    await bob.until(() => bob.chat.rooms.value.find(({ room }) => room === LOBBY)?.unread === 0, "none unread");
    assert.deepEqual(ada.faults, []);
  });

  test("rooms: private by invite, with its name; a removal takes everything away", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = [await somebody(t, server.url, "ada"), await somebody(t, server.url, "bob")];
    const created = await ada.chat.create("private", "den", "quiet");
    assert.equal(created.ok, true, JSON.stringify(created));
    await ada.say(created.room, "before bob");
    const invite = await ada.chat.invite(created.room);
    const joined = await bob.chat.joinByInvite(invite.code);
    assert.deepEqual(joined, { ok: true, room: created.room });
    const seen = () => bob.chat.rooms.value.find(({ room }) => room === created.room);
    await bob.until(() => seen()?.name === "den", "the name of the room");
    await ada.say(created.room, "welcome bob");
    await bob.sees(created.room, "welcome bob");
    assert.deepEqual(bob.texts(created.room), ["welcome bob"]);
    await ada.chat.remove(created.room, bob.chat.me.value.user);
    await bob.until(() => seen() === undefined, "the end of the room");
    const direct = await ada.chat.direct([bob.chat.me.value.user]);
    await bob.until(() => bob.chat.rooms.value.some(({ kind }) => kind === "direct"), "the conversation");
    assert.deepEqual(await ada.chat.direct([bob.chat.me.value.user]), direct);
  });

  test("a server killed again and again while people write: exactly once, in order", async (t) => {
    const server = await Server.start(t);
    const people = [await somebody(t, server.url, "ada"), await somebody(t, server.url, "bob")];
    let number = 0;
    for (let round = 0; round < 5; round += 1) {
      for (const person of people) for (let i = 0; i < 40; i += 1) void tell(person, `${person.label} ${(number += 1)}`);
      // In the middle of it: some are acked, some are on their way.
      await people[0].until(() => people[0].answers.length > round * 40 + 3, "some acks");
      await server.kill();
      void tell(people[1], `bob offline ${round}`);
      await server.startAgain();
      for (const person of people) person.wake();
    }
    for (const person of people) {
      await person.online();
      await person.sent();
      await person.until(() => person.answers.length === person.said.length, "every answer");
    }
    const reader = await somebody(t, server.url, "cleo");
    await judge([...people, reader], { log: await reader.readRoom(LOBBY) });
  });

  test("links that are cut and that swallow acks: exactly once, in order", async (t) => {
    const server = await Server.start(t);
    const proxy = await Proxy.start(t, server.port);
    const [ada, bob] = [await somebody(t, proxy.url, "ada"), await somebody(t, server.url, "bob")];
    for (let round = 0; round < 5; round += 1) {
      for (let i = 0; i < 10; i += 1) void tell(ada, `ada ${round} ${i}`);
      void tell(bob, `bob ${round}`);
      if (round % 2 === 0) proxy.mute();
      await bob.sees(LOBBY, `bob ${round}`);
      proxy.cut();
      await ada.until(() => ada.chat.connection.value.state !== "online", "the cut");
      ada.wake();
      await ada.online();
    }
    await ada.until(() => ada.answers.length === ada.said.length, "every answer");
    await bob.sees(LOBBY, "ada 4 9");
    await judge([ada, bob]);
  });

  test("messages that were written offline survive a reload, and go out when the server is back", async (t) => {
    const server = await Server.start(t);
    const ada = await somebody(t, server.url, "ada");
    await tell(ada, "before");
    await server.kill();
    await ada.until(() => ada.chat.connection.value.state !== "online", "the end of the connection");
    for (const text of ["one", "two", "three"]) void tell(ada, text);
    await ada.until(() => ada.chat.connection.value.waiting === 3, "three that wait");
    await ada.reload();
    assert.deepEqual(ada.texts(LOBBY), ["before"]);
    await server.startAgain();
    await ada.online();
    await ada.sent();
    await ada.sees(LOBBY, "three");
    assert.deepEqual(ada.texts(LOBBY), ["before", "one", "two", "three"]);
    assert.equal(ada.chat.me.value.name, "ada");
  });

  test("a restored backup: what it forgot goes, what waits is sent", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = [await somebody(t, server.url, "ada"), await somebody(t, server.url, "bob")];
    await ada.say(LOBBY, "kept");
    await bob.sees(LOBBY, "kept");
    const file = join(temporaryFolder(), "backup.db");
    assert.equal((await run(["backup", file, "--data", server.data])).code, 0);
    await ada.say(LOBBY, "forgotten");
    await bob.say(LOBBY, "forgotten too");
    await server.stop();
    void ada.say(LOBBY, "waiting");
    rmSync(server.data, { recursive: true });
    const restored = await run(["restore", file, "--data", server.data]);
    assert.equal(restored.code, 0, restored.stderr);
    await server.startAgain();
    for (const person of [ada, bob]) {
      await person.online();
      await person.until(() => person.texts(LOBBY).join() === "kept,waiting", "what is left");
    }
  });
});
