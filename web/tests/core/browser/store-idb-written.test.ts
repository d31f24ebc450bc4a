// Goal: what a person does is written at once and for good, what a server says may be written later, and neither is half written.

import "fake-indexeddb/auto";
import { openDB } from "idb";
import { afterEach, describe, expect, test, vi } from "vitest";
import { IndexedDbStore } from "../../../src/core/browser/store-idb.ts";
import { unknownRoom } from "../../../src/core/effects.ts";
import { enqueue } from "../../../src/core/numbering.ts";
import type { Change, DraftRecord, MessageRecord, OutboxPart } from "../../../src/core/store.ts";

const OWN = ["device", "drafts", "leader", "outbox"];
const ALL = ["cursor", ...OWN, "lost", "messages", "notices", "people", "rooms", "session"].toSorted();
const ADA = { user: "ada", name: null, owner: false, token: "secret" };

let databases = 0;
const newName = (): string => `written ${(databases += 1)}`;
const says = (part: Pick<OutboxPart, "device" | "count">) => enqueue(part, { event: "say", room: 1, text: "hello" }, 0, "device");
const message = (seq: number): MessageRecord => ({ room: 1, seq, rev: seq, at: seq, from: { user: "ada" }, text: "hello", edited: false, deleted: false, asOf: seq });

afterEach(() => void vi.restoreAllMocks());

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

test("a commit raises the version of the outbox if it ends a row, and says so", async () => {
  const store = await IndexedDbStore.open(newName());
  for (let row = 1; row <= 3; row += 1) await store.changeOutbox({}, says);
  expect(await store.commit([{ kind: "cursor", cursor: "c" }], null)).toEqual({ revision: 1, version: null });
  expect(await store.commit([{ kind: "cursor", cursor: "d" }, { kind: "settled", id: 1 }], null)).toEqual({ revision: 2, version: 4 });
  expect(await store.commit([{ kind: "refused", id: 2, code: "empty" }], null)).toEqual({ revision: 3, version: 5 });
  const { version, rows } = await store.outbox();
  expect([version, await store.outboxVersion(), rows.map(({ id, refused }) => [id, refused])]).toEqual([5, 5, [[2, "empty"], [3, undefined]]]);
  store.close();
});

test("a row that is refused and done in the same commit is gone, and one that is not there does not come back", async () => {
  const store = await IndexedDbStore.open(newName());
  for (let row = 1; row <= 2; row += 1) await store.changeOutbox({}, says);
  await store.changeOutbox({ rows: [2] }, ({ rows }) => ({ put: rows.map((row) => ({ ...row, withdrawn: true as const })), result: undefined }));
  await store.commit([{ kind: "settled", id: 1 }, { kind: "refused", id: 1, code: "empty" }, { kind: "refused", id: 2, code: "empty" }, { kind: "refused", id: 2, code: "again" }, { kind: "refused", id: 9, code: "empty" }], null);
  expect((await store.outbox()).rows).toEqual([]);
  store.close();
});

test("a room that is forgotten takes its own messages and notices along, from the first to the last, and no others", async () => {
  const store = await IndexedDbStore.open(newName());
  const changes = [1, 2, 3].flatMap((room): readonly Change[] => [
    { kind: "room", room: unknownRoom(room) },
    ...[0, 1, 7].map((seq): Change => ({ kind: "message", message: { ...message(seq), room } })),
    ...[0, 1, 7].map((rev): Change => ({ kind: "notice", notice: { room, rev, after: 0, at: 0, notice: { what: "left", from: { guest: "" } } } })),
  ]);
  await store.commit([...changes, { kind: "forget room", room: 2 }, { kind: "forget notices", room: 3, to: 1 }, { kind: "forget messages", room: 3, from: 1, to: 7 }], null);
  const { rooms, messages, notices } = await store.load();
  expect([rooms.map(({ room }) => room), messages.map(({ room, seq }) => [room, seq]), notices.map(({ room, rev }) => [room, rev])]).toEqual([
    [1, 3],
    [[1, 0], [1, 1], [1, 7], [3, 0]],
    [[1, 0], [1, 1], [1, 7], [3, 7]],
  ]);
  store.close();
});

test("who the store is of is renewed for that person, and never replaced by another, also in one commit", async () => {
  const store = await IndexedDbStore.open(newName());
  const session = (user: string, token: string): Change => ({ kind: "session", session: { ...ADA, user, token } });
  await store.commit([session("ada", "1"), session("eve", "2"), { kind: "forget all" }, session("ada", "3")], null);
  expect((await store.load()).session).toEqual({ ...ADA, token: "3" });
  await store.commit([session("eve", "4")], null);
  await store.commit([session("ada", "5")], null);
  expect((await store.load()).session).toEqual({ ...ADA, token: "5" });
  store.close();
});

test("a draft that is dropped and written in one change is there as it was written", async () => {
  const store = await IndexedDbStore.open(newName());
  const draft = (text: string, at: number): DraftRecord => ({ room: 1, text, at, after: 0 });
  await store.changeOutbox({ drafts: "all" }, () => ({ drafts: [draft("later", 9)], result: undefined }));
  const { difference } = await store.changeOutbox({ drafts: "all" }, () => ({ dropDrafts: ["1"], drafts: [draft("earlier", 2)], result: undefined }));
  expect([(await store.outbox()).drafts.get("1"), difference.drafts.get("1")]).toEqual([draft("earlier", 2), draft("earlier", 2)]);
  store.close();
});

test("a change says what it was made from and what it has written", async () => {
  const store = await IndexedDbStore.open(newName());
  const first = await store.changeOutbox({}, says);
  expect(first.difference).toEqual({ version: 1, before: null, device: { id: "device", next: 2, lastRow: 1 }, put: [first.result], drop: [], drafts: new Map() });
  const { difference } = await store.changeOutbox({}, () => ({ drop: [1], result: undefined }));
  expect(difference).toEqual({ version: 2, before: first.difference.device, device: first.difference.device, put: [], drop: [1], drafts: new Map() });
  store.close();
});

test("a store without another name is that of the first person of a device", async () => {
  await (await IndexedDbStore.open()).bind(ADA);
  expect((await (await IndexedDbStore.open("tidings")).load()).session).toEqual(ADA);
});
