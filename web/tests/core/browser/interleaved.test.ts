// Goal: whatever tabs do with the store in IndexedDB at the same time, and however late each of them hears of its own
// transactions, all of it is as if it had been done one by one in the store in memory.
// Method: seeded. Each tab asks for one thing after the other. The last transaction of an operation that was completed is the
// moment at which it took effect; in that order everything is done once more in memory, and the answers have to be the same. A
// failure names its seed: CORE_SEEDS=1 CORE_FROM=<seed> npx vitest run tests/core/browser/interleaved.test.ts

import "fake-indexeddb/auto";
import { afterEach, expect, test, vi } from "vitest";
import { IndexedDbStore } from "../../../src/core/browser/store-idb.ts";
import { unknownRoom } from "../../../src/core/effects.ts";
import { enqueue, renewed, renumbered, spoiled, withDevice, withdrawn } from "../../../src/core/numbering.ts";
import { MemoryDisk, MemoryStore } from "../../../src/core/store-memory.ts";
import { Deposed, type Change, type DraftRecord, type Generation, type Look, type OutboxChange, type OutboxPart, type Store } from "../../../src/core/store.ts";
import { Chance, settled } from "../virtual-clock.ts";
import { sorted } from "./sorted.ts";

const SEEDS = Number(process.env["CORE_SEEDS"] ?? 40);
const FROM = Number(process.env["CORE_FROM"] ?? 1);
const TABS = 4;
const OPERATIONS = 25;

/** Does it with a store, for a tab that leads or has led as `own`. */
type Act = (store: Store, own: Generation) => Promise<unknown>;

class Tab {
  own: Generation = -1;

  constructor(readonly store: Store) {}

  /** What the store says, in words that do not depend on how it counts leaders. */
  async does(act: Act | "wants to lead" | "wants no more to lead"): Promise<unknown> {
    if (typeof act !== "string") return act(this.store, this.own).catch((error: unknown) => (error instanceof Deposed ? "deposed" : Promise.reject(error as Error)));
    const own = await this.store.lead(() => act === "wants to lead");
    this.own = own ?? this.own;
    return own === null ? "leads not" : "leads";
  }
}

interface Done {
  readonly tab: number;
  readonly act: Parameters<Tab["does"]>[0];
  readonly answer: unknown;
  /** When it took effect. */
  readonly at: number;
}

/** What the runs have reached: where nobody ever comes too late, they say nothing. */
const reached = { "too late": 0, deposed: 0, "leads not": 0, "put aside": 0 };

afterEach(() => vi.restoreAllMocks());

/** Counts the transactions of all tabs as they are completed, and lets the tabs hear of it late. */
class Watch {
  /** For each tab the number of its last transaction. */
  readonly last: number[] = [];
  readonly #chance: Chance;
  readonly #tabs = new Map<IDBDatabase, number>();
  #completed = 0;

  constructor(chance: Chance) {
    this.#chance = chance;
    const { transaction } = IDBDatabase.prototype;
    const began = (database: IDBDatabase, tx: IDBTransaction): void => this.#began(database, tx);
    vi.spyOn(IDBDatabase.prototype, "transaction").mockImplementation(function (this: IDBDatabase, ...args) {
      const tx = transaction.apply(this, args);
      began(this, tx);
      return tx;
    });
  }

  /** Tabs are told apart by the order in which they ask for the first time. */
  #began(database: IDBDatabase, tx: IDBTransaction): void {
    const tab = this.#tabs.get(database) ?? this.#tabs.size;
    this.#tabs.set(database, tab);
    const late = this.#chance.below(this.#chance.is(0.3) ? 40 : 3);
    const hear = async (heard: () => void): Promise<void> => {
      for (let turn = 0; turn < late; turn += 1) await settled();
      heard();
    };
    tx.addEventListener("complete", () => (this.last[tab] = this.#completed += 1));
    tx.addEventListener("abort", () => (reached["too late"] += 1));
    Object.defineProperty(tx, "oncomplete", { set: (heard: () => void) => tx.addEventListener("complete", () => void hear(heard)) });
  }
}

/** With what it looks at, and no more. */
function outboxChange(chance: Chance, tab: number, step: number): readonly [Look, (part: OutboxPart) => OutboxChange<unknown>] {
  const id = 1 + chance.below(step + 2);
  const [device, now] = [`device ${tab} ${step}`, step];
  const draft: DraftRecord = {
    room: 1 + chance.below(2),
    text: chance.is(0.2) ? null : `draft ${tab} ${step}`,
    at: 1 + chance.below(50) + tab / 8,
    after: 0,
  };
  const changes: readonly (readonly [Look, (part: OutboxPart) => OutboxChange<unknown>])[] = [
    [{}, (part) => enqueue(part, { event: "say", room: 1, text: `${tab} ${step}` }, now, device)],
    [{ drafts: [draft] }, (part) => ({ ...enqueue(part, { event: "say", room: 1, text: `${tab} ${step}` }, now, device), drafts: [draft] })],
    [{ drafts: [draft] }, () => ({ drafts: [draft], result: undefined })],
    [{ drafts: "all" }, ({ drafts }) => ({ dropDrafts: [...drafts].flatMap(([name, { text }]) => (text === null ? [name] : [])), result: undefined })],
    [{ rows: [id] }, (part) => withdrawn(part, id)],
    [{ rows: [id] }, (part) => renewed(part, id, now)],
    [{ rows: [id] }, (part) => spoiled(part, id, "invalid")],
    [{ rows: "all" }, (part) => renumbered(part, device)],
    [{}, (part) => withDevice(part, device)],
  ];
  return chance.pick(changes);
}

function leaderChanges(chance: Chance, tab: number, step: number): readonly Change[] {
  const id = 1 + chance.below(step + 2);
  const room = 1 + chance.below(3);
  const changes: readonly Change[] = [
    { kind: "cursor", cursor: `${tab} ${step}` },
    { kind: "room", room: { ...unknownRoom(room), seq: step } },
    { kind: "forget room", room },
    { kind: "lost", room, lost: { room, kind: "private", name: `${tab} ${step}` } },
    { kind: "lost", room, lost: null },
    { kind: "person", person: { user: `user ${room}`, name: `${tab} ${step}` } },
    { kind: "settled", id },
    { kind: "refused", id, code: "empty" },
    { kind: "session", session: { user: `user ${room}`, name: `${tab}`, owner: false, token: "" } },
    { kind: "forget all" },
  ];
  return Array.from({ length: 1 + chance.below(4) }, () => chance.pick(changes));
}

function randomAct(chance: Chance, tab: number, step: number): Done["act"] {
  const action = chance.below(100);
  const changes = leaderChanges(chance, tab, step);
  const [look, change] = outboxChange(chance, tab, step);
  if (action < 8) return "wants to lead";
  if (action < 10) return "wants no more to lead";
  if (action < 45) return (store, own) => store.commit(changes, own);
  if (action < 55) return (store, own) => store.changeOutbox(look, change, "strict", own);
  if (action < 85) return (store) => store.changeOutbox(look, change);
  if (action < 90) return (store) => store.bind({ user: `user ${tab}`, name: null, owner: false, token: "" });
  if (action < 95) return async (store) => sorted(await store.load());
  return (store) => store.outbox();
}

async function run(seed: number): Promise<void> {
  const chance = new Chance(seed);
  const name = `interleaved ${seed}`;
  const watch = new Watch(chance);
  const tabs: Tab[] = [];
  for (let tab = 0; tab < TABS; tab += 1) {
    const store = await IndexedDbStore.open(name);
    await store.outbox();
    tabs.push(new Tab(store));
  }
  const done: Done[] = [];
  const lives = async (tab: Tab, index: number): Promise<void> => {
    for (let step = 0; step < OPERATIONS; step += 1) {
      const act = randomAct(chance, index, step);
      const answer = await tab.does(act);
      done.push({ tab: index, act, answer, at: watch.last[index] ?? 0 });
      for (let turn = chance.below(6); turn > 0; turn -= 1) await settled();
    }
  };
  await Promise.all(tabs.map(lives));

  const disk = new MemoryDisk();
  const again = tabs.map(() => new Tab(new MemoryStore(disk)));
  for (const { tab, act, answer } of done.toSorted((a, b) => a.at - b.at)) {
    expect(answer, `what tab ${tab} was told`).toEqual(await again[tab]?.does(act));
    if (answer === "deposed" || answer === "leads not") reached[answer] += 1;
  }
  const [kept, wanted] = [await tabs[0]?.store.load(), await again[0]?.store.load()];
  if (kept === undefined || wanted === undefined) throw new Error("there are tabs");
  expect(sorted(kept)).toEqual(sorted(wanted));
  reached["put aside"] += [...kept.outbox.drafts.values()].filter(({ aside, text }) => aside !== undefined && text !== null).length;
  for (const { store } of tabs) store.close();
}

test.each(Array.from({ length: SEEDS }, (_, index) => FROM + index))("seed %i", async (seed) => {
  await run(seed);
});

test.runIf(SEEDS >= 40)("the runs reach each of the states that are told apart", () => {
  for (const [state, times] of Object.entries(reached)) expect(times, state).toBeGreaterThan(10);
});
