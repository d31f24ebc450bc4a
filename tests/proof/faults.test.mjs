// Faults of the system below the real binary: death at any call that writes, a flush that fails, a disk that is full.
//
// strace puts them where they belong (Debian package strace). FAULT_POINTS says at how many calls the server dies.

import assert from "node:assert/strict";
import { readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { BreakableDisk, cannotMount, healthOf, readOnly, SmallDisk } from "../harness/disk.mjs";
import { V1Person } from "../harness/person.mjs";
import { Server, temporaryFolder } from "../harness/server.mjs";
import { processOf } from "./support/process.mjs";
import { Recorder } from "./support/recorder.mjs";
import { amount, Dice, note, tally } from "./support/scale.mjs";
import { hangingDisk } from "./support/power.mjs";
import { straceIsMissing, Tracer, WRITE_CLASS } from "./support/strace.mjs";

const files = (data) => readdirSync(data).filter((name) => name.startsWith("chat.db") && !name.endsWith("-shm")).map((name) => join(data, name));

describe("a server whose system calls go wrong", () => {
  test("dies at each call that writes to its files, and nothing is lost or doubled", async (t) => {
    const missing = straceIsMissing();
    if (missing !== undefined) return t.skip(missing);
    const dice = Dice.roll(t);
    const points = amount("FAULT_POINTS", 24, 300);
    const server = await Server.start(t);
    const recorder = new Recorder(t);
    const websocket = { transports: ["websocket"] };
    const writers = await recorder.joinAll(server.url, ["ada", "bob", "cleo"], websocket);
    await recorder.say(writers[0], "the first");
    const calls = {};
    let deaths = 0;
    for (let point = 1; point <= points; point += 1) {
      // One after the other, then anywhere.
      const when = point <= 12 ? point : dice.between(1, 40);
      const call = point % 3 === 0 ? dice.pick(["pwrite64", "fsync"]) : WRITE_CLASS.join(",");
      const which = call.includes(",") ? "any" : call;
      calls[which] = (calls[which] ?? 0) + 1;
      deaths += await dieAt(t, { server, recorder, writers, point, expression: ["-e", `inject=${call}:signal=SIGKILL:when=${when}`] });
    }
    const verdict = await recorder.judge(server.url, { about: `seed ${dice.seed}` });
    note(t, "killed at system calls", { seed: dice.seed, points, deaths, ...calls, acked: recorder.acked.length, checks: tally(verdict) });
  });

  for (const [what, file] of [["a commit", "chat.db-wal"], ["a checkpoint", "chat.db"]]) {
    test(`ends when the flush of ${what} fails, without a false ack, and goes on from what the disk holds`, async (t) => {
      const missing = straceIsMissing();
      if (missing !== undefined) return t.skip(missing);
      await failFlush(t, what, file, "1+");
    });
  }

  // As Linux does: it tells of a flush that failed once, and of the next one that it is well.
  test("ends when one flush of a commit fails, though the next one would not", async (t) => {
    const missing = straceIsMissing();
    if (missing !== undefined) return t.skip(missing);
    await failFlush(t, "a commit", "chat.db-wal", "1");
  });

  test("goes on by itself when a disk that has become read-only can be written again", async (t) => {
    const missing = straceIsMissing();
    if (missing !== undefined) return t.skip(missing);
    const { server, recorder, ada, bob, tracer, waiting } = await withReadOnlyDisk(t, "when=1+");
    const connects = bob.connects.length;
    await ada.until(() => !ada.socket.connected, "the server to send its clients away");
    // A write that fails with EROFS is an error like others to SQLite, until it has lasted.
    await healthOf(server, 200, readOnly("write_errors"));
    const stored = recorder.acked.length;
    assert.equal(stored, 3);
    assert.equal(tracer.ended, false, "the server waits");
    await tracer.detach();
    const since = performance.now();
    await waiting;
    await bob.until(() => bob.connects.length > connects && bob.socket.connected, "bob to be let in again");
    const verdict = await recorder.judge(server.url, { since, limit: 30_000 });
    note(t, "read-only disk", { "acked before it could be written again": stored, acked: recorder.acked.length, checks: tally(verdict) });
  });

  test("killed while it waits for a read-only disk, it has everything once", async (t) => {
    const missing = straceIsMissing();
    if (missing !== undefined) return t.skip(missing);
    // Some of the batch gets through before its disk refuses.
    const { server, recorder, ada, tracer, waiting } = await withReadOnlyDisk(t, "when=3+");
    await ada.until(() => !ada.socket.connected, "the server to send its clients away");
    await tracer.detach();
    await server.kill();
    await server.startAgain();
    await waiting;
    const verdict = await recorder.judge(server.url);
    note(t, "killed at a read-only disk", { acked: recorder.acked.length, checks: tally(verdict) });
  });

  test("told to stop while a commit hangs in the disk, it ends with an error, and nothing acked is lost", async (t) => {
    const folder = temporaryFolder();
    const flag = join(folder, "hangs");
    const server = await Server.start(t, { env: hangingDisk(folder, flag) });
    const recorder = new Recorder(t);
    const [ada, bob] = await recorder.joinAll(server.url, ["ada", "bob"], { transports: ["websocket"] });
    await recorder.sayAll(ada, 5, (index) => `before ${index}`);
    const cleo = await V1Person.connect(t, server.url);
    writeFileSync(flag, "");
    const waiting = recorder.say(bob, "into the hanging disk");
    // Lines that come while the disk hangs queue up behind.
    const behind = recorder.say(ada, "behind it");
    // Whoever cannot be served is sent away: by then the commit has begun and hangs.
    await ada.until(() => !ada.socket.connected, "the server to send its clients away");
    // Those of /v1 stay, and read.
    assert.equal((await cleo.ask("history", { room: 1 })).messages.length, 5);
    assert.equal(cleo.welcomes.length, 1);
    await healthOf(server, 503, /^not ready\n$/u);
    const since = performance.now();
    const { code, signal } = await server.stop();
    const took = Math.round(performance.now() - since);
    assert.deepEqual({ code, signal }, { code: 1, signal: null });
    assert.match(server.output.stderr, /it is unknown whether it took place; the next start continues from what is on disk/);
    const acked = recorder.acked.length;
    assert.equal(acked, 5, "nothing was acked that hung");
    rmSync(flag);
    await server.startAgain();
    await Promise.all([waiting, behind]);
    const verdict = await recorder.judge(server.url);
    note(t, "hanging flush", { "exit code": code, "stopped in, ms": took, "acked before the end": acked, acked: recorder.acked.length, checks: tally(verdict) });
  });

  test("can be read on a disk that has broken and takes no writes, and has everything when that is repaired", async (t) => {
    if (cannotMount) return t.skip(cannotMount);
    const disk = BreakableDisk.mount(t);
    if (disk.reason !== undefined) return t.skip(disk.reason);
    const server = await Server.start(t, { data: disk.data });
    const recorder = new Recorder(t);
    const [ada, bob] = await recorder.joinAll(server.url, ["ada", "bob"], { transports: ["websocket"] });
    const cleo = await V1Person.connect(t, server.url);
    await recorder.sayAll(ada, 20, (index) => `before ${index}`);
    // A checkpoint whose flush fails would end the server: it is over when it has written.
    const written = Date.now();
    while (statSync(join(disk.data, "chat.db")).mtimeMs <= written) await setTimeout(50);
    disk.break();
    const waiting = Promise.all([recorder.say(ada, "to the broken disk"), recorder.sayAll(bob, 10, (index) => `behind it ${index}`)]);
    await ada.until(() => !ada.socket.connected, "the server to send its clients away");
    // Not every kernel says of such a disk that it is read-only.
    await healthOf(server, 200, readOnly("(read_only_disk|write_errors)"));
    assert.deepEqual(await cleo.ask("say", { n: 1, room: 1, text: "from cleo" }), { ok: false, code: "storage_full" });
    assert.equal((await cleo.ask("history", { room: 1 })).messages.length, 20);
    const { token } = cleo;
    const late = await V1Person.connect(t, server.url, { auth: { token, cursor: cleo.cursor } });
    assert.deepEqual([late.welcome.resumed, cleo.welcomes.length], [true, 1]);
    const stored = recorder.acked.length;
    assert.equal(stored, 20);
    for (const person of [cleo, late]) person.leave();
    await server.stop();
    disk.repair();
    await server.startAgain();
    await waiting;
    const verdict = await recorder.judge(server.url);
    note(t, "broken disk", { "acked before it broke": stored, acked: recorder.acked.length, checks: tally(verdict) });
  });

  test("goes on by itself when a full disk has room again", async (t) => {
    if (cannotMount) return t.skip(cannotMount);
    const disk = SmallDisk.mount(t, 32);
    const server = await Server.start(t, { data: disk.data, args: ["--limit", "disk-free=0"] });
    const recorder = new Recorder(t);
    const [ada, bob] = await recorder.joinAll(server.url, ["ada", "bob"], { transports: ["websocket"] });
    await recorder.sayAll(ada, 5, (index) => `before ${index}`);
    disk.fill();
    const before = [ada, bob].map((person) => person.connects.length);
    const waiting = recorder.sayAll(ada, 100, (index) => `into the full disk ${index}`);
    // Whoever cannot be served is sent away rather than kept waiting in vain.
    await ada.until(() => !ada.socket.connected, "the server to send its clients away");
    await healthOf(server, 200, readOnly("disk_full"));
    const stored = recorder.acked.length;
    assert.ok(stored < 100, "the disk was full");
    disk.free(32);
    const since = performance.now();
    await waiting;
    await bob.until(() => bob.connects.length > before[1] && bob.socket.connected, "bob to be let in again");
    const verdict = await recorder.judge(server.url, { since, limit: 30_000 });
    assert.deepEqual([ada, bob].map((person) => person.connects.slice(1).every(Boolean)), [true, true], "recovered");
    note(t, "full disk", { "acked before it was full": stored, acked: recorder.acked.length, checks: tally(verdict) });
  });
});

/** A server whose disk takes three messages and then refuses writes, beginning with the one that `when` says, and two who go on sending. */
async function withReadOnlyDisk(t, when) {
  const server = await Server.start(t);
  const recorder = new Recorder(t);
  const [ada, bob] = await recorder.joinAll(server.url, ["ada", "bob"], { transports: ["websocket"] });
  await recorder.sayAll(ada, 3, (index) => `before ${index}`);
  const tracer = await Tracer.attach(t, processOf(server).id, ["-e", `inject=pwrite64,write:error=EROFS:${when}`], files(server.data));
  const waiting = Promise.all([recorder.say(bob, "into the read-only disk"), recorder.sayAll(ada, 20, (index) => `behind it ${index}`)]);
  return { server, recorder, ada, bob, tracer, waiting };
}

async function dieAt(t, { server, recorder, writers, point, expression }) {
  const tracer = await Tracer.attach(t, processOf(server).id, expression, files(server.data));
  const counts = writers.map((writer) => writer.connects.length);
  let sends = 0;
  const work = writers.map(async (writer) => {
    // A fault that is far away needs many writes until it comes.
    while (!tracer.ended && sends < 400) {
      sends += 1;
      await recorder.say(writer, `${writer.name}, fault ${point}, line ${sends}`);
    }
  });
  await Promise.race([tracer.until(() => tracer.ended, "the death of the server"), Promise.all(work)]);
  const died = tracer.ended;
  await tracer.detach();
  await server.kill();
  await server.startAgain();
  await Promise.all(writers.map((writer, index) => writer.until(() => writer.connects.length > counts[index], "a reconnect")));
  await Promise.all(work);
  return died ? 1 : 0;
}

async function failFlush(t, what, file, when) {
  const server = await Server.start(t);
  const recorder = new Recorder(t);
  const [ada, bob] = await recorder.joinAll(server.url, ["ada", "bob"], { transports: ["websocket"] });
  await recorder.sayAll(ada, 3, (index) => `before ${index}`);
  const id = processOf(server).id;
  const tracer = await Tracer.attach(t, id, ["-e", `inject=fsync,fdatasync:error=EIO:when=${when}`], [join(server.data, file)]);
  const sent = [recorder.say(ada, "into the failing disk")];
  await tracer.until(() => /INJECTED/.test(tracer.output) || tracer.ended, "the flush to fail");
  // After a checkpoint that failed, it is one of the next commits that is not believed any more.
  sent.push((async () => {
    for (let number = 0; number < 1_000 && !tracer.ended; number += 1) await recorder.say(bob, `after the failure ${number}`);
  })());
  await tracer.until(() => tracer.ended, "the end of the server");
  const code = await server.stop();
  assert.notEqual(code.code, 0);
  assert.equal(code.signal, null, "it ended by itself");
  assert.match(server.output.stderr, /the next start continues from what is on disk/);
  const before = recorder.acked.length;
  if (what === "a commit") assert.equal(before, 3, "nothing was acked after the flush had failed");
  await server.startAgain();
  await Promise.all(sent);
  const verdict = await recorder.judge(server.url);
  note(t, "failing flush", { of: what, when, "exit code": code.code, "acked before the end": before, acked: recorder.acked.length, checks: tally(verdict) });
}
