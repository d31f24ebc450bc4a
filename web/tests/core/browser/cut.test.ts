// Goal: an operation that fails at any of its steps has changed nothing in IndexedDB, and works when it is done again.
// Method: each operation is repeated with a failure at its write 1, 2, 3 … until none fails; before and after it the store
// has to be what the store in memory is without and with that operation.

import "fake-indexeddb/auto";
import { afterEach, expect, test, vi } from "vitest";
import { IndexedDbStore } from "../../../src/core/browser/store-idb.ts";
import { unknownRoom } from "../../../src/core/effects.ts";
import { enqueue } from "../../../src/core/numbering.ts";
import { MemoryStore } from "../../../src/core/store-memory.ts";
import type { Change, DraftRecord, MessageRecord, Store } from "../../../src/core/store.ts";
import { sorted } from "./sorted.ts";

const ROOM = 2;
let databases = 0;

afterEach(() => vi.restoreAllMocks());

const message = (seq: number, text: string): MessageRecord => ({ room: ROOM, seq, rev: seq, at: seq, from: { user: "ada" }, text, edited: false, deleted: false, asOf: seq });

const draft = (text: string | null, at: number): DraftRecord => ({ room: ROOM, text, at, after: 0 });

/** What a leader keeps at once: all of it or nothing, the cursor too. */
const news = (cursor: string, seq: number): readonly Change[] => [
  { kind: "person", person: { user: "ada", name: "ada" } },
  { kind: "message", message: message(seq, `text ${seq}`) },
  { kind: "notice", notice: { room: ROOM, rev: seq, after: seq, at: seq, notice: { what: "renamed", from: { user: "ada" }, text: "den" } } },
  { kind: "room", room: { ...unknownRoom(ROOM), joined: true, applied: seq, seq, held: [[1, seq]] } },
  { kind: "lost", room: 9, lost: { room: 9, kind: "private", name: "attic" } },
  { kind: "session", session: { user: "ada", name: `ada ${seq}`, owner: false, token: "" } },
  { kind: "settled", id: seq },
  { kind: "refused", id: seq + 1, code: "empty" },
  { kind: "cursor", cursor },
];

/** Everything that a store knows, for a leader that has the number that it was given. */
async function begin(store: Store): Promise<number> {
  await store.bind({ user: "ada", name: null, owner: false, token: "" });
  for (const text of ["one", "two", "three"]) await store.changeOutbox({}, (part) => enqueue(part, { event: "say", room: ROOM, text }, 1, "device"));
  await store.changeOutbox({ drafts: [draft("typed", 1)] }, () => ({ drafts: [draft("typed", 1)], result: undefined }));
  const leader = (await store.lead(() => true)) ?? 0;
  await store.commit(news("first", 1), leader);
  return leader;
}

const OPERATIONS: Readonly<Record<string, (store: Store, leader: number) => Promise<unknown>>> = {
  "a commit": (store, leader) => store.commit(news("second", 2), leader),
  "a commit that forgets everything": (store, leader) => store.commit([{ kind: "forget all" }, ...news("second", 2)], leader),
  "a commit that forgets a room": (store, leader) => store.commit([{ kind: "forget room", room: ROOM }, { kind: "cursor", cursor: "second" }], leader),
  "a text that goes from its draft to the outbox": (store) =>
    store.changeOutbox({ drafts: [draft(null, 2)] }, (part) => ({ ...enqueue(part, { event: "say", room: ROOM, text: "typed" }, 2, "device"), drafts: [draft(null, 2)] })),
  "a refused text that becomes a draft": (store) => store.changeOutbox({ rows: [2], drafts: "all" }, () => ({ drop: [2], drafts: [draft("two\ntyped", 3)], result: undefined })),
  "a new leader": (store) => store.lead(() => true),
};

type Manner = "throws" | "is aborted";

/** The transaction of write `last` fails there; whether it came to that. */
function failAt(last: number, manner: Manner): () => boolean {
  let writes = 0;
  for (const name of ["put", "add", "delete", "clear"] as const) {
    const original = IDBObjectStore.prototype[name] as (this: IDBObjectStore, ...args: unknown[]) => IDBRequest;
    vi.spyOn(IDBObjectStore.prototype, name).mockImplementation(function (this: IDBObjectStore, ...args: unknown[]) {
      writes += 1;
      if (writes === last && manner === "throws") throw new DOMException("the disk is full", "QuotaExceededError");
      const request = original.apply(this, args);
      if (writes === last) this.transaction.abort();
      return request as never;
    });
  }
  return () => writes >= last;
}

async function run(name: string, last: number, manner: Manner): Promise<boolean> {
  const operation = OPERATIONS[name];
  if (operation === undefined) throw new Error(name);
  const [store, memory] = [await IndexedDbStore.open(`cut ${(databases += 1)}`), new MemoryStore()];
  const [leader, other] = [await begin(store), await begin(memory)];
  const before = sorted(await memory.load());
  expect(sorted(await store.load())).toEqual(before);

  const hasFailed = failAt(last, manner);
  const failure = await operation(store, leader).then(
    () => null,
    (error: unknown) => error,
  );
  vi.restoreAllMocks();
  expect(failure !== null).toBe(hasFailed());
  if (hasFailed()) {
    expect(sorted(await store.load()), `${name} has failed at write ${last}`).toEqual(before);
    await operation(store, leader);
  }
  await operation(memory, other);
  expect(sorted(await store.load()), `${name} was done again`).toEqual(sorted(await memory.load()));
  store.close();
  return hasFailed();
}

for (const name of Object.keys(OPERATIONS)) {
  test.each(["throws", "is aborted"] as const)(`${name} that fails at any write has changed nothing: the write %s`, async (manner) => {
    let last = 1;
    while (await run(name, last, manner)) last += 1;
    expect(last).toBeGreaterThan(2);
  });
}
