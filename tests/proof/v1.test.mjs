// Goal: what /v1 promises holds while the server is killed and the links are cut: every command happens once, in the
// order of its device, and whoever resumes from a cursor misses nothing. Method: writers keep an outbox as
// docs/protocol.md says, readers a cursor; kill -9 at moments that the seed draws; the history checker judges the lobby,
// and a private room is compared line by line.
//
// V1_KILL_CYCLES says how often.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { check, demand } from "../harness/checker.mjs";
import { LOBBY, V1Person } from "../harness/person.mjs";
import { Proxy } from "../harness/proxy.mjs";
import { Server } from "../harness/server.mjs";
import { amount, Dice, note, tally } from "./support/scale.mjs";

/** Sends by the rules: what has no answer yet is sent again on every welcome, and from the number that is expected. */
class Writer {
  outbox = new Map();
  answers = new Map();

  constructor(person) {
    this.person = person;
    person.socket.on("welcome", () => this.#transmitFrom(0));
  }

  /** Puts a command into the outbox; its answer comes when it comes. */
  send(event, fields) {
    const n = ++this.person.n;
    this.outbox.set(n, [event, { n, ...fields }]);
    if (this.person.socket.connected) this.#transmit(n);
    return n;
  }

  async settled() {
    await this.person.until(() => this.outbox.size === 0, "the answers to all commands");
  }

  #transmitFrom(first) {
    for (const n of this.outbox.keys()) if (n >= first) this.#transmit(n);
  }

  #transmit(n) {
    this.person.socket.emit(...this.outbox.get(n), (ack) => {
      if (ack.code === "expected") {
        // Those behind it are answered the same; one repeat is enough.
        if (ack.expected !== this.repeated || !this.outbox.has(n)) this.#transmitFrom((this.repeated = ack.expected));
      } else if (this.outbox.delete(n)) {
        this.repeated = undefined;
        this.answers.set(n, ack);
        this.person.changed();
      }
    });
  }
}

/** What a reader saw of the lobby, as the checker reads it. */
function view(person, client) {
  const steps = [];
  let after = 0;
  for (const { event, room, seq, text, resumed, reset } of person.events) {
    if (event === "welcome") steps.push({ connect: { recovered: resumed, after, resync: reset } });
    if (event !== "message" || room !== LOBBY) continue;
    steps.push({ offset: seq, text });
    after = seq;
  }
  return { client, steps };
}

async function wholeHistory(person, room) {
  const rows = [];
  for (let last = false; !last; ) {
    const page = await person.ask("history", { room, after: rows.at(-1)?.seq ?? 0, limit: 100 });
    rows.push(...page.messages);
    ({ last } = page);
  }
  return rows.map(({ seq, text }) => ({ offset: seq, text }));
}

describe("people in /v1 whose server is killed again and again", () => {
  test("have each of their commands carried out once and in order, and miss nothing", async (t) => {
    const dice = Dice.roll(t);
    const cycles = amount("V1_KILL_CYCLES", 8, 200);
    const server = await Server.start(t);
    const proxy = await Proxy.start(t, server.port);
    const url = () => (dice.chance(0.5) ? proxy.url : server.url);
    const people = [];
    for (const name of ["ada", "bob", "cleo", "dora"]) people.push(await V1Person.connect(t, url(), { name }));
    const readers = [await V1Person.connect(t, server.url), await V1Person.connect(t, proxy.url)];
    const [host] = people;
    const { room } = await host.must("create", { kind: "private", name: "Plans" });
    for (const person of people.slice(1)) await host.must("add", { room, user: person.user });
    const writers = people.map((person) => new Writer(person));
    const sent = [];
    let count = 0;

    const write = () => {
      const writer = dice.pick(writers);
      const sender = writer.person.welcomes[0].user.user;
      const text = `line ${count++}`;
      const where = dice.chance(0.7) ? LOBBY : room;
      const n = writer.send("say", { room: where, text });
      sent.push({ sender, key: `${sender} ${n}`, text, where, writer, n });
      if (dice.chance(0.1)) writer.send("say", { room: 4_000, text: "nowhere" });
      if (dice.chance(0.05)) writer.send("skip", {});
    };
    for (let cycle = 0; cycle < cycles; cycle += 1) {
      const [reader] = readers;
      const wanted = reader.texts().length + dice.between(1, 40);
      for (let line = 0; line < 120; line += 1) write();
      if (dice.chance(0.4)) proxy.cut();
      await reader.until(() => reader.texts().length >= wanted, "some of the lines");
      await server.kill();
      await server.startAgain();
    }
    for (const writer of writers) await writer.settled();
    // Read before the marks that follow, so it ends where the writers did.
    const late = await V1Person.connect(t, server.url);
    const log = await wholeHistory(late, LOBBY);
    for (const person of [...people, ...readers]) {
      await person.until(() => person.socket.connected, "the last connect");
      await person.caughtUp(person === host ? people[1] : host);
    }

    const inLobby = sent.filter(({ where }) => where === LOBBY);
    const views = readers.map((reader, index) => {
      const { client, steps } = view(reader, `reader ${index}`);
      return { client, steps: steps.filter((step) => step.connect !== undefined || step.offset <= log.length) };
    });
    const history = { log, sent: inLobby, acked: inLobby.filter(({ writer, n }) => writer.answers.get(n)?.ok), views };
    const verdict = demand(check(history), "the history of the lobby");
    assert.equal(history.acked.length, inLobby.length, "nothing was refused");

    const inRoom = sent.filter(({ where }) => where === room);
    const plans = await wholeHistory(people[1], room);
    assert.deepEqual(plans.map(({ text }) => text).sort(), inRoom.map(({ text }) => text).sort(), "once each");
    for (const person of people) {
      // One's own lines are known by their acks, the others' by events: both together are all of it, once.
      const own = inRoom.filter(({ writer }) => writer.person === person).map(({ writer, n }) => writer.answers.get(n).seq);
      const seen = new Set(person.of("message").filter((entry) => entry.room === room).map(({ seq }) => seq));
      assert.deepEqual([...new Set([...own, ...seen])].sort((one, other) => one - other), plans.map(({ offset }) => offset));
    }
    note(t, "v1", { seed: dice.seed, kills: cycles, lines: sent.length, checks: tally(verdict) });
  });
});
