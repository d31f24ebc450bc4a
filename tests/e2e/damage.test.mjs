// What a disk gives back that is not what it was given: the chat goes on, nothing false is shown, and what a backup has comes back.

import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Person } from "../harness/client.mjs";
import { LOBBY, V1Person } from "../harness/person.mjs";
import { Server, run, temporaryFolder } from "../harness/server.mjs";

/** A server that has stopped, with as many messages of ada in the lobby. */
async function written(t, count) {
  const server = await Server.start(t);
  const ada = await V1Person.connect(t, server.url, { name: "ada" });
  const texts = Array.from({ length: count }, (_, number) => `message ${String(number).padStart(4, "0")}.`);
  await Promise.all(texts.map((text) => ada.say(text)));
  const { token, cursor, n, device } = ada;
  ada.leave();
  await server.stop();
  return { server, texts, auth: { token, cursor }, n, device };
}

/** Flips a bit in the row of each text, in the file. */
function flip(server, texts) {
  const file = join(server.data, "chat.db");
  const bytes = readFileSync(file);
  for (const [index, text] of texts.entries()) {
    let copies = 0;
    // SQLite leaves copies in the free part of a page that it has split.
    for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) {
      bytes[at + (index % text.length)] ^= 1 << (index % 8);
      copies += 1;
    }
    assert.ok(copies > 0, text);
  }
  writeFileSync(file, bytes);
}

async function whole(person) {
  const messages = [];
  for (let first = false, before; !first; before = messages[0].seq) {
    const page = await person.ask("history", { room: LOBBY, limit: 100, ...(before && { before }) });
    assert.equal(page.ok, true, JSON.stringify(page));
    messages.unshift(...page.messages);
    first = page.first;
  }
  return messages;
}

const health = async (server) => (await fetch(`${server.url}/health`)).text();

describe("a chat with damaged rows", () => {
  test("starts, shows them in their places and all others as they were, and goes on", async (t) => {
    const { server, texts, auth, n, device } = await written(t, 500);
    const damaged = new Set([3, 4, 250, 499]);
    flip(server, [...damaged].map((number) => texts[number]));
    await server.startAgain();
    const ada = await V1Person.connect(t, server.url, { auth: { token: auth.token }, device });
    ada.n = n;
    const messages = await whole(ada);
    assert.deepEqual(messages.map(({ seq }) => seq), texts.map((_, number) => number + 1));
    for (const [number, message] of messages.entries()) {
      assert.equal(message.damaged, damaged.has(number) ? true : undefined);
      assert.equal(message.text, damaged.has(number) ? "" : texts[number]);
    }
    assert.equal((await ada.do("edit", { room: LOBBY, seq: 4, text: "again" })).code, "damaged");
    assert.equal((await ada.do("delete", { room: LOBBY, seq: 4 })).code, "damaged");
    await ada.say("and on");
    const page = await Person.connect(t, server.url);
    await page.say("from the tutorial", "key-0");
    await ada.sees("from the tutorial");
    assert.equal(await health(server), "ready\ndamaged rows: 4\n");
    assert.match(server.output.stderr, /a row of the log is not what was stored.*position=5/);
  });

  test("starts when every row is damaged", async (t) => {
    const { server, texts, auth, device } = await written(t, 500);
    flip(server, texts);
    await server.startAgain();
    const ada = await V1Person.connect(t, server.url, { auth: { token: auth.token }, device });
    const messages = await whole(ada);
    assert.equal(messages.filter(({ damaged }) => damaged).length, 500);
  });

  test("has them back from a backup, and clients ask for them again", async (t) => {
    const { server, texts, auth, device } = await written(t, 20);
    const file = join(temporaryFolder(), "backup.db");
    assert.equal((await run(["backup", file, "--data", server.data])).code, 0);
    flip(server, texts.slice(5, 8));
    const counted = await run(["repair", "--data", server.data]);
    assert.equal(counted.code, 1);
    assert.match(counted.stdout, /damaged +3\n  put back from the backup 0\n  given up +0\n/);
    assert.match(counted.stderr, /still damaged: 3 rows, the first at position 7; put back what a backup has with `tidings repair --from BACKUP`/);
    const repaired = await run(["repair", "--from", file, "--data", server.data]);
    assert.equal(repaired.code, 0, repaired.stderr);
    assert.match(repaired.stdout, /put back from the backup 3\n/);
    assert.equal((await run(["verify", "--data", server.data])).code, 0);
    await server.startAgain();
    const ada = await V1Person.connect(t, server.url, { auth, device });
    assert.equal(ada.welcome.reset, true);
    assert.deepEqual((await whole(ada)).map(({ text }) => text), texts);
    const running = await run(["repair", "--data", server.data]);
    assert.match(running.stderr, /in use/);
    const none = await run(["repair", "--from", join(temporaryFolder(), "none.db"), "--data", server.data]);
    assert.match(none.stderr, /none\.db does not exist|in use/);
  });

  test("says so for good where it is given up", async (t) => {
    const { server, texts } = await written(t, 3);
    flip(server, texts.slice(1, 2));
    const repaired = await run(["repair", "--give-up", "--data", server.data]);
    assert.equal(repaired.code, 0, repaired.stderr);
    assert.equal((await run(["verify", "--data", server.data])).code, 0);
    await server.startAgain();
    const bob = await V1Person.connect(t, server.url);
    assert.deepEqual((await whole(bob)).map(({ damaged = false }) => damaged), [false, true, false]);
    assert.equal(await health(server), "ready\n");
  });
});

describe("a write-ahead log", () => {
  test("that was lost with acknowledged messages is told in one line, with numbers", async (t) => {
    const server = await Server.start(t);
    const page = await Person.connect(t, server.url);
    for (const text of ["one", "two", "three"]) await page.say(text, text);
    await server.kill();
    rmSync(join(server.data, "chat.db-wal"));
    const checked = await run(["verify", "--data", server.data]);
    assert.match(checked.stdout, /positions 1 to 3 are missing at the end/);
    await server.startAgain();
    assert.match(server.output.stderr, /3 entries that were acknowledged are missing, positions 1 to 3: the write-ahead log was lost/);
    assert.equal((await run(["verify", "--data", server.data])).code, 0);
  });

  test("whose loss nobody can tell, because the note of the head is damaged too, is told as that", async (t) => {
    const server = await Server.start(t);
    const head = join(server.data, "chat.db-head");
    const unknown = /chat\.db-head cannot be read: nobody can tell whether acknowledged entries are missing/;
    for (const damage of [(note) => note.with(18, note[18] ^ 1), (note) => note.slice(0, 5), () => Buffer.alloc(0)]) {
      const page = await Person.connect(t, server.url);
      await page.say("one", "one");
      await server.kill();
      rmSync(join(server.data, "chat.db-wal"));
      writeFileSync(head, damage(readFileSync(head)));
      await server.startAgain();
      assert.match(server.output.stderr, unknown);
      await server.kill();
      await server.startAgain();
      assert.doesNotMatch(server.output.stderr, unknown, "it is told once");
    }
  });
});
