// How much a proof does, what its dice show, and where its result goes.
//
// PROOF=long asks for the long forms. PROOF_SEED repeats a run. PROOF_RESULTS names a file that results are appended
// to, one JSON object per line; `cargo xtask proof` makes docs/proof.md of them.

import { randomInt } from "node:crypto";
import { appendFileSync } from "node:fs";

export const LONG = process.env.PROOF === "long";

/** A count: a small one, a large one, or what the named environment variable says. */
export function amount(name, short, long) {
  const named = process.env[name];
  return named === undefined ? (LONG ? long : short) : Number(named);
}

/** Dice whose seed is printed, so that a run can be repeated. */
export class Dice {
  static roll(test) {
    const seed = process.env.PROOF_SEED === undefined ? randomInt(2 ** 31) : Number(process.env.PROOF_SEED);
    test.diagnostic(`PROOF_SEED=${seed}`);
    return new Dice(seed);
  }

  constructor(seed) {
    this.seed = seed;
    this.state = seed >>> 0;
  }

  /** A number from 0 up to below 1 (mulberry32). */
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `low` to `high`, both included. */
  between(low, high) {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  chance(share) {
    return this.next() < share;
  }

  pick(items) {
    return items[this.between(0, items.length - 1)];
  }
}

/** Keeps what was run and what came of it. */
export function note(test, section, facts) {
  const entry = { section, test: test.name, ...facts };
  test.diagnostic(JSON.stringify(facts));
  const file = process.env.PROOF_RESULTS;
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(entry)}\n`);
}

/** A verdict of the checker in a line: how often each invariant was looked at. */
export function tally(verdict) {
  return Object.fromEntries(Object.entries(verdict).map(([name, { checked }]) => [name, checked]));
}
