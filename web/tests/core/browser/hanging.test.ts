// Goal: a tab that hangs keeps no other tab waiting, and does no harm when it goes on.
//
// A tab hangs here by hearing late that a transaction is complete. That it is complete then, whatever becomes of the
// tab, follows from `commit` having been called in the turn in which the transaction began.

import "fake-indexeddb/auto";
import { type IDBPDatabase, openDB } from "idb";
import { afterEach, describe, expect, test, vi } from "vitest";
import { IdentityDatabase } from "../../../src/core/browser/identities-idb.ts";
import { IndexedDbStore } from "../../../src/core/browser/store-idb.ts";
import { enqueue, renumbered, withDevice, withdrawn } from "../../../src/core/numbering.ts";
import { Deposed, type Changed, type OutboxChange, type OutboxPart, type OutboxRow } from "../../../src/core/store.ts";

let databases = 0;
const newName = (): string => `hanging ${(databases += 1)}`;

const saying = (text: string) => (state: Pick<OutboxPart, "device" | "count">) => enqueue(state, { event: "say", room: 1, text }, 0, "device");
const said = (rows: readonly OutboxRow[]) => rows.map(({ id, n, command }) => [id, n, "text" in command ? command.text : ""]);

const newRows = async (done: Promise<Changed<OutboxRow | null>>) => (await done).difference.put;

async function twoTabs() {
  const name = newName();
  return [await IndexedDbStore.open(name), await IndexedDbStore.open(name)] as const;
}

afterEach(() => vi.restoreAllMocks());

/** Something that a tab begins, and then hangs as soon as it has asked the store for the first time; `wake` ends that. */
function hangs<T>(act: () => Promise<T>) {
  const transaction = IDBDatabase.prototype.transaction;
  let wake = (): void => undefined;
  const awake = new Promise<void>((resolve) => (wake = resolve));
  let ask = (): void => undefined;
  const asked = new Promise<void>((resolve) => (ask = resolve));
  vi.spyOn(IDBDatabase.prototype, "transaction").mockImplementationOnce(function (this: IDBDatabase, ...args) {
    const tx = transaction.apply(this, args);
    Object.defineProperty(tx, "oncomplete", { set: (heard: () => void) => tx.addEventListener("complete", () => void awake.then(heard)) });
    ask();
    return tx;
  });
  return { done: act(), asked, wake };
}

describe("a tab", () => {
  test("ends each transaction in the turn in which it begins it", async () => {
    const committed = new Set<unknown>();
    const { transaction } = IDBDatabase.prototype;
    const { commit } = IDBTransaction.prototype;
    vi.spyOn(IDBTransaction.prototype, "commit").mockImplementation(function (this: IDBTransaction) {
      committed.add(this);
      commit.apply(this);
    });
    const began: boolean[] = [];
    vi.spyOn(IDBDatabase.prototype, "transaction").mockImplementation(function (this: IDBDatabase, ...args) {
      const tx = transaction.apply(this, args);
      // A new schema may take more turns.
      if (tx.mode !== "versionchange") queueMicrotask(() => began.push(committed.has(tx)));
      return tx;
    });
    const name = newName();
    const store = await IndexedDbStore.open(name);
    const leader = await store.lead(() => true);
    await store.bind({ user: "ada", name: null, owner: false, token: "" });
    await store.bind({ user: "eve", name: null, owner: false, token: "" });
    await store.changeOutbox({}, saying("one"), "strict", leader);
    await store.commit([{ kind: "refused", id: 1, code: "empty" }, { kind: "cursor", cursor: "c" }], leader);
    await store.outbox();
    await store.load();
    const stored = began.length;
    expect(stored).toBeGreaterThan(10);
    const identities = await IdentityDatabase.open(name);
    await identities.put({ store: name, user: "ada", name: null });
    await identities.choose("other", { store: name, user: "ada", name: null });
    await identities.forget("other");
    await Promise.all([identities.chosen(), identities.all()]);
    expect(began.length).toBeGreaterThan(stored + 5);
    expect(began.every(Boolean)).toBe(true);
  });

  test("that hangs while it changes the outbox takes no number that another tab has given", async () => {
    const [one, other] = await twoTabs();
    const { done, asked, wake } = hangs(() => one.changeOutbox({}, saying("typed first")));
    await asked;
    await other.changeOutbox({}, saying("typed meanwhile"));
    await other.commit([{ kind: "settled", id: 1 }], null);
    wake();
    expect(said(await newRows(done))).toEqual([[2, 2, "typed first"]]);
    expect(said((await other.outbox()).rows)).toEqual([[2, 2, "typed first"]]);
  });

  test("that was frozen for long looks once more before it changes the outbox", async () => {
    const [one, other] = await twoTabs();
    const { done, asked, wake } = hangs(() => one.changeOutbox({}, saying("typed first")));
    await asked;
    for (let i = 0; i < 1_100; i += 1) await other.changeOutbox({ rows: "all" }, (state) => ({ ...saying("meanwhile")({ ...state, count: 0 }), drop: state.rows.map(({ id }) => id) }));
    const now = performance.now();
    vi.spyOn(performance, "now").mockReturnValue(now + 60_000);
    wake();
    expect(said(await newRows(done))).toEqual([[1_101, 1_101, "typed first"]]);
  });

  test("that hangs while it moves the outbox to a new device sends nothing that is done meanwhile", async () => {
    const [one, other] = await twoTabs();
    for (const text of ["done", "open"]) await other.changeOutbox({}, saying(text));
    const { done, asked, wake } = hangs(() => one.changeOutbox({ rows: "all" }, (state) => renumbered(state, "new device")));
    await asked;
    await other.commit([{ kind: "settled", id: 1 }], null);
    wake();
    await done;
    expect(said((await other.outbox()).rows)).toEqual([[2, 1, "open"]]);
  });

  test("that hangs while a command is refused forgets none that is taken back meanwhile", async () => {
    const [one, other] = await twoTabs();
    await other.changeOutbox({}, saying("taken back"));
    const { done, asked, wake } = hangs(() => one.commit([{ kind: "refused", id: 1, code: "empty" }], null));
    await asked;
    await other.changeOutbox({ rows: [1] }, (state) => withdrawn(state, 1));
    wake();
    await done;
    expect((await other.outbox()).rows).toEqual([]);
  });

  test("that hangs while it leads keeps nothing once another leads, and learns of it", async () => {
    const acts: readonly ((store: IndexedDbStore, leader: number | null) => Promise<unknown>)[] = [
      (store, leader) => store.commit([{ kind: "cursor", cursor: "late" }], leader),
      (store, leader) => store.changeOutbox({}, (state) => withDevice(state, "late"), "strict", leader),
    ];
    for (const act of acts) {
      const [old, young] = await twoTabs();
      const before = await old.lead(() => true);
      await old.commit([{ kind: "cursor", cursor: "before" }], before);
      const { done, asked, wake } = hangs(() => act(old, before));
      await asked;
      await young.lead(() => true);
      wake();
      await expect(done).rejects.toThrow(Deposed);
      const { cursor, revision, outbox } = await young.load();
      expect([cursor, revision, outbox.device]).toEqual(["before", 1, null]);
    }
  });

  test("that hangs while it begins to lead is no leader when it is not wanted any more, and a later one otherwise", async () => {
    for (const isWanted of [false, true]) {
      const [one, other] = await twoTabs();
      const { done, asked, wake } = hangs(() => one.lead(() => isWanted));
      await asked;
      const leader = (await other.lead(() => true)) ?? 0;
      wake();
      const late = await done;
      if (isWanted) expect(late).toBeGreaterThan(leader);
      else expect(late).toBe(null);
      const deposed = other.commit([{ kind: "cursor", cursor: "of the other" }], leader);
      if (isWanted) await expect(deposed).rejects.toThrow(Deposed);
      else expect((await deposed).revision).toBe(1);
    }
  });

  test("that hangs while it keeps who it is does not take the store from somebody else", async () => {
    const [one, other] = await twoTabs();
    const person = (user: string) => ({ user, name: null, owner: false, token: `of ${user}` });
    const { done, asked, wake } = hangs(() => one.commit([{ kind: "session", session: person("ada") }], null));
    await asked;
    expect(await other.bind(person("eve"))).toEqual(person("eve"));
    wake();
    await done;
    expect((await other.load()).session).toEqual(person("eve"));
  });

  test("that hangs while it chooses an identity replaces nothing that another has written of one", async () => {
    const name = newName();
    const [one, other] = [await IdentityDatabase.open(name), await IdentityDatabase.open(name)];
    const { done, asked, wake } = hangs(() => one.choose("next", { store: name, user: null, name: null }));
    await asked;
    await other.put({ store: name, user: "ada", name: "Ada" });
    wake();
    await done;
    expect(await other.all()).toEqual([{ store: name, user: "ada", name: "Ada" }, { store: "next", user: null, name: null }]);
    expect(await other.chosen()).toBe("next");
  });
});

/** A page of the version before: it reads and writes in one transaction, and knows of no marks. */
class OldPage {
  readonly #database: IDBPDatabase;

  static async open(name: string): Promise<OldPage> {
    return new OldPage(await openDB(name));
  }

  private constructor(database: IDBPDatabase) {
    this.#database = database;
  }

  async lead(): Promise<number> {
    const tx = this.#database.transaction("leader", "readwrite");
    const leader = Number((await tx.store.get("leader")) ?? 0) + 1;
    await tx.store.put(leader, "leader");
    await tx.done;
    return leader;
  }

  async changeOutbox(change: (part: OutboxPart) => OutboxChange<unknown>): Promise<void> {
    const tx = this.#database.transaction(["device", "outbox"], "readwrite");
    const [device, rows] = await Promise.all([tx.objectStore("device").get("device"), tx.objectStore("outbox").getAll()]);
    const { device: next, put = [] } = change({ version: 0, device: device ?? null, count: rows.length, rows, drafts: new Map() });
    if (next !== undefined) await tx.objectStore("device").put(next, "device");
    for (const row of put) await tx.objectStore("outbox").put(row);
    await tx.done;
  }
}

describe("beside a page of the version before", () => {
  test("the numbers of both are different, and its rows stay", async () => {
    const name = newName();
    const store = await IndexedDbStore.open(name);
    const old = await OldPage.open(name);
    await store.changeOutbox({}, saying("1"));
    const { done, asked, wake } = hangs(() => store.changeOutbox({}, saying("3")));
    await asked;
    await old.changeOutbox(saying("2"));
    wake();
    await done;
    await old.changeOutbox(saying("4"));
    expect(said((await store.outbox()).rows)).toEqual([1, 2, 3, 4].map((n) => [n, n, `${n}`]));
  });

  test("either takes the lead from the other", async () => {
    const name = newName();
    const store = await IndexedDbStore.open(name);
    const old = await OldPage.open(name);
    const first = await store.lead(() => true);
    const second = await old.lead();
    await expect(store.commit([{ kind: "cursor", cursor: "late" }], first)).rejects.toThrow(Deposed);
    const { done, asked, wake } = hangs(() => store.lead(() => true));
    await asked;
    const third = await old.lead();
    wake();
    expect(await done).toBeGreaterThan(third);
    expect(third).toBeGreaterThan(second);
    expect(await store.commit([{ kind: "cursor", cursor: "in time" }], await done)).toMatchObject({ revision: 1 });
  });
});
