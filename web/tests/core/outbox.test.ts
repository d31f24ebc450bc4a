// Goal: a tab hears the final answer of its commands, and knows the outbox as it is, whatever comes first.

import { expect, test } from "vitest";
import { Model } from "../../src/core/model.ts";
import { enqueue } from "../../src/core/numbering.ts";
import { Outbox } from "../../src/core/outbox.ts";
import { MemoryDisk, MemoryStore } from "../../src/core/store-memory.ts";
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
  await new MemoryStore(disk).changeOutbox((state) => enqueue(state, SAY, 0, "mine"));
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
  await store.changeOutbox((state) => enqueue(state, SAY, 0, "mine"));
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
