// Goal: a read pointer moves here at once and at the server soon, and the server counts what is not here, each thing once.

import { describe, expect, test } from "vitest";
import { unknownRoom } from "../../src/core/effects.ts";
import { Ledger } from "../../src/core/ledger.ts";
import { Model } from "../../src/core/model.ts";
import { Reads } from "../../src/core/reads.ts";
import { HOUSE } from "../../src/core/rooms.ts";
import { MemoryStore } from "../../src/core/store-memory.ts";
import type { RoomRecord } from "../../src/core/store.ts";
import { Timers } from "../../src/core/timers.ts";
import type { Entry, Room } from "../../src/core/wire.ts";
import { settled, VirtualClock } from "./virtual-clock.ts";

class Bench {
  readonly clock = new VirtualClock();
  readonly model = new Model();
  readonly asked: string[] = [];
  readonly answers: ((answer: unknown) => void)[] = [];
  isOnline = true;
  told = 0;
  readonly watchers = new Set<(entry: Entry) => void>();
  readonly reads = new Reads({
    model: this.model,
    ledger: new Ledger(this.model, new MemoryStore(), null, { kept: () => undefined, deposed: () => undefined }),
    timers: new Timers(this.clock.setTimer),
    isOnline: () => this.isOnline,
    request: (event, payload) => {
      this.asked.push(`${event} ${JSON.stringify(payload)}`);
      return new Promise((resolve) => this.answers.push(resolve));
    },
    told: () => (this.told += 1),
    watch: (seen) => {
      this.watchers.add(seen);
      return () => this.watchers.delete(seen);
    },
  });

  constructor() {
    this.room(7, { seq: 10 });
  }

  room(room: number, change: Partial<RoomRecord> = {}): void {
    this.model.apply({ kind: "room", room: { ...(this.model.record(room) ?? unknownRoom(room)), joined: true, ...change } });
  }

  /** The answers so far, and what was asked since the last time. */
  async answer(...answers: readonly unknown[]): Promise<void> {
    for (const answer of answers) this.answers.shift()?.(answer);
    await settled();
  }

  async settle(): Promise<readonly string[]> {
    this.asked.length = 0;
    this.reads.settle();
    await this.clock.pass(150);
    return this.asked;
  }
}

const counted = (count: number, mark: number): object => ({ ok: true, unread: { 7: { count, capped: false, mark } } });
const listed = (read: number): readonly Room[] => [{ room: 7, kind: "public", name: "", topic: "", seq: 10, rev: 1, joined: true, read, members: 1 }];

describe("a read pointer", () => {
  test("moves at once, is told after a while, and only the last of it", async () => {
    const bench = new Bench();
    for (const seq of [3, 5, 4]) bench.reads.mark(7, seq);
    await settled();
    expect([bench.model.record(7)?.read, bench.asked]).toEqual([5, []]);
    await bench.clock.pass(299);
    expect(bench.asked).toEqual([]);
    await bench.clock.pass(1);
    expect(bench.asked).toEqual(['read {"room":7,"seq":5}']);
    await bench.clock.pass(1_000);
    expect(bench.asked.length).toBe(1);
    await bench.answer({ ok: true });
    expect(bench.told).toBe(1);
  });

  test("goes forward only, and stands in no room that is not known", () => {
    const bench = new Bench();
    bench.room(7, { read: 5 });
    expect([bench.reads.pointer(7, 5), bench.reads.pointer(7, 4), bench.reads.pointer(8, 4)]).toEqual([[], [], []]);
    expect(bench.reads.pointer(7, 6)).toEqual([{ kind: "room", room: { ...bench.model.record(7), read: 6 } }]);
  });

  test("waits for the connection, and is told where the server does not have it", async () => {
    const bench = new Bench();
    bench.isOnline = false;
    bench.reads.mark(7, 5);
    await bench.clock.pass(1_000);
    expect(bench.asked).toEqual([]);
    bench.isOnline = true;
    bench.reads.welcomed(listed(9));
    expect(bench.asked).toEqual(['read {"room":7,"seq":5}']);
    bench.reads.welcomed(listed(5));
    expect(bench.asked.length).toBe(1);
    bench.reads.welcomed([...listed(4), { ...(listed(0)[0] as Room), room: 8 }]);
    expect(bench.asked.slice(1)).toEqual(['read {"room":7,"seq":5}']);
  });
});

describe("the server's count", () => {
  test("is asked for once where messages are not here, and is good from the pointer on", async () => {
    const bench = new Bench();
    expect(await bench.settle()).toEqual(['unread {"rooms":[7]}']);
    expect(await bench.settle()).toEqual([]);
    await bench.answer(counted(4, 12));
    expect(bench.model.record(7)).toMatchObject({ seq: 12, away: { count: 4, capped: false, mark: 12, read: 0 } });
    expect(await bench.settle()).toEqual([]);
    bench.room(7, { seq: 20 });
    expect(await bench.settle()).toEqual(['unread {"rooms":[7]}']);
    await bench.answer(counted(9, 15));
    expect(bench.model.record(7)).toMatchObject({ seq: 20, away: { mark: 15 } });
  });

  test("is not asked for where it is known, of the house, of rooms that one is not in, nor while the pointer moves", async () => {
    const bench = new Bench();
    bench.room(HOUSE, { seq: 3 });
    bench.room(8, { seq: 3, joined: false });
    bench.room(9, { seq: 3, held: [[1, 3]] });
    bench.room(10, { seq: 3, read: 3 });
    bench.reads.mark(7, 2);
    expect(await bench.settle()).toEqual([]);
    await bench.clock.pass(150);
    expect(await bench.settle()).toEqual([]);
    bench.reads.mark(7, 4);
    await bench.clock.pass(300);
    await bench.answer({ ok: true });
    expect(await bench.settle()).toEqual([]);
    await bench.answer({ ok: true });
    expect(await bench.settle()).toEqual(['unread {"rooms":[7]}']);
  });

  test("is asked for a hundred rooms at once", async () => {
    const bench = new Bench();
    for (let room = 100; room < 250; room += 1) bench.room(room, { seq: 3 });
    const rooms = (asked: readonly string[]): number => asked.flatMap((one) => (JSON.parse(one.slice("unread ".length)) as { rooms: number[] }).rooms).length;
    expect([rooms(await bench.settle()), rooms(await bench.settle()), rooms(await bench.settle())]).toEqual([100, 51, 0]);
  });

  test("says nothing where the pointer has moved, the room is gone, or there is no answer", async () => {
    const bench = new Bench();
    await bench.settle();
    bench.room(7, { read: 1 });
    await bench.answer(counted(4, 12));
    expect(bench.model.record(7)?.away).toBeUndefined();
    await bench.settle();
    bench.model.apply({ kind: "forget room", room: 7 });
    await bench.answer(counted(4, 12));
    expect(bench.model.record(7)).toBeNull();
    bench.room(7, { seq: 10 });
    await bench.settle();
    await bench.answer(null);
    expect([bench.model.record(7)?.away, bench.watchers.size, bench.told]).toEqual([undefined, 0, 0]);
  });

  test("is asked for anew after a deletion in the room, and after a welcome", async () => {
    const bench = new Bench();
    await bench.settle();
    for (const [event, room] of [["edited", 7], ["deleted", 8]] as const) for (const seen of bench.watchers) seen({ event, room } as Entry);
    await bench.answer(counted(4, 10));
    expect(bench.model.record(7)?.away?.count).toBe(4);
    bench.room(7, { seq: 11 });
    await bench.settle();
    for (const seen of bench.watchers) seen({ event: "deleted", room: 7 } as Entry);
    await bench.answer(counted(5, 11));
    expect([bench.model.record(7)?.away?.count, bench.told, await bench.settle()]).toEqual([4, 2, ['unread {"rooms":[7]}']]);
    bench.reads.welcomed(listed(0));
    expect(await bench.settle()).toEqual(['unread {"rooms":[7]}']);
  });
});
