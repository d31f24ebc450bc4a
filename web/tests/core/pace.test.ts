// Goal: however connections fail and whoever hurries, tries stay rare; and after one clean end they come at once.

import { expect, test } from "vitest";
import { Pace, PACE } from "../../src/core/pace.ts";
import { Chance } from "./virtual-clock.ts";

/** When tries begin that a server takes and ends after `lasts` milliseconds, over some minutes. */
function tries(seed: number, { lasts, isWatched = true, hurries = false }: { readonly lasts: number; readonly isWatched?: boolean; readonly hurries?: boolean }): readonly number[] {
  const chance = new Chance(seed);
  const pace = new Pace();
  const began: number[] = [];
  for (let now = 0; now < 600_000; ) {
    began.push(now);
    pace.began(now);
    if (chance.is(0.5)) pace.welcomed(now);
    now += lasts;
    const pause = pace.failed("broken", now, isWatched, chance.next());
    now += hurries ? Math.min(pause, pace.hurried(now) + chance.below(50)) : pause;
  }
  return began;
}

/** The most that fall into one minute. */
const busiest = (began: readonly number[]): number =>
  Math.max(...began.map((start) => began.filter((at) => at >= start && at < start + 60_000).length));

test.each([0, 150, 3_000, 9_999])("connections that end after %i ms are tried at most six times a minute", (lasts) => {
  for (let seed = 1; seed <= 50; seed += 1) {
    expect(busiest(tries(seed, { lasts }))).toBeLessThanOrEqual(6);
    expect(busiest(tries(seed, { lasts, hurries: true }))).toBeLessThanOrEqual(6);
  }
});

test("a page that nobody looks at tries twice a minute in the end", () => {
  const began = tries(1, { lasts: 150, isWatched: false });
  const pauses = began.slice(8).map((at, index) => at - (began[index + 7] ?? 0));
  for (const pause of pauses) expect(pause).toBeGreaterThanOrEqual(30_000);
});

test("pages do not come back in step", () => {
  const first = Array.from({ length: 100 }, (_, index) => new Pace().failed("broken", 0, true, new Chance(index).next()));
  expect(new Set(first).size).toBeGreaterThan(50);
  for (const pause of first) expect(pause).toBeLessThan(500);
});

test("ten good seconds make the next pause short again, nine do not", () => {
  const after = (lasts: number): number => {
    const pace = new Pace();
    for (let round = 0; round < 4; round += 1) {
      pace.began(0);
      pace.failed("broken", 0, true, 0);
    }
    pace.began(0);
    pace.welcomed(0);
    return pace.failed("broken", lasts, true, 0);
  };
  expect(after(9_999)).toBe(15_000);
  expect(after(10_000)).toBe(300);
});

test("ten seconds without a welcome are not good", () => {
  const pace = new Pace();
  for (let round = 0; round < 4; round += 1) {
    pace.began(round * 20_000);
    pace.failed("broken", (round + 1) * 20_000, true, 0);
  }
  expect(pace.failed("broken", 100_000, true, 0)).toBe(15_000);
});

test("a peer that drops every connection before it says a word, or is not there, sees six tries in the first minute", () => {
  for (let seed = 0; seed <= 50; seed += 1) {
    const chance = new Chance(seed);
    const pace = new Pace();
    const began: number[] = [];
    for (let now = 0; now < 60_000; now += pace.failed("unreachable", now, true, seed === 0 ? 0 : chance.next())) {
      pace.began(now);
      began.push(now);
    }
    expect(began.length).toBeLessThanOrEqual(6);
    // A restart takes a few seconds: it is found within as many again.
    expect(began.filter((at) => at < 8_000).length).toBeGreaterThanOrEqual(4);
  }
});

test("where nobody answers, a page that is looked at tries twice a minute in the end, and a hurry ends the pause", () => {
  const pace = new Pace();
  const pauses = Array.from({ length: 8 }, (_, index) => pace.failed("unreachable", index * 10_000, true, 0));
  expect(pauses).toEqual([300, 1_200, 4_000, 10_000, 20_000, 25_000, 25_000, 25_000]);
  expect(pace.hurried(100_000)).toBe(0);
  expect(pace.failed("unreachable", 100_000, false, 0)).toBe(30_000);
});

test("a phase gets more time after each failure, so a slow network gets through", () => {
  const pace = new Pace();
  const deadlines = [pace.deadline];
  for (let round = 0; round < 6; round += 1) {
    pace.failed("unreachable", round, true, 0);
    deadlines.push(Math.round(pace.deadline));
  }
  expect(deadlines).toEqual([4_000, 4_000, 6_000, 9_000, 13_500, 20_000, PACE.deadlineMax]);
});
