// The engine under the official client, without chat: events of every shape, acks both ways, binary, rooms, broadcast,
// middleware, recovery, on each transport.

import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { io } from "socket.io-client";
import { startExample } from "../harness/example.mjs";
import { TRANSPORTS } from "../harness/client.mjs";
import { within } from "../harness/waiting.mjs";

const DEADLINE_MS = 20_000;
const BYTES = Buffer.from([0, 1, 2, 0xff, 0x1e]);

/** A client that has joined. */
async function join(t, url, options = {}) {
  const socket = io(url, { forceNew: true, reconnectionDelay: 20, reconnectionDelayMax: 100, ...options });
  t.after(() => socket.disconnect());
  await within(once(socket, "connect"), DEADLINE_MS, "the connection");
  return socket;
}

const next = (socket, event) => within(once(socket, event), DEADLINE_MS, `the event ${event}`);
const call = (socket, ...args) => socket.timeout(DEADLINE_MS).emitWithAck(...args);

for (const [way, options] of Object.entries(TRANSPORTS)) {
  describe(`a client that connects ${way}`, () => {
    test("gets its arguments back in an ack, whatever they are", async (t) => {
      const socket = await join(t, await startExample(t), options);
      for (const value of ["text", "", 0, -1.5, true, null, [], [[1, [2]]], {}, { a: { b: [null] } }, "\u2028 \u0000 👩‍👩‍👧"]) {
        assert.deepEqual(await call(socket, "echo", value), value);
      }
      const several = await new Promise((resolve) => socket.emit("echo", 1, "two", { three: 3 }, (...args) => resolve(args)));
      assert.deepEqual(several, [1, "two", { three: 3 }]);
    });

    test("sends and gets binary in any position", async (t) => {
      const socket = await join(t, await startExample(t), options);
      assert.deepEqual(await call(socket, "echo", BYTES), BYTES);
      const mixed = { list: [BYTES, "text", { deep: Buffer.alloc(70_000, 7) }], number: 1 };
      assert.deepEqual(await call(socket, "echo", mixed), mixed);
      const event = next(socket, "echo-event");
      socket.emit("echo-event", "before", BYTES, { after: Buffer.alloc(0) });
      const [before, bytes, after] = await event;
      assert.deepEqual([before, bytes, after], ["before", BYTES, { after: Buffer.alloc(0) }]);
    });

    test("answers what the server asks", async (t) => {
      const socket = await join(t, await startExample(t), options);
      socket.on("question", (question, answer) => answer(`${question} fine`, BYTES));
      const answered = next(socket, "answered");
      socket.emit("ask-me");
      const [text, bytes] = await answered;
      assert.deepEqual([text, bytes], ["how are you? fine", BYTES]);
    });

    test("hears what is said to others and to its rooms, and not what it says itself", async (t) => {
      const url = await startExample(t);
      const [ada, bob, cleo] = [await join(t, url, options), await join(t, url), await join(t, url, options)];
      const heard = [];
      for (const [name, socket] of Object.entries({ ada, bob, cleo })) {
        socket.on("broadcast", (text) => heard.push(`${name} ${text}`));
        socket.on("to-room", (text) => heard.push(`${name} ${text}`));
      }
      await call(bob, "join", "garden");
      const hello = Promise.all([next(bob, "broadcast"), next(cleo, "broadcast")]);
      await call(ada, "broadcast", "hello", BYTES);
      assert.deepEqual((await hello)[1][1], BYTES);
      const roses = next(bob, "to-room");
      await call(ada, "to-room", "garden", "roses");
      await roses;
      await call(bob, "leave", "garden");
      await call(ada, "to-room", "garden", "nobody");
      const end = Promise.all([next(bob, "broadcast"), next(cleo, "broadcast")]);
      await call(ada, "broadcast", "end");
      await end;
      assert.deepEqual(heard.sort(), ["bob end", "bob hello", "bob roses", "cleo end", "cleo hello"]);
    });

    test("comes back after its connection broke, with what it missed", async (t) => {
      const url = await startExample(t);
      const [ada, bob] = [await join(t, url, options), await join(t, url)];
      const { id } = ada;
      await call(ada, "join", "garden");
      const heard = [];
      const both = new Promise((resolve) => {
        ada.on("to-room", (text) => {
          heard.push(text);
          if (heard.length === 2) resolve();
        });
      });
      const broken = once(ada, "disconnect");
      const again = once(ada, "connect");
      ada.io.engine.close();
      await broken;
      await call(bob, "to-room", "garden", "missed");
      await within(again, DEADLINE_MS, "the connection");
      assert.deepEqual([ada.recovered, ada.id], [true, id]);
      await call(bob, "to-room", "garden", "live");
      await within(both, DEADLINE_MS, "both events");
      assert.deepEqual(heard, ["missed", "live"]);
    });

    test("is let into a namespace by its middleware, or told why not", async (t) => {
      const url = await startExample(t);
      const refused = io(`${url}/private`, { forceNew: true, ...options, auth: { token: "wrong" } });
      t.after(() => refused.disconnect());
      const [error] = await next(refused, "connect_error");
      assert.deepEqual([error.message, error.data], ["not authorized", { code: "wrong_token" }]);
      const let_in = await join(t, `${url}/private`, { ...options, auth: { token: "secret" } });
      assert.equal(await call(let_in, "echo", "in"), "in");
      const nowhere = io(`${url}/nowhere`, { forceNew: true, ...options });
      t.after(() => nowhere.disconnect());
      assert.equal((await next(nowhere, "connect_error"))[0].message, "Invalid namespace");
    });
  });
}
