// Goal: a log that was set back is told from one that goes on, by each of the numbers that are known of it.

import { expect, test } from "vitest";
import { unknownRoom } from "../../src/core/effects.ts";
import { Model } from "../../src/core/model.ts";
import type { RoomRecord } from "../../src/core/store.ts";
import { contradicts, isBehind, trailOf } from "../../src/core/trail.ts";
import type { Entry, Room } from "../../src/core/wire.ts";

const ROOM: Room = { room: 7, kind: "public", name: "garden", topic: "", joined: true, members: 2, rev: 8, seq: 5, read: 0 };
const known = (fields: Partial<RoomRecord>): RoomRecord => ({ ...unknownRoom(7), rev: 8, applied: 8, seq: 5, ...fields });

test("a room is behind what is known of it when its facts, its stream or its messages end earlier", () => {
  expect(isBehind(null, ROOM)).toBe(false);
  expect(isBehind(known({}), ROOM)).toBe(false);
  expect(isBehind(known({ rev: 3, applied: null, seq: 2 }), ROOM)).toBe(false);
  // The stream does not flow, but somebody has told of the room.
  expect(isBehind(known({ rev: 9, applied: null }), ROOM)).toBe(true);
  expect(isBehind(known({ rev: 2, applied: 9 }), ROOM)).toBe(true);
  // The count of unread messages told of one that nothing else has told of.
  expect(isBehind(known({ rev: 2, applied: 2, seq: 6 }), ROOM)).toBe(true);
});

test("an entry ahead of the cursor is remembered by its time until the cursor stands for it", () => {
  const entry = (rev: number, at: number): Entry => ({ cursor: "", room: 7, rev, at, from: {}, event: "topic", topic: "" });
  const model = new Model();
  model.apply({ kind: "room", room: known({ trail: [{ rev: 6, at: 60 }, { rev: 8, at: 80 }] }) });
  const trail = (of: Entry, isPassed: boolean): unknown => trailOf(model, of, isPassed).map((change) => (change.kind === "room" ? change.room.trail : change));
  expect(trail(entry(6, 60), true)).toEqual([[{ rev: 8, at: 80 }]]);
  expect(trail(entry(9, 90), false)).toEqual([[{ rev: 6, at: 60 }, { rev: 8, at: 80 }, { rev: 9, at: 90 }]]);
  expect(trail(entry(8, 80), false)).toEqual([]);
  expect([contradicts(model, entry(8, 80)), contradicts(model, entry(8, 81)), contradicts(model, entry(7, 1))]).toEqual([false, true, false]);
});

test("a message that stands where another one stood contradicts it, by its revision or its time", () => {
  const model = new Model();
  model.apply({ kind: "room", room: known({ applied: null }) });
  const message = { room: 7, seq: 3, rev: 6, at: 60, from: {}, text: "", edited: false, deleted: false };
  model.apply({ kind: "message", message: { ...message, asOf: 6 } });
  const told = (change: object): Entry => ({ ...message, event: "message", cursor: "", ...change });
  expect([{}, { rev: 7 }, { at: 61 }, { rev: 7, at: 61 }, { seq: 4, rev: 9 }].map((change) => contradicts(model, told(change)))).toEqual([false, true, true, true, false]);
});

test("only an entry that is known already can contradict what is remembered, and nothing is remembered of other rooms", () => {
  const model = new Model();
  const entry = (room: number, rev: number): Entry => ({ cursor: "", room, rev, at: 1, from: {}, event: "topic", topic: "" });
  model.apply({ kind: "room", room: known({ trail: [{ rev: 9, at: 90 }] }) });
  model.apply({ kind: "room", room: { ...unknownRoom(9), applied: 5 } });
  expect([contradicts(model, entry(7, 9)), contradicts(model, entry(9, 5)), contradicts(model, entry(8, 1))]).toEqual([false, false, false]);
  model.apply({ kind: "room", room: { ...unknownRoom(4), applied: null, trail: [{ rev: 1, at: 1 }] } });
  expect([trailOf(model, entry(8, 1), false), trailOf(model, entry(4, 1), true), trailOf(model, entry(9, 5), true)]).toEqual([[], [], []]);
  expect(trailOf(model, entry(9, 6), false)).toMatchObject([{ room: { trail: [{ rev: 6, at: 1 }] } }]);
});

test("the last hundred entries are remembered", () => {
  const model = new Model();
  model.apply({ kind: "room", room: known({ trail: Array.from({ length: 100 }, (_, rev) => ({ rev, at: rev })) }) });
  const [change] = trailOf(model, { cursor: "", room: 7, rev: 200, at: 200, from: {}, event: "topic", topic: "" }, false);
  const trail = change?.kind === "room" ? (change.room.trail ?? []) : [];
  expect([trail.length, trail[0]?.rev, trail.at(-1)?.rev]).toEqual([100, 1, 200]);
});
