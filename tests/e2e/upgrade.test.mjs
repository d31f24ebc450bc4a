// Goal: a data folder that the release before made is opened, and everybody goes on with what they hold.
//
// Method: fixtures/ has such folders as SQL, and what their clients held (made by fixtures/make.mjs with the binaries of their
// time). The server of now opens it; the old token, device, cursor, invite and private id have to work as before.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { io } from "socket.io-client";
import { LOBBY, V1Person } from "../harness/person.mjs";
import { run, Server, temporaryFolder } from "../harness/server.mjs";
import { within } from "../harness/waiting.mjs";

const fixture = (name) => new URL(`fixtures/${name}`, import.meta.url).pathname;
const heldOf = (name) => JSON.parse(readFileSync(`${fixture(name)}.json`, "utf8"));
const FIRST = "first-release";
const held = heldOf(FIRST);
const BUILD = "import os, sqlite3, sys\nos.umask(0o077)\ndb = sqlite3.connect(sys.argv[2])\ndb.executescript(open(sys.argv[1], encoding='utf8').read())";

/** The folder as an earlier version left it. */
function oldFolder(name = FIRST) {
  const data = join(temporaryFolder(), "data");
  mkdirSync(data, { mode: 0o700 });
  execFileSync(process.env.PYTHON ?? "python3", ["-c", BUILD, `${fixture(name)}.sql`, join(data, "chat.db")]);
  return data;
}

const asHeld = ({ token, device, cursor }) => ({ auth: { token, ...(cursor === undefined ? {} : { cursor }) }, device });

async function comeBack(t, server, who) {
  const person = await V1Person.connect(t, server.url, asHeld(who));
  person.n = who.n;
  return person;
}

describe("a data folder of the release before", () => {
  test("is opened, and a person goes on from their cursor with their token and device", async (t) => {
    const server = await Server.start(t, { data: oldFolder() });
    const bob = await comeBack(t, server, held.bob);
    assert.equal(bob.welcome.user.user, held.bob.user);
    assert.equal(bob.welcome.user.name, "bob");
    assert.deepEqual([bob.welcome.resumed, bob.welcome.reset], [true, false]);
    assert.equal(bob.welcome.rooms.find(({ room }) => room === held.plans).read, 1);
    await bob.sees("third plan", held.plans);
    assert.deepEqual(bob.texts(), ["said while they were away", "\u200b"]);
    assert.deepEqual(bob.texts(held.plans), ["third plan"]);
    const ada = await comeBack(t, server, held.ada);
    await ada.say("after the upgrade", held.plans);
    assert.equal((await bob.sees("after the upgrade", held.plans)).seq, 4);
  });

  test("makes one sign-in of a person's token, however many devices show it at once, and ends it for ever", async (t) => {
    const server = await Server.start(t, { data: oldFolder() });
    const tabs = await Promise.all([1, 2, 3].map(() => V1Person.connect(t, server.url, { auth: { token: held.ada.token } })));
    const [ada] = tabs;
    const own = async (person) => (await person.ask("sign ins", {})).sign_ins.map(({ id, method }) => [id, method]);
    const old = [ada.welcome.sign_in, "old"];
    await ada.until(() => ada.of("signed in").length > 0, "a sign-in");
    assert.deepEqual(await own(ada), [old]);
    await ada.reconnects(() => server.restart());
    assert.deepEqual([await own(ada), ada.user, ada.welcome.token], [[old], held.ada.user, undefined]);
    const { code } = await ada.ask("link", {});
    const phone = await V1Person.connect(t, server.url, { auth: { link: code } });
    assert.deepEqual(await own(phone), [old, [phone.welcome.sign_in, "link"]]);
    await phone.must("sign out", { keep: phone.welcome.sign_in });
    // While the server restarted, they could not connect for other reasons.
    const isOut = ({ refusals }) => refusals.some(({ data }) => data?.code === "signed_out");
    for (const tab of tabs) await tab.until(() => isOut(tab), "a refusal");
    await phone.reconnects(() => server.restart());
    const again = new V1Person(server.url, { auth: { token: held.ada.token } });
    t.after(() => again.leave());
    await again.until(() => isOut(again), "a refusal");
    assert.deepEqual(await own(phone), [[phone.welcome.sign_in, "link"]]);
  });

  test("shows its messages as they were, also those that would not be taken any more", async (t) => {
    const server = await Server.start(t, { data: oldFolder() });
    const ada = await comeBack(t, server, held.ada);
    const lobby = await ada.ask("history", { room: LOBBY });
    const texts = lobby.messages.map(({ text }) => text);
    assert.deepEqual(texts, ["from the tutorial", "hello from ada", "said while they were away", "\u200b"]);
    const plans = await ada.ask("history", { room: held.plans });
    const states = plans.messages.map(({ text, edited, deleted }) => [text, edited ?? false, deleted ?? false]);
    assert.deepEqual(states, [["", false, true], ["better plan", true, false], ["third plan", false, false]]);
    assert.deepEqual(await ada.do("say", { room: LOBBY, text: "\u200b" }), { ok: false, n: held.ada.n + 1, code: "empty" });
  });

  test("answers the retry of an old command as it was answered then", async (t) => {
    const server = await Server.start(t, { data: oldFolder() });
    const ada = await comeBack(t, server, held.ada);
    const again = await ada.ask("say", { n: held.ada.n, room: held.plans, text: "third plan" });
    assert.deepEqual([again.ok, again.seq], [true, 3]);
    const other = await ada.ask("say", { n: held.ada.n, room: held.plans, text: "another plan" });
    assert.equal(other.code, "conflict");
  });

  test("lets in by an invite that was given out then", async (t) => {
    const server = await Server.start(t, { data: oldFolder() });
    const cleo = await V1Person.connect(t, server.url, { name: "cleo" });
    const joined = await cleo.must("join", { invite: held.invite });
    assert.equal(joined.about.name, "Plans");
  });

  test("recovers a page of the tutorial by its private id, with what it missed", async (t) => {
    const server = await Server.start(t, { data: oldFolder() });
    const page = io(server.url, { forceNew: true, autoConnect: false, auth: { serverOffset: 0 } });
    t.after(() => page.disconnect());
    page._pid = held.page.pid;
    page._lastOffset = held.page.offset;
    const lines = [];
    const seen = new Promise((resolve) => {
      page.on("chat message", (text) => {
        lines.push(text);
        if (text === "\u200b") resolve();
      });
    });
    page.connect();
    await within(seen, 10_000, "what the page has missed");
    assert.equal(page.recovered, true);
    assert.deepEqual(lines, ["said while they were away", "\u200b"]);
    // What was sent before is known by its key.
    await page.emitWithAck("chat message", "from the tutorial", held.page.key);
    const ada = await comeBack(t, server, held.ada);
    const { messages } = await ada.ask("history", { room: LOBBY });
    assert.equal(messages.filter(({ text }) => text === "from the tutorial").length, 1);
  });

  test("is verified, backed up and restored by the release of now", async (t) => {
    const data = oldFolder();
    const verified = await run(["verify", "--data", data]);
    assert.equal(verified.code, 0, verified.stderr);
    const server = await Server.start(t, { data });
    const ada = await comeBack(t, server, held.ada);
    await ada.say("before the backup");
    const folder = temporaryFolder();
    const made = await run(["backup", "--data", data, join(folder, "copy.db")]);
    assert.equal(made.code, 0, made.stderr);
    const restored = join(folder, "restored");
    const put = await run(["restore", "--data", restored, join(folder, "copy.db")]);
    assert.equal(put.code, 0, put.stderr);
    const other = await Server.start(t, { data: restored });
    const again = await comeBack(t, other, { ...held.ada, n: held.ada.n + 1 });
    const { messages } = await again.ask("history", { room: LOBBY, limit: 1 });
    assert.equal(messages[0].text, "before the backup");
  });
});

describe("a data folder in which each refused command has a row", () => {
  test("keeps what they were answered, and goes on with fewer rows", async (t) => {
    const name = "before-runs";
    const { ada: who, refused } = heldOf(name);
    const data = oldFolder(name);
    const server = await Server.start(t, { data });
    const ada = await comeBack(t, server, who);
    const repeat = async () => {
      for (const { event, fields, ack } of refused) assert.deepEqual(await ada.ask(event, fields), ack);
    };
    await repeat();
    for (const { fields } of refused) {
      const other = await ada.ask("say", { n: fields.n, room: LOBBY, text: "something else" });
      assert.equal(other.code, "conflict");
    }
    const later = [];
    for (const text of ["where?", "who?"]) later.push(await ada.do("say", { room: 999, text }));
    await ada.reconnects(() => server.restart());
    await repeat();
    assert.deepEqual(await ada.ask("say", { n: later[0].n, room: 999, text: "where?" }), later[0]);
    await ada.say("on");
    ada.leave();
    await server.stop();
    const verified = await run(["verify", "--data", data]);
    assert.equal(verified.code, 0, verified.stdout);
    const count = "import sqlite3, sys\nprint(sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM spent').fetchone()[0])";
    const rows = execFileSync(process.env.PYTHON ?? "python3", ["-c", count, join(data, "chat.db")], { encoding: "utf8" });
    // One more was refused before the last message: each old row stays, and the last of them has grown.
    assert.equal(Number(rows), refused.length + 1);
  });
});
