// Saying, editing and deleting in /v1; numbers and their answers; both kinds of client in one lobby.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Person } from "../harness/client.mjs";
import { LOBBY, newDevice, otherDevice, V1Person } from "../harness/person.mjs";
import { run, Server } from "../harness/server.mjs";

async function two(t, url) {
  return [await V1Person.connect(t, url, { name: "ada" }), await V1Person.connect(t, url, { name: "bob" })];
}

describe("a message", () => {
  test("reaches everybody once, the sender by its ack alone and the sender's other devices as an event", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await two(t, server.url);
    const phone = await otherDevice(t, server.url, ada);
    const ack = await ada.say("hello");
    assert.deepEqual(Object.keys(ack).sort(), ["at", "cursor", "n", "ok", "rev", "room", "seq"]);
    for (const other of [bob, phone]) {
      const message = await other.sees("hello");
      assert.deepEqual(message, {
        event: "message",
        cursor: ack.cursor,
        room: LOBBY,
        seq: ack.seq,
        rev: ack.rev,
        at: ack.at,
        from: { user: ada.user, name: "ada" },
        text: "hello",
        device: ada.device,
        n: ack.n,
      });
    }
    await ada.caughtUp(bob);
    assert.deepEqual(ada.texts().filter((text) => text === "hello"), []);
    await phone.say("from the phone");
    await ada.sees("from the phone");
    await phone.caughtUp(bob);
    assert.equal(phone.texts().includes("from the phone"), false);
  });

  test("without an ack comes to its sender as an event", async (t) => {
    const server = await Server.start(t);
    const [ada] = await two(t, server.url);
    ada.socket.emit("say", { n: ++ada.n, room: LOBBY, text: "to whom it may concern" });
    await ada.sees("to whom it may concern");
  });

  test("may be pipelined by the hundred and stays in order", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await two(t, server.url);
    const texts = Array.from({ length: 300 }, (_, index) => `line ${index}`);
    const acks = await Promise.all(texts.map((text) => ada.say(text)));
    assert.deepEqual(acks.map(({ seq }) => seq), texts.map((_, index) => acks[0].seq + index));
    await bob.sees("line 299");
    assert.deepEqual(bob.texts(), texts);
  });

  test("and the acks of one's own arrive in the order of the log, so a client can show them as they come", async (t) => {
    const server = await Server.start(t);
    const people = await two(t, server.url);
    const orders = people.map((person) => {
      const order = [];
      const arrives = ({ seq }) => {
        order.push(seq);
        person.emit("changed");
      };
      person.socket.on("message", arrives);
      for (let index = 0; index < 200; index += 1) {
        person.socket.emit("say", { n: ++person.n, room: LOBBY, text: `${index}` }, arrives);
      }
      return order;
    });
    for (const [index, person] of people.entries()) {
      await person.until(() => orders[index].length === 400, "every message and every ack");
      assert.deepEqual(orders[index], Array.from({ length: 400 }, (_, before) => before + 1));
    }
  });

  test("is edited by its author alone, and everybody gets the new text", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await two(t, server.url);
    const { seq } = await ada.say("helo");
    assert.equal((await bob.do("edit", { room: LOBBY, seq, text: "mine" })).code, "forbidden");
    const ack = await ada.must("edit", { room: LOBBY, seq, text: "hello" });
    const edited = await bob.seesEvent("edited");
    assert.deepEqual([edited.seq, edited.text, edited.rev, edited.from.name], [seq, "hello", ack.rev, "ada"]);
    const { messages } = await bob.ask("history", { room: LOBBY });
    assert.deepEqual(messages.map(({ text, edited }) => [text, edited]), [["hello", true]]);
    for (const [fields, code] of [
      [{ seq: 99, text: "?" }, "not_found"],
      [{ seq, text: "" }, "empty"],
      [{ seq, text: "x".repeat(20_000) }, "too_large"],
    ]) {
      assert.equal((await ada.do("edit", { room: LOBBY, ...fields })).code, code);
    }
  });

  test("that is deleted is gone everywhere: in the history, for who comes late, and for the tutorial's clients", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await two(t, server.url);
    const cursor = bob.cursor;
    const { seq, n } = await ada.say("the secret is a squid");
    await ada.must("edit", { room: LOBBY, seq, text: "the secret is two squids" });
    await ada.say("something else");
    await bob.sees("something else");
    assert.equal((await bob.do("delete", { room: LOBBY, seq })).code, "forbidden");
    await ada.must("delete", { room: LOBBY, seq });
    const deleted = await bob.seesEvent("deleted");
    assert.deepEqual([deleted.seq, deleted.from.name], [seq, "ada"]);
    assert.equal((await ada.do("edit", { room: LOBBY, seq, text: "again" })).code, "not_found");
    // From the ring, and after a restart from the disk.
    for (let round = 0; round < 2; round += 1) {
      const late = await otherDevice(t, server.url, bob, { auth: { cursor } });
      await late.seesEvent("deleted");
      const message = late.of("message").find((entry) => entry.seq === seq);
      assert.deepEqual([message.text, message.deleted, message.device, message.n], ["", true, ada.device, n]);
      const { messages } = await late.ask("history", { room: LOBBY });
      const { entries } = await late.ask("changes", { room: LOBBY, after: 0 });
      const tutorial = await Person.connect(t, server.url);
      await tutorial.sees("something else");
      assert.equal(JSON.stringify([late.events, messages, entries, tutorial.lines]).includes("squid"), false);
      assert.deepEqual(messages.map((row) => row.text), ["", "something else"]);
      assert.deepEqual(entries.map(({ event }) => event), ["message", "edited", "message", "deleted"]);
      assert.deepEqual(tutorial.texts, ["something else"]);
      await ada.reconnects(() => server.restart());
    }
  });

  test("and a tutorial's line meet in the lobby", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await two(t, server.url);
    const tutorial = await Person.connect(t, server.url);
    await ada.say("from /v1");
    await tutorial.sees("from /v1");
    await tutorial.say("from the tutorial", "key-0");
    const message = await bob.sees("from the tutorial");
    assert.deepEqual(Object.keys(message.from), ["guest"]);
    assert.match(message.from.guest, /^[0-9a-f]{4}$/);
    assert.equal(message.device, undefined);
    const { room } = await ada.must("create", { kind: "public", name: "Bread" });
    await ada.say("not in the lobby", room);
    await ada.say("again in the lobby");
    await tutorial.sees("again in the lobby");
    assert.deepEqual(tutorial.texts, ["from /v1", "from the tutorial", "again in the lobby"]);
    assert.deepEqual(tutorial.offsets, [1, 2, 3]);
  });
});

test("both namespaces may share one connection", async (t) => {
  const server = await Server.start(t);
  const ada = await V1Person.connect(t, server.url, { name: "ada" });
  const tutorial = ada.socket.io.socket("/", { auth: { serverOffset: 0 } });
  t.after(() => tutorial.disconnect());
  const line = new Promise((resolve) => tutorial.once("chat message", (...args) => resolve(args)));
  await ada.say("hello");
  const [text, offset, trailing] = await line;
  assert.deepEqual([text, offset, typeof trailing], ["hello", 1, "string"]);
  await new Promise((resolve) => tutorial.emit("chat message", "hello yourself", resolve));
  await ada.sees("hello yourself");
  assert.notEqual(tutorial.id, ada.socket.id);
});

describe("a number", () => {
  test("has one answer for ever, also after a restart and after kill -9", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await two(t, server.url);
    const said = await ada.say("once");
    const refused = await ada.do("say", { room: 999, text: "nowhere" });
    assert.deepEqual(refused, { ok: false, n: refused.n, code: "not_found" });
    const repeat = async () => {
      assert.deepEqual(await ada.ask("say", { n: said.n, room: LOBBY, text: "once" }), said);
      assert.deepEqual(await ada.ask("say", { n: refused.n, room: 999, text: "nowhere" }), refused);
    };
    await repeat();
    const together = (action) => bob.reconnects(() => ada.reconnects(action));
    await together(() => server.restart());
    // The cursor of the answer is stamped by the life of the server that gives it.
    const again = await ada.ask("say", { n: said.n, room: LOBBY, text: "once" });
    assert.deepEqual({ ...again, cursor: said.cursor }, said);
    await together(async () => {
      await server.kill();
      await server.startAgain();
    });
    assert.deepEqual(await ada.ask("say", { n: refused.n, room: 999, text: "nowhere" }), refused);
    await ada.say("twice");
    await bob.sees("twice");
    assert.deepEqual(bob.texts().filter((text) => text === "once").length, 1);
  });

  test("that was refused among many stays refused as it was, after kill -9, and means nothing else", async (t) => {
    const server = await Server.start(t);
    const ada = await V1Person.connect(t, server.url, { name: "ada" });
    const commands = Array.from({ length: 250 }, (_, index) => [
      ["say", { room: 999, text: `nowhere ${index}` }],
      ["say", { room: LOBBY, text: "" }],
      ["skip", {}],
      ["join", { room: LOBBY }],
      ["name", { name: "admin" }],
    ][index % 5]);
    const first = ada.n + 1;
    const acks = await Promise.all(commands.map(([event, fields]) => ada.do(event, fields)));
    const kinds = new Set(acks.map(({ code, skipped }) => code ?? (skipped ? "skipped" : "nothing")));
    assert.deepEqual([...kinds].sort(), ["empty", "name_reserved", "not_found", "nothing", "skipped"]);
    await ada.reconnects(async () => {
      await server.kill();
      await server.startAgain();
    });
    const repeats = commands.map(([event, fields], index) => ada.ask(event, { n: first + index, ...fields }));
    assert.deepEqual(await Promise.all(repeats), acks);
    for (const index of [0, 1, 3, 4, 201, 248]) {
      const other = await ada.ask("say", { n: first + index, room: LOBBY, text: "something else" });
      assert.deepEqual(other, { ok: false, n: first + index, code: "conflict" });
    }
    await ada.say("at last");
    ada.leave();
    await server.stop();
    const { code, stdout } = await run(["verify", "--data", server.data]);
    assert.deepEqual([code, /commands without effect +(\d+)/.exec(stdout)?.[1]], [0, "250"], stdout);
  });

  test("out of turn is answered with the one that is due, and nothing is stored", async (t) => {
    const server = await Server.start(t);
    const ada = await V1Person.connect(t, server.url);
    const say = (n, text) => ada.ask("say", { n, room: LOBBY, text });
    assert.deepEqual(await say(2, "two"), { ok: false, code: "expected", expected: 1 });
    assert.equal((await say(1, "one")).ok, true);
    assert.deepEqual(await say(3, "three"), { ok: false, code: "expected", expected: 2 });
    assert.equal((await say(2, "two")).ok, true);
    const { messages } = await ada.ask("history", { room: LOBBY });
    assert.deepEqual(messages.map(({ text }) => text), ["one", "two"]);
  });

  test("used for something else is a conflict, and is not stored", async (t) => {
    const server = await Server.start(t);
    const ada = await V1Person.connect(t, server.url);
    await ada.say("one");
    assert.deepEqual(await ada.ask("say", { n: 1, room: LOBBY, text: "other" }), { ok: false, n: 1, code: "conflict" });
    assert.deepEqual(await ada.ask("leave", { n: 1, room: 2 }), { ok: false, n: 1, code: "conflict" });
    const { messages } = await ada.ask("history", { room: LOBBY });
    assert.deepEqual(messages.map(({ text }) => text), ["one"]);
  });

  test("is skipped when its command is taken back, unless it was carried out", async (t) => {
    const server = await Server.start(t);
    const ada = await V1Person.connect(t, server.url);
    assert.deepEqual(await ada.do("skip"), { ok: true, n: 1, skipped: true });
    assert.deepEqual(await ada.ask("skip", { n: 1 }), { ok: true, n: 1, skipped: true });
    assert.deepEqual((await ada.ask("say", { n: 1, room: LOBBY, text: "late" })).code, "conflict");
    const said = await ada.say("two");
    const { rev, room } = await ada.ask("skip", { n: said.n });
    assert.deepEqual([rev, room], [said.rev, said.room]);
  });

  test("counts for its device and its person alone", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await two(t, server.url);
    const phone = await otherDevice(t, server.url, ada);
    assert.equal((await phone.say("first of the phone")).n, 1);
    // Bob uses ada's device id: it is another device, since it is another person's.
    const thief = await V1Person.connect(t, server.url, { device: ada.device, auth: { token: bob.token } });
    assert.equal((await thief.say("first of the thief")).n, 1);
    assert.equal((await ada.say("second of ada")).n, 2);
  });

  test("needs a device", async (t) => {
    const server = await Server.start(t);
    const ada = await V1Person.connect(t, server.url, { device: null });
    assert.deepEqual(await ada.do("say", { room: LOBBY, text: "?" }), { ok: false, code: "no_device" });
    assert.equal((await ada.ask("history", { room: LOBBY })).ok, true, "reading does not");
  });

  test("of two connections of one device is one row of numbers", async (t) => {
    const server = await Server.start(t);
    const device = newDevice();
    const tab = await V1Person.connect(t, server.url, { device });
    const other = await V1Person.connect(t, server.url, { device, auth: { token: tab.token } });
    const first = await tab.say("one");
    assert.deepEqual(await other.ask("say", { n: 1, room: LOBBY, text: "one" }), first);
    assert.equal((await other.ask("say", { n: 2, room: LOBBY, text: "two" })).ok, true);
    await tab.sees("two");
  });
});
