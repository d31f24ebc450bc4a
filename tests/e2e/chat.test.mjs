// The tutorial's contract on namespace `/`, with the official client on every transport.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { Person, TRANSPORTS } from "../harness/client.mjs";
import { judge, readLog } from "../harness/history.mjs";
import { LOBBY, V1Person } from "../harness/person.mjs";
import { Server } from "../harness/server.mjs";

const TEXT_BYTES_MAX = 16 * 1024;
const LANGUAGES = [
  "Grüße aus Köln",
  "Добрый вечер",
  "こんにちは、世界",
  "안녕하세요",
  "مرحبا بالعالم",
  "שלום עולם",
  "नमस्ते दुनिया",
  "👩‍👩‍👧‍👦 𝒜 🏳️‍🌈",
  'quotes " and \\ and \n and \t and \u2028 and \u200b',
  "<script>alert(1)</script>",
  "42[\"chat message\"]",
];

const RULES = JSON.parse(readFileSync(new URL("../../docs/text.json", import.meta.url), "utf8"));

test("both namespaces take and refuse the texts that the document lists, and answer a retry in the same way", async (t) => {
  const server = await Server.start(t);
  const ada = await Person.connect(t, server.url, TRANSPORTS["by WebSocket"]);
  const bob = await V1Person.connect(t, server.url, { name: "bob" });
  const expected = [];
  for (const [index, { sent, text, code }] of RULES.texts.entries()) {
    const refused = code === undefined ? [] : [{ ok: false, code }];
    assert.deepEqual(await ada.say(sent, `key-${index}`), refused, JSON.stringify(sent));
    assert.deepEqual(await ada.say(sent, `key-${index}`), refused, `${JSON.stringify(sent)} again`);
    const ack = await bob.do("say", { room: LOBBY, text: sent });
    assert.equal(ack.code, code, JSON.stringify(sent));
    assert.deepEqual(await bob.ask("say", { n: bob.n, room: LOBBY, text: sent }), ack);
    if (text !== undefined) expected.push(text, text);
  }
  assert.equal((await bob.do("edit", { room: LOBBY, seq: 2, text: "\u2060" })).code, "empty");
  await bob.must("edit", { room: LOBBY, seq: 2, text: "a\u0000b" });
  expected[1] = "a\ufffdb";
  const { messages } = await bob.ask("history", { room: LOBBY, limit: 100 });
  assert.deepEqual(messages.map(({ text }) => text), expected);
  assert.deepEqual(ada.texts.toSorted(), expected.with(1, expected[0]).toSorted());
});

for (const [way, options] of Object.entries(TRANSPORTS)) {
  describe(`a client that connects ${way}`, () => {
    test("sends, is acked, and everybody sees the line", async (t) => {
      const server = await Server.start(t);
      const [ada, bob] = await Person.all(t, server.url, 2, options);
      assert.deepEqual(await ada.say("hello", "key-1"), []);
      for (const person of [ada, bob]) {
        await person.sees("hello");
        assert.deepEqual(person.offsets, [1]);
        assert.match(person.lines[0].tag, /^[0-9a-z]+~[A-Za-z0-9_-]{22}$/);
      }
      assert.equal(ada.lines[0].tag, bob.lines[0].tag);
      if (way === "with the upgrade") await ada.until((person) => person.upgraded, "the upgrade");
    });

    test("may leave out the key, the ack, or both", async (t) => {
      const server = await Server.start(t);
      const ada = await Person.connect(t, server.url, options);
      ada.socket.emit("chat message", "neither");
      ada.socket.emit("chat message", "key only", "key-1");
      assert.deepEqual(await ada.say("ack only"), []);
      assert.deepEqual(await ada.say("both", "key-2"), []);
      await ada.seesCount(4);
      assert.deepEqual(ada.texts, ["neither", "key only", "ack only", "both"]);
      assert.deepEqual(ada.offsets, [1, 2, 3, 4]);
    });

    test("keeps the order of many lines", async (t) => {
      const server = await Server.start(t);
      const [ada, bob] = await Person.all(t, server.url, 2, options);
      const texts = Array.from({ length: 300 }, (_, index) => `line ${index}`);
      const acks = await Promise.all(texts.map((text, index) => ada.say(text, `key-${index}`)));
      assert.ok(acks.every((args) => args.length === 0));
      await bob.seesCount(texts.length);
      assert.deepEqual(bob.texts, texts);
      judge({ log: bob.lines, views: [ada.lines, bob.lines], acked: texts, senders: [texts] });
    });

    test("reads the history behind the offset that it names", async (t) => {
      const server = await Server.start(t);
      const ada = await Person.connect(t, server.url, options);
      for (const text of ["one", "two", "three"]) await ada.say(text);
      const read = async (serverOffset) => {
        const reader = await Person.connect(t, server.url, { ...options, auth: { serverOffset } });
        await ada.say(`seen from ${JSON.stringify(serverOffset) ?? "nothing"}`);
        await reader.sees(`seen from ${JSON.stringify(serverOffset) ?? "nothing"}`);
        const texts = reader.texts.filter((text) => !text.startsWith("seen"));
        reader.leave();
        return texts;
      };
      assert.deepEqual(await read(0), ["one", "two", "three"]);
      assert.deepEqual(await read(2), ["three"]);
      assert.deepEqual(await read(3), []);
      assert.deepEqual(await read(undefined), ["one", "two", "three"]);
      assert.deepEqual(await read(Number.MAX_SAFE_INTEGER), []);
    });

    test("carries text of any language as it is", async (t) => {
      const server = await Server.start(t);
      const [ada, bob] = await Person.all(t, server.url, 2, options);
      for (const text of LANGUAGES) assert.deepEqual(await ada.say(text), []);
      await bob.seesCount(LANGUAGES.length);
      assert.deepEqual(bob.texts, LANGUAGES);
      const late = await Person.connect(t, server.url, options);
      await late.seesCount(LANGUAGES.length);
      assert.deepEqual(late.texts, LANGUAGES);
    });

    test("may fill a line up to 16 KiB and is told when it is longer", async (t) => {
      const server = await Server.start(t);
      const ada = await Person.connect(t, server.url, options);
      for (const character of ["a", "ж", "語", "🦀"]) {
        const whole = character.repeat(Math.floor(TEXT_BYTES_MAX / Buffer.byteLength(character)));
        const fits = whole + "a".repeat(TEXT_BYTES_MAX - Buffer.byteLength(whole));
        assert.deepEqual(await ada.say(fits), [], character);
        assertRefused(await ada.say(`${fits}.`));
      }
      assertRefused(await ada.say("x".repeat(900_000)));
      assert.deepEqual(await ada.say("still here"), []);
      assert.deepEqual(ada.connects, [false], "the connection was never cut");
    });
  });
}

describe("a refusal", () => {
  const unfit = ["", 7, 1.5, true, false, null, [], ["text"], {}, { text: "a" }];

  for (const content of unfit) {
    test(`answers ${JSON.stringify(content)} with a code`, async (t) => {
      const server = await Server.start(t);
      const [ada, bob] = await Person.all(t, server.url, 2);
      assertRefused(await ada.say(content, "key-1"));
      assert.deepEqual(await ada.say("after it"), []);
      await bob.sees("after it");
      assert.deepEqual(bob.texts, ["after it"]);
    });
  }

  test("needs no ack to leave the server standing", async (t) => {
    const server = await Server.start(t);
    const ada = await Person.connect(t, server.url);
    for (const content of [...unfit, "x".repeat(TEXT_BYTES_MAX + 1)]) {
      ada.socket.emit("chat message", content);
      ada.socket.emit("chat message", content, "key");
    }
    ada.socket.emit("chat message");
    ada.socket.emit("nobody listens to this", 1, 2, 3);
    assert.deepEqual(await ada.say("after them"), []);
    await ada.sees("after them");
    assert.deepEqual(ada.texts, ["after them"]);
  });

  test("does not use up the key", async (t) => {
    const server = await Server.start(t);
    const ada = await Person.connect(t, server.url);
    assertRefused(await ada.say("", "key-1"));
    assert.deepEqual(await ada.say("better", "key-1"), []);
  });

  test("names the conflict when a key comes back with another text", async (t) => {
    const server = await Server.start(t);
    const ada = await Person.connect(t, server.url);
    assert.deepEqual(await ada.say("one", "key-1"), []);
    assert.deepEqual(await ada.say("two", "key-1"), [{ ok: false, code: "conflict" }]);
    assert.deepEqual(await ada.say("one", "key-1"), []);
    const log = await readLog(t, server.url, 1);
    assert.deepEqual(log.map((line) => line.text), ["one", "(end)"]);
  });
});

describe("the key of a message", () => {
  test("says for ever that a repeat is a repeat, over reconnects and restarts", async (t) => {
    const server = await Server.start(t);
    const ada = await Person.connect(t, server.url);
    assert.deepEqual(await ada.say("once", "key-1"), []);
    assert.deepEqual(await ada.say("once", "key-1"), []);
    await ada.cut();
    assert.deepEqual(await ada.say("once", "key-1"), []);
    await ada.reconnects(() => server.restart());
    assert.deepEqual(await ada.say("once", "key-1"), []);
    const log = await readLog(t, server.url, 1);
    assert.deepEqual(log.map((line) => line.text), ["once", "(end)"]);
  });

  test("of the weak form is not shared by two clients that typed before they were connected", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await Person.all(t, server.url, 2);
    assert.deepEqual(await ada.say("hi", "undefined-0"), []);
    assert.deepEqual(await bob.say("hi", "undefined-0"), []);
    assert.deepEqual(await bob.say("other", "undefined-1"), []);
    await ada.seesCount(3);
    assert.deepEqual(ada.texts, ["hi", "hi", "other"]);
  });

  test("cannot be squatted by another client", async (t) => {
    const server = await Server.start(t);
    const [ada, mallory] = await Person.all(t, server.url, 2);
    const key = `${ada.socket.id}-0`;
    assert.deepEqual(await mallory.say("squatted", key), []);
    assert.deepEqual(await ada.say("mine", key), []);
    await ada.seesCount(2);
    assert.deepEqual(ada.texts, ["squatted", "mine"]);
  });

  test("keeps its scope by a lineage of the client's own", async (t) => {
    const server = await Server.start(t);
    const lineage = "0123456789abcdef0123456789abcdef";
    const ada = await Person.connect(t, server.url, { auth: { lineage } });
    assert.deepEqual(await ada.say("one", "undefined-0"), []);
    const reloaded = await Person.connect(t, server.url, { auth: { lineage } });
    assert.deepEqual(await reloaded.say("one", "undefined-0"), []);
    assert.deepEqual(await reloaded.say("two", "undefined-0"), [{ ok: false, code: "conflict" }]);
    const log = await readLog(t, server.url, 1);
    assert.deepEqual(log.map((line) => line.text), ["one", "(end)"]);
  });
});

describe("many at once", () => {
  test("senders and newcomers all see one order without a hole", async (t) => {
    const server = await Server.start(t);
    const senders = await Person.all(t, server.url, 5, { transports: ["websocket"] });
    const sent = senders.map((_, sender) => Array.from({ length: 60 }, (_, index) => `${sender}/${index}`));
    const newcomers = [];
    const all = sent.map((texts, sender) =>
      Promise.all(
        texts.map(async (text) => {
          assert.deepEqual(await senders[sender].say(text, text), []);
          if (text.endsWith("0")) newcomers.push(new Person(server.url, TRANSPORTS["with the upgrade"]));
        }),
      ),
    );
    t.after(() => newcomers.forEach((person) => person.leave()));
    await Promise.all(all);
    const total = sent.flat().length;
    const everybody = [...senders, ...newcomers];
    await Promise.all(everybody.map((person) => person.seesCount(total)));
    const log = await readLog(t, server.url, total);
    judge({ log, views: everybody.map((person) => person.lines), acked: sent.flat(), senders: sent });
  });

  test("a long history arrives complete and in order while the chat goes on", async (t) => {
    const server = await Server.start(t);
    const ada = await Person.connect(t, server.url, { transports: ["websocket"] });
    const texts = Array.from({ length: 5_000 }, (_, index) => `line ${index}`);
    for (let start = 0; start < texts.length; start += 500) {
      await Promise.all(texts.slice(start, start + 500).map((text) => ada.say(text)));
    }
    const readers = Object.values(TRANSPORTS).map((options) => new Person(server.url, options));
    t.after(() => readers.forEach((person) => person.leave()));
    const live = Array.from({ length: 100 }, (_, index) => `live ${index}`);
    for (const text of live) await ada.say(text);
    for (const reader of readers) {
      await reader.seesCount(texts.length + live.length);
      assert.deepEqual(reader.texts, [...texts, ...live]);
    }
  });
});

function assertRefused(args) {
  assert.equal(args.length, 1);
  assert.equal(args[0].ok, false);
  assert.match(args[0].code, /^[a-z_-]+$/);
}
