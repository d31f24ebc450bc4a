// Goal: a window on a room shows what belongs into it, in its order, and each thing as what it is to the reader.

import { describe, expect, test } from "vitest";
import { unknownRoom } from "../../src/core/effects.ts";
import type { Notice, Row } from "../../src/core/facade.ts";
import { Model } from "../../src/core/model.ts";
import { Rows, ROWS_MAX, type RowSources } from "../../src/core/rows.ts";
import type { MessageRecord, OutboxRow, RoomRecord } from "../../src/core/store.ts";

const ROOM = 7;
const LEFT: Notice = { what: "left", from: { user: "bob", name: "bob" } };

/** A room, and the rows that a page shows of it. */
class Bench {
  readonly model = new Model();
  readonly rows = new Rows();

  constructor(seq: number, held: RoomRecord["held"] = [[1, seq]], change: Partial<RoomRecord> = {}) {
    this.model.apply({ kind: "session", session: { user: "ada", name: "ada", owner: false, token: "" } });
    this.model.apply({ kind: "room", room: { ...unknownRoom(ROOM), kind: "public", joined: true, floor: 1, seq, held, ...change } });
    for (const [from, to] of held) for (let at = from; at <= to; at += 1) this.message(at);
  }

  message(seq: number, change: Partial<MessageRecord> = {}): void {
    this.model.apply({ kind: "message", message: { room: ROOM, seq, rev: seq, at: seq, from: { user: "bob", name: "bob" }, text: `text ${seq}`, edited: false, deleted: false, asOf: seq, ...change } });
  }

  notice(rev: number, after: number, notice: Notice = LEFT): void {
    this.model.apply({ kind: "notice", notice: { room: ROOM, rev, after, at: rev, notice } });
  }

  outbox(...rows: readonly Partial<OutboxRow>[]): void {
    this.model.setOutbox({ device: null, rows: rows.map((row, index): OutboxRow => ({ id: index + 1, device: "mine", n: index + 1, at: 1_000, command: { event: "say", room: ROOM, text: "next" }, ...row })), drafts: this.model.drafts });
  }

  show(sources: Partial<RowSources> = {}): readonly Row[] {
    const state = this.model.rooms.get(ROOM);
    if (state === undefined) throw new Error("no room");
    return this.rows.of(this.model, state, { window: { from: 1, to: null }, online: true, loading: new Set(), ...sources });
  }

  keys(sources?: Partial<RowSources>): readonly string[] {
    return this.show(sources).map(({ key }) => key);
  }
}

describe("a window", () => {
  test("that ends before the last message shows nothing of what follows, and one at the end shows it all", () => {
    const bench = new Bench(4);
    bench.outbox({});
    bench.notice(10, 2);
    bench.notice(11, 3);
    expect(bench.keys({ window: { from: 2, to: 3 } })).toEqual(["m2", "r10", "m3", "r11"]);
    expect(bench.keys({ window: { from: 2, to: 2 } })).toEqual(["m2", "r10"]);
    bench.notice(12, 9);
    expect(bench.keys({ window: { from: 4, to: null } })).toEqual(["m4", "r12", expect.stringMatching(/mine/)]);
    expect(bench.keys({ window: { from: 4, to: 4 } })).toEqual(["m4"]);
  });

  test("shows the notices before its first message only where the room begins", () => {
    const bench = new Bench(3);
    bench.notice(10, 0);
    bench.notice(11, 1);
    expect(bench.keys()).toEqual(["r10", "m1", "r11", "m2", "m3"]);
    expect(bench.keys({ window: { from: 2, to: null } })).toEqual(["m2", "m3"]);
    expect(bench.keys({ window: { from: 1, to: null } })[0]).toBe("r10");
  });

  test("shows notices of one place behind its message, in the order in which they came", () => {
    const bench = new Bench(2);
    for (const rev of [12, 10, 11]) bench.notice(rev, 1);
    expect(bench.keys()).toEqual(["m1", "r10", "r11", "r12", "m2"]);
  });

  test("shows what is missing as holes, and whether they are being filled", () => {
    const bench = new Bench(20, [[4, 5], [9, 10]]);
    const holes = (...loading: readonly number[]): unknown => bench.show({ loading: new Set(loading) }).flatMap((row) => (row.kind === "hole" ? [[row.key, row.from, row.to, row.loading]] : []));
    expect(holes()).toEqual([["h1", 1, 3, false], ["h6", 6, 8, false], ["h11", 11, 20, false]]);
    expect(holes(6)).toEqual([["h1", 1, 3, false], ["h6", 6, 8, true], ["h11", 11, 20, false]]);
    expect(holes(8)).toEqual([["h1", 1, 3, false], ["h6", 6, 8, true], ["h11", 11, 20, false]]);
    expect(holes(5, 9)).toEqual([["h1", 1, 3, false], ["h6", 6, 8, false], ["h11", 11, 20, false]]);
  });

  test("shows no more than four hundred rows: the last ones at the end, and else the first", () => {
    const bench = new Bench(3);
    for (let rev = 1; rev <= ROWS_MAX; rev += 1) bench.notice(10 + rev, 3);
    const [live, past] = [bench.keys(), bench.keys({ window: { from: 1, to: 3 } })];
    expect([live.length, live[0], live.at(-1), past.length, past[0]]).toEqual([ROWS_MAX, "r11", `r${10 + ROWS_MAX}`, ROWS_MAX, "m1"]);
  });
});

describe("a message", () => {
  test("shows a change of it, and none of a message with its number elsewhere", () => {
    const bench = new Bench(1);
    const shown = (command: OutboxRow["command"]): unknown => {
      bench.outbox({ command });
      const rows = bench.show();
      return [rows.length, rows[0]?.kind === "message" && rows[0].change];
    };
    expect(shown({ event: "edit", room: ROOM, seq: 1, text: "new" })).toEqual([1, "editing"]);
    expect(shown({ event: "delete", room: ROOM, seq: 1 })).toEqual([1, "deleting"]);
    expect(shown({ event: "edit", room: 8, seq: 1, text: "new" })).toEqual([1, undefined]);
    expect(shown({ event: "delete", room: 8, seq: 1 })).toEqual([1, undefined]);
    expect(shown({ event: "leave", room: ROOM })).toEqual([1, undefined]);
  });

  test("says that a change of it is typed, as soon as it is and as long as it is", () => {
    const bench = new Bench(2);
    const [before] = bench.show();
    const draft = { room: ROOM, seq: 1, text: "typed", at: 1, after: 0 };
    bench.model.setOutbox({ device: null, rows: [], drafts: new Map([["7/1", draft]]) });
    const [during, other] = bench.show();
    expect([during, other]).toMatchObject([{ draft: true }, { key: "m2" }]);
    expect(other).not.toHaveProperty("draft");
    expect(bench.show()[0]).toBe(during);
    bench.model.setOutbox({ device: null, rows: [], drafts: new Map([["7/1", { ...draft, text: null, at: 2 }]]) });
    expect(bench.show()[0]).toEqual(before);
    expect(bench.show()[0]).not.toHaveProperty("draft");
  });

  test("is one's own by the person, and has the key of its sending only then", () => {
    const bench = new Bench(1);
    const sent = { device: "mine", n: 4 };
    bench.message(1, { ...sent, from: { user: "ada" } });
    const key = bench.keys()[0];
    bench.message(1, { ...sent, asOf: 2 });
    expect(bench.show()[0]).toMatchObject({ own: false, key: "m1" });
    expect(key).not.toBe("m1");
    bench.message(1, { n: 4, from: { user: "ada" }, asOf: 3 });
    expect(bench.show()[0]).toMatchObject({ own: true, key: "m1" });
    bench.message(1, { device: "mine", from: { user: "ada" }, asOf: 4 });
    expect(bench.keys()).toEqual(["m1"]);
  });

  test("of a guest is not one's own before one is somebody", () => {
    const model = new Model();
    model.apply({ kind: "room", room: { ...unknownRoom(ROOM), joined: true, floor: 1, seq: 1, held: [[1, 1]] } });
    model.apply({ kind: "message", message: { room: ROOM, seq: 1, rev: 1, at: 1, from: { guest: "g" }, text: "hi", edited: false, deleted: false, asOf: 1 } });
    model.setOutbox({ device: null, rows: [{ id: 1, device: "mine", n: 1, at: 5, command: { event: "say", room: ROOM, text: "next" } }], drafts: new Map() });
    const state = model.rooms.get(ROOM);
    if (state === undefined) throw new Error("no room");
    const rows = new Rows().of(model, state, { window: { from: 1, to: null }, online: false, loading: new Set() });
    expect(rows).toMatchObject([{ key: "m1", own: false }, { kind: "pending", at: 5, state: "waiting" }]);
  });

  test("that is damaged says so, and no other does", () => {
    const bench = new Bench(2);
    bench.message(1, { damaged: true, text: "" });
    const [damaged, whole] = bench.show();
    expect(damaged).toMatchObject({ damaged: true });
    expect(whole).not.toHaveProperty("damaged");
  });
});

describe("a notice", () => {
  test("of a conversation of two does not say that it was begun, and of any other room does", () => {
    const created: Notice = { what: "created", from: { user: "bob", name: "bob" } };
    for (const [kind, keys] of [["direct", ["r2"]], ["private", ["r1", "r2"]]] as const) {
      const bench = new Bench(0, [], { kind });
      bench.notice(1, 0, created);
      bench.notice(2, 0);
      expect(bench.keys()).toEqual(keys);
    }
  });

  test("stays the same object until somebody in it has another name", () => {
    const bench = new Bench(0, []);
    bench.notice(1, 0);
    const [before] = bench.show();
    expect(bench.show()[0]).toBe(before);
    bench.model.apply({ kind: "person", person: { user: "bob", name: "Robert" } });
    expect(bench.show()[0]).toMatchObject({ kind: "notice", notice: { from: { name: "Robert" } } });
  });
});

describe("what is to be sent", () => {
  test("is dated anew when the clock of the server becomes known, and stays the same object else", () => {
    const bench = new Bench(0, []);
    bench.outbox({}, { refused: "empty" });
    const before = bench.show();
    expect(bench.show().map((row, index) => row === before[index])).toEqual([true, true]);
    const [waiting, refused] = bench.show({ online: false });
    expect([waiting, refused === before[1]]).toMatchObject([{ state: "waiting" }, true]);
    bench.model.apply({ kind: "session", session: { user: "ada", name: "ada", owner: false, token: "", ahead: 500 } });
    expect(bench.show().map((row) => row.kind === "pending" && row.at)).toEqual([1_500, 1_500]);
  });
});
