// Goal: what is known changes in one order, and the store falls behind at worst, but never tells a lie.

import { expect, test } from "vitest";
import { Ledger } from "../../src/core/ledger.ts";
import { Model } from "../../src/core/model.ts";
import { MemoryDisk, MemoryStore } from "../../src/core/store-memory.ts";
import { Deposed, type Change, type Committed, type Generation } from "../../src/core/store.ts";
import { SlowStore } from "./slow-store.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** A store that does not take anything for a while. */
class BusyStore extends MemoryStore {
  isBusy = false;
  /** How many changes each commit was to take. */
  readonly commits: number[] = [];

  override commit(changes: readonly Change[], leader: Generation | null): Promise<Committed> {
    this.commits.push(changes.length);
    return this.isBusy ? Promise.reject(new Error("busy")) : super.commit(changes, leader);
  }
}

const person = (user: string): Change => ({ kind: "person", person: { user, name: user } });

test("what could not be kept is kept with the next works, in its order, and shown meanwhile", async () => {
  const disk = new MemoryDisk();
  const store = new BusyStore(disk);
  const shown: string[] = [];
  const ledger = new Ledger(new Model(), store, null, {
    kept: (changes) => {
      for (const change of changes) if (change.kind === "cursor") shown.push(change.cursor);
    },
    deposed: () => undefined,
  });
  store.isBusy = true;
  await ledger.submit((apply) => apply([person("ada"), { kind: "cursor", cursor: "1" }]));
  await ledger.submit((apply) => apply([person("bob"), { kind: "cursor", cursor: "2" }]));
  expect([disk.people.size, disk.cursor]).toEqual([0, null]);
  expect(shown).toEqual(["1", "2"]);
  store.isBusy = false;
  await ledger.submit((apply) => apply([{ kind: "cursor", cursor: "3" }]));
  expect([[...disk.people.keys()], disk.cursor]).toEqual([["ada", "bob"], "3"]);
});

test("what could not be kept is told again until it is kept: a tab may have read the store since", async () => {
  const store = new BusyStore();
  const told: (readonly [string, number | null])[] = [];
  const names = (changes: readonly Change[]): string => changes.map((change) => (change.kind === "person" ? change.person.user : change.kind)).join(" ");
  const ledger = new Ledger(new Model(), store, null, { kept: (changes, revision) => told.push([names(changes), revision]), deposed: () => undefined });
  store.isBusy = true;
  await ledger.submit((apply) => apply([person("ada")]));
  await ledger.submit((apply) => apply([person("bob")]));
  store.isBusy = false;
  await ledger.submit(() => undefined);
  await ledger.submit((apply) => apply([person("cleo")]));
  expect(told).toEqual([
    ["ada", null],
    ["ada bob", null],
    ["ada bob", 1],
    ["cleo", 2],
  ]);
});

test("no version of the outbox is told for changes that were told before they could be kept", async () => {
  const store = new BusyStore();
  const told: (number | null)[] = [];
  const ledger = new Ledger(new Model(), store, null, { kept: (_changes, _revision, version) => told.push(version), deposed: () => undefined });
  const settles = (id: number): Promise<void> => ledger.submit((apply) => apply([{ kind: "settled", id }]));
  await settles(1);
  store.isBusy = true;
  await settles(2);
  store.isBusy = false;
  await settles(3);
  await settles(4);
  await ledger.submit((apply) => apply([person("ada")]));
  expect(told).toEqual([1, null, null, 3, null]);
});

test("what is not kept yet is said to be so, and shown only when it is kept", async () => {
  const clock = new VirtualClock();
  const disk = new MemoryDisk();
  let shown = 0;
  const ledger = new Ledger(new Model(), new SlowStore(new MemoryStore(disk), clock.setTimer, () => 10), null, { kept: () => (shown += 1), deposed: () => undefined });
  void ledger.submit((apply) => apply([person("ada")]));
  await clock.pass(5);
  expect([ledger.isKeeping, shown, disk.people.size]).toEqual([true, 0, 0]);
  await clock.pass(20);
  expect([ledger.isKeeping, shown, disk.people.size]).toEqual([false, 1, 1]);
});

test("works of one turn share a commit, and no more than five hundred do", async () => {
  const store = new BusyStore();
  const ledger = new Ledger(new Model(), store, null, { kept: () => undefined, deposed: () => undefined });
  const works = Array.from({ length: 1_100 }, (_, index) => ledger.submit((apply) => apply([person(`${index}`)])));
  expect(ledger.length).toBe(1_100);
  await Promise.all(works);
  expect([store.commits, ledger.length]).toEqual([[500, 500, 100], 0]);
});

test("a work that changes nothing is neither kept nor told", async () => {
  const store = new BusyStore();
  let told = 0;
  const ledger = new Ledger(new Model(), store, null, { kept: () => (told += 1), deposed: () => undefined });
  await ledger.submit(() => undefined);
  await ledger.submit((apply) => apply([]));
  expect([store.commits, told, ledger.isKeeping]).toEqual([[], 0, false]);
});

test("a store that takes nothing for too long is given up, and what comes is still shown", async () => {
  const store = new BusyStore();
  store.isBusy = true;
  const told: number[] = [];
  const ledger = new Ledger(new Model(), store, null, { kept: (changes) => told.push(changes.length), deposed: () => undefined });
  const many = (count: number): readonly Change[] => Array.from({ length: count }, (_, index) => person(`${index}`));
  await ledger.submit((apply) => apply(many(20_000)));
  await ledger.submit((apply) => apply([person("last")]));
  await ledger.submit((apply) => apply([person("later"), person("latest")]));
  expect(store.commits).toEqual([20_000, 20_001]);
  expect(told.at(-1)).toBe(2);
});

test("a leader that another one has replaced is told so once, and what it has not kept is told to nobody", async () => {
  const disk = new MemoryDisk();
  const [old, next] = [new MemoryStore(disk), new MemoryStore(disk)];
  const own = await old.lead(() => true);
  await next.lead(() => true);
  let [told, deposed] = [0, 0];
  const ledger: Ledger = new Ledger(new Model(), old, own, {
    kept: () => (told += 1),
    deposed: () => {
      deposed += 1;
      ledger.abandon();
    },
  });
  await ledger.submit((apply) => apply([person("ada")]));
  await ledger.submit((apply) => apply([person("bob")]));
  expect([told, deposed, disk.people.size]).toEqual([0, 1, 0]);
});

test("a refusal that comes after the end deposes nobody", async () => {
  let refuse = (_error: Error): void => undefined;
  const store = new MemoryStore();
  store.commit = () => new Promise((_resolve, reject) => (refuse = reject));
  let [told, deposed] = [0, 0];
  const ledger = new Ledger(new Model(), store, 1, { kept: () => (told += 1), deposed: () => (deposed += 1) });
  const work = ledger.submit((apply) => apply([person("ada")]));
  await Promise.resolve();
  const waiting = ledger.submit((apply) => apply([person("bob")]));
  ledger.abandon();
  await waiting;
  refuse(new Deposed());
  await work;
  expect([told, deposed, ledger.length]).toEqual([0, 0, 0]);
});

test("after the end nothing is done any more, and nobody waits for it", async () => {
  const model = new Model();
  const disk = new MemoryDisk();
  const ledger = new Ledger(model, new MemoryStore(disk), null, { kept: () => undefined, deposed: () => undefined });
  void ledger.submit((apply) => apply([person("ada")]));
  await ledger.stop();
  expect([...disk.people.keys()]).toEqual(["ada"]);
  await ledger.submit((apply) => apply([person("bob")]));
  await ledger.idle();
  expect([...disk.people.keys()]).toEqual(["ada"]);
});

test("the end waits for what is being kept", async () => {
  const clock = new VirtualClock();
  const disk = new MemoryDisk();
  const ledger = new Ledger(new Model(), new SlowStore(new MemoryStore(disk), clock.setTimer, () => 10), null, { kept: () => undefined, deposed: () => undefined });
  void ledger.submit((apply) => apply([person("ada")]));
  let isOver = false;
  void ledger.stop().then(() => (isOver = true));
  await clock.pass(5);
  expect([isOver, disk.people.size]).toEqual([false, 0]);
  await clock.pass(20);
  expect([isOver, disk.people.size]).toEqual([true, 1]);
});
