// Goal: a log that was set back is told from one that goes on, by each of the numbers that are known of it.

import { expect, test } from "vitest";
import { unknownRoom } from "../../src/core/effects.ts";
import type { RoomRecord } from "../../src/core/store.ts";
import { isBehind } from "../../src/core/trail.ts";
import type { Room } from "../../src/core/wire.ts";

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
