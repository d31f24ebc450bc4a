// Goal: a welcome says whose the connection is, and what of each room is still good.

import { describe, expect, test } from "vitest";
import { unknownRoom } from "../../src/core/effects.ts";
import type { RoomRecord, SessionRecord } from "../../src/core/store.ts";
import { aheadOf, compared, isForeign, sessionOf } from "../../src/core/welcome.ts";
import type { Room, Welcome } from "../../src/core/wire.ts";

const WELCOME: Welcome = { user: { user: "ada", name: "Ada" }, owner: true, cursor: "c", resumed: true, reset: false, rooms: [], online: 1 };
const SESSION: SessionRecord = { user: "ada", name: "ada", owner: false, token: "old" };

test("somebody else, and the same of another server, are foreign", () => {
  expect(isForeign(SESSION, WELCOME)).toBe(false);
  expect(isForeign(SESSION, { ...WELCOME, user: { user: "bob" } })).toBe(true);
  const told = { ...SESSION, server: "one" };
  expect([isForeign(told, { ...WELCOME, server: "one" }), isForeign(told, { ...WELCOME, server: "two" })]).toEqual([false, true]);
  // A server that does not say who it is may be any, and a store that was never told takes the first.
  expect([isForeign(told, WELCOME), isForeign(SESSION, { ...WELCOME, server: "two" })]).toEqual([false, false]);
});

test("a session is as the welcome says, and keeps what that does not say", () => {
  expect(sessionOf(WELCOME, null)).toEqual({ user: "ada", name: "Ada", owner: true, token: "" });
  expect(sessionOf({ ...WELCOME, user: { user: "ada" }, token: "new", server: "one" }, SESSION)).toEqual({ user: "ada", name: null, owner: true, token: "new", server: "one" });
  expect(sessionOf({ ...WELCOME, pass: "new" }, { ...SESSION, pass: "old" }).pass).toBe("new");
  expect(sessionOf(WELCOME, { ...SESSION, pass: "old" }).pass, "they are no member any more").toBeUndefined();
  expect(sessionOf(WELCOME, { ...SESSION, server: "one" })).toEqual({ user: "ada", name: "Ada", owner: true, token: "old", server: "one" });
  expect(sessionOf({ ...WELCOME, server: "two" }, { ...SESSION, server: "one" }).server).toBe("two");
  expect(Object.keys(sessionOf(WELCOME, SESSION))).not.toContain("server");
});

test("a clock that is a minute off or more counts, in both directions", () => {
  const ahead = (at: number): unknown => aheadOf({ ...WELCOME, at }, 1_000_000);
  expect(aheadOf(WELCOME, 1_000_000)).toEqual({});
  expect([ahead(1_059_999), ahead(940_001)]).toEqual([{}, {}]);
  expect([ahead(1_060_000), ahead(940_000)]).toEqual([{ ahead: 60_000 }, { ahead: -60_000 }]);
});

describe("a room of the welcome", () => {
  const room: Room = { room: 7, kind: "public", name: "garden", topic: "", joined: false, members: 2, rev: 8, seq: 5, read: 0 };
  const known: RoomRecord = { ...unknownRoom(7), joined: true, rev: 8, seq: 5, applied: 8, appliedSeq: 4, held: [[1, 5]], away: { read: 0, mark: 5, count: 1, capped: false }, trail: [{ rev: 8, at: 8 }] };
  const forgotten = { kind: "forget messages", room: 7, from: 0, to: Number.MAX_SAFE_INTEGER };
  const { strange: _, away: __, ...rest } = known;
  const good = { ...rest, ...room, joined: true };

  test("goes on from where it was when the stream does, or when nothing has happened", () => {
    expect(compared(known, room, true)).toEqual([{ kind: "room", room: good }]);
    expect(compared({ ...known, applied: 3 }, room, true)).toEqual([{ kind: "room", room: { ...good, applied: 3 } }]);
    expect(compared(known, room, false)).toEqual([{ kind: "room", room: good }]);
  });

  test("loses its messages where a page of the history told of what is not applied yet", () => {
    expect(compared({ ...known, toldOf: 8 }, room, true)).toEqual([{ kind: "room", room: { ...good, toldOf: 8 } }]);
    expect(compared({ ...known, toldOf: 9 }, room, true)).toEqual([forgotten, { kind: "room", room: { ...good, held: [] } }]);
  });

  test("begins anew where the stream does not go on, was not flowing, or nobody was in it", () => {
    const { trail: ___, ...blank } = good;
    const anew = { ...blank, held: [], applied: 8, appliedSeq: 5 };
    expect(compared({ ...known, applied: 7, toldOf: 7 }, room, false)).toEqual([forgotten, { kind: "room", room: anew }]);
    expect(compared({ ...known, applied: null }, room, true)).toEqual([forgotten, { kind: "room", room: anew }]);
    expect(compared({ ...known, joined: false }, room, true)).toEqual([forgotten, { kind: "room", room: anew }]);
    const { strange: ____, ...first } = { ...unknownRoom(7), ...room, joined: true, applied: 8, appliedSeq: 5 };
    expect(compared(null, room, true)).toEqual([forgotten, { kind: "room", room: first }]);
  });
});
