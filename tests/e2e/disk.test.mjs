// A disk that fills while everybody writes: what was acked stays, reading goes on, and writing goes on by itself when there is
// room again.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Person } from "../harness/client.mjs";
import { cannotMount, healthOf, readOnly, SmallDisk } from "../harness/disk.mjs";
import { judge, readLog } from "../harness/history.mjs";
import { V1Person } from "../harness/person.mjs";
import { run, Server } from "../harness/server.mjs";
import { PATIENCE_MS, within } from "../harness/waiting.mjs";

const RETRYING = { retries: 3, ackTimeout: 10_000 };
const FULL = { ok: false, code: "storage_full" };
const MEGABYTE = 1 << 20;

describe("a disk that fills under load", { concurrency: true, skip: cannotMount }, () => {
  for (const [what, reason, args, left] of [
    ["with a watermark", "low_space", [], 11 * MEGABYTE],
    ["to its last byte", "disk_full", ["--limit", "disk-free=0"], 2 * MEGABYTE],
  ]) {
    test(`${what}: nothing acked is lost, people of /v1 stay and read, and all goes on when there is room`, async (t) => {
      const disk = SmallDisk.mount(t, 32);
      const server = await Server.start(t, { data: disk.data, args });
      const [ada, bob, ...pages] = await arrive(t, server);
      disk.fill(left);
      const load = new Load(t, pages, ada);
      await load.until(() => load.isFull, "an answer that the disk is full");
      assert.match(await healthOf(server, 200, readOnly(reason)), /free_bytes/u);
      await reads(t, server, ada, bob);
      for (const page of pages) {
        await page.until(() => !page.socket.connected, "the end of its connection");
        assert.equal(page.socket.active, true, "it was not told to stay away, so it tries again");
      }
      // Whoever comes to the namespace now waits at its door, and does not use up the sends of its messages.
      const late = new Person(server.url, RETRYING);
      t.after(() => late.leave());
      late.socket.io.on("open", () => {
        late.opened = true;
        late.changed();
      });
      const said = late.say("from outside");
      await late.until(() => late.opened, "its connection");
      // If it were let in, it would be by now.
      for (let i = 0; i < 20; i += 1) assert.equal((await ada.ask("history", { room: 1 })).ok, true);
      assert.deepEqual([late.connects.length, late.lines.length], [0, 0]);
      disk.free(64);
      await within(said, PATIENCE_MS, "the ack of somebody who had to wait");
      await within(load.ended, PATIENCE_MS, "the end of all that is sent");
      assert.equal(await healthOf(server, 200, /^ready\n$/u), "ready\n");
      for (const person of [ada, bob]) assert.deepEqual([person.welcomes.length, person.disconnects], [1, 0], "it stayed connected");
      const acked = [...load.acked, "from outside"];
      const log = await readLog(t, server.url, acked.length);
      judge({ log, views: pages.map(({ lines }) => lines), acked, senders: load.senders });
      assert.equal(log.length, acked.length + 1, "nothing stands there twice");
      for (const text of load.acked) await bob.sees(text);
      assert.equal(bob.texts().filter((text) => text === load.acked[0]).length, 1);
      const lines = (await server.log()).split("\n");
      const told = lines.filter((line) => line.includes("nothing is stored"));
      assert.equal(told.length, 1, "one line when it begins");
      const [, free, needed] = /free_bytes=(\d+) needed_bytes=(\d+)/.exec(told[0]) ?? [];
      assert.ok(Number(free) < Number(needed), `it explains itself: ${told[0]}`);
      assert.equal(lines.filter((line) => line.includes("messages are stored again")).length, 1, "one line when it ends");
    });
  }

  test("a server that is killed while its disk is nearly full has everything, and starts as one that can be read", async (t) => {
    const disk = SmallDisk.mount(t, 32);
    const server = await Server.start(t, { data: disk.data });
    const ada = await V1Person.connect(t, server.url, { name: "ada" });
    await ada.say("stored");
    disk.fill(7 * MEGABYTE);
    await healthOf(server, 200, readOnly("low_space"));
    const n = ada.n + 1;
    assert.deepEqual(await ada.ask("say", { n, room: 1, text: "waits" }), FULL);
    await ada.reconnects(async () => {
      await server.kill();
      await server.startAgain();
    });
    assert.equal(ada.welcome.resumed, true);
    await healthOf(server, 200, readOnly("low_space"));
    const { messages } = await ada.ask("history", { room: 1 });
    assert.deepEqual(messages.map(({ text }) => text), ["stored"]);
    disk.free(64);
    await healthOf(server, 200, /^ready\n$/u);
    const answer = await ada.ask("say", { n, room: 1, text: "waits" });
    assert.deepEqual([answer.ok, answer.n, answer.seq], [true, n, 2]);
    assert.equal((await ada.ask("say", { n, room: 1, text: "waits" })).seq, 2, "a repeat is the same message");
  });

  test("a server that is killed on a disk without any space says what to free, and then starts with everything", async (t) => {
    const disk = SmallDisk.mount(t, 32);
    const server = await Server.start(t, { data: disk.data, args: ["--limit", "disk-free=0"] });
    const ada = await V1Person.connect(t, server.url, { name: "ada" });
    disk.fill(4 * MEGABYTE);
    let stored = 0;
    while ((await ada.do("say", { room: 1, text: `${stored} ${"x".repeat(15_000)}` })).ok) stored += 1;
    ada.leave();
    await server.kill();
    disk.fill();
    const start = () => run(["--data", disk.data, "--listen", "127.0.0.1:0"]);
    const full = await start();
    assert.equal(full.code, 1, full.stderr);
    assert.match(full.stderr, /^tidings: the disk of the data folder .* is full, and a start needs \d+ MiB on it .*: make room outside of that folder/);
    disk.free(64);
    disk.remount("ro");
    const kept = await start();
    assert.equal(kept.code, 1, kept.stderr);
    assert.match(kept.stderr, /^tidings: the data folder .* is on a disk that is read-only, and a start has to write: /);
    disk.remount("rw");
    await server.startAgain();
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    const { messages } = await bob.ask("history", { room: 1, limit: 1 });
    assert.equal(messages.at(-1).text.split(" ")[0], `${stored - 1}`);
  });
});

/** Ada and Bob of /v1, and three pages of the tutorial. */
async function arrive(t, server) {
  const people = await Promise.all(["ada", "bob"].map((name) => V1Person.connect(t, server.url, { name })));
  for (const person of people) {
    person.disconnects = 0;
    person.socket.on("disconnect", () => (person.disconnects += 1));
  }
  return [...people, ...(await Person.all(t, server.url, 3, RETRYING))];
}

/** Everything that needs no room works. */
async function reads(t, server, ada, bob) {
  const { ok, messages } = await bob.ask("history", { room: 1, limit: 5 });
  assert.deepEqual([ok, messages.length], [true, 5]);
  ada.socket.emit("typing", { room: 1 });
  await bob.seesEvent("typing", ({ who }) => who.name === "ada");
  // A second device of hers resumes, and somebody new may look around.
  const { token, cursor } = bob;
  const again = await V1Person.connect(t, server.url, { auth: { token, cursor } });
  assert.deepEqual([again.welcome.resumed, again.welcome.user.name], [true, "bob"]);
  const cleo = await V1Person.connect(t, server.url);
  assert.equal((await cleo.ask("history", { room: 1 })).ok, true);
  assert.deepEqual(await cleo.ask("name", { n: 1, name: "cleo" }), FULL);
  assert.deepEqual(await cleo.ask("name", { n: 2, name: "cleo" }), { ok: false, code: "expected", expected: 1 });
  for (const [command, fields] of [["delete", { seq: 1 }], ["edit", { seq: 1, text: "less" }], ["skip", {}], ["set topic", { topic: "full" }]]) {
    const { n } = cleo;
    assert.deepEqual(await cleo.ask(command, { n: n + 1, room: 1, ...fields }), FULL, command);
  }
  assert.deepEqual(await bob.ask("read", { room: 1, seq: 1_000 }), FULL);
}

/** Lines of 16 kB from pages of the tutorial, and from somebody of /v1 who sends again what cannot be stored yet. */
class Load {
  acked = [];
  senders = [];
  isFull = false;
  #watch;

  constructor(t, pages, ada) {
    this.#watch = ada;
    this.ended = Promise.all([...pages.map((page, whose) => this.#ofPage(page, whose)), this.#ofV1(t, ada)]);
  }

  until(condition, what) {
    return this.#watch.until(condition, what);
  }

  async #ofPage(page, whose) {
    const texts = lines(`page ${whose}`, 60);
    this.senders.push(texts);
    for (const [number, text] of texts.entries()) {
      await new Promise((resolve, reject) => {
        page.socket.emit("chat message", text, `page-${whose}-${number}`, (err) => (err ? reject(err) : resolve()));
      });
      this.acked.push(text);
    }
  }

  async #ofV1(t, ada) {
    const texts = lines("ada", 200);
    this.senders.push(texts);
    for (const text of texts) {
      const n = (ada.n += 1);
      for (;;) {
        const answer = await ada.ask("say", { n, room: 1, text });
        if (answer.ok) break;
        assert.deepEqual(answer, FULL);
        this.isFull = true;
        ada.changed();
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      this.acked.push(text);
    }
  }
}

const lines = (who, count) => Array.from({ length: count }, (_, number) => `${who}, line ${number} ${"x".repeat(16_000)}`);
