// Power cuts: what anybody was told or shown is there afterwards, whatever the disk kept of what was not flushed.
//
// One run under a preloaded shim notes every change, flush and send. Cuts are then played at notes drawn from the seed:
// the files are put together as the disk may have them, a real server starts on them, and a client reads. Whatever
// had been handed to a socket before the cut has to be there. POWER_CUTS says how many.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Server, temporaryFolder } from "../harness/server.mjs";
import { Recorder } from "./support/recorder.mjs";
import { Disk, noteWhatIsThere, readNotes, watch } from "./support/power.mjs";
import { amount, Dice, note } from "./support/scale.mjs";

const TEXT = /writer \d+, round \d+, line \d+/g;

const textsIn = (bytes) => bytes.toString("utf8").match(TEXT) ?? [];

describe("a power cut", () => {
  test("takes back nothing that anybody was told or shown", async (t) => {
    const dice = Dice.roll(t);
    const folder = temporaryFolder(t);
    const data = join(folder, "data");
    const journal = join(folder, "journal");
    mkdirSync(data);
    const rounds = amount("POWER_ROUNDS", 3, 6);
    const acked = await record(t, dice, { folder, data, journal, rounds });
    const notes = readNotes(journal);
    const flushes = notes.filter(({ kind }) => kind === "F").length;
    assert.ok(flushes > 10, "the run flushed");

    const cuts = amount("POWER_CUTS", 24, 1_000);
    const points = choosePoints(notes, dice, cuts);
    const disk = new Disk();
    const promised = new Set();
    const counts = { "all dropped": 0, torn: 0 };
    let taken = 0;
    for (const point of points) {
      for (; taken < point; taken += 1) {
        disk.take(notes[taken]);
        if (notes[taken].kind === "S") for (const text of textsIn(notes[taken].bytes)) promised.add(text);
      }
      const torn = dice.chance(0.6);
      counts[torn ? "torn" : "all dropped"] += 1;
      await survives(t, disk, promised, { dice, share: torn ? dice.next() : 0, point, of: notes.length });
    }
    const shown = new Set(notes.filter(({ kind }) => kind === "S").flatMap(({ bytes }) => textsIn(bytes)));
    const lines = acked.filter((text) => text.startsWith("writer"));
    assert.ok(lines.length > 0 && lines.every((text) => shown.has(text)), "the shim saw every line being sent");
    note(t, "power cut", { seed: dice.seed, cuts, ...counts, notes: notes.length, flushes, acked: acked.length, "restarts by kill -9": rounds - 1, lost: 0 });
  });
});

/** A run with kills and restarts in it: what is seen after a restart must outlive a cut right behind it, too. */
async function record(t, dice, { folder, data, journal, rounds }) {
  const recorder = new Recorder(t);
  const server = await Server.start(t, { data, env: watch(folder, data, journal) });
  const names = [0, 1, 2, 3].map((index) => `writer ${index}`);
  const writers = await recorder.joinAll(server.url, names, { transports: ["websocket"] });
  for (let round = 0; round < rounds; round += 1) {
    const count = dice.between(4, 12);
    const work = writers.map((writer) => recorder.sayAll(writer, count, (index) => `${writer.name}, round ${round}, line ${index}`));
    if (round + 1 < rounds) {
      const [seen] = writers;
      await seen.seesCount(seen.lines.length + dice.between(1, count * 3));
      // It dies between a commit and its flush, which is where a restart can show what the disk does not have.
      writeFileSync(`${journal}.die`, "");
      await seen.until(() => !seen.socket.connected, "the death of the server");
      await server.kill();
      noteWhatIsThere(data, journal);
      await server.startAgain();
    }
    await Promise.all(work);
  }
  await recorder.judge(server.url);
  await server.stop();
  return recorder.acked.map(({ text }) => text);
}

/** Notes to cut behind: half of them anywhere, half next to a send, where promises are made. */
function choosePoints(notes, dice, count) {
  const sends = [...notes.keys()].filter((index) => notes[index].kind === "S" && textsIn(notes[index].bytes).length > 0);
  const anywhere = () => dice.between(1, notes.length);
  const atSend = () => dice.pick(sends) + 1;
  return Array.from({ length: count }, (_, index) => (index % 2 === 0 ? anywhere() : atSend())).sort((one, other) => one - other);
}

async function survives(t, disk, promised, { dice, share, point, of }) {
  const data = join(temporaryFolder(t), "data");
  mkdirSync(data, { mode: 0o700 });
  disk.cut(data, dice, share);
  const about = `a cut behind note ${point} of ${of}, seed ${dice.seed}`;
  const server = await Server.start(t, { data }).catch((err) => {
    throw new Error(`${about}: ${err.message}`);
  });
  const reader = new Recorder(t);
  const lines = await reader.read(server.url, "reader");
  await server.kill();
  const texts = lines.map(({ text }) => text);
  const stored = new Set(texts);
  const lost = [...promised].filter((text) => !stored.has(text));
  assert.deepEqual(lost, [], `${about}: promised and gone`);
  assert.equal(stored.size, texts.length, `${about}: nothing is there twice`);
  assert.deepEqual(lines.map(({ offset }) => offset), texts.map((_, index) => index + 1), `${about}: the log is dense`);
}
