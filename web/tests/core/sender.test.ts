// Goal: commands go out in order, not too many and not too often, until each has its answer.

import { describe, expect, test } from "vitest";
import { Model } from "../../src/core/model.ts";
import { enqueue } from "../../src/core/numbering.ts";
import type { Transport } from "../../src/core/ports.ts";
import { Sender } from "../../src/core/sender.ts";
import { MemoryStore } from "../../src/core/store-memory.ts";
import type { OutboxRow } from "../../src/core/store.ts";
import { settled, VirtualClock } from "./virtual-clock.ts";

interface Sent {
  readonly n: number;
  readonly at: number;
  readonly answer: (value: unknown) => void;
}

/** A sender whose server is the test. */
class Bench {
  readonly clock = new VirtualClock();
  readonly model = new Model();
  readonly sent: Sent[] = [];
  readonly done: number[] = [];
  interrupts = 0;
  readonly full: boolean[] = [];
  /** Ends the keeping of the answers so far. */
  keep: (() => void)[] = [];
  readonly #store = new MemoryStore();
  readonly #transport: Transport = {
    open: () => undefined,
    emit: (_name, payload, answered = () => undefined) => {
      const { n = 0 } = payload as { readonly n?: number };
      this.sent.push({ n, at: this.clock.now(), answer: answered });
    },
    welcomed: () => undefined,
    interrupt: () => (this.interrupts += 1),
    hurry: () => undefined,
    nudge: () => undefined,
    close: () => undefined,
  };
  readonly sender: Sender;

  constructor() {
    const world = { now: this.clock.now, setTimer: this.clock.setTimer, randomId: () => "another", random: () => 0.5, isWatched: () => true };
    this.sender = new Sender(this.model, this.#transport, world, {
      stored: (row) => this.#finish(row),
      refused: (row) => this.#finish(row),
      change: async (look, change) => {
        const { result } = await this.#store.changeOutbox(look, change);
        this.model.setOutbox(await this.#store.outbox());
        return result;
      },
      forgotten: () => undefined,
      doubted: () => undefined,
      full: (isFull) => this.full.push(isFull),
    });
  }

  #finish(row: OutboxRow): Promise<void> {
    return new Promise((resolve) => {
      this.keep.push(() => {
        this.model.apply({ kind: "settled", id: row.id });
        this.done.push(row.n);
        resolve();
      });
    });
  }

  async say(count: number): Promise<void> {
    for (let i = 0; i < count; i += 1) await this.#store.changeOutbox({}, (state) => enqueue(state, { event: "say", room: 1, text: `${i}` }, 0, "mine"));
    this.model.setOutbox(await this.#store.outbox());
  }

  get numbers(): readonly number[] {
    return this.sent.map(({ n }) => n);
  }

  answer(n: number, value: object = { ok: true, seq: n, rev: n, room: 1, at: 0 }): void {
    this.sent.findLast((sent) => sent.n === n)?.answer(value);
  }
}

const upTo = (last: number): readonly number[] => Array.from({ length: last }, (_, index) => index + 1);

describe("the sender", () => {
  test("has no more than 32 commands under way", async () => {
    const bench = new Bench();
    await bench.say(40);
    bench.sender.open("mine");
    expect(bench.numbers).toEqual(upTo(32));
    bench.answer(1);
    expect(bench.numbers).toEqual(upTo(33));
  });

  test("does not send again what is answered and not out of the outbox yet", async () => {
    const bench = new Bench();
    await bench.say(2);
    bench.sender.open("mine");
    bench.answer(1);
    for (let i = 0; i < 3; i += 1) bench.sender.pump();
    expect(bench.numbers).toEqual([1, 2]);
    for (const keep of bench.keep.splice(0)) keep();
    await settled();
    bench.sender.pump();
    expect([bench.numbers, bench.done]).toEqual([[1, 2], [1]]);
  });

  test("gives a connection up whose answers do not come", async () => {
    const bench = new Bench();
    await bench.say(1);
    bench.sender.open("mine");
    await bench.clock.pass(14_900);
    expect(bench.interrupts).toBe(0);
    await bench.clock.pass(200);
    expect(bench.interrupts).toBe(1);
  });

  test("tries again more and more slowly while the server cannot store a command, and anew after an answer", async () => {
    const bench = new Bench();
    await bench.say(2);
    bench.sender.open("mine");
    const pauseAfter = async (): Promise<number> => {
      const [answeredAt, before] = [bench.clock.now(), bench.sent.length];
      bench.answer(2, { ok: false, code: "expected", expected: 1 });
      await bench.clock.until(() => bench.sent.length > before, "another try");
      return (bench.sent[before]?.at ?? 0) - answeredAt;
    };
    const pauses: number[] = [];
    for (let i = 0; i < 9; i += 1) pauses.push(await pauseAfter());
    expect(pauses).toEqual([50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
    bench.answer(1);
    expect(await pauseAfter()).toBe(50);
  });

  test("tries one command while the server's disk is full, keeps its number, and sends all when there is room", async () => {
    const bench = new Bench();
    await bench.say(40);
    bench.sender.open("mine");
    const tries = async (): Promise<readonly number[]> => {
      const before = bench.sent.length;
      bench.answer(1, { ok: false, code: "storage_full" });
      // Of the answers to those behind it, which are out of turn, nothing follows.
      if (before === 32) for (const n of upTo(32).slice(1)) bench.answer(n, { ok: false, code: "expected", expected: 1 });
      await bench.clock.until(() => bench.sent.length > before, "another try");
      bench.sender.pump();
      return bench.numbers.slice(before);
    };
    for (let i = 0; i < 5; i += 1) expect(await tries()).toEqual([1]);
    expect(bench.sent.slice(32).map(({ at }) => at - (bench.sent[0]?.at ?? 0))).toEqual([50, 150, 350, 750, 1_550]);
    expect(bench.full).toEqual([true]);
    const before = bench.sent.length;
    bench.answer(1);
    expect(bench.full).toEqual([true, false]);
    expect(bench.numbers.slice(before)).toEqual(upTo(33).slice(1));
    expect(bench.interrupts).toBe(0);
  });

  test("a connection that begins anew does not know that the disk was full", async () => {
    const bench = new Bench();
    await bench.say(2);
    bench.sender.open("mine");
    bench.answer(1, { ok: false, code: "storage_full" });
    bench.sender.close();
    bench.sender.open("mine");
    expect(bench.numbers).toEqual([1, 2, 1, 2]);
    bench.answer(1, { ok: false, code: "storage_full" });
    expect(bench.full).toEqual([true, true]);
  });
});
