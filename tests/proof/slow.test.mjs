// Slow consumers: people who stop reading cost those who read nothing, and catch up without a hole.
//
// The same talk twice, on fresh servers: once among healthy people alone, once beside as many whose links take nothing
// any more. Times are told as the ratio of the two runs and gate nothing; what gates is who saw what, and memory.

import assert from "node:assert/strict";
import { performance } from "node:perf_hooks";
import { describe, test } from "node:test";
import { Proxy } from "../harness/proxy.mjs";
import { Server } from "../harness/server.mjs";
import { processOf } from "./support/process.mjs";
import { Recorder } from "./support/recorder.mjs";
import { amount, note, tally } from "./support/scale.mjs";

const PEOPLE = amount("SLOW_PEOPLE", 20, 50);
const MESSAGES = amount("SLOW_MESSAGES", 1_000, 5_000);
// Large enough that what the system buffers on a loopback link does not hold all of it.
const FILLING = "x".repeat(4_000);
const SENDERS = 10;
// The ring holds 64 MiB at most; everything else has to be small.
const MEMORY_KB_MAX = 192 * 1_024;

describe("slow consumers", () => {
  test("cost the others nothing, little memory, and miss nothing", async (t) => {
    const alone = await talk(t, 0);
    const beside = await talk(t, PEOPLE);
    note(t, "slow consumers", {
      healthy: PEOPLE, stalled: PEOPLE, messages: MESSAGES,
      "p99 after the first to see it, alone, ms": alone.p99, "the same beside stalled ones, ms": beside.p99, "p99 ratio": round(beside.p99 / alone.p99),
      "p50 ratio": round(beside.p50 / alone.p50),
      "peak memory alone, MiB": Math.round(alone.memory / 1_024), "peak memory beside, MiB": Math.round(beside.memory / 1_024),
      "behind when let go": beside.behind, "cut by the server": beside.cut, "caught up in, ms": beside.caughtUp, checks: tally(beside.verdict),
    });
    assert.ok(beside.behind > 0, "the stalled ones were behind");
    assert.ok(beside.memory - alone.memory < MEMORY_KB_MAX, `memory: ${beside.memory} kB beside, ${alone.memory} kB alone`);
  });
});

async function talk(t, stalledCount) {
  const server = await Server.start(t);
  const proxy = await Proxy.start(t, server.port);
  const recorder = new Recorder(t);
  const named = (kind, count) => Array.from({ length: count }, (_, index) => `${kind} ${index}`);
  const websocket = { transports: ["websocket"] };
  const healthy = await recorder.joinAll(server.url, named("healthy", PEOPLE), websocket);
  const stalled = await recorder.joinAll(proxy.url, named("stalled", stalledCount), websocket);
  const times = measure(healthy);
  proxy.stall();
  const senders = healthy.slice(0, SENDERS);
  await Promise.all(senders.map((sender) => recorder.sayAll(sender, MESSAGES / SENDERS, (index) => {
    const text = `${sender.name}, line ${index} `;
    return `${text}${FILLING.slice(text.length)}`;
  })));
  await Promise.all(healthy.map((person) => person.seesCount(MESSAGES)));
  const behind = stalled.reduce((all, person) => all + MESSAGES - person.lines.length, 0);
  const { peak: memory } = processOf(server).memory();
  const since = performance.now();
  proxy.resume();
  const verdict = await recorder.judge(server.url, { since, limit: 60_000 });
  const caughtUp = Math.round(performance.now() - since);
  const cut = stalled.filter((person) => person.connects.length > 1).length;
  for (const person of recorder.witnesses) person.leave();
  await server.stop();
  return { ...times(), memory, behind, cut, caughtUp, verdict };
}

/** How long after the first of the healthy people each other one sees a line. */
function measure(people) {
  const first = new Map();
  const delays = [];
  for (const person of people) {
    person.socket.on("chat message", (text) => {
      const now = performance.now();
      if (first.has(text)) delays.push(now - first.get(text));
      else first.set(text, now);
    });
  }
  return () => {
    delays.sort((one, other) => one - other);
    const at = (share) => round(delays[Math.floor(delays.length * share)] ?? 0);
    return { p50: at(0.5), p99: at(0.99) };
  };
}

const round = (number) => Math.round(number * 100) / 100;
