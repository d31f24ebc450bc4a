// A server whose log cannot commit: it sends the tutorial's clients away, who keep their messages, and takes them back by
// itself. Those of /v1 stay. See disk.test.mjs for a disk that is full.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Person } from "../harness/client.mjs";
import { healthOf, readOnly } from "../harness/disk.mjs";
import { judge, readLog } from "../harness/history.mjs";
import { V1Person } from "../harness/person.mjs";
import { Server } from "../harness/server.mjs";
import { PATIENCE_MS, within } from "../harness/waiting.mjs";
import { request } from "../harness/wire.mjs";

const RETRYING = { retries: 3, ackTimeout: 10_000 };

describe("a log that cannot commit", { concurrency: true }, () => {
  test("turns clients away, loses nothing of theirs, and is ready again by itself", async (t) => {
    const server = await Server.start(t);
    const ada = await Person.connect(t, server.url, RETRYING);
    const bob = await Person.connect(t, server.url, { ...RETRYING, transports: ["polling"] });
    await send(ada, "before");
    await bob.sees("before");
    const cleo = await V1Person.connect(t, server.url, { name: "cleo" });
    const lock = await Lock.take(t, join(server.data, "chat.db"));
    const held = [send(ada, "one"), send(ada, "two"), send(bob, "three")];
    const n = (cleo.n += 1);
    const ask = () => cleo.ask("say", { n, room: 1, text: "four" });
    assert.deepEqual(await ask(), { ok: false, code: "storage_full" }, "after some seconds it is known that it does not pass");
    await healthOf(server, 200, readOnly("write_errors"));
    assert.equal((await request(`${server.url}/`)).status, 200, "pages are still served");
    assert.deepEqual((await cleo.ask("history", { room: 1 })).messages.map(({ text }) => text), ["before"]);
    for (const person of [ada, bob]) {
      await person.until(() => !person.socket.connected, "the end of its transport");
      assert.equal(person.socket.active, true, "it was not told to stay away, so it tries again");
    }
    held.push(send(ada, "while it was away"));
    assert.deepEqual(await ask(), { ok: false, code: "storage_full" });
    await lock.release();
    await healthOf(server, 200, /^ready\n$/u);
    assert.equal((await ask()).ok, true);
    assert.equal(cleo.welcomes.length, 1, "it was never sent away");
    assert.deepEqual((await within(Promise.all(held), PATIENCE_MS, "the acks")).flat(), []);
    await send(ada, "after");
    const acked = ["before", "one", "two", "three", "four", "while it was away", "after"];
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
    await ada.until(() => !ada.socket.connected, "the end of its transport");
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
    await lock.release();
    await server.startAgain();
    assert.deepEqual(await within(held, PATIENCE_MS, "the ack"), []);
    judge({ log: await readLog(t, server.url, 1), views: [ada.lines], acked: ["one"] });
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
