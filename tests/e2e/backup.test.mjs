// Backups of a server at work, what comes back from them, and that nobody who saw more is left with a hole.

import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Person } from "../harness/client.mjs";
import { judge, readLog } from "../harness/history.mjs";
import { Proxy } from "../harness/proxy.mjs";
import { V1Person } from "../harness/person.mjs";
import { Server, run, temporaryFolder } from "../harness/server.mjs";

describe("a backup", () => {
  test("of a server under load is one state of its log, with all that was acked before", async (t) => {
    const server = await Server.start(t);
    const folder = temporaryFolder();
    const senders = await Promise.all(["ada", "bob", "cleo"].map((name) => Sender.start(t, server.url, name)));
    for (const sender of senders) await sender.hasSent(50);
    const backups = [];
    for (let number = 0; number < 3; number += 1) {
      const file = join(folder, `${number}.db`);
      const acked = senders.flatMap((sender) => [...sender.acked]);
      const { code, stdout, stderr } = await run(["backup", file, "--data", server.data]);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^backed up \d+ entries from /);
      assert.equal((await run(["verify", "--data", server.data])).code, 0, "beside the server as well");
      backups.push({ file, acked });
      for (const sender of senders) await sender.hasSent(sender.acked.length + 20);
    }
    const sent = await Promise.all(senders.map((sender) => sender.stop()));
    const whole = await readLog(t, server.url, sent.flat().length);
    judge({ log: whole, acked: sent.flat(), senders: sent });
    for (const { file, acked } of backups) {
      assert.equal((await run(["verify", file])).code, 0);
      const data = join(folder, `${file}-data`);
      const restored = await run(["restore", file, "--data", data]);
      assert.equal(restored.code, 0, restored.stderr);
      const again = await Server.start(t, { data });
      const log = await readLog(t, again.url, acked.length);
      log.pop();
      judge({ log, acked });
      assert.deepEqual(log.map(pair), whole.slice(0, log.length).map(pair), "the beginning of the log, nothing else");
      await again.stop();
    }
  });

  test("is made of a server that was killed, too", async (t) => {
    const server = await Server.start(t);
    const ada = await Person.connect(t, server.url);
    for (let number = 0; number < 30; number += 1) await ada.say(`line ${number}`);
    ada.leave();
    await server.kill();
    const folder = temporaryFolder();
    const file = join(folder, "backup.db");
    assert.equal((await run(["backup", file, "--data", server.data])).code, 0);
    const data = join(folder, "data");
    assert.equal((await run(["restore", file, "--data", data])).code, 0);
    const again = await Server.start(t, { data });
    judge({ log: await readLog(t, again.url, 30), acked: Array.from({ length: 30 }, (_, number) => `line ${number}`) });
    await server.startAgain();
  });

  test("overwrites nothing, and says what it cannot do", async (t) => {
    const folder = temporaryFolder();
    const taken = join(folder, "taken.db");
    writeFileSync(taken, "mine");
    const server = await Server.start(t);
    await fails(["backup", taken, "--data", server.data], taken);
    assert.equal(readFileSync(taken, "utf8"), "mine");
    const none = join(folder, "none");
    await fails(["backup", join(folder, "backup.db"), "--data", none], none);
    assert.equal(existsSync(none), false);
    await fails(["backup", join(none, "backup.db"), "--data", server.data], none);
    assert.deepEqual(readdirSync(folder), ["taken.db"]);
  });
});

describe("a restore", () => {
  test("refuses a folder that is in use or not empty", async (t) => {
    const server = await Server.start(t);
    const folder = temporaryFolder();
    const file = join(folder, "backup.db");
    await run(["backup", file, "--data", server.data]);
    await fails(["restore", file, "--data", server.data], server.data);
    const notes = join(folder, "notes");
    mkdirSync(notes);
    writeFileSync(join(notes, "notes.txt"), "mine");
    await fails(["restore", file, "--data", notes], notes);
    assert.deepEqual(readdirSync(notes), ["notes.txt"]);
    const text = join(folder, "text.db");
    writeFileSync(text, "no backup");
    await fails(["restore", text, "--data", join(folder, "new")], text);
    await fails(["restore", server.data, "--data", join(folder, "new")], "is a folder: give the file that `tidings backup` made");
    assert.equal(existsSync(join(folder, "new")), false);
  });

  test("gives everything again to a client that had seen more, and it goes on", async (t) => {
    const past = await Past.begin(t);
    const file = join(past.folder, "backup.db");
    assert.equal((await run(["backup", file, "--data", past.server.data])).code, 0);
    await past.goOn();
    const data = join(past.folder, "restored");
    assert.equal((await run(["restore", file, "--data", data])).code, 0);
    await past.isReplacedBy(t, data);
  });

  test("is noticed when it was the copy of a file as well", async (t) => {
    const past = await Past.begin(t);
    await past.server.stop();
    const copy = join(past.folder, "copy.db");
    copyFileSync(join(past.server.data, "chat.db"), copy);
    await past.server.startAgain();
    await past.goOn();
    copyFileSync(copy, join(past.server.data, "chat.db"));
    await past.isReplacedBy(t, past.server.data);
  });
});

describe("verify", () => {
  test("counts what there is and ends with 0, or tells what is damaged and ends with 1", async (t) => {
    const server = await Server.start(t);
    const ada = await Person.connect(t, server.url);
    await ada.say("a line to be found again", "key-0");
    await ada.say("another");
    const sound = await run(["verify", "--data", server.data]);
    assert.equal(sound.code, 0, sound.stderr);
    for (const count of [/entries +2$/m, /with a client offset +1$/m, /faults +0$/m]) assert.match(sound.stdout, count);
    const file = join(temporaryFolder(), "backup.db");
    await run(["backup", file, "--data", server.data]);
    const bytes = readFileSync(file);
    const at = bytes.indexOf("a line to be found again");
    assert.ok(at > 0);
    bytes[at] ^= 1;
    writeFileSync(file, bytes);
    const damaged = await run(["verify", file]);
    assert.equal(damaged.code, 1);
    assert.match(damaged.stdout, /! position 1: the row is not what was stored/);
    assert.match(damaged.stderr, /is damaged: 1 fault$/m);
    for (const args of [["--data"], []]) {
      const none = join(temporaryFolder(), "none");
      await fails(["verify", ...args, none], `${none} does not exist`);
    }
    await fails(["verify", "--data", file], "to check a backup, leave out --data");
    const nowhere = await run(["verify", "--data", "none"], { cwd: temporaryFolder() });
    assert.match(nowhere.stderr, / \/.*\/none does not exist; name the data folder with --data or TIDINGS_DATA/);
  });

  test("prints no counts of a file that it could not read to the end, and a start says what to do", async (t) => {
    const server = await Server.start(t);
    await V1Person.connect(t, server.url, { name: "ada" });
    await server.stop();
    const file = join(server.data, "chat.db");
    writeFileSync(file, readFileSync(file).fill(0xff, 4096));
    const started = await run(["--data", server.data, "--listen", "127.0.0.1:0"]);
    assert.equal(started.code, 1);
    assert.ok(started.stderr.includes(server.data), started.stderr);
    assert.match(started.stderr, /the signing keys in .+ cannot be read: `tidings repair --from BACKUP` takes those of a backup/);
    const malformed = await run(["verify", "--data", server.data]);
    assert.equal(malformed.code, 1);
    assert.doesNotMatch(malformed.stdout, /entries|rooms/);
    assert.match(malformed.stdout, /faults +\d+\n  ! the file: /);
  });
});

/** A person who sends without a pause, one line after the ack of the last. */
class Sender {
  acked = [];
  #going = true;

  static async start(t, url, name) {
    const sender = new Sender();
    sender.person = await Person.connect(t, url, { transports: ["websocket"] });
    sender.done = sender.#send(name);
    return sender;
  }

  async #send(name) {
    for (let number = 0; this.#going; number += 1) {
      const text = `${name} ${number}`;
      await this.person.say(text, `${name}-key-${number}`);
      this.acked.push(text);
      this.person.changed();
    }
  }

  hasSent(count) {
    return this.person.until(() => this.acked.length >= count, `${count} acks`);
  }

  async stop() {
    this.#going = false;
    await this.done;
    return this.acked;
  }
}

/** A server with ten lines that are kept and ten that get lost, and two clients that are cut off before that. */
class Past {
  static async begin(t) {
    const past = new Past();
    past.folder = temporaryFolder();
    past.server = await Server.start(t);
    past.toAhead = await Proxy.start(t, past.server.port);
    past.toBehind = await Proxy.start(t, past.server.port);
    past.ahead = await Person.connect(t, past.toAhead.url);
    past.behind = await Person.connect(t, past.toBehind.url);
    for (let number = 1; number <= 10; number += 1) await past.ahead.say(`kept ${number}`, `past-key-${number}`);
    await past.behind.seesCount(10);
    past.toBehind.refuse();
    return past;
  }

  async goOn() {
    await this.ahead.until(() => this.ahead.socket.connected, "its return");
    for (let number = 11; number <= 20; number += 1) await this.ahead.say(`lost ${number}`, `past-key-${number}`);
    await this.ahead.seesCount(20);
    this.toAhead.refuse();
    await this.server.stop();
  }

  /** Others have said more in the new log than was lost before the two come back. */
  async isReplacedBy(t, data) {
    const server = await Server.start(t, { data, listen: [`127.0.0.1:${this.server.port}`] });
    const cleo = await Person.connect(t, server.url);
    for (let number = 11; number <= 35; number += 1) await cleo.say(`new ${number}`);
    const { ahead, behind } = this;
    const seen = { ahead: ahead.lines.length, behind: behind.lines.length };
    await ahead.reconnects(() => this.toAhead.allow());
    await behind.reconnects(() => this.toBehind.allow());
    await ahead.say("and on");
    for (const person of [ahead, behind]) await person.sees("and on");
    const log = await readLog(t, server.url, 36);
    // The reader's own last line reaches everybody, sooner or later.
    for (const person of [ahead, behind]) await person.sees("(end)");
    judge({ log, views: [ahead.lines.slice(seen.ahead), behind.lines.slice(seen.behind)] });
    assert.equal(ahead.connects.at(-1), false, "what it saw is gone: it is not recovered");
    assert.deepEqual(ahead.lines.slice(seen.ahead).map(pair), log.map(pair), "so it gets everything again");
    assert.equal(behind.connects.at(-1), true, "what this one saw is still there");
    assert.deepEqual(behind.lines.map(pair), log.map(pair), "so it gets the rest, and nothing twice");
    // A line that was lost may be sent again by whoever wrote it: its key is free.
    assert.deepEqual(await ahead.say("lost 11", "past-key-11"), []);
    await ahead.until(() => ahead.texts.filter((text) => text === "lost 11").length === 2, "the lost line");
  }
}

async function fails(args, named) {
  const { code, stderr } = await run(args);
  assert.equal(code, 1, stderr);
  assert.ok(stderr.includes(named), `names ${named}: ${stderr}`);
  assert.doesNotMatch(stderr, /panicked/);
}

const pair = ({ text, offset }) => [offset, text];
