// The answers of /v1 look like their examples, and whatever is sent to it costs nobody else anything.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { LOBBY, newDevice, otherDevice, V1Person } from "../harness/person.mjs";
import { Server } from "../harness/server.mjs";

const EXAMPLES = new URL("../../docs/protocol/", import.meta.url);

function examples() {
  return readdirSync(EXAMPLES).map((file) => ({
    name: file.replace(".json", ""),
    ...JSON.parse(readFileSync(new URL(file, EXAMPLES), "utf8")),
  }));
}

/** The fields of an object and the types of their values, all the way down; an array is what its first element is. */
function shape(value) {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shape(value[0])];
  if (typeof value !== "object" || value === null) return value === null ? "null" : typeof value;
  const fields = Object.entries(value).map(([name, field]) => [/^\d+$/.test(name) ? "(room)" : name, shape(field)]);
  return Object.fromEntries(fields.sort(([one], [other]) => one.localeCompare(other)));
}

describe("every example", () => {
  test("of a request has the shape of the answer that the server gives", async (t) => {
    const server = await Server.start(t);
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    const ada = await V1Person.connect(t, server.url, { name: "ada" });
    await bob.say("hi");
    await ada.say("hello");
    await ada.must("edit", { room: LOBBY, seq: 2, text: "hello, all" });
    const { code: link } = await ada.ask("link", {});
    const { room } = await ada.must("create", { kind: "public", name: "recipes" });
    const { code: invite } = await ada.ask("invite", { room });
    await ada.must("rename", { room, name: "baking" });
    await ada.must("set topic", { room, topic: "bread only" });
    await bob.must("join", { room });
    await bob.must("leave", { room });
    const { seq } = await ada.must("say", { room, text: "too much salt" });
    await ada.must("delete", { room, seq });
    const asked = {
      history: { room: LOBBY, limit: 1, before: 2 },
      "history-around": { room, around: seq },
      changes: { room, after: 2, limit: 1 },
      rooms: { after: LOBBY, limit: 1 },
      members: { room },
      who: {},
      unread: { rooms: [LOBBY] },
      invite: { room },
      link: {},
      "sign-ins": {},
      "code-link": { code: link },
      "code-invite": { code: invite },
      "code-setup": { code: /#setup=(\S+)/.exec(server.output.stdout)[1] },
      "code-bad": { code: "0000-0000-0000-0000" },
      read: { room: LOBBY, seq: 1 },
    };
    // The Rust tests encode the answers to commands; only these are numbered.
    for (const { name, event, ack } of examples().filter(({ args: [fields], ack }) => ack && !("n" in fields))) {
      assert.ok(name in asked, `nobody asks what docs/protocol/${name}.json is an example of: add it to \`asked\``);
      const answer = await ada.ask(event, asked[name]);
      assert.deepEqual(shape(answer), shape(ack[0]), name);
    }
  });

  test("of a welcome has the shape of the one that is sent", async (t) => {
    const server = await Server.start(t);
    const ada = await V1Person.connect(t, server.url);
    const byName = Object.fromEntries(examples().map((example) => [example.name, example]));
    assert.deepEqual(shape(ada.welcome), shape(byName["welcome-new"].args[0]));
    await ada.must("name", { name: "ada" });
    const again = await otherDevice(t, server.url, ada);
    const { rooms, ...rest } = byName.welcome.args[0];
    assert.deepEqual(shape(again.welcome), shape({ ...rest, rooms: rooms.slice(0, 1) }));
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    await ada.must("create", { kind: "private", name: "plans" });
    await ada.must("direct", { with: [bob.user] });
    const third = await otherDevice(t, server.url, ada);
    assert.deepEqual(third.welcome.rooms.map(shape), rooms.map(shape));
  });

  test("of an event that is not stored has the shape of the one that is sent", async (t) => {
    const server = await Server.start(t);
    const ada = await V1Person.connect(t, server.url, { name: "ada" });
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    const phone = await otherDevice(t, server.url, ada);
    await bob.say("hello");
    bob.socket.emit("typing", { room: LOBBY });
    bob.socket.emit("typing stopped", { room: LOBBY });
    await phone.ask("read", { room: LOBBY, seq: 1 });
    const seen = { typing: await ada.seesEvent("typing"), "typing-stopped": await ada.seesEvent("typing stopped"), "read-moved": await ada.seesEvent("read") };
    seen.presence = await ada.seesEvent("presence", ({ online }) => online.some(({ name }) => name === "bob"));
    for (const { name, args } of examples().filter(({ name }) => name in seen)) {
      const { event, ...fields } = seen[name];
      // Nobody has left, and the shape of an empty list is nothing.
      const expected = name === "presence" ? { ...args[0], offline: [] } : args[0];
      assert.deepEqual(shape(fields), shape(expected), `${event}`);
    }
  });
});

describe("malformed input", () => {
  const BAD = [null, true, -1, 1.5, 2 ** 60, "", "x".repeat(5_000), [], {}, [[[[]]]], { room: { room: 1 } }];

  test("of every event is answered, uses up nothing, and costs nobody else anything", async (t) => {
    const server = await Server.start(t);
    const ada = await V1Person.connect(t, server.url, { name: "ada" });
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    const mallory = await V1Person.connect(t, server.url, { name: "mallory" });
    const up = examples().filter(({ direction, event }) => direction === "up" && event !== "connect");
    const events = [...new Set(up.map(({ event }) => event))];
    for (const event of events) {
      for (const argument of BAD) {
        const answer = await mallory.ask(event, argument);
        // Requests without fields take anything that is an object; "link" and "who" are such.
        assert.equal(typeof answer.ok, "boolean", `${event} ${JSON.stringify(argument)?.slice(0, 40)}`);
        if (!answer.ok) assert.equal(answer.code, "invalid", event);
      }
      mallory.socket.emit(event);
      mallory.socket.emit(event, Buffer.from([1, 2, 3]));
    }
    assert.equal((await mallory.do("say", { room: LOBBY, text: "still here" })).n, 2);
    await bob.sees("still here");
    await ada.say("so are we");
    await bob.sees("so are we");
    assert.deepEqual([ada.welcomes.length, bob.welcomes.length], [1, 1], "nobody was cut off");
  });

  test("of every field is answered the same", async (t) => {
    const server = await Server.start(t);
    const mallory = await V1Person.connect(t, server.url, { name: "mallory" });
    const up = examples().filter(({ direction, event, ack }) => direction === "up" && event !== "connect" && ack);
    const wrong = [null, true, -1, 1.5, 2 ** 60, {}, [[]]];
    for (const { name, event, args } of up) {
      for (const field of Object.keys(args[0])) {
        for (const value of wrong) {
          const answer = await mallory.ask(event, { ...args[0], n: 77, [field]: value });
          const told = `${name}: ${field} = ${JSON.stringify(value)}: ${JSON.stringify(answer)}`;
          // What is null is as if it were not there, and some fields need not be.
          if (value !== null) assert.ok(answer.ok === false && answer.code === "invalid", told);
        }
      }
    }
  });

  test("in a flood from one connection leaves the others their answers", async (t) => {
    const server = await Server.start(t);
    const ada = await V1Person.connect(t, server.url, { name: "ada" });
    const mallory = await V1Person.connect(t, server.url, { name: "mallory", device: newDevice() });
    await ada.say("hello");
    const flood = Array.from({ length: 2_000 }, () => mallory.ask("history", { room: LOBBY }));
    assert.equal((await ada.ask("history", { room: LOBBY })).ok, true);
    await ada.say("in between");
    const answers = await Promise.all(flood);
    const busy = answers.filter(({ ok, code }) => !ok && code === "busy");
    assert.ok(busy.length > 0 && busy.length < answers.length, `${busy.length} of ${answers.length}`);
    assert.equal((await mallory.ask("history", { room: LOBBY })).ok, true);
  });

  test("without an end from one connection is slowed down, and nobody else's messages are", async (t) => {
    const server = await Server.start(t, { args: ["--limit-loopback", "--limit=commands-per-guest=0"] });
    const ada = await V1Person.connect(t, server.url, { name: "ada" });
    const mallory = await V1Person.connect(t, server.url, { name: "mallory" });
    const { room } = await mallory.must("create", { kind: "private", name: "Noise" });
    let answered = 0;
    const flood = Array.from({ length: 5_000 }, () => mallory.do("say", { room, text: "noise" }).then(() => (answered += 1)));
    // Whoever waits behind the flood waits for all of it with the first line.
    for (let line = 0; line < 5; line += 1) await ada.say(`line ${line}`);
    assert.ok(answered < 4_500, `${answered} of the flood were answered before 5 of somebody else's`);
    await Promise.all(flood);
    const { seq } = await ada.say("and all of it was stored");
    assert.equal(seq, 6);
    assert.equal((await mallory.ask("history", { room, limit: 1 })).seq, 5_000);
  });
});
