// Goal: a tab hears the final answer of its commands, and knows the outbox as it is, whatever comes first.

import { expect, test } from "vitest";
import { Model } from "../../src/core/model.ts";
import { enqueue, renewed, renumbered, withdrawn } from "../../src/core/numbering.ts";
import { Outbox } from "../../src/core/outbox.ts";
import { MemoryDisk, MemoryStore } from "../../src/core/store-memory.ts";
import type { Difference, OutboxPart } from "../../src/core/store.ts";
import { SlowStore } from "./slow-store.ts";
import { VirtualClock } from "./virtual-clock.ts";

function bench() {
  const clock = new VirtualClock();
  const [disk, model] = [new MemoryDisk(), new Model()];
  const world = { now: clock.now, setTimer: clock.setTimer, randomId: () => "mine", random: () => 0.5, isWatched: () => true };
  const store = new SlowStore(new MemoryStore(disk), clock.setTimer, () => 10);
  const outbox = new Outbox(model, store, world, { changed: () => undefined, reading: () => undefined, read: () => undefined });
  return { clock, disk, model, outbox };
}

/** Counts how often the outbox is read. */
class CountedStore extends MemoryStore {
  reads = 0;

  override outbox(): Promise<OutboxPart> {
    this.reads += 1;
    return super.outbox();
  }
}

/** A tab that knows the outbox as it is, and another one that changes it. */
async function twoTabs() {
  const disk = new MemoryDisk();
  const [store, other, model] = [new CountedStore(disk), new MemoryStore(disk), new Model()];
  const world = { now: () => 0, setTimer: () => () => undefined, randomId: () => "mine", random: () => 0.5, isWatched: () => true };
  const outbox = new Outbox(model, store, world, { changed: () => undefined, reading: () => undefined, read: () => undefined });
  outbox.load(await store.load());
  const writes = async (change: Parameters<typeof other.changeOutbox>[1]): Promise<Difference> =>
    (await other.changeOutbox({ rows: "all", drafts: "all" }, change)).difference;
  const says = (text: string): Promise<Difference> => writes((part) => enqueue(part, { ...SAY, text }, 0, "mine"));
  const known = (): readonly unknown[] => model.outbox.rows.map(({ id, n, command, withdrawn: isWithdrawn }) => [id, n, isWithdrawn === true ? "skip" : "text" in command ? command.text : ""]);
  return { disk, store, model, outbox, writes, says, known };
}

const SAY = { event: "say", room: 1, text: "hello" } as const;

test("an answer that comes before anybody waits for it is not lost", async () => {
  const { clock, outbox } = bench();
  const putting = outbox.put(SAY);
  await clock.pass(1_000);
  const row = await putting;
  if (typeof row === "string") throw new Error(row);
  outbox.answer(row.id, { ok: true, room: 1 });
  expect(await outbox.answerTo(row)).toEqual({ ok: true, room: 1 });
});

test("what another tab writes while the outbox is read is read as well", async () => {
  const { clock, disk, model, outbox } = bench();
  const reading = outbox.read();
  // The first read has its answer already, and is on its way back.
  await clock.pass(15);
  await new MemoryStore(disk).changeOutbox({}, (state) => enqueue(state, SAY, 0, "mine"));
  void outbox.read();
  await clock.pass(1_000);
  await reading;
  expect(model.outbox.rows.map(({ command }) => command)).toEqual([SAY]);
});

test("a command that is finished does not come back by an older read", async () => {
  const { clock, model, outbox } = bench();
  void outbox.put(SAY);
  await clock.pass(1_000);
  const before = model.outbox;
  model.apply({ kind: "settled", id: 1 });
  model.setOutbox(before);
  expect(model.outbox.rows).toEqual([]);
});

test("what another tab has finished and could not tell is answered as it ended", async () => {
  const { clock, model, outbox } = bench();
  const [done, refused, open] = [outbox.command(SAY), outbox.command(SAY), outbox.command(SAY)];
  let isOver = false;
  void open.then(() => (isOver = true));
  await clock.pass(1_000);
  model.apply({ kind: "settled", id: 1 });
  model.apply({ kind: "refused", id: 2, code: "empty" });
  outbox.answerFinished();
  expect(await done).toEqual({ ok: true, room: 1 });
  expect(await refused).toEqual({ ok: false, code: "empty" });
  await clock.pass(1_000);
  expect(isOver).toBe(false);
});

test("a command that was settled by a leader of the past is open again when everything is read anew", async () => {
  const { clock, disk, model, outbox } = bench();
  const store = new MemoryStore(disk);
  await store.changeOutbox({}, (state) => enqueue(state, SAY, 0, "mine"));
  model.load(await store.load());
  // The store has refused to keep this, because another one led.
  model.apply({ kind: "settled", id: 1 });
  expect(model.outbox.rows).toEqual([]);
  model.load(await store.load());
  expect(model.outbox.rows.map(({ id }) => id)).toEqual([1]);
  const reading = outbox.read();
  await clock.pass(1_000);
  await reading;
  expect(model.outbox.rows.map(({ id }) => id)).toEqual([1]);
});

test("a tab follows another one by what that has written, and reads nothing", async () => {
  const { store, model, outbox, writes, says, known } = await twoTabs();
  for (const text of ["one", "two", "three"]) await outbox.take(await says(text));
  expect(known()).toEqual([[1, 1, "one"], [2, 2, "two"], [3, 3, "three"]]);
  await outbox.take(await writes((part) => withdrawn(part, 2)));
  const draft = { room: 1, text: "typed", at: 1, after: 0 };
  await outbox.take(await writes(() => ({ drafts: [draft], result: undefined })));
  expect(known()).toEqual([[1, 1, "one"], [2, 2, "skip"], [3, 3, "three"]]);
  expect([...model.drafts]).toEqual([["1", draft]]);
  await outbox.take(await writes((part) => renumbered(part, "another")));
  expect(known()).toEqual([[1, 1, "one"], [3, 2, "three"]]);
  expect(model.outbox.device).toEqual({ id: "another", next: 3, lastRow: 3 });
  expect(store.reads).toBe(0);
});

test("a row that is written once more stands where it stood", async () => {
  const { outbox, writes, says, known } = await twoTabs();
  for (const text of ["one", "two"]) await outbox.take(await says(text));
  await outbox.take(await writes((part) => withdrawn(part, 1)));
  expect(known()).toEqual([[1, 1, "skip"], [2, 2, "two"]]);
});

test("a tab that has missed a change reads the outbox, and each change of it at most once", async () => {
  const { store, outbox, writes, says, known } = await twoTabs();
  await outbox.take(await says("one"));
  const [missed, next] = [await writes((part) => withdrawn(part, 1)), await says("two")];
  await outbox.take(next);
  expect(store.reads).toBe(1);
  await outbox.take(missed);
  await outbox.take(await says("three"));
  expect(store.reads).toBe(1);
  expect(known()).toEqual([[1, 1, "skip"], [2, 2, "two"], [3, 3, "three"]]);
});

test("a change that is told twice brings back nothing that is done since", async () => {
  const { outbox, writes, says, known } = await twoTabs();
  const said = await says("one");
  await outbox.take(said);
  await outbox.take(await writes(() => ({ drop: [1], result: undefined })));
  await outbox.take(said);
  expect(known()).toEqual([]);
});

test("a change that is told twice in a row is not read", async () => {
  const { store, outbox, says } = await twoTabs();
  const said = await says("one");
  for (let times = 0; times < 2; times += 1) await outbox.take(said);
  expect(store.reads).toBe(0);
});

test("a tab reads the outbox when a page does not say what it has changed", async () => {
  const { store, outbox, says, known } = await twoTabs();
  await says("one");
  await outbox.take();
  expect([store.reads, known()]).toEqual([1, [[1, 1, "one"]]]);
});

test("a tab reads the outbox when a page that does not count has changed it before another one", async () => {
  const { disk, store, outbox, says, known } = await twoTabs();
  await outbox.take(await says("one"));
  // As the first versions of the app wrote it.
  const { device, put = [] } = enqueue({ device: disk.device, count: 1 }, { ...SAY, text: "uncounted" }, 0, "mine");
  for (const row of put) disk.rows.set(row.id, row);
  disk.device = device ?? null;
  await outbox.take(await says("three"));
  expect([store.reads, known()]).toEqual([1, [[1, 1, "one"], [2, 2, "uncounted"], [3, 3, "three"]]]);
});

test("what a tab changes itself it knows without reading", async () => {
  const { store, outbox, known } = await twoTabs();
  for (const text of ["one", "two"]) await outbox.put({ ...SAY, text });
  const { version } = await store.commit([{ kind: "refused", id: 1, code: "empty" }], null);
  outbox.isKept(version);
  await outbox.change({ rows: [1] }, (part) => renewed(part, 1, 0));
  expect(known()).toEqual([[2, 2, "two"], [3, 3, "one"]]);
  expect(store.reads).toBe(0);
});

test("a tab follows commits by their version, unless it has missed a change before them", async () => {
  const { store, outbox, says, known } = await twoTabs();
  await outbox.take(await says("one"));
  expect([outbox.isKept(null), outbox.isKept(1), outbox.isKept(2)]).toEqual([true, true, true]);
  expect([outbox.isKept(4), outbox.isKept(3)]).toEqual([false, true]);
  expect([store.reads, known()]).toEqual([0, [[1, 1, "one"]]]);
});

test("a tab that looks whether it has missed something reads the outbox only then", async () => {
  const { store, outbox, says, known } = await twoTabs();
  await outbox.catchUp();
  expect(store.reads).toBe(0);
  await says("one");
  await outbox.catchUp();
  await outbox.catchUp();
  expect([store.reads, known()]).toEqual([1, [[1, 1, "one"]]]);
});

test("answers that nobody waits for are remembered up to two hundred, the oldest go first", async () => {
  const { outbox } = bench();
  for (let id = 1; id <= 201; id += 1) outbox.answer(id, { ok: false, code: `${id}` });
  const answerTo = async (id: number): Promise<unknown> => Promise.race([outbox.answerTo({ id, device: "mine", n: id, command: SAY, at: 0 }), Promise.resolve("none")]);
  expect(await answerTo(1)).toBe("none");
  expect([await answerTo(2), await answerTo(201)]).toEqual([{ ok: false, code: "2" }, { ok: false, code: "201" }]);
});

test("a tab that cannot look whether it has missed something reads nothing, and does not fail", async () => {
  const { store, outbox, says, known } = await twoTabs();
  await says("one");
  store.outboxVersion = () => Promise.reject(new Error("of the disk"));
  await outbox.catchUp();
  expect([store.reads, known()]).toEqual([0, []]);
});

test("a tab that reads already does not look whether it has missed something", async () => {
  const { store, outbox, says } = await twoTabs();
  await says("one");
  const reading = outbox.read();
  await outbox.catchUp();
  await reading;
  expect(store.reads).toBe(1);
});

test("a commit is kept here if it made the next version or an older one", async () => {
  const { outbox, says } = await twoTabs();
  await outbox.take(await says("one"));
  expect([outbox.isKept(), outbox.isKept(null), outbox.isKept(1), outbox.isKept(3), outbox.isKept(2), outbox.isKept(3), outbox.isKept(2)]).toEqual([true, true, true, false, true, true, true]);
});

test("a tab reads the outbox when another device has its numbers, though as many rows were made", async () => {
  const { store, outbox, writes, says } = await twoTabs();
  await outbox.take(await says("one"));
  await writes(() => ({ device: { id: "another", next: 2, lastRow: 1 }, result: undefined }));
  const { difference } = { difference: await writes((part) => ({ put: [...part.rows], result: undefined })) };
  await outbox.take({ ...difference, version: 2 });
  expect(store.reads).toBe(1);
});
