// Crowds of connections that send nothing, or half of something: the server lives, and polite people notice nothing.

import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { describe, test } from "node:test";
import { Person } from "../harness/client.mjs";
import { Server } from "../harness/server.mjs";
import { within } from "../harness/waiting.mjs";

const HANDSHAKE = [
  "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1",
  "Host: 127.0.0.1",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "",
  "",
].join("\r\n");

/** Sockets that are closed when the test is over. */
async function connections(test, server, count) {
  const sockets = Array.from({ length: count }, () => net.connect(server.port, "127.0.0.1").on("error", () => {}));
  test.after(() => sockets.forEach((socket) => socket.destroy()));
  await Promise.all(sockets.map((socket) => socket.readyState === "open" || once(socket, "connect")));
  return sockets;
}

function frame(text) {
  assert.ok(text.length < 126);
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
}

/** Reads until a text has come, or the end. */
function reads(socket, text) {
  return within(
    new Promise((resolve) => {
      let seen = "";
      socket.on("data", (data) => (seen += data.toString("latin1")).includes(text) && resolve());
      socket.on("close", resolve);
    }),
    20_000,
    text,
  );
}

/** The first bytes of a message of almost a megabyte, `length` of them. */
function almost(length) {
  const head = Buffer.alloc(14);
  head.set([0x81, 0xff]);
  head.writeBigUInt64BE(990_000n, 2);
  return Buffer.concat([head, Buffer.alloc(length, "4")]);
}

/** WebSockets that have joined namespace `/`. */
async function members(test, server, count) {
  const sockets = await connections(test, server, count);
  const joined = sockets.map(async (socket) => {
    const opened = reads(socket, "pingInterval");
    socket.write(HANDSHAKE);
    await opened;
    const answered = reads(socket, "40{");
    socket.write(frame('40{"serverOffset":0}'));
    await answered;
  });
  await Promise.all(joined);
  return sockets;
}

/** One more member; false if there is no room for one. */
async function isTaken(test, server) {
  const [socket] = await connections(test, server, 1);
  let seen = "";
  socket.on("data", (data) => (seen += data.toString("latin1")));
  const answered = Promise.race([reads(socket, "pingInterval"), reads(socket, " 503 ")]);
  socket.write(HANDSHAKE);
  await answered;
  if (!seen.includes("pingInterval")) return false;
  const joined = reads(socket, "40{");
  socket.write(frame('40{"serverOffset":0}'));
  await joined;
  return true;
}

async function health(server) {
  const answer = await fetch(`${server.url}/health`, { headers: { connection: "close" } });
  return { status: answer.status, text: await answer.text() };
}

describe("a server with 256 descriptors", () => {
  test("serves polite people beside 600 silent connections", async (t) => {
    const server = await Server.start(t, { files: 256 });
    const before = await Person.all(t, server.url, 10, { transports: ["websocket"] });
    await connections(t, server, 600);
    assert.deepEqual(await health(server), { status: 200, text: "ready\n" });
    const after = await Person.all(t, server.url, 10, { transports: ["websocket"] });
    const polling = await Person.connect(t, server.url, { transports: ["polling"] });
    await polling.say("we are all here");
    for (const person of [...before, ...after]) {
      await person.sees("we are all here");
      assert.equal(person.connects.length, 1, "nobody had to come back");
    }
    const log = await server.log();
    assert.ok((log.match(/cannot accept/g)?.length ?? 0) <= 1, log);
  });

  test("full of people, it answers the next one with 503, tells its health, and logs one line", async (t) => {
    const server = await Server.start(t, { files: 256 });
    while (await isTaken(t, server));
    const others = await connections(t, server, 200);
    const ends = others.map((socket) => reads(socket, "503"));
    others.forEach((socket) => socket.write(HANDSHAKE));
    await Promise.all(ends);
    assert.deepEqual(await health(server), { status: 200, text: "ready\n" });
    const log = await server.log();
    assert.equal(log.match(/no room for another connection/g)?.length, 1, log);
  });
});

describe("half messages", () => {
  const crowds = {
    "of 300 strangers": connections,
    "of 300 members": members,
  };
  for (const [whose, crowd] of Object.entries(crowds)) {
    test(`${whose} take no more memory than their budget`, async (t) => {
      const server = await Server.start(t);
      const polite = await Person.connect(t, server.url, { transports: ["websocket"] });
      const sockets = await crowd(t, server, 300);
      if (crowd === connections) {
        const opened = sockets.map((socket) => reads(socket, "pingInterval"));
        sockets.forEach((socket) => socket.write(HANDSHAKE));
        await Promise.all(opened);
      }
      const taken = sockets.map((socket) => new Promise((resolve) => {
        socket.once("close", resolve);
        socket.write(almost(980_000), resolve);
      }));
      await within(Promise.all(taken), 60_000, "the server takes or refuses all of it");
      await polite.say("it is quiet here");
      assert.equal(polite.connects.length, 1);
      assert.ok(server.memory < 180e6, `${server.memory} bytes`);
    });
  }
});
