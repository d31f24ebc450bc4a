// Goal: what is kept has a bound, the newest stays, and what goes leaves a hole that says so.

import { describe, expect, test } from "vitest";
import { LIVE_MESSAGES_MAX, liveBounds, restBounds } from "../../src/core/bounds.ts";
import { unknownRoom } from "../../src/core/effects.ts";
import { Model } from "../../src/core/model.ts";
import { HOUSE } from "../../src/core/rooms.ts";
import type { Change, RoomRecord } from "../../src/core/store.ts";
import { covers } from "../../src/core/spans.ts";

const ROOM = 7;

/** A room with so many messages and notices, a notice behind each message as long as there are some. */
function roomWith(messages: number, notices: number, record: Partial<RoomRecord> = {}): Model {
  const model = new Model();
  model.apply({ kind: "room", room: { ...unknownRoom(ROOM), joined: true, seq: messages, held: [[1, messages]], ...record } });
  for (let seq = 1; seq <= messages; seq += 1) {
    model.apply({ kind: "message", message: { room: ROOM, seq, rev: seq, at: seq, from: { user: "bob" }, text: "", edited: false, deleted: false, asOf: seq } });
  }
  for (let rev = 1; rev <= notices; rev += 1) {
    model.apply({ kind: "notice", notice: { room: ROOM, rev, after: Math.min(rev, messages), at: rev, notice: { what: "left", from: { user: "bob" } } } });
  }
  return model;
}

function bound(model: Model, changes: readonly Change[]) {
  for (const change of changes) model.apply(change);
  const state = model.rooms.get(ROOM);
  if (state === undefined) throw new Error("the room is gone");
  const { messages, notices, record } = state;
  return { first: messages[0]?.seq, last: messages.at(-1)?.seq, count: messages.length, held: record.held, notices: notices.map(({ rev }) => rev) };
}

describe("at the beginning of a session", () => {
  test("a long room keeps its newest messages, with a hole before them, and their notices", () => {
    const model = roomWith(500, 400);
    const kept = bound(model, restBounds(model));
    expect(kept).toMatchObject({ first: 201, last: 500, count: 300, held: [[201, 500]] });
    expect(kept.notices).toEqual(Array.from({ length: 200 }, (_, index) => 201 + index));
  });

  test("a room of 400 messages is left as it is", () => {
    const model = roomWith(400, 600);
    expect(restBounds(model)).toEqual([]);
  });

  test("of many notices the newest stay", () => {
    const model = roomWith(3, 601);
    const { notices, count } = bound(model, restBounds(model));
    expect([count, notices.length, notices[0], notices.at(-1)]).toEqual([3, 300, 302, 601]);
  });

  test("of the rooms that one is not in some stay, and what the whole house shares", () => {
    const model = roomWith(3, 0, { joined: false });
    model.apply({ kind: "room", room: unknownRoom(HOUSE) });
    for (let room = 101; room <= 119; room += 1) model.apply({ kind: "room", room: unknownRoom(room) });
    expect(restBounds(model)).toEqual([]);
    model.apply({ kind: "room", room: unknownRoom(120) });
    expect(restBounds(model)).toEqual([{ kind: "forget room", room: ROOM }]);
  });

  test("of the rooms that one was in the names of a thousand stay", () => {
    const model = new Model();
    for (let room = 1; room <= 1_000; room += 1) model.apply({ kind: "lost", room, lost: { room, kind: "private", name: `room ${room}` } });
    expect(restBounds(model)).toEqual([]);
    model.apply({ kind: "lost", room: 1_001, lost: { room: 1_001, kind: "private", name: "one more" } });
    expect(restBounds(model)).toEqual([{ kind: "lost", room: 1, lost: null }]);
  });

  test("people are forgotten when they are too many to be worth it", () => {
    const model = new Model();
    for (let i = 0; i < 10_000; i += 1) model.apply({ kind: "person", person: { user: `${i}`, name: `${i}` } });
    expect(restBounds(model)).toEqual([]);
    model.apply({ kind: "person", person: { user: "one more", name: "bob" } });
    expect(restBounds(model)).toEqual([{ kind: "forget people" }]);
  });
});

test("while the stream flows, a reader who is far back keeps more", () => {
  const model = roomWith(LIVE_MESSAGES_MAX + 1, 0);
  const state = model.rooms.get(ROOM);
  if (state === undefined) throw new Error("the room is gone");
  const { count, last, held } = bound(model, liveBounds(state));
  expect([count, last]).toEqual([2_000, LIVE_MESSAGES_MAX + 1]);
  expect(covers(held, LIVE_MESSAGES_MAX - 1_998, LIVE_MESSAGES_MAX + 1)).toBe(true);
  expect(held.length).toBe(1);
});
