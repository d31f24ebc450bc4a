// Power cuts: what anybody was told or shown is there afterwards, whatever the disk kept of what was not flushed.
//
// One run under a preloaded shim notes every change, flush and send, through every state that the disk can be in; a run
// that misses one fails. Cuts are then played at notes drawn from the seed: the files are put together as the disk may
// have them, a real server starts on them, and a client reads. Whatever had been handed to a socket before the cut has
// to be there, and so have backups, restored and imported chats and new keys. POWER_CUTS says how many cuts.
//
// Bugs planted in the disk measure that: each has to break a promise. POWER_BUGS names those to plant, by a part of the
// name, or says `all`; by default some are drawn from the seed.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Run } from "./support/disk-bugs.mjs";
import { cutsAnywhere, cutsAtEnds } from "./support/disk-cuts.mjs";
import { Broken, Promises, survives, textsIn } from "./support/disk-oracle.mjs";
import { STATES, Chronicle } from "./support/disk-states.mjs";
import { record } from "./support/disk-story.mjs";
import { amount, Dice, LONG, note } from "./support/scale.mjs";

/** How many bugs are planted by default, and how many cuts each may take until it is found. */
const SAMPLE = 2;
const BUG_CUTS = 150;

describe("a power cut", () => {
  let recorded;
  const recordOnce = (t, dice) => (recorded ??= record(t, dice));

  test("takes back nothing that anybody was told or shown", async (t) => {
    const dice = Dice.roll(t);
    const story = await recordOnce(t, dice);
    const { notes, acked } = story;
    const { chronicle, flushes } = new Run(notes);
    note(t, "power cut: states of a run", { seed: dice.seed, ...chronicle.toJSON() });
    note(t, "power cut: flushes of a run", flushes);
    for (const state of STATES) assert.ok(chronicle.count(state) > 0, `${state}: never reached, seed ${dice.seed}`);

    const cuts = [...cutsAtEnds(notes), ...cutsAnywhere(notes, dice, amount("POWER_CUTS", 12, 1_000))].sort((one, other) => one.point - other.point);
    const counts = { "all dropped": 0, torn: 0 };
    const count = (what) => (counts[what] = (counts[what] ?? 0) + 1);
    await play(t, { story, notes, dice, cuts }, ({ share }, passed) => {
      count(share > 0 ? "torn" : "all dropped");
      for (const what of passed.amid) count(what);
      for (const state of STATES) if (passed.count(state) > 0) count(`behind ${state}`);
    });
    for (const state of STATES) assert.ok(counts[`behind ${state}`] > 0, `no cut behind ${state}, seed ${dice.seed}`);
    const shown = new Set(notes.filter(({ kind }) => kind === "S").flatMap(({ bytes }) => textsIn(bytes)));
    const lines = acked.flatMap((text) => textsIn(Buffer.from(text)));
    assert.ok(lines.length > 0 && lines.every((text) => shown.has(text)), "the shim saw every line being sent");
    note(t, "power cut", { seed: dice.seed, cuts: cuts.length, ...counts, notes: notes.length, acked: acked.length, lost: 0 });
  });

  test("shows every planted bug of the disk", async (t) => {
    const dice = Dice.roll(t);
    const story = await recordOnce(t, dice);
    const run = new Run(story.notes);
    assert.deepEqual(run.unjudged, [], "each flush has a purpose of which it is known whether it is required");
    for (const { name, notes, windows } of chosen(run.bugs(), dice)) {
      let tried = 0;
      const isBroken = async (cuts) => {
        const broken = await play(t, { story, notes, dice, cuts }, () => (tried += 1)).catch(({ cause }) => cause);
        if (broken !== undefined && !(broken instanceof Broken)) throw broken;
        return broken;
      };
      const broken = (await isBroken(cutsAtEnds(notes, windows))) ?? (await isBroken(cutsAnywhere(notes, dice, BUG_CUTS, windows)));
      assert.ok(broken !== undefined, `not noticed in ${tried} cuts, seed ${dice.seed}: ${name}`);
      note(t, "planted in the disk", { bug: name, tried, violation: broken.message.trim().replace(/\/tmp\/[\w-]+\//g, "") });
    }
  });
});

function chosen(bugs, dice) {
  const wanted = process.env.POWER_BUGS ?? (LONG ? "all" : undefined);
  if (wanted !== undefined) return bugs.filter(({ name }) => wanted === "all" || name.includes(wanted));
  return Array.from({ length: SAMPLE }, () => bugs.splice(dice.between(0, bugs.length - 1), 1)[0]);
}

/** Plays the cuts one after the other, each after `tell` was told of it. What is wrong is the cause of the error. */
async function play(t, { story, notes, dice, cuts }, tell) {
  const passed = new Chronicle();
  const promises = new Promises();
  let taken = 0;
  for (const cut of cuts) {
    for (; taken < cut.point; taken += 1) {
      passed.take(notes[taken]);
      promises.take(notes[taken]);
    }
    tell(cut, passed);
    await survives(t, passed.disk, promises, { story, dice, share: cut.share }).catch((cause) => {
      throw new Error(`a cut behind note ${cut.point} of ${notes.length}, seed ${dice.seed}: ${cause.message}`, { cause });
    });
  }
}
