// Goal: what a session makes of the answers to its own questions: pages of the history, rooms, and who is there.

import { describe, expect, test } from "vitest";
import { unknownRoom } from "../../src/core/effects.ts";
import type { Change, MessageRecord, RoomRecord } from "../../src/core/store.ts";
import { ADA, Bench, LOBBY, online } from "./session-bench.ts";
import { settled } from "./virtual-clock.ts";

const message = (seq: number, change: object = {}): object => ({ room: 7, seq, rev: seq, at: seq, from: { user: "bob" }, text: `text ${seq}`, ...change });
const page = (rev: number, ...messages: readonly object[]): object => ({ ok: true, messages, first: false, last: true, seq: 9, rev });
const record = (change: Partial<RoomRecord> = {}): Change => ({ kind: "room", room: { ...unknownRoom(7), kind: "public", name: "garden", joined: true, applied: 5, rev: 5, seq: 2, ...change } });
const kept = (seq: number): Change => ({ kind: "message", message: { ...(message(seq) as MessageRecord), edited: false, deleted: false, asOf: seq } });
const known = (): Change => {
  const { strange: _, ...room } = (record() as Change & { readonly kind: "room" }).room;
  return { kind: "room", room };
};

/** Somebody who is in a room with two messages, which are not here. */
async function inside(): Promise<Bench> {
  const bench = await online();
  await bench.apply(known());
  bench.sent.length = 0;
  return bench;
}

describe("a page of the history", () => {
  test("is asked for as it is wanted, and kept", async () => {
    const bench = await inside();
    const asked = bench.session.history(7, { before: 3 }, 50);
    expect(bench.sent.map(({ name, payload }) => [name, payload])).toEqual([["history", { room: 7, before: 3, limit: 50 }]]);
    bench.answer("history", page(5, message(1), message(2)));
    expect(await asked).toBe(true);
    expect([bench.model.message(7, 2)?.text, bench.model.message(7, 2)?.asOf, bench.model.record(7)?.held]).toEqual(["text 2", 5, [[1, 2]]]);
  });

  test("that does not come is none", async () => {
    const bench = await inside();
    const asked = bench.session.history(7, {}, 50);
    bench.cut();
    expect(await asked).toBe(false);
    const refused = bench.session.history(7, {}, 50);
    expect(await refused).toBe(false);
  });

  test("gets the changes of its room that were told meanwhile, and none of another", async () => {
    const bench = await inside();
    await bench.apply(record({ room: 8 } as Partial<RoomRecord>));
    const asked = bench.session.history(7, {}, 50);
    await bench.hear("edited", { room: 7, rev: 6, at: 6, from: ADA, seq: 1, text: "changed", cursor: "c" });
    await bench.hear("deleted", { room: 8, rev: 6, at: 6, from: ADA, seq: 2, cursor: "c" });
    bench.answer("history", page(5, message(1), message(2)));
    await asked;
    expect([bench.model.message(7, 1)?.text, bench.model.message(7, 2)?.text]).toEqual(["changed", "text 2"]);
  });

  test("of a room that is not known any more, or not yet, changes nothing", async () => {
    const bench = await inside();
    const asked = bench.session.history(7, {}, 50);
    await bench.apply({ kind: "forget room", room: 7 });
    bench.answer("history", page(5, message(1)));
    expect([await asked, bench.model.record(7)]).toEqual([true, null]);
    const early = bench.session.history(7, {}, 50);
    await bench.apply(known());
    bench.answer("history", page(5, message(1)));
    await early;
    expect(bench.model.message(7, 1)?.asOf).toBe(0);
  });

  test("is asked for anew when its reader has joined since it was read, and only then", async () => {
    const bench = await inside();
    const asked = bench.session.history(7, {}, 50);
    const joined = { room: 7, rev: 6, at: 6, from: ADA, who: ADA, cursor: "c" };
    await bench.hear("joined", joined);
    bench.answer("history", page(5, message(1)));
    await settled();
    expect([bench.names(["unread", "rooms"]), bench.model.message(7, 1)]).toEqual([["history", "history"], null]);
    bench.answer("history", page(6, message(2)));
    expect([await asked, bench.model.message(7, 2)?.text, bench.names(["unread", "rooms"]).length]).toEqual([true, "text 2", 2]);
  });

  test("is asked for once when somebody else has joined since, or its reader before it was read", async () => {
    const joined = { room: 7, rev: 6, at: 6, from: ADA, cursor: "c" };
    for (const [who, rev] of [["bob", 5], ["ada", 6]] as const) {
      const bench = await inside();
      const asked = bench.session.history(7, {}, 50);
      await bench.hear("joined", { ...joined, who: { user: who } });
      bench.answer("history", page(rev, message(1)));
      expect([await asked, bench.names(["unread", "rooms"])]).toEqual([true, ["history"]]);
    }
  });
});

describe("a visit", () => {
  const garden = { room: 7, kind: "public", name: "garden", topic: "", seq: 9, rev: 9, joined: false, read: 0, members: 3 };

  test("of a room that one is in asks nothing", async () => {
    const bench = await inside();
    expect([await bench.session.visit(7), bench.names()]).toEqual([true, []]);
  });

  test("makes the room known as it is now, without what was read of it before", async () => {
    const bench = await inside();
    await bench.apply(record({ joined: false, applied: null, held: [[1, 2]] }), kept(1));
    const asked = bench.session.visit(7);
    expect(bench.sent.at(-1)).toMatchObject({ name: "rooms", payload: { after: 6, limit: 1 } });
    bench.answer("rooms", { ok: true, rooms: [garden] });
    expect(await asked).toBe(true);
    const { strange: _, ...blank } = unknownRoom(7);
    expect([bench.model.record(7), bench.model.message(7, 1)]).toEqual([{ ...blank, ...garden }, null]);
  });

  test("finds nothing where the server lists another room or none, or says that one is in it", async () => {
    const bench = await online();
    for (const rooms of [[], [{ ...garden, room: 8 }], [{ ...garden, joined: true }]]) {
      const asked = bench.session.visit(7);
      bench.answer("rooms", { ok: true, rooms });
      expect([await asked, bench.model.record(7)]).toEqual([false, null]);
    }
    const offline = bench.session.visit(7);
    bench.cut();
    expect(await offline).toBe(false);
    await bench.apply(record({ joined: false }));
    expect(await bench.session.visit(7)).toBe(true);
  });

  test("that is over late changes nothing of a room that was joined meanwhile", async () => {
    const bench = await online();
    const asked = bench.session.visit(7);
    await bench.apply(known(), kept(1));
    bench.answer("rooms", { ok: true, rooms: [garden] });
    expect([await asked, bench.model.record(7)?.joined, bench.model.message(7, 1)?.seq]).toEqual([true, true, 1]);
  });
});

describe("a room that was joined without a word of what it is", () => {
  const strange = record({ strange: true, rev: 3, name: "" });
  const garden = { room: 7, kind: "public", name: "garden", topic: "", seq: 2, rev: 3, joined: true, read: 0, members: 3 };

  test("is asked about once for each connection", async () => {
    const bench = await online();
    await bench.apply(strange);
    await bench.apply({ kind: "cursor", cursor: "c2" });
    const rooms = (): readonly object[] => bench.sent.filter(({ name }) => name === "rooms").map(({ payload }) => payload);
    expect(rooms()).toEqual([{ after: 6, limit: 1 }]);
    bench.answer("rooms", { ok: true, rooms: [garden] });
    await settled();
    expect([bench.model.record(7)?.name, bench.model.record(7)?.strange, bench.told]).toEqual(["garden", undefined, []]);
    await bench.apply(strange);
    expect(rooms().length).toBe(1);
  });

  test("ends the connection where the server does not list it, and nothing without an answer", async () => {
    const bench = await online();
    await bench.apply(strange);
    bench.answer("rooms", { ok: true, rooms: [{ ...garden, room: 8 }] });
    await settled();
    expect(bench.told).toEqual(["interrupt"]);
    const other = await online();
    await other.apply(strange);
    other.answer("rooms", { ok: false, code: "not_found" });
    await settled();
    expect([other.told, other.model.record(7)?.name]).toEqual([[], ""]);
  });

  test("is not described anew once it is known", async () => {
    const bench = await online();
    await bench.apply(strange);
    await bench.apply(known());
    bench.answer("rooms", { ok: true, rooms: [{ ...garden, rev: 9, name: "another" }] });
    await settled();
    expect(bench.model.record(7)?.name).toBe("garden");
  });

  test("is none where one is not in it, or is offline", async () => {
    const bench = await online();
    await bench.apply(record({ strange: true, joined: false }));
    bench.cut();
    await bench.apply(strange);
    expect(bench.names()).toEqual([]);
  });
});

describe("what is kept while the stream flows", () => {
  test.each([[3_000, 3_000], [3_001, 2_000]])("of %i messages of a room are %i", async (count, left) => {
    const bench = await online();
    await bench.apply(known(), ...Array.from({ length: count }, (_, index) => kept(index + 1)));
    await bench.ledger.idle();
    expect(bench.model.rooms.get(7)?.messages.length).toBe(left);
  });

  test("of three thousand notices of a room are three hundred", async () => {
    const bench = await online();
    await bench.apply(known(), ...Array.from({ length: 3_001 }, (_, rev): Change => ({ kind: "notice", notice: { room: 7, rev, after: 0, at: 0, notice: { what: "topic", from: {}, text: "" } } })));
    await bench.ledger.idle();
    expect(bench.model.rooms.get(7)?.notices.length).toBe(300);
  });
});

test("the ack of joining a room in which one is already tells what it is", async () => {
  const bench = await online();
  await bench.put({ event: "join", invite: "code" });
  bench.session.pump();
  bench.answer("join", { ok: true, n: 1, room: 7, at: 5, about: { ...LOBBY, room: 7, name: "den", kind: "private" } });
  await settled();
  expect([bench.told, bench.model.record(7)?.name]).toEqual([["1: ok in 7"], "den"]);
});

test("a log that is another one than before is forgotten, and the connection begins anew", async () => {
  const bench = await inside();
  await bench.put({ event: "say", room: 7, text: "first" });
  await bench.put({ event: "say", room: 7, text: "second" });
  bench.session.pump();
  bench.answer("say", { ok: false, code: "expected", expected: 0 });
  bench.sent.filter(({ name }) => name === "say")[0]?.answer({ ok: false, code: "empty", n: 1 });
  await settled();
  expect([bench.told.at(-1), bench.model.rooms.size, bench.model.cursor]).toEqual(["interrupt", 0, null]);
});
