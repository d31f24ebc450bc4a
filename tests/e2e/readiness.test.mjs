// A server whose log cannot commit: it sends its clients away, who keep their messages, and takes them back by itself.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, fsyncSync, mkdtempSync, openSync, rmdirSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { Person } from "../harness/client.mjs";
import { judge, readLog } from "../harness/history.mjs";
import { Server } from "../harness/server.mjs";
import { PATIENCE_MS, within } from "../harness/waiting.mjs";
import { engineUrl, request } from "../harness/wire.mjs";

const RETRYING = { retries: 3, ackTimeout: 10_000 };

describe("a log that cannot commit", { concurrency: true }, () => {
  test("turns clients away, loses nothing of theirs, and is ready again by itself", async (t) => {
    const server = await Server.start(t);
    const ada = await Person.connect(t, server.url, RETRYING);
    const bob = await Person.connect(t, server.url, { ...RETRYING, transports: ["polling"] });
    await send(ada, "before");
    await bob.sees("before");
    const lock = await Lock.take(t, join(server.data, "chat.db"));
    const held = [send(ada, "one"), send(ada, "two"), send(bob, "three")];
    await isUnready(server);
    for (const person of [ada, bob]) {
      await person.until(() => !person.socket.connected, "the end of its transport");
      assert.equal(person.socket.active, true, "it was not told to stay away, so it tries again");
    }
    held.push(send(ada, "while it was away"));
    await lock.release();
    await status(server, "/health", 200);
    assert.deepEqual((await within(Promise.all(held), PATIENCE_MS, "the acks")).flat(), []);
    await send(ada, "after");
    const acked = ["before", "one", "two", "three", "while it was away", "after"];
    for (const person of [ada, bob]) {
      await person.sees(...acked);
      assert.equal(person.connects.at(-1), true, "and it is recovered");
    }
    judge({
      log: await readLog(t, server.url, acked.length),
      views: [ada.lines, bob.lines],
      acked,
      senders: [["before", "one", "two", "while it was away", "after"], ["three"]],
    });
  });

  test("does not keep the server from ending, nor the clients from their next start", async (t) => {
    const server = await Server.start(t);
    const ada = await Person.connect(t, server.url, RETRYING);
    const lock = await Lock.take(t, join(server.data, "chat.db"));
    const held = send(ada, "one");
    await isUnready(server);
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
    await lock.release();
    await server.startAgain();
    assert.deepEqual(await within(held, PATIENCE_MS, "the ack"), []);
    judge({ log: await readLog(t, server.url, 1), views: [ada.lines], acked: ["one"] });
  });

  const canMount = process.platform === "linux" && process.getuid() === 0;
  test("because the disk is full is one of these", { skip: !canMount }, async (t) => {
    const disk = SmallDisk.mount(t);
    const server = await Server.start(t, { data: join(disk.folder, "data") });
    const people = await Person.all(t, server.url, 3, RETRYING);
    const acked = [];
    await send(people[0], "before");
    disk.fill();
    // More than the files have of unused space in them.
    const held = people.map(async (person, whose) => {
      for (let number = 0; number < 40; number += 1) {
        const text = `${whose} ${number} ${"x".repeat(16_000)}`;
        await send(person, text);
        acked.push(text);
      }
    });
    await isUnready(server);
    assert.ok(acked.length < 120, "the disk was full");
    assert.equal((await request(`${server.url}/`)).status, 200, "pages are still served");
    disk.free();
    await status(server, "/health", 200);
    await within(Promise.all(held), PATIENCE_MS, "the acks");
    const log = await readLog(t, server.url, 121);
    const senders = people.map((_, whose) => acked.filter((text) => text.startsWith(`${whose} `)));
    judge({ log, views: people.map((person) => person.lines), acked, senders });
    assert.equal(log.length, 122);
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
  });
});

/** Sends a line as the tutorial's page does; the answer comes after however many reconnects. */
function send(person, text) {
  const clientOffset = `${person.socket.id}-${(counter += 1)}`;
  return new Promise((resolve, reject) => {
    person.socket.emit("chat message", text, clientOffset, (err, ...args) => (err ? reject(err) : resolve(args)));
  });
}

let counter = 0;

async function isUnready(server) {
  await status(server, "/health", 503);
  await status(server, "/socket.io/?EIO=4&transport=polling", 503);
  const upgrade = {
    connection: "upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  };
  const answer = await request(engineUrl(server.url, { EIO: 4, transport: "websocket" }), { headers: upgrade });
  assert.equal(answer.status, 503);
}

/** Asks, some times a second, until the answer is this. */
async function status(server, path, expected) {
  const asked = async () => {
    while ((await request(`${server.url}${path}`)).status !== expected) await setTimeout(50);
  };
  await within(asked(), PATIENCE_MS, `${expected} from ${path}`);
}

/** Another program that holds the write lock of a database. */
class Lock {
  static async take(t, database) {
    const lock = new Lock();
    const program =
      "import sqlite3, sys\n" +
      "db = sqlite3.connect(sys.argv[1], isolation_level=None)\n" +
      "db.execute('begin immediate')\nprint('locked', flush=True)\nsys.stdin.read()\ndb.execute('rollback')";
    lock.child = spawn("python3", ["-c", program, database], { stdio: ["pipe", "pipe", "inherit"] });
    lock.ended = once(lock.child, "close");
    t.after(() => lock.child.kill("SIGKILL"));
    await within(once(lock.child.stdout, "data"), PATIENCE_MS, "the lock");
    return lock;
  }

  async release() {
    this.child.stdin.end();
    await within(this.ended, PATIENCE_MS, "the end of the lock");
  }
}

/** A file system of 4 MB. */
class SmallDisk {
  static mount(t) {
    const disk = new SmallDisk();
    disk.folder = mkdtempSync(join(tmpdir(), "tidings-test-"));
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", disk.folder]);
    t.after(() => {
      execFileSync("umount", ["--lazy", disk.folder]);
      rmdirSync(disk.folder);
    });
    return disk;
  }

  fill() {
    const file = openSync(join(this.folder, "ballast"), "w");
    try {
      for (;;) writeSync(file, Buffer.alloc(4096));
    } catch (err) {
      assert.equal(err.code, "ENOSPC");
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }

  free() {
    unlinkSync(join(this.folder, "ballast"));
    // What waits to be stored is more than the ballast was.
    execFileSync("mount", ["-o", "remount,size=64m", this.folder]);
  }
}
