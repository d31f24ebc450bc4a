// Goal: entries become one contiguous timeline per room in whatever order they come, without a needless question.

import { describe, expect, test } from "vitest";
import { unknownRoom } from "../../src/core/effects.ts";
import { Ledger } from "../../src/core/ledger.ts";
import { Model } from "../../src/core/model.ts";
import { MemoryStore } from "../../src/core/store-memory.ts";
import { Stream, type Origin } from "../../src/core/stream.ts";
import type { Entry } from "../../src/core/wire.ts";
import { VirtualClock } from "./virtual-clock.ts";

const ROOM = 7;

/** A message, as the first of a room that begins at revision 1 and has nothing but messages. */
const entry = (rev: number): Entry => ({
  event: "message",
  cursor: `${rev}`,
  room: ROOM,
  rev,
  at: rev,
  from: { user: "bob", name: "bob" },
  seq: rev,
  text: `message ${rev}`,
  edited: false,
  deleted: false,
});

class Bench {
  readonly clock = new VirtualClock();
  readonly model = new Model();
  readonly ledger = new Ledger(this.model, new MemoryStore(), null, { kept: () => undefined, deposed: () => undefined });
  readonly asked: unknown[] = [];
  readonly applied: number[] = [];
  answer: (payload: { readonly after: number }) => unknown = () => null;
  readonly stream = new Stream({
    model: this.model,
    ledger: this.ledger,
    request: async (event, payload) => {
      this.asked.push(event);
      return Promise.resolve(this.answer(payload as { readonly after: number }));
    },
    setTimer: this.clock.setTimer,
    diverged: () => void (this.diverged += 1),
  });
  diverged = 0;
  /** In another log the same places have other times. */
  shift = 0;

  constructor() {
    this.model.apply({ kind: "room", room: { ...unknownRoom(ROOM), joined: true, applied: 0 } });
  }

  entry(rev: number): Entry {
    return { ...entry(rev), at: rev + this.shift };
  }

  async take(rev: number, origin: Origin): Promise<void> {
    await this.ledger.submit((apply) => this.stream.take(apply, this.entry(rev), origin, () => this.applied.push(rev)));
  }

  get shown(): readonly number[] {
    return this.model.rooms.get(ROOM)?.messages.map(({ seq }) => seq) ?? [];
  }
}

describe("an entry of an unknown kind", () => {
  const unknown = (rev: number): Entry => ({ event: "unknown", cursor: `${rev}`, room: ROOM, rev, at: rev, from: { guest: "" } });

  test("is passed over where it comes, and nobody asks for it", async () => {
    const bench = new Bench();
    await bench.take(1, "stream");
    await bench.ledger.submit((apply) => bench.stream.take(apply, unknown(2), "stream"));
    expect(bench.model.cursor).toBe("2");
    await bench.take(3, "stream");
    expect([bench.shown, bench.asked, bench.model.cursor]).toEqual([[1, 3], [], "3"]);
  });

  test("fills its gap among the changes", async () => {
    const bench = new Bench();
    bench.answer = ({ after }) => {
      const entries = [bench.entry(1), { ...unknown(2), event: "painted" }, bench.entry(3)];
      return { ok: true, entries: entries.filter(({ rev }) => rev > after), more: false };
    };
    await bench.take(4, "stream");
    await bench.clock.pass(1_000);
    expect([bench.shown, bench.asked, bench.model.cursor]).toEqual([[1, 3, 4], ["changes"], "4"]);
  });
});

describe("what comes ahead of the stream by an ack", () => {
  test("waits for the stream, and is applied in order when it has come, without a question", async () => {
    const bench = new Bench();
    for (const rev of [4, 3, 2]) await bench.take(rev, "aside");
    expect([bench.shown, bench.model.cursor]).toEqual([[], null]);
    await bench.clock.pass(1_000);
    await bench.take(1, "stream");
    expect([bench.shown, bench.applied, bench.asked]).toEqual([[1, 2, 3, 4], [1, 2, 3, 4], []]);
    expect(bench.model.cursor).toBe("1");
  });

  test("answers everybody who waits for it, though it comes twice", async () => {
    const bench = new Bench();
    for (const rev of [2, 2]) await bench.take(rev, "aside");
    await bench.take(1, "stream");
    expect(bench.applied).toEqual([1, 2, 2]);
  });

  test("is asked for when nothing comes any more", async () => {
    const bench = new Bench();
    bench.answer = ({ after }) => ({ ok: true, entries: [entry(after + 1)], more: true });
    await bench.take(3, "aside");
    await bench.clock.pass(1_900);
    await bench.take(1, "stream");
    await bench.clock.pass(1_000);
    expect(bench.asked).toEqual([]);
    await bench.clock.pass(2_000);
    await bench.ledger.idle();
    expect([bench.shown, bench.asked]).toEqual([[1, 2, 3], ["changes"]]);
  });
});

describe("a gap in the stream", () => {
  test("is asked for at once, and the cursor waits", async () => {
    const bench = new Bench();
    let answer = (_value: unknown): void => undefined;
    bench.answer = () => new Promise((resolve) => (answer = resolve));
    await bench.take(3, "stream");
    expect([bench.asked, bench.shown, bench.model.cursor]).toEqual([["changes"], [], null]);
    answer({ ok: true, entries: [entry(1), entry(2)], more: false });
    await bench.clock.pass(0);
    await bench.ledger.idle();
    expect([bench.shown, bench.model.cursor]).toEqual([[1, 2, 3], "3"]);
  });

  test("that cannot be filled becomes a hole, after one question", async () => {
    const bench = new Bench();
    bench.answer = () => (bench.asked.length > 3 ? null : { ok: true, entries: [], more: false });
    await bench.take(1, "stream");
    await bench.take(5, "stream");
    await bench.clock.pass(0);
    await bench.ledger.idle();
    expect(bench.asked).toEqual(["changes"]);
    expect(bench.model.record(ROOM)).toMatchObject({ applied: 5, seq: 5, held: [[5, 5]] });
    expect([bench.shown, bench.model.cursor]).toEqual([[5], "5"]);
  });
});

describe("a log that was set back", () => {
  test("leaves nothing of the one before, and nothing of it is taken until the stream begins anew", async () => {
    const bench = new Bench();
    await bench.take(1, "stream");
    await bench.take(2, "aside");
    bench.shift = 100;
    // In one work: the next ones are on their way already.
    await bench.ledger.submit((apply) => {
      for (const rev of [2, 3]) bench.stream.take(apply, bench.entry(rev), "stream", () => bench.applied.push(rev));
      bench.stream.delivered(apply, "9");
    });
    expect([bench.diverged, bench.model.rooms.size, bench.applied, bench.model.cursor]).toEqual([1, 0, [1, 2], null]);
  });

  test("is told from what came before the end of a connection and was applied after it", async () => {
    const bench = new Bench();
    await bench.take(1, "stream");
    bench.stream.close();
    await bench.take(2, "stream");
    expect([bench.model.cursor, bench.model.record(ROOM)?.trail]).toEqual(["1", [{ rev: 2, at: 2 }]]);
  });
});
