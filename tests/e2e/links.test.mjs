// Links that break, swallow or stall, between the official client and the server.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Person, TRANSPORTS } from "../harness/client.mjs";
import { judge, readLog } from "../harness/history.mjs";
import { Proxy } from "../harness/proxy.mjs";
import { Server } from "../harness/server.mjs";
import { settled } from "../harness/settled.mjs";

const RETRYING = { retries: 1_000, ackTimeout: 2_000 };

/** Sends with the client's own retries, as the tutorial's last step does. */
function retrying(person, texts, prefix) {
  return Promise.all(
    texts.map(
      (text, index) =>
        new Promise((resolve, reject) => {
          person.socket.emit("chat message", text, `${prefix}-${index}`, (err, answer) => {
            if (err || answer) reject(err ?? new Error(`refused: ${JSON.stringify(answer)}`));
            else resolve();
          });
        }),
    ),
  );
}

for (const [way, options] of Object.entries(TRANSPORTS)) {
  describe(`over a bad link, ${way}`, () => {
    test("retries store every line exactly once and in order while the link is cut", async (t) => {
      const server = await Server.start(t);
      const proxy = await Proxy.start(t, server.port);
      const ada = await Person.connect(t, proxy.url, { ...options, ...RETRYING });
      const bob = await Person.connect(t, proxy.url, options);
      const texts = Array.from({ length: 60 }, (_, index) => `line ${index}`);
      const sent = retrying(ada, texts, "key");
      for (const seen of [5, 15, 30, 45]) {
        await bob.seesCount(seen);
        await Promise.all([ada, bob].map(settled));
        proxy.cut();
      }
      await sent;
      await bob.seesCount(texts.length);
      await ada.seesCount(texts.length);
      const log = await readLog(t, server.url, texts.length);
      judge({ log, views: [ada.lines, bob.lines], acked: texts, senders: [texts] });
    });

    test("a link that swallows everything costs no line, and the client that came back hears all", async (t) => {
      const server = await Server.start(t);
      const proxy = await Proxy.start(t, server.port);
      const ada = await Person.connect(t, server.url, { transports: ["websocket"] });
      const bob = await Person.connect(t, proxy.url, options);
      await ada.say("before");
      await bob.sees("before");
      for (const round of [1, 2, 3]) {
        await settled(bob);
        proxy.freeze();
        await ada.say(`missed ${round}`);
        // The client notices before the server does: its old session is still there when it comes back.
        await bob.cut();
        assert.equal(bob.connects.at(-1), true, `round ${round} is recovered`);
        await ada.say(`live ${round}`);
        await bob.sees(`missed ${round}`, `live ${round}`);
      }
      assert.deepEqual(bob.texts, ada.texts);
    });
  });
}

describe("recovery", () => {
  for (const [way, options] of Object.entries(TRANSPORTS)) {
    test(`gives back what was missed, twice in a row, ${way}`, async (t) => {
      const server = await Server.start(t);
      const proxy = await Proxy.start(t, server.port);
      const ada = await Person.connect(t, server.url, { transports: ["websocket"] });
      const bob = await Person.connect(t, proxy.url, options);
      const id = bob.socket.id;
      await ada.say("before");
      await bob.sees("before");
      for (const round of [1, 2]) {
        await settled(bob);
        proxy.refuse();
        await bob.until((person) => !person.socket.connected, "the end of the connection");
        await ada.say(`missed ${round}`);
        await bob.reconnects(() => proxy.allow());
        await bob.sees(`missed ${round}`);
      }
      assert.deepEqual(bob.connects, [false, true, true]);
      assert.equal(bob.socket.id, id, "a recovered socket keeps its id");
      assert.deepEqual(bob.texts, ["before", "missed 1", "missed 2"]);
    });
  }

  for (const [way, options] of Object.entries(TRANSPORTS)) {
    test(`shows each line once wherever it breaks off, ${way}`, async (t) => {
      const server = await Server.start(t);
      const proxy = await Proxy.start(t, server.port);
      const ada = await Person.connect(t, server.url, { transports: ["websocket"] });
      const bob = await Person.connect(t, proxy.url, options);
      await settled(bob);
      proxy.refuse();
      await bob.until((person) => !person.socket.connected, "the end of the connection");
      const lines = Array.from({ length: 200 }, (_, index) => `missed ${index}`);
      await Promise.all(lines.map((line) => ada.say(line)));
      // An answer, the open packet, CONNECT and the lines follow each other in these bytes.
      proxy.endAfter(...Array.from({ length: 16 }, (_, index) => 300 + 100 * index));
      await bob.reconnects(() => proxy.allow());
      await bob.sees(lines.at(-1));
      assert.deepEqual(bob.texts, lines);
      assert.ok(bob.connects.slice(1).every(Boolean), "recovered each time");
    });
  }

  test("works before the first event", async (t) => {
    const server = await Server.start(t);
    const proxy = await Proxy.start(t, server.port);
    const bob = await Person.connect(t, proxy.url);
    await settled(bob);
    proxy.refuse();
    await bob.until((person) => !person.socket.connected, "the end of the connection");
    const ada = await Person.connect(t, server.url);
    await ada.say("missed");
    await bob.reconnects(() => proxy.allow());
    await bob.sees("missed");
    assert.deepEqual(bob.connects, [false, true]);
    assert.deepEqual(bob.texts, ["missed"]);
  });

  test("outlives a restart and a kill", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await Person.all(t, server.url, 2);
    await ada.say("before", "key-0");
    await bob.sees("before");
    await Promise.all([ada, bob].map(settled));
    await bob.reconnects(() => server.restart());
    assert.equal(bob.connects.at(-1), true, "recovered after the restart");
    await ada.say("between", "key-1");
    await bob.sees("between");
    await Promise.all([ada, bob].map(settled));
    await bob.reconnects(async () => {
      await server.kill();
      await server.startAgain();
    });
    assert.equal(bob.connects.at(-1), true, "recovered after the kill");
    await ada.say("after", "key-2");
    await bob.sees("after");
    assert.deepEqual(bob.texts, ["before", "between", "after"]);
  });

  test("with more missed than it is for says so, and the lines come all the same", async (t) => {
    const server = await Server.start(t);
    const proxy = await Proxy.start(t, server.port);
    const ada = await Person.connect(t, server.url, { transports: ["websocket"] });
    const bob = await Person.connect(t, proxy.url);
    await ada.say("before");
    await bob.sees("before");
    await settled(bob);
    proxy.refuse();
    await bob.until((person) => !person.socket.connected, "the end of the connection");
    const missed = Array.from({ length: 2_500 }, (_, index) => `missed ${index}`);
    await Promise.all(missed.map((text) => ada.say(text)));
    await bob.reconnects(() => proxy.allow());
    await bob.seesCount(1 + missed.length);
    assert.equal(bob.connects.at(-1), false);
    assert.deepEqual(bob.texts, ["before", ...missed]);
  });

  test("is not given to a pid that was tampered with, and the client starts anew", async (t) => {
    const server = await Server.start(t);
    const ada = await Person.connect(t, server.url);
    await ada.say("one");
    await ada.sees("one");
    // The client keeps the pid in this field, and sends it as `auth.pid`.
    assert.equal(typeof ada.socket._pid, "string");
    ada.socket._pid = `${ada.socket._pid.slice(0, -1)}${ada.socket._pid.endsWith("A") ? "B" : "A"}`;
    await ada.cut();
    assert.deepEqual(ada.connects, [false, false]);
    await ada.say("two");
    await ada.sees("two");
    assert.deepEqual(ada.texts, ["one", "two"]);
  });
});

describe("restarts", () => {
  for (const end of ["SIGTERM", "SIGKILL"]) {
    test(`by ${end} under load lose and double nothing`, async (t) => {
      const server = await Server.start(t);
      const writers = await Person.all(t, server.url, 4, { ...RETRYING, transports: ["websocket"] });
      const readers = await Person.all(t, server.url, 4, TRANSPORTS["with the upgrade"]);
      const texts = writers.map((_, writer) => Array.from({ length: 80 }, (_, index) => `${writer}/${index}`));
      const sent = writers.map((writer, index) => retrying(writer, texts[index], `writer-${index}`));
      for (const seen of [30, 120, 200]) {
        await readers[0].seesCount(seen);
        if (end === "SIGTERM") assert.deepEqual(await server.stop(), { code: 0, signal: null });
        else await server.kill();
        await server.startAgain();
      }
      await Promise.all(sent);
      const total = texts.flat().length;
      const everybody = [...writers, ...readers];
      await Promise.all(everybody.map((person) => person.seesCount(total)));
      const log = await readLog(t, server.url, total);
      judge({ log, views: everybody.map((person) => person.lines), acked: texts.flat(), senders: texts });
    });
  }

  test("keep what is on the wire in order for a client that waits", async (t) => {
    const server = await Server.start(t);
    const ada = await Person.connect(t, server.url, RETRYING);
    await server.stop();
    const sent = retrying(ada, ["one", "two", "three"], "key");
    await server.startAgain();
    await sent;
    await ada.seesCount(3);
    assert.deepEqual(ada.texts, ["one", "two", "three"]);
  });
});

describe("a slow reader", () => {
  test("costs the others nothing and misses nothing when it reads on", async (t) => {
    const server = await Server.start(t);
    const proxy = await Proxy.start(t, server.port);
    const ada = await Person.connect(t, server.url, { transports: ["websocket"] });
    const bob = await Person.connect(t, server.url, { transports: ["websocket"] });
    const cleo = await Person.connect(t, proxy.url, { transports: ["websocket"] });
    proxy.stall();
    const texts = Array.from({ length: 600 }, (_, index) => `${index} ${"x".repeat(10_000)}`);
    await Promise.all(texts.map((text) => ada.say(text)));
    await bob.seesCount(texts.length);
    assert.equal(cleo.lines.length, 0);
    proxy.resume();
    await cleo.seesCount(texts.length);
    judge({ log: ada.lines, views: [bob.lines, cleo.lines], acked: texts, senders: [texts] });
  });
});

describe("several listeners", () => {
  test("share one chat", async (t) => {
    const server = await Server.start(t, { listen: ["127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"] });
    assert.equal(new Set(server.urls).size, 3);
    const people = await Promise.all(server.urls.map((url) => Person.connect(t, url)));
    for (const [index, person] of people.entries()) assert.deepEqual(await person.say(`from ${index}`, "key"), []);
    for (const person of people) {
      await person.seesCount(3);
      assert.deepEqual(person.texts, ["from 0", "from 1", "from 2"]);
    }
    // A client may come back at another of them.
    const [ada] = people;
    ada.socket.io.uri = server.urls[1];
    await ada.cut();
    assert.equal(ada.connects.at(-1), true);
  });
});
