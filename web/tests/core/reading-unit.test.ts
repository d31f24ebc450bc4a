// Goal: what counts as read, of messages that are here and that are not, by one class alone.

import { describe, expect, test } from "vitest";
import { unknownRoom } from "../../src/core/effects.ts";
import { Model, type RoomState } from "../../src/core/model.ts";
import { Reading } from "../../src/core/reading.ts";

/** Ada's view of a room with five messages, of which the third is not here, and the fourth and fifth are hers. */
function room(read = 0): { readonly model: Model; readonly state: RoomState; readonly reading: Reading } {
  const model = new Model();
  model.apply({ kind: "session", session: { user: "ada", name: "ada", owner: false, token: "" } });
  model.apply({ kind: "room", room: { ...unknownRoom(7), joined: true, seq: 5, read } });
  for (const [seq, user] of [[1, "bob"], [2, "bob"], [4, "ada"], [5, "ada"]] as const) {
    model.apply({ kind: "message", message: { room: 7, seq, rev: seq, at: seq, from: { user }, text: "", edited: false, deleted: false, asOf: seq } });
  }
  const state = model.rooms.get(7);
  if (state === undefined) throw new Error("no room");
  return { model, state, reading: new Reading(model) };
}

describe("a reader", () => {
  test("has read what was on the screen without a gap, and own messages behind it", () => {
    const { state, reading } = room();
    expect([reading.show(state, [2]), reading.show(state, [1]), reading.show(state, [1, 2])]).toEqual([0, 2, 2]);
    expect(reading.show(state, [3])).toBe(5);
    expect([reading.reached(state), reading.unshown(state, 1), reading.unshown(state, 6)]).toEqual([5, null, null]);
  });

  test("has not read what is not here, until it was on the screen", () => {
    const { state, reading } = room(2);
    expect([reading.reached(state), reading.unshown(state, 3), reading.unshown(state, 4)]).toEqual([2, 3, null]);
  });

  test("passes over what there is, not what is to come, and never back", () => {
    const { state, reading } = room();
    reading.passOver(state, 2);
    expect(reading.reached(state)).toBe(2);
    reading.passOver(state, Infinity);
    reading.passOver(state, 1);
    expect(reading.reached(state)).toBe(5);
  });

  test("is behind the line when they have read to it here, and no further on another device", () => {
    const { model, state, reading } = room();
    expect([reading.isBehind(state, 0), reading.isBehind(state, 1)]).toEqual([true, false]);
    reading.show(state, [1, 2]);
    expect([1, 2, 3].map((line) => reading.isBehind(state, line))).toEqual([true, true, false]);
    model.apply({ kind: "room", room: { ...state.record, read: 3 } });
    expect(reading.isBehind(state, 1)).toBe(false);
    model.apply({ kind: "room", room: { ...state.record, read: 2 } });
    expect(reading.isBehind(state, 1)).toBe(true);
  });
});
