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
  forgotten = 0;
  doubts = 0;
  /** What became of rows, as it was told. */
  readonly ended: string[] = [];
  /** As if the disk took nothing. */
  isBroken = false;
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
      stored: (row, ack) => this.#finish(row, `${row.n} stored ${ack.seq}`),
      refused: (row, code) => this.#finish(row, `${row.n} ${code}`),
      change: async (look, change) => {
        if (this.isBroken) throw new Error("of the disk");
        const { result } = await this.#store.changeOutbox(look, change);
        this.model.setOutbox(await this.#store.outbox());
        return result;
      },
      forgotten: () => (this.forgotten += 1),
      doubted: () => (this.doubts += 1),
      full: (isFull) => this.full.push(isFull),
    });
  }

  #finish(row: OutboxRow, end: string): Promise<void> {
    this.ended.push(end);
    return new Promise((resolve) => {
      this.keep.push(() => {
        const done = { kind: "settled", id: row.id } as const;
        this.model.apply(done);
        this.done.push(row.n);
        void this.#store.commit([done], null).then(() => resolve());
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

  /** The answers so far are kept. */
  async keepAll(): Promise<void> {
    for (const keep of this.keep.splice(0)) keep();
    await settled();
  }

  /** What waits, as device, number and command. */
  get rows(): readonly string[] {
    return this.model.outbox.rows.map(({ device, n, command, refused }) => `${device} ${n} ${refused ?? ("text" in command ? command.text : command.event)}`);
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

/** A sender with so many commands under way. */
async function sending(count: number): Promise<Bench> {
  const bench = new Bench();
  await bench.say(count);
  bench.sender.open("mine");
  return bench;
}

const refusal = (code: string, fields: object = {}): object => ({ ok: false, code, ...fields });

describe("what is answered", () => {
  test("is told once, though it is answered twice", async () => {
    const bench = await sending(2);
    bench.answer(1);
    bench.answer(1, refusal("empty", { n: 1 }));
    bench.answer(2, refusal("empty", { n: 2 }));
    expect(bench.ended).toEqual(["1 stored 1", "2 empty"]);
  });

  test("after the connection has ended is not heard, and nothing is sent then", async () => {
    const bench = await sending(1);
    bench.sender.close();
    bench.answer(1);
    bench.sender.pump();
    await bench.clock.pass(60_000);
    expect([bench.ended, bench.numbers, bench.doubts, bench.interrupts]).toEqual([[], [1], 0, 0]);
  });

  test("by a server that could not read it is refused, and a skip takes its number", async () => {
    const bench = await sending(2);
    bench.answer(1, refusal("invalid"));
    await settled();
    expect(bench.rows).toEqual(["mine 1 invalid", "mine 2 1", "mine 1 skip"]);
    expect(bench.numbers).toEqual([1, 2, 1]);
    expect([bench.ended, bench.interrupts]).toEqual([[], 0]);
  });

  test("and is called full for good is refused like anything else", async () => {
    const bench = await sending(1);
    bench.answer(1, refusal("storage_full", { n: 1 }));
    expect([bench.ended, bench.full]).toEqual([["1 storage_full"], []]);
  });

  test("to a connection without a device ends it, and leaves the command as it is", async () => {
    const bench = await sending(2);
    bench.answer(1, refusal("no_device"));
    await settled();
    expect([bench.interrupts, bench.rows, bench.ended]).toEqual([1, ["mine 1 0", "mine 2 1"], []]);
  });

  test("and cannot be kept ends the connection", async () => {
    const bench = await sending(1);
    bench.isBroken = true;
    bench.answer(1, refusal("invalid"));
    await settled();
    expect([bench.interrupts, bench.rows]).toEqual([1, ["mine 1 0"]]);
  });
});

describe("a command of another device than that of the connection", () => {
  test("is not sent on it", async () => {
    const bench = new Bench();
    await bench.say(1);
    bench.sender.open("another");
    expect([bench.numbers, bench.interrupts]).toEqual([[], 1]);
  });
});

describe("numbers that another has used", () => {
  const conflict = refusal("conflict", { n: 1 });

  test("move all to a new device, as soon as the rest is answered and kept", async () => {
    const bench = await sending(3);
    bench.answer(2);
    bench.answer(1, conflict);
    bench.sender.pump();
    expect(bench.numbers).toEqual([1, 2, 3]);
    bench.answer(3, refusal("empty", { n: 3 }));
    await settled();
    expect([bench.interrupts, bench.rows]).toEqual([0, ["mine 1 0", "mine 2 1", "mine 3 2"]]);
    await bench.keepAll();
    await settled();
    expect([bench.interrupts, bench.forgotten, bench.rows]).toEqual([1, 0, ["another 1 0"]]);
    bench.sender.pump();
    expect(bench.numbers).toEqual([1, 2, 3]);
  });

  test("are no matter of a connection that has begun anew since", async () => {
    const bench = await sending(1);
    const [first] = bench.sent;
    bench.sender.close();
    bench.sender.open("mine");
    first?.answer(conflict);
    await settled();
    expect([bench.interrupts, bench.rows]).toEqual([0, ["mine 1 0"]]);
  });

  test("move once, though more than one answer says so, and whatever comes out of turn meanwhile", async () => {
    const bench = await sending(3);
    bench.answer(1, conflict);
    bench.answer(2, refusal("expected", { expected: 1 }));
    expect(bench.interrupts).toBe(0);
    bench.answer(3, refusal("storage_full"));
    await settled();
    expect([bench.interrupts, bench.full, bench.rows]).toEqual([1, [], ["another 1 0", "another 2 1", "another 3 2"]]);
  });

  test("are tried on the next connection when they cannot be moved now", async () => {
    const bench = await sending(1);
    bench.isBroken = true;
    bench.answer(1, conflict);
    await settled();
    expect([bench.interrupts, bench.rows]).toEqual([1, ["mine 1 0"]]);
  });
});

describe("a number that is out of turn", () => {
  test("is sent again after those before it", async () => {
    const bench = await sending(2);
    bench.answer(2, refusal("expected", { expected: 1 }));
    bench.sender.pump();
    expect(bench.numbers).toEqual([1, 2]);
    await bench.clock.pass(50);
    expect([bench.numbers, bench.forgotten, bench.interrupts]).toEqual([[1, 2, 1, 2], 0, 0]);
  });

  test("counts once in a round: what was sent before says nothing of what is sent now", async () => {
    const bench = await sending(2);
    const [first, second] = bench.sent;
    second?.answer(refusal("expected", { expected: 1 }));
    first?.answer(refusal("expected", { expected: 1 }));
    await bench.clock.pass(50);
    first?.answer(refusal("expected", { expected: 1 }));
    first?.answer(refusal("storage_full"));
    await bench.clock.pass(1_000);
    expect([bench.numbers, bench.full]).toEqual([[1, 2, 1, 2], []]);
  });

  test("whose server waits for one that is done has lost its memory: all is forgotten, and what waits moves", async () => {
    const bench = await sending(3);
    bench.answer(1);
    await bench.keepAll();
    bench.answer(3, refusal("expected", { expected: 1 }));
    await settled();
    expect([bench.forgotten, bench.interrupts, bench.rows]).toEqual([1, 0, ["another 1 1", "another 2 2"]]);
  });

  test("does not wait for answers behind the one that is missing, but for those before it", async () => {
    const bench = await sending(4);
    for (const n of [2, 3]) bench.answer(n);
    await bench.keepAll();
    // The second is unknown to the server, so the fourth will not be answered; the first may be.
    bench.answer(4, refusal("expected", { expected: 2 }));
    await settled();
    expect([bench.forgotten, bench.rows]).toEqual([0, ["mine 1 0", "mine 4 3"]]);
    bench.answer(1);
    await bench.keepAll();
    await settled();
    expect([bench.forgotten, bench.rows]).toEqual([1, ["another 1 3"]]);
  });

  test("is not forgotten where the server waits for a later one", async () => {
    const bench = await sending(2);
    bench.answer(1, refusal("expected", { expected: 7 }));
    await settled();
    await bench.clock.pass(50);
    expect([bench.forgotten, bench.rows, bench.numbers]).toEqual([0, ["mine 1 0", "mine 2 1"], [1, 2, 1, 2]]);
  });
});

describe("a connection", () => {
  test("is doubted once when nothing is answered for three seconds, and not after an answer", async () => {
    const bench = await sending(2);
    await bench.clock.pass(2_999);
    expect(bench.doubts).toBe(0);
    await bench.clock.pass(1);
    expect(bench.doubts).toBe(1);
    bench.answer(1);
    await bench.clock.pass(2_900);
    expect(bench.doubts).toBe(1);
    bench.answer(2);
    await bench.clock.pass(60_000);
    expect([bench.doubts, bench.interrupts]).toEqual([1, 0]);
  });

  test("that ends in a pause sends nothing when that would be over", async () => {
    const bench = await sending(2);
    bench.answer(2, refusal("expected", { expected: 1 }));
    bench.sender.close();
    await bench.clock.pass(10_000);
    expect(bench.numbers).toEqual([1, 2]);
    bench.sender.open("mine");
    expect(bench.numbers).toEqual([1, 2, 1, 2]);
  });
});
