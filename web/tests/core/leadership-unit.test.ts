// Goal: of several tabs one leads, whenever the store answers and whatever the tabs hear. Without a chat: who begins and ends is
// written down.

import { describe, expect, test } from "vitest";
import { Leadership } from "../../src/core/leadership.ts";
import type { SetTimer, World } from "../../src/core/ports.ts";
import { MemoryDisk, MemoryStore } from "../../src/core/store-memory.ts";
import type { Store } from "../../src/core/store.ts";
import { NoTabs, TabHub, type Tabs } from "../../src/core/tabs.ts";
import { FailingStore } from "./failing-store.ts";
import { SlowStore } from "./slow-store.ts";
import { Chance, VirtualClock } from "./virtual-clock.ts";

interface Seat {
  readonly leadership: Leadership;
  readonly tabs: Tabs;
  readonly log: string[];
  /** Whether each lead that it had still lasts. */
  readonly leads: (() => boolean)[];
  beats: number;
}

class House {
  readonly clock = new VirtualClock();
  readonly hub = new TabHub();
  readonly disk = new MemoryDisk();
  readonly store = new MemoryStore(this.disk);
  isFull = false;
  readonly full = new FailingStore(this.store, () => (this.isFull ? "rejected" : "passes"));

  seat(options: { readonly store?: Store; readonly tabs?: Tabs; readonly isWatched?: boolean; readonly setTimer?: SetTimer } = {}): Seat {
    const { store = this.store, tabs = this.hub.join(), isWatched = true, setTimer = this.clock.setTimer } = options;
    const chance = new Chance(1);
    const world: World = { now: this.clock.now, setTimer, random: chance.next, randomId: () => chance.id(), isWatched: () => isWatched };
    const [log, leads]: [string[], (() => boolean)[]] = [[], []];
    const leadership = new Leadership(tabs, store, world, {
      begin: (own, isMine) => {
        log.push(`begins as ${own}`);
        leads.push(isMine);
      },
      end: () => log.push("ends"),
      beat: () => (seat.beats += 1),
    });
    const seat: Seat = { leadership, tabs, log, leads, beats: 0 };
    return seat;
  }

  slow(latency: number, store: Store = this.store): Store {
    return new SlowStore(store, this.clock.setTimer, () => latency);
  }

  /** A tab that wants nothing for itself. */
  stranger(): Tabs {
    const tabs = this.hub.join();
    tabs.lead(
      () => undefined,
      () => undefined,
    );
    return tabs;
  }
}

describe("a beginning", () => {
  test("that is overtaken is none, and takes no number", async () => {
    const house = new House();
    const seat = house.seat({ store: house.slow(100) });
    const stranger = house.stranger();
    seat.leadership.start();
    seat.tabs.takeOver();
    await house.clock.pass(50);
    stranger.takeOver();
    await house.clock.pass(10);
    seat.tabs.takeOver();
    await house.clock.pass(5_000);
    expect(seat.log).toEqual(["begins as 1"]);
    expect(house.disk.leader).toBe(1);
  });

  test("of one without a number that hears a later one meanwhile is none either", async () => {
    const house = new House();
    let isBroken = true;
    const store = new FailingStore(house.slow(1_300), () => (isBroken ? "rejected" : "passes"));
    const seat = house.seat({ store });
    seat.leadership.start();
    await house.clock.pass(500);
    isBroken = false;
    // Now it has asked for a number once more.
    await house.clock.pass(501);
    expect(seat.leadership.heeds(0.5)).toBe(true);
    await house.clock.pass(20_000);
    expect(seat.log).toEqual(["begins as null", "ends", "begins as 1"]);
    expect(house.disk.leader).toBe(1);
  });

  test("that fails is one without a number, until there is one", async () => {
    const house = new House();
    house.isFull = true;
    const seat = house.seat({ store: house.full });
    seat.leadership.start();
    await house.clock.pass(2_900);
    expect(seat.beats).toBe(3);
    house.isFull = false;
    await house.clock.pass(1_000);
    expect(seat.log).toEqual(["begins as null", "ends", "begins as 1"]);
    expect(seat.leads.map((lasts) => lasts())).toEqual([false, true]);
    expect(seat.leadership.number).toBe(1);
  });

  test("alone takes no number, needs no heartbeat, and lasts until the tab stops", async () => {
    const house = new House();
    const seat = house.seat({ tabs: new NoTabs() });
    seat.leadership.start();
    await house.clock.pass(5_000);
    expect([seat.log, seat.beats, house.disk.leader]).toEqual([["begins as null"], 0, 0]);
    expect(seat.leads[0]?.()).toBe(true);
    seat.leadership.stop();
    expect(seat.leads[0]?.()).toBe(false);
  });
});

describe("a leader", () => {
  test("beats once a second, by its number, and a follower has none", async () => {
    const house = new House();
    const [first, second] = [house.seat(), house.seat()];
    first.leadership.start();
    second.leadership.start();
    await house.clock.pass(2_000);
    expect([first.beats, second.beats]).toEqual([3, 0]);
    expect(second.leadership.heeds(1)).toBe(true);
    expect([first.leadership.number, second.leadership.number]).toEqual([1, 0]);
  });

  test("goes on when it hears its own number or an earlier one, and ends with a later one", async () => {
    const house = new House();
    const seat = house.seat();
    seat.leadership.start();
    await house.clock.pass(100);
    expect([0, 0.5, 1].map((leader) => seat.leadership.heeds(leader))).toEqual([false, false, false]);
    expect(seat.log).toEqual(["begins as 1"]);
    expect(seat.leadership.heeds(1.5)).toBe(true);
    expect(seat.log).toEqual(["begins as 1", "ends"]);
  });

  test("that was replaced heeds nobody who came before it", async () => {
    const house = new House();
    const seat = house.seat();
    seat.leadership.start();
    await house.clock.pass(100);
    house.stranger().takeOver();
    await house.clock.pass(100);
    expect(seat.log).toEqual(["begins as 1", "ends"]);
    expect([0.5, 1].map((leader) => seat.leadership.heeds(leader))).toEqual([false, true]);
  });

  test("that was deposed by one that nobody had chosen leads again when that is silent, though nobody looks at it", async () => {
    const house = new House();
    const seat = house.seat({ isWatched: false });
    seat.leadership.start();
    await house.clock.pass(100);
    seat.leadership.heeds(7);
    await house.clock.pass(2_000);
    expect(seat.log).toEqual(["begins as 1", "ends"]);
    await house.clock.pass(1_000);
    expect(seat.log).toEqual(["begins as 1", "ends", "begins as 2"]);
  });

  test("without a number speaks later than all that it knows of, and later than one that began before", async () => {
    const house = new House();
    house.isFull = true;
    const [first, second] = [house.seat({ store: house.full }), house.seat({ store: house.full })];
    for (const { leadership } of [first, second]) {
      leadership.learn(6);
      leadership.learn(4);
      leadership.start();
    }
    await house.clock.pass(100);
    const { number } = first.leadership;
    expect(number > 6 && number < 7).toBe(true);
    await house.clock.pass(1_000);
    // However often it has asked the store since.
    expect(first.leadership.number).toBe(number);
    second.tabs.takeOver();
    await house.clock.pass(100);
    expect(second.leadership.number > number && second.leadership.number < 7).toBe(true);
  });
});

describe("a tab that follows", () => {
  test("takes over 2.4 seconds after it heard something, and who led before is told", async () => {
    const house = new House();
    const [first, second] = [house.seat(), house.seat()];
    first.leadership.start();
    second.leadership.start();
    await house.clock.pass(600);
    second.leadership.heeds(1);
    await house.clock.pass(2_399);
    expect(first.log).toEqual(["begins as 1"]);
    await house.clock.pass(1);
    expect([first.log, second.log]).toEqual([["begins as 1", "ends"], ["begins as 2"]]);
  });

  test("does not, if it looks no more often than once a second: it may have been asleep", async () => {
    const house = new House();
    const slow: SetTimer = (milliseconds, due) => house.clock.setTimer(2 * milliseconds, due);
    const [first, second] = [house.seat(), house.seat({ setTimer: slow })];
    first.leadership.start();
    second.leadership.start();
    await house.clock.pass(20_000);
    expect([first.log, second.log]).toEqual([["begins as 1"], []]);
  });

  test("takes over from one without a number, unless it has tried that itself in the last half minute", async () => {
    const house = new House();
    house.isFull = true;
    const [first, second] = [house.seat({ store: house.full }), house.seat({ store: house.full })];
    first.leadership.start();
    second.leadership.start();
    const hears = async (milliseconds: number, teller: Seat, hearer: Seat): Promise<void> => {
      for (let passed = 0; passed < milliseconds; passed += 500) {
        hearer.leadership.heeds(teller.leadership.number);
        await house.clock.pass(500);
      }
    };
    await hears(3_000, first, second);
    expect(second.log).toEqual(["begins as null"]);
    await hears(29_500, second, first);
    expect(first.log).toEqual(["begins as null", "ends"]);
    await hears(2_000, second, first);
    expect(first.log).toEqual(["begins as null", "ends", "begins as null"]);
  });

  test("and is looked at takes over from a new leader that nobody looks at, as long as it does not lead", async () => {
    const house = new House();
    const [first, watched, other] = [house.seat({ isWatched: false }), house.seat(), house.seat({ isWatched: false })];
    for (const { leadership } of [first, watched, other]) leadership.start();
    await house.clock.pass(100);
    other.leadership.prefer(false);
    watched.leadership.prefer(true);
    await house.clock.pass(100);
    expect(first.log).toEqual(["begins as 1"]);
    watched.leadership.prefer(false);
    await house.clock.pass(100);
    expect([first.log, watched.log, other.log]).toEqual([["begins as 1", "ends"], ["begins as 2"], []]);
    watched.leadership.prefer(false);
    await house.clock.pass(100);
    expect(watched.log).toEqual(["begins as 2"]);
  });

  test("and stops takes over no more, even if it never began", async () => {
    const house = new House();
    const [first, second] = [house.seat(), house.seat()];
    for (const { leadership } of [first, second]) leadership.start();
    await house.clock.pass(100);
    second.leadership.stop();
    house.seat().leadership.stop();
    await house.clock.pass(10_000);
    expect([first.log, second.log]).toEqual([["begins as 1"], []]);
  });
});

describe("tabs of one process", () => {
  const candidate = (tabs: Tabs, log: string[], name: string): void => tabs.lead(() => log.push(`${name} begins`), () => log.push(`${name} ends`));

  test("elect the first that wants to lead, and the next when it goes", async () => {
    const [hub, log]: [TabHub, string[]] = [new TabHub(), []];
    const [silent, one, two] = [hub.join(), hub.join(), hub.join()];
    candidate(one, log, "one");
    candidate(two, log, "two");
    one.close();
    await Promise.resolve();
    two.close();
    silent.close();
    await Promise.resolve();
    expect(log).toEqual(["one begins", "two begins"]);
  });

  test("can take the lead before they want it, and leave nothing to one that is closed", async () => {
    const [hub, log]: [TabHub, string[]] = [new TabHub(), []];
    const [one, two, closed] = [hub.join(), hub.join(), hub.join()];
    one.takeOver();
    two.takeOver();
    candidate(two, log, "two");
    candidate(closed, log, "closed");
    closed.close();
    closed.takeOver();
    two.takeOver();
    await Promise.resolve();
    expect(log).toEqual([]);
    one.takeOver();
    two.takeOver();
    await Promise.resolve();
    expect(log).toEqual(["two ends", "two begins"]);
  });
});
