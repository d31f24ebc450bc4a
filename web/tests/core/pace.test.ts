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

/** The pauses after so many failures in a row, a minute apart, so that no bound on tries lengthens them. */
function pauses(failure: "unreachable" | "broken", count: number, isWatched = true, random = 0): readonly number[] {
  const pace = new Pace();
  return Array.from({ length: count }, (_, index) => {
    pace.began(index * 600_000);
    return pace.failed(failure, index * 600_000, isWatched, random);
  });
}

test("pauses grow step by step, and the last one stays; a page that nobody looks at waits half a minute then", () => {
  expect(pauses("unreachable", 8)).toEqual([300, 1_200, 4_000, 10_000, 20_000, 25_000, 25_000, 25_000]);
  expect(pauses("unreachable", 8, false)).toEqual([300, 1_200, 4_000, 10_000, 20_000, 25_000, 30_000, 30_000]);
  expect(pauses("broken", 5)).toEqual([300, 1_500, 4_000, 8_000, 15_000]);
});

test("chance lengthens a pause by up to two fifths", () => {
  expect([pauses("unreachable", 2, true, 0.5), pauses("unreachable", 1, true, 0.999)]).toEqual([[360, 1_440], [420]]);
});

test("failures of one kind are counted apart from those of the other, until a welcome or ten good seconds", () => {
  const pace = new Pace();
  const fail = (failure: "unreachable" | "broken", now: number): number => {
    pace.began(now);
    return pace.failed(failure, now, true, 0);
  };
  expect([fail("unreachable", 0), fail("broken", 0), fail("unreachable", 0)]).toEqual([300, 300, 1_200]);
  pace.began(100_000);
  pace.welcomed(100_000);
  // Somebody was there, but it did not last.
  expect(pace.failed("broken", 105_000, true, 0)).toBe(1_500);
  expect(fail("unreachable", 200_000)).toBe(300);
  pace.began(300_000);
  pace.welcomed(300_000);
  expect(pace.failed("broken", 310_000, true, 0)).toBe(300);
  // A welcome is good for its own connection.
  expect(fail("broken", 900_000)).toBe(1_500);
});

test("six broken tries in a minute are enough, also for somebody who hurries", () => {
  const pace = new Pace();
  for (let index = 0; index < 5; index += 1) {
    pace.began(index * 1_000);
    pace.failed("broken", index * 1_000, true, 0);
    expect(pace.hurried(index * 1_000)).toBe(0);
  }
  pace.began(5_000);
  expect(pace.failed("broken", 5_000, true, 0)).toBe(55_000);
  expect([pace.hurried(5_000), pace.hurried(59_999), pace.hurried(60_000), pace.hurried(70_000)]).toEqual([55_000, 1, 0, 0]);
  pace.began(60_000);
  pace.failed("broken", 60_000, true, 0);
  expect(pace.hurried(60_000)).toBe(1_000);
});

test("a phase may take four seconds, half as long again with each failure after the first, and twenty at most", () => {
  const pace = new Pace();
  const deadlines = [pace.deadline];
  for (let index = 0; index < 7; index += 1) {
    pace.began(0);
    pace.failed(index % 2 === 0 ? "unreachable" : "broken", 0, true, 0);
    deadlines.push(pace.deadline);
  }
  expect(deadlines).toEqual([4_000, 4_000, 6_000, 9_000, 13_500, 20_000, 20_000, 20_000]);
});
