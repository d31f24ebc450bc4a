// Goal: what is known changes in one order, and the store falls behind at worst, but never tells a lie.

import { expect, test } from "vitest";
import { Ledger } from "../../src/core/ledger.ts";
import { Model } from "../../src/core/model.ts";
import { MemoryDisk, MemoryStore } from "../../src/core/store-memory.ts";
import type { Change, Committed, Generation } from "../../src/core/store.ts";
import { SlowStore } from "./slow-store.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** A store that does not take anything for a while. */
class BusyStore extends MemoryStore {
  isBusy = false;

  override commit(changes: readonly Change[], leader: Generation | null): Promise<Committed> {
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
