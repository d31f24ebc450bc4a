// The real binary, killed while people talk: kill -9 in a loop, stops, pauses, a second instance. The checker judges.
//
// KILL_CYCLES says how often. Where in the work a kill falls is drawn from the seed, in lines seen, and from what the
// machine does meanwhile.

import assert from "node:assert/strict";
import { performance } from "node:perf_hooks";
import { describe, test } from "node:test";
import { Proxy } from "../harness/proxy.mjs";
import { TRANSPORTS } from "../harness/client.mjs";
import { run, Server } from "../harness/server.mjs";
import { Recorder } from "./support/recorder.mjs";
import { processOf } from "./support/process.mjs";
import { settled } from "../harness/settled.mjs";
import { amount, Dice, note, tally } from "./support/scale.mjs";

// What the server takes; more is refused for good.
const TEXT_BYTES_MAX = 16 * 1_024;

const WAYS = Object.values(TRANSPORTS);

/** People who write without an end until told, on all transports, straight and through a bad link. */
class Crowd {
  writing = true;

  static async gather(t, dice, server, writers, readers) {
    const crowd = new Crowd();
    crowd.recorder = new Recorder(t);
    crowd.proxy = await Proxy.start(t, server.port);
    const names = [...Array(writers).keys()].map((index) => `writer ${index}`);
    const url = () => (dice.chance(0.3) ? crowd.proxy.url : server.url);
    crowd.writers = await Promise.all(names.map((name) => crowd.recorder.join(url(), name, dice.pick(WAYS))));
    crowd.readers = await Promise.all([...Array(readers).keys()].map((index) => crowd.recorder.join(url(), `reader ${index}`, dice.pick(WAYS))));
    crowd.work = crowd.writers.map((writer) => crowd.#write(writer));
    return crowd;
  }

  get everybody() {
    return [...this.writers, ...this.readers];
  }

  async #write(writer) {
    for (let index = 0; this.writing; index += 1) {
      // Now and then one that is too long to be stored, and must be refused whatever happens meanwhile.
      const filling = index % 10 === 9 ? "x".repeat(TEXT_BYTES_MAX) : "";
      await this.recorder.say(writer, `${writer.name}, line ${index}${filling}`);
    }
  }

  /** Until somebody has seen so many more lines. */
  async seesMore(count) {
    const [reader] = this.readers;
    await reader.seesCount(reader.lines.length + count);
  }

  settleUpgrades() {
    return Promise.all(this.everybody.map(settled));
  }

  async finish(url, options) {
    this.writing = false;
    await Promise.all(this.work);
    return this.recorder.judge(url, options);
  }
}

describe("a server that is killed while people talk", () => {
  test("kill -9, again and again", async (t) => {
    const dice = Dice.roll(t);
    const cycles = amount("KILL_CYCLES", 12, 300);
    const server = await Server.start(t);
    const crowd = await Crowd.gather(t, dice, server, 6, 4);
    let slowest = 0;
    let since;
    for (let cycle = 0; cycle < cycles; cycle += 1) {
      await crowd.seesMore(dice.between(1, 60));
      await crowd.settleUpgrades();
      if (dice.chance(0.3)) crowd.proxy.cut();
      await crowd.settleUpgrades();
      await server.kill();
      since = performance.now();
      await server.startAgain();
      slowest = Math.max(slowest, performance.now() - since);
    }
    const verdict = await crowd.finish(server.url, { since, about: `seed ${dice.seed}` });
    const lines = crowd.recorder.acked.length;
    const recovered = crowd.everybody.flatMap((person) => person.connects.slice(1));
    note(t, "kill", {
      seed: dice.seed, cycles, acked: lines, reconnects: recovered.length, recovered: recovered.filter(Boolean).length,
      "slowest start, ms": Math.round(slowest), checks: tally(verdict),
    });
    assert.ok(recovered.every(Boolean), "everybody is recovered after each kill");
  });

  test("SIGTERM, again and again", async (t) => {
    const dice = Dice.roll(t);
    const cycles = amount("STOP_CYCLES", 5, 60);
    const server = await Server.start(t);
    const crowd = await Crowd.gather(t, dice, server, 6, 4);
    let since;
    for (let cycle = 0; cycle < cycles; cycle += 1) {
      await crowd.seesMore(dice.between(1, 60));
      await crowd.settleUpgrades();
      since = performance.now();
      assert.deepEqual(await server.stop(), { code: 0, signal: null });
      await server.startAgain();
    }
    const verdict = await crowd.finish(server.url, { since, about: `seed ${dice.seed}` });
    const recovered = crowd.everybody.flatMap((person) => person.connects.slice(1));
    note(t, "kill", { seed: dice.seed, cycles, acked: crowd.recorder.acked.length, reconnects: recovered.length, recovered: recovered.filter(Boolean).length, checks: tally(verdict) });
    assert.ok(recovered.every(Boolean), "everybody is recovered after each stop");
  });

  test("stopped for seconds and let go on", async (t) => {
    const dice = Dice.roll(t);
    const pauses = amount("PAUSES", 1, 3);
    const server = await Server.start(t);
    const crowd = await Crowd.gather(t, dice, server, 4, 3);
    let since;
    for (let pause = 0; pause < pauses; pause += 1) {
      await crowd.seesMore(dice.between(5, 40));
      const milliseconds = amount("PAUSE_MS", 5_200, dice.between(5_000, 10_000));
      const server_ = processOf(server);
      server_.signal("SIGSTOP");
      // The pause is the fault itself, so here time has to pass.
      const { promise, resolve } = withResolvers();
      setTimeout(resolve, milliseconds);
      await promise;
      server_.signal("SIGCONT");
      since = performance.now();
      await crowd.seesMore(20);
    }
    const verdict = await crowd.finish(server.url, { since, about: `seed ${dice.seed}` });
    note(t, "pause", { seed: dice.seed, pauses, acked: crowd.recorder.acked.length, checks: tally(verdict) });
  });

  test("a second instance on the same data ends at once, and the first does not notice", async (t) => {
    const dice = Dice.roll(t);
    const server = await Server.start(t);
    const crowd = await Crowd.gather(t, dice, server, 3, 2);
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await crowd.seesMore(10);
      const { code, stderr } = await run(["--listen", "127.0.0.1:0", "--data", server.data]);
      assert.equal(code, 1);
      assert.match(stderr, /in use by another process/);
    }
    const verdict = await crowd.finish(server.url, { about: `seed ${dice.seed}` });
    for (const person of crowd.everybody) assert.deepEqual(person.connects, [false]);
    note(t, "second instance", { attempts: 3, acked: crowd.recorder.acked.length, checks: tally(verdict) });
  });
});

function withResolvers() {
  let resolve;
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
}
