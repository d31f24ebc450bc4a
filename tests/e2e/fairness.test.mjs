// One person who asks for as much as possible, on many sockets, beside people who ask for little.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LOBBY, otherDevice, V1Person } from "../harness/person.mjs";
import { Server } from "../harness/server.mjs";

/** The server looks at so many messages of a room when it counts the unread ones, at most. */
const LOOKS_MAX = 1_000;
const ROOMS = 3;

/** A person with rooms full of their own messages: counting the unread ones among them is the dearest request. */
async function mallory(t, server) {
  const person = await V1Person.connect(t, server.url, { name: "mallory" });
  const rooms = [];
  for (let number = 1; number <= ROOMS; number += 1) {
    const { room } = await person.must("create", { kind: "private", name: `Hoard ${number}` });
    await Promise.all(Array.from({ length: LOOKS_MAX }, () => person.say("mine", room)));
    rooms.push(room);
  }
  return { person, ask: { rooms } };
}

async function sockets(t, server, person, count) {
  return Promise.all(Array.from({ length: count }, () => otherDevice(t, server.url, person)));
}

describe("one person's requests", () => {
  test("on 32 sockets keep nobody else's answers waiting", async (t) => {
    const server = await Server.start(t, { args: ["--limit", "connections-per-person=100"] });
    const ada = await V1Person.connect(t, server.url, { name: "ada" });
    for (let line = 0; line < 60; line += 1) await ada.say(`line ${line}`);
    const { person, ask } = await mallory(t, server);
    const hostile = await sockets(t, server, person, 32);
    const timed = async () => {
      const start = performance.now();
      const answer = await ada.ask("history", { room: LOBBY });
      assert.equal(answer.ok, true, JSON.stringify(answer));
      return performance.now() - start;
    };
    const median = (times) => times.toSorted((one, other) => one - other)[Math.floor(times.length / 2)];
    const alone = [];
    for (let round = 0; round < 15; round += 1) alone.push(await timed());

    let counted = 0;
    let goesOn = true;
    const attack = hostile.map(async (socket) => {
      while (goesOn) {
        const answer = await socket.ask("unread", ask);
        counted += answer.ok ? 1 : 0;
        // It is counted in several steps.
        if (answer.ok) assert.deepEqual(Object.keys(answer.unread).map(Number), ask.rooms);
        // What is over the bound is refused at once, and asked again.
        if (!answer.ok) await new Promise((resolve) => setImmediate(resolve));
      }
    });
    // The queue is full when the first answers come.
    while (counted < 8) await new Promise((resolve) => setImmediate(resolve));
    const beside = [];
    const before = [];
    for (let round = 0; round < 15; round += 1) {
      const counts = counted;
      beside.push(await timed());
      before.push(counted - counts);
    }
    goesOn = false;
    await Promise.all(attack);
    t.diagnostic(`alone ${median(alone).toFixed(1)} ms, beside ${median(beside).toFixed(1)} ms; ${before} hostile answers came first`);
    assert.ok(median(before) <= 4, `${before} of 32 hostile requests were answered before one of somebody else`);
  });

  test("are bounded over all their sockets, and nobody else is told busy", async (t) => {
    const server = await Server.start(t);
    const ada = await V1Person.connect(t, server.url, { name: "ada" });
    const { person, ask } = await mallory(t, server);
    const hostile = await sockets(t, server, person, 4);
    const flood = hostile.flatMap((socket) => Array.from({ length: 16 }, () => socket.ask("unread", ask)));
    const polite = Array.from({ length: 16 }, () => ada.ask("history", { room: LOBBY }));
    for (const answer of await Promise.all(polite)) assert.equal(answer.ok, true, JSON.stringify(answer));
    const answers = await Promise.all(flood);
    const busy = answers.filter(({ code }) => code === "busy").length;
    // 32 may be open at once, and some are answered before others come.
    assert.ok(busy > 0 && busy <= 32, `${busy} of ${answers.length} were refused`);
  });

  test("are dropped when their socket is gone", async (t) => {
    const server = await Server.start(t);
    const { person, ask } = await mallory(t, server);
    const gone = await sockets(t, server, person, 2);
    for (const socket of gone) {
      for (let request = 0; request < 16; request += 1) socket.socket.emit("unread", ask, () => undefined);
      // An answer to something else: what was sent before it has arrived.
      await socket.do("name", { name: "mallory" });
      socket.leave();
    }
    const next = await otherDevice(t, server.url, person);
    const answers = await Promise.all(Array.from({ length: 16 }, () => next.ask("history", { room: LOBBY, limit: 1 })));
    for (const answer of answers) assert.equal(answer.ok, true, JSON.stringify(answer));
  });
});
