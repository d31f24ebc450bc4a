// What a disk gives back that is not what it was given: the chat goes on, nothing false is shown, and what a backup has comes back.

import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Person } from "../harness/client.mjs";
import { flip } from "../harness/disk.mjs";
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
    assert.match(counted.stderr, /still damaged: 3 rows, the first at position 8; put back what a backup has with `tidings repair --from BACKUP`/);
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

/** Where in the file a page of each kind stands: leaves and inner pages of tables and of indexes. */
function pages(bytes) {
  const kinds = new Map([[2, []], [5, []], [10, []], [13, []]]);
  for (let at = 4096; at < bytes.length; at += 4096) kinds.get(bytes[at])?.push(at);
  return kinds;
}

describe("a chat in whose file rows cannot be found", () => {
  test("is read to its end by everybody after the next start, and a backup brings back the rest", async (t) => {
    const { server, texts, auth, device } = await written(t, 1200);
    const backup = join(temporaryFolder(), "backup.db");
    assert.equal((await run(["backup", backup, "--data", server.data])).code, 0);
    const file = join(server.data, "chat.db");
    const seed = Number(process.env.DAMAGE_SEED ?? Date.now() % 1_000_000);
    t.diagnostic(`DAMAGE_SEED=${seed}`);
    const places = [...pages(readFileSync(file)).values()].filter((all) => all.length > 0).flatMap((all) => [
      [all[seed % all.length], 0],
      [all[(seed * 7 + 1) % all.length] + 3, 2],
      [all[(seed * 11 + 2) % all.length] + 9, seed % 8],
    ]);
    let resumed = auth;
    for (const [at, bit] of places) {
      const bytes = readFileSync(file);
      bytes[at] ^= 1 << bit;
      writeFileSync(file, bytes);
      await server.startAgain();
      const page = await Person.connect(t, server.url);
      const messages = await whole(await V1Person.connect(t, server.url));
      const damaged = messages.filter(({ damaged }) => damaged);
      assert.ok(damaged.length < 100, `${damaged.length} rows are lost after byte ${at}, bit ${bit}`);
      const sound = messages.filter(({ damaged }) => !damaged).map(({ text }) => text);
      assert.deepEqual(sound, texts.filter((_, number) => !messages[number].damaged));
      await page.seesCount(sound.length);
      assert.deepEqual(page.texts, sound);
      assert.equal(page.connects.length, 1, "nobody connects again and again");
      const ada = await V1Person.connect(t, server.url, { auth: resumed, device });
      assert.equal(ada.welcomes.length, 1);
      assert.equal(await health(server), damaged.length === 0 ? "ready\n" : `ready\ndamaged rows: ${damaged.length}\n`);
      for (const person of [ada, page]) person.leave();
      await server.stop();
      const repaired = await run(["repair", "--from", backup, "--data", server.data]);
      assert.equal(repaired.code, 0, `byte ${at}, bit ${bit}: ${repaired.stderr}`);
      assert.equal((await run(["verify", "--data", server.data])).code, 0);
      resumed = { token: ada.token, cursor: ada.cursor };
    }
  });

  test("is written anew by the repair, too", async (t) => {
    const { server, texts } = await written(t, 300);
    const file = join(server.data, "chat.db");
    const bytes = readFileSync(file);
    bytes[pages(bytes).get(10)[3]] ^= 1;
    writeFileSync(file, bytes);
    const checked = await run(["verify", "--data", server.data]);
    assert.equal(checked.code, 1);
    assert.match(checked.stdout, /the file: /);
    const repaired = await run(["repair", "--data", server.data]);
    assert.equal(repaired.code, 0, repaired.stderr);
    assert.match(repaired.stdout, /written anew +yes/);
    assert.equal((await run(["verify", "--data", server.data])).code, 0);
    await server.startAgain();
    assert.deepEqual((await whole(await V1Person.connect(t, server.url))).map(({ text }) => text), texts);
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
