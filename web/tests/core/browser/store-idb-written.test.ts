// Goal: what a person does is written at once and for good, what a server says may be written later, and neither is half written.

import "fake-indexeddb/auto";
import { openDB } from "idb";
import { afterEach, describe, expect, test, vi } from "vitest";
import { IndexedDbStore } from "../../../src/core/browser/store-idb.ts";
import { enqueue } from "../../../src/core/numbering.ts";
import type { Change, MessageRecord, OutboxPart } from "../../../src/core/store.ts";
import { describeStore } from "../store-promises.ts";

const OWN = ["device", "drafts", "leader", "outbox"];
const ALL = ["cursor", ...OWN, "lost", "messages", "notices", "people", "rooms", "session"].toSorted();
const ADA = { user: "ada", name: null, owner: false, token: "secret" };

let databases = 0;
const newName = (): string => `written ${(databases += 1)}`;
const says = (part: Pick<OutboxPart, "device" | "count">) => enqueue(part, { event: "say", room: 1, text: "hello" }, 0, "device");
const message = (seq: number): MessageRecord => ({ room: 1, seq, rev: seq, at: seq, from: { user: "ada" }, text: "hello", edited: false, deleted: false, asOf: seq });

afterEach(() => void vi.restoreAllMocks());

describeStore("a store in IndexedDB", () => IndexedDbStore.open(newName()));

/** The transactions from here on: how they write, and what other tabs cannot write meanwhile. */
function transactions(): (readonly [IDBTransactionMode, string, readonly string[]])[] {
  const seen: (readonly [IDBTransactionMode, string, readonly string[]])[] = [];
  const { transaction } = IDBDatabase.prototype;
  vi.spyOn(IDBDatabase.prototype, "transaction").mockImplementation(function (this: IDBDatabase, names, mode = "readonly", how = {}) {
    seen.push([mode, how.durability ?? "default", (typeof names === "string" ? [names] : [...names]).toSorted()]);
    return transaction.call(this, names, mode, how);
  });
  return seen;
}

describe("a write", () => {
  test("of a person outlives a power cut, and one that comes again by itself need not", async () => {
    const store = await IndexedDbStore.open(newName());
    const writes = async (act: () => Promise<unknown>): Promise<readonly unknown[]> => {
      const seen = transactions();
      await act();
      vi.restoreAllMocks();
      return seen.filter(([mode]) => mode === "readwrite");
    };
    expect(await writes(() => store.changeOutbox({}, says))).toEqual([["readwrite", "strict", OWN]]);
    expect(await writes(() => store.changeOutbox({}, says, "relaxed"))).toEqual([["readwrite", "relaxed", OWN]]);
    expect(await writes(() => store.bind(ADA))).toEqual([["readwrite", "strict", ["session"]]]);
    expect(await writes(() => store.commit([{ kind: "cursor", cursor: "c" }], null))).toEqual([["readwrite", "relaxed", ALL]]);
    expect(await writes(() => store.lead(() => true))).toEqual([["readwrite", "relaxed", ["leader"]]]);
    expect(await writes(() => store.lead(() => false))).toEqual([]);
    store.close();
  });

  test("waits for no messages that are read meanwhile, nor does a look at the version", async () => {
    const store = await IndexedDbStore.open(newName());
    const seen = transactions();
    await store.outboxVersion();
    await store.outbox();
    await store.changeOutbox({}, says);
    await store.load();
    expect(seen.map(([mode, , names]) => [mode, names])).toEqual([
      ["readonly", ["leader"]],
      ["readonly", OWN],
      ["readonly", [...OWN, "session"].toSorted()],
      ["readwrite", OWN],
      ["readonly", ALL],
    ]);
    store.close();
  });

  test("that cannot be made whole is not made at all, and those after it are", async () => {
    const store = await IndexedDbStore.open(newName());
    const spoilt: Change = { kind: "message", message: message(NaN) };
    await expect(store.commit([{ kind: "cursor", cursor: "ahead" }, { kind: "message", message: message(1) }, spoilt], null)).rejects.toThrow();
    expect(await store.load()).toMatchObject({ cursor: null, messages: [], revision: 0 });
    expect(await store.commit([{ kind: "cursor", cursor: "c" }], null)).toEqual({ revision: 1, version: null });
    expect((await store.load()).cursor).toBe("c");
    store.close();
  });

  test("that is always too late is given up", async () => {
    const name = newName();
    const store = await IndexedDbStore.open(name);
    const raw = await openDB(name);
    // As if another tab had always been faster.
    await raw.put("leader", 0, ["changed", 0]);
    let tries = 0;
    const change = store.changeOutbox({}, (part) => {
      tries += 1;
      return says(part);
    });
    await expect(change).rejects.toThrow();
    expect([tries, (await store.outbox()).rows]).toEqual([100, []]);
    raw.close();
    store.close();
  });
});

test("the marks of a thousand changes are kept, and no more", async () => {
  const name = newName();
  const store = await IndexedDbStore.open(name);
  const raw = await openDB(name);
  await raw.put("leader", 5_000, "outbox");
  for (const version of [1, 3_999, 4_000, 4_001, 4_999]) await raw.put("leader", 0, ["changed", version]);
  await raw.put("leader", 0, ["over", 7]);
  await store.changeOutbox({}, says);
  const marks = (await raw.getAllKeys("leader")).filter((key) => Array.isArray(key));
  expect(marks).toEqual([["changed", 4_001], ["changed", 4_999], ["changed", 5_000], ["over", 7]]);
  expect(await store.outboxVersion()).toBe(5_001);
  raw.close();
  store.close();
});

test("a store without another name is that of the first person of a device", async () => {
  await (await IndexedDbStore.open()).bind(ADA);
  expect((await (await IndexedDbStore.open("tidings")).load()).session).toEqual(ADA);
});
