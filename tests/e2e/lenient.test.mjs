// What clients send that is not quite as the specification has it, and that Node takes.
//
// The Java client is in no registry that the tests can reach, so its bytes on the wire are sent by hand: base64 with a
// line break after 76 characters and at the end, as android.util.Base64 writes it.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { io } from "socket.io-client";
import { Person, TRANSPORTS } from "../harness/client.mjs";
import { startExample } from "../harness/example.mjs";
import { V1Person } from "../harness/person.mjs";
import { Server } from "../harness/server.mjs";
import { within } from "../harness/waiting.mjs";
import { Polling, Wire } from "../harness/wire.mjs";

const SEPARATOR = "\u001e";
const HALF = "cut 😀".slice(0, 5);
const MENDED = "cut \ufffd";

/** Base64 as android.util.Base64.DEFAULT writes it. */
const javaBase64 = (bytes) => bytes.toString("base64").replace(/.{1,76}/g, "$&\n");

test("the Java client sends texts and bytes in one payload and gets every ack", async (t) => {
  const polling = await Polling.open(await startExample(t));
  await polling.join();
  for (const size of [0, 3, 56, 57, 58, 1_000]) {
    const bytes = Buffer.alloc(size, size);
    const packets = [
      `421["echo","before"]`,
      `451-2["echo",{"_placeholder":true,"num":0}]`,
      `b${javaBase64(bytes)}`,
      `423["echo","after"]`,
    ];
    const headers = { "content-type": "text/plain;charset=UTF-8", accept: "*/*" };
    assert.equal((await polling.post(packets.join(SEPARATOR), headers)).text, "ok");
    const received = [];
    while (received.length < 4) received.push(...(await polling.poll()).text.split(SEPARATOR));
    const [before, header, echoed, after] = received;
    assert.deepEqual([before, header, after], [`431["before"]`, `461-2[{"_placeholder":true,"num":0}]`, `433["after"]`]);
    assert.deepEqual(Buffer.from(echoed.slice(1), "base64"), bytes);
  }
});

for (const [way, options] of Object.entries(TRANSPORTS)) {
  test(`half an emoji reaches everybody as U+FFFD ${way}`, async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = [await Person.connect(t, server.url, options), await Person.connect(t, server.url)];
    assert.deepEqual(await ada.say(HALF, "key-1"), []);
    assert.deepEqual(await ada.say("whole 😀", "key-2"), []);
    await ada.sees("whole 😀");
    await bob.sees("whole 😀");
    for (const person of [ada, bob]) assert.deepEqual(person.texts, [MENDED, "whole 😀"]);
    const late = await Person.connect(t, server.url);
    await late.sees(MENDED);
  });
}

test("half an emoji in a message or a name of /v1 is U+FFFD", async (t) => {
  const server = await Server.start(t);
  const [ada, bob] = [await V1Person.connect(t, server.url, { name: "ada" }), await V1Person.connect(t, server.url)];
  assert.equal((await ada.say(HALF)).ok, true);
  assert.equal((await bob.sees(MENDED)).text, MENDED);
});

test("half an emoji in auth is U+FFFD to the program", async (t) => {
  const wire = await Wire.open(t, await startExample(t));
  wire.send(String.raw`40/private,{"token":"\ud83d"}`);
  assert.match(await wire.receives("44/private,"), /wrong_token/, "a string, and not no object");
});

test("a client that disconnects and connects again, twice in one tick, is connected", async (t) => {
  const url = await startExample(t);
  const socket = io(url, { forceNew: true, transports: ["websocket"] });
  t.after(() => socket.disconnect());
  await within(once(socket, "connect"), 20_000, "the connection");
  const other = socket.io.socket("/brief").connect();
  t.after(() => other.disconnect());
  await within(once(other, "connect"), 20_000, "the second namespace");
  let ends = 0;
  other.on("disconnect", () => ends++);
  for (let round = 0; round < 10; round++) {
    const connected = once(socket, "connect");
    socket.disconnect().connect();
    socket.disconnect().connect();
    await within(connected, 20_000, "the connection");
    assert.equal(await socket.timeout(20_000).emitWithAck("echo", round), round);
  }
  assert.equal(ends, 0, "the connection that both share lives");
});
