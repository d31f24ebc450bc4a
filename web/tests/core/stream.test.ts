// Goal: entries become one contiguous timeline per room in whatever order they come, without a needless question.

import { describe, expect, test } from "vitest";
import { unknownRoom } from "../../src/core/effects.ts";
import { HOUSE } from "../../src/core/rooms.ts";
import type { Change } from "../../src/core/store.ts";
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
  readonly questions: unknown[] = [];
  readonly applied: number[] = [];
  answer: (payload: { readonly after: number }) => unknown = () => null;
  readonly stream = new Stream({
    model: this.model,
    ledger: this.ledger,
    request: async (event, payload) => {
      this.asked.push(event);
      this.questions.push(payload);
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

describe("a question for what is missing", () => {
  test("names the room, where it ends here, and how much is wanted", async () => {
    const bench = new Bench();
    await bench.take(1, "stream");
    await bench.take(3, "stream");
    expect(bench.questions).toEqual([{ room: ROOM, after: 1, limit: 100 }]);
  });

  test("is asked once, however much comes behind the gap, and again for the next page", async () => {
    const bench = new Bench();
    const answers: ((value: unknown) => void)[] = [];
    bench.answer = () => new Promise((resolve) => answers.push(resolve));
    for (const rev of [4, 5, 6]) await bench.take(rev, "stream");
    expect(bench.asked).toHaveLength(1);
    answers[0]?.({ ok: true, entries: [entry(1)], more: true });
    await bench.clock.pass(0);
    expect(bench.questions.map((question) => (question as { readonly after: number }).after)).toEqual([0, 1]);
    expect([bench.shown, bench.model.cursor]).toEqual([[1], null]);
    answers[1]?.({ ok: true, entries: [entry(2), entry(3)], more: false });
    await bench.clock.pass(10_000);
    expect([bench.shown, bench.model.cursor, bench.asked.length]).toEqual([[1, 2, 3, 4, 5, 6], "6", 2]);
  });

  test("that got no answer is asked again after a while, and the gap after that, too", async () => {
    const bench = new Bench();
    bench.answer = ({ after }) => (bench.asked.length === 1 ? null : { ok: true, entries: [entry(after + 1)], more: false });
    await bench.take(2, "stream");
    await bench.clock.pass(1_999);
    expect([bench.asked.length, bench.shown]).toEqual([1, []]);
    await bench.clock.pass(1);
    expect([bench.asked.length, bench.shown, bench.model.cursor]).toEqual([2, [1, 2], "2"]);
    await bench.take(4, "stream");
    await bench.clock.pass(0);
    expect([bench.asked.length, bench.shown, bench.model.cursor]).toEqual([3, [1, 2, 3, 4], "4"]);
  });

  test("is not asked for what came meanwhile, and its answer means nothing after the end of the connection", async () => {
    const bench = new Bench();
    const answers: ((value: unknown) => void)[] = [];
    bench.answer = () => new Promise((resolve) => answers.push(resolve));
    await bench.take(2, "aside");
    await bench.take(1, "stream");
    await bench.clock.pass(10_000);
    expect(bench.asked).toEqual([]);
    await bench.take(5, "aside");
    await bench.take(4, "stream");
    bench.stream.close();
    answers[0]?.({ ok: true, entries: [entry(3)], more: false });
    await bench.clock.pass(10_000);
    expect([bench.asked.length, bench.shown, bench.model.cursor]).toEqual([1, [1, 2], "1"]);
  });

  test("is not asked at all after the end of the connection", async () => {
    const bench = new Bench();
    bench.stream.expect(ROOM, 3);
    bench.stream.close();
    for (const origin of ["stream", "aside"] as const) await bench.take(3, origin);
    await bench.ledger.submit((apply) => bench.stream.delivered(apply, "9"));
    await bench.clock.pass(10_000);
    expect([bench.asked, bench.applied, bench.model.cursor]).toEqual([[], [], null]);
  });
});

describe("a revision that is known to exist", () => {
  test("is asked for when it does not come, and only then", async () => {
    const bench = new Bench();
    bench.answer = ({ after }) => ({ ok: true, entries: [entry(after + 1)], more: true });
    bench.stream.expect(ROOM, 2);
    bench.stream.expect(ROOM, 1);
    await bench.clock.pass(1_999);
    expect(bench.asked).toEqual([]);
    await bench.clock.pass(10_000);
    expect([bench.shown, bench.asked.length]).toEqual([[1, 2], 2]);
    bench.stream.expect(ROOM, 2);
    await bench.clock.pass(10_000);
    expect(bench.asked).toHaveLength(2);
  });

  test("is waited for as long as anything comes", async () => {
    const bench = new Bench();
    bench.stream.expect(ROOM, 4);
    for (const rev of [1, 2, 3]) {
      await bench.clock.pass(1_500);
      await bench.take(rev, "stream");
    }
    expect(bench.asked).toEqual([]);
    await bench.clock.pass(4_000);
    expect(bench.questions[0]).toMatchObject({ after: 3 });
  });

  test("is not asked for in a room that does not flow, or that is not known", async () => {
    const bench = new Bench();
    bench.model.apply({ kind: "room", room: { ...unknownRoom(8), joined: true } });
    for (const room of [8, 9]) bench.stream.expect(room, 5);
    await bench.clock.pass(10_000);
    expect(bench.asked).toEqual([]);
  });

  test("is waited for no more when it has come", async () => {
    const bench = new Bench();
    let timers = 0;
    const { setTimer } = bench.clock;
    const stream = new Stream({
      model: bench.model,
      ledger: bench.ledger,
      request: () => Promise.resolve(null),
      setTimer: (milliseconds, due) => {
        timers += 1;
        return setTimer(milliseconds, due);
      },
      diverged: () => undefined,
    });
    stream.expect(ROOM, 1);
    for (const rev of [1, 2, 3, 4]) {
      await bench.ledger.submit((apply) => stream.take(apply, bench.entry(rev), "stream"));
      await bench.clock.pass(1_500);
    }
    expect(timers).toBe(1);
  });

  test.each([["there is none", { ok: true, entries: [], more: false }], ["the answer cannot be read", "?"]])("becomes a hole when %s, and nothing behind it is known", async (_, answer) => {
    const bench = new Bench();
    bench.answer = () => (bench.asked.length > 3 ? null : answer);
    await bench.take(1, "stream");
    bench.stream.expect(ROOM, 3);
    await bench.clock.pass(5_000);
    expect(bench.asked).toEqual(["changes"]);
    expect([bench.model.record(ROOM)?.applied, bench.model.record(ROOM)?.held]).toEqual([3, []]);
  });
});

describe("what waits behind a gap", () => {
  test("does not become too much after the end of the connection", async () => {
    const bench = new Bench();
    bench.stream.close();
    for (let rev = 2; rev <= 2_010; rev += 1) await bench.take(rev, "aside");
    expect(bench.model.record(ROOM)?.applied).toBe(0);
  });

  test("is not applied though a page of changes begins with it: the server has left something out", async () => {
    const bench = new Bench();
    bench.answer = ({ after }) => (bench.asked.length > 3 ? null : { ok: true, entries: [bench.entry(after + 2)], more: false });
    const applied: number[] = [];
    bench.stream.watch(({ rev }) => applied.push(rev));
    bench.stream.expect(ROOM, 4);
    await bench.clock.pass(5_000);
    expect(applied).toEqual([]);
    expect(bench.model.record(ROOM)?.applied).toBe(4);
  });

  test("is shown with a hole before it when it becomes too much", async () => {
    const bench = new Bench();
    bench.answer = () => new Promise(() => undefined);
    for (let rev = 2; rev <= 2_001; rev += 1) await bench.take(rev, "aside");
    expect(bench.shown).toEqual([]);
    await bench.take(2_002, "aside");
    expect([bench.shown.length, bench.shown[0], bench.applied.length]).toEqual([2_001, 2, 2_001]);
    expect(bench.model.record(ROOM)).toMatchObject({ applied: 2_002, held: [[2, 2_002]] });
  });

  test("of all rooms together is passed over without forgetting a message", async () => {
    const bench = new Bench();
    bench.model.apply({ kind: "room", room: { ...unknownRoom(HOUSE), applied: 0 } });
    for (const rev of [1, 2]) await bench.take(rev, "stream");
    bench.answer = () => ({ ok: true, entries: [], more: false });
    await bench.ledger.submit((apply) => {
      bench.stream.take(apply, { ...bench.entry(3), room: HOUSE, event: "named", who: { user: "bob", name: "bob" } } as Entry, "stream");
    });
    await bench.clock.pass(0);
    expect(bench.model.record(HOUSE)?.applied).toBe(3);
    expect(bench.shown).toEqual([1, 2]);
  });
});

describe("the trail of what no cursor stands for", () => {
  const trail = (bench: Bench): unknown => (bench.model.record(ROOM)?.trail ?? []).map(({ rev }) => rev);

  test("has what came aside, until the stream comes to it", async () => {
    const bench = new Bench();
    await bench.take(1, "stream");
    expect(trail(bench)).toEqual([]);
    await bench.take(2, "aside");
    expect(trail(bench)).toEqual([2]);
    await bench.take(2, "stream");
    expect([trail(bench), bench.model.cursor]).toEqual([[], "2"]);
  });

  test("has what the stream brought while another room has a gap", async () => {
    const bench = new Bench();
    bench.answer = () => new Promise(() => undefined);
    bench.model.apply({ kind: "room", room: { ...unknownRoom(8), joined: true, applied: 0 } });
    await bench.ledger.submit((apply) => bench.stream.take(apply, { ...bench.entry(2), room: 8 }, "stream"));
    await bench.take(1, "stream");
    expect([trail(bench), bench.model.cursor]).toEqual([[1], null]);
    await bench.ledger.submit((apply) => bench.stream.take(apply, { ...bench.entry(1), room: 8 }, "stream"));
    await bench.take(2, "stream");
    expect([trail(bench), bench.model.cursor]).toEqual([[], "2"]);
  });
});

test("a message that waits behind a gap brings no name back that its author has changed meanwhile", async () => {
  const bench = new Bench();
  bench.model.apply({ kind: "room", room: { ...unknownRoom(HOUSE), applied: 0 } });
  const rob = { user: "bob", name: "rob" };
  const told = (entry: Entry) => bench.ledger.submit((apply) => bench.stream.take(apply, entry, "stream"));
  await told(bench.entry(2));
  await told({ event: "named", cursor: "3", room: HOUSE, rev: 1, at: 3, from: rob, who: rob });
  await told({ ...bench.entry(1), from: rob });
  expect([bench.shown, bench.model.people.get("bob")?.name]).toEqual([[1, 2], "rob"]);
});

describe("somebody who watches", () => {
  test("is told what is applied until they have seen enough", async () => {
    const bench = new Bench();
    const seen: string[] = [];
    const stop = bench.stream.watch(({ event, rev }) => seen.push(`${event} ${rev}`));
    const change = (rev: number, event: "edited" | "deleted"): Entry => ({ ...bench.entry(rev), event, seq: 1, text: "new" }) as Entry;
    await bench.take(1, "stream");
    for (const told of [change(2, "edited"), change(3, "deleted")]) await bench.ledger.submit((apply) => bench.stream.take(apply, told, "stream"));
    stop();
    await bench.ledger.submit((apply) => bench.stream.take(apply, change(4, "deleted"), "stream"));
    expect(seen).toEqual(["message 1", "edited 2", "deleted 3"]);
  });
});

describe("the cursor", () => {
  test("is kept once for each place, and an entry without one moves nothing", async () => {
    const bench = new Bench();
    const kept: Change[] = [];
    const take = (told: Entry) => bench.ledger.submit((apply) => bench.stream.take((some) => (kept.push(...some), apply(some)), told, "stream"));
    await take(bench.entry(1));
    await take({ ...bench.entry(2), cursor: "" });
    await bench.ledger.submit((apply) => bench.stream.delivered((some) => (kept.push(...some), apply(some)), "1"));
    await bench.ledger.submit((apply) => bench.stream.delivered((some) => (kept.push(...some), apply(some)), "1 later"));
    expect(kept.flatMap((change) => (change.kind === "cursor" ? [change.cursor] : []))).toEqual(["1", "1 later"]);
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
