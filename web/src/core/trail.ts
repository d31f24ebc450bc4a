// What is known and no cursor stands for yet, and what it proves about the log.
//
// The cursor says up to where the stream was applied; acks of own commands, pages of changes and of history are ahead of
// it. Should the log go back to an older backup whose end lies between the two, the cursor is still good, but what came
// after it is gone, and its numbers go to other entries. The server cannot know. So entries ahead of the cursor are
// remembered by the times they were stored at, and compared when the stream comes to their places.

import { standingOf } from "./effects.ts";
import type { Model } from "./model.ts";
import type { Change, RoomRecord } from "./store.ts";
import type { Entry, Room } from "./wire.ts";

const TRAIL_MAX = 100;

/** The entry stands where another one stood before. */
export function contradicts(model: Model, entry: Entry): boolean {
  if (entry.event === "message") {
    const known = model.message(entry.room, entry.seq);
    if (known !== null && (known.rev !== entry.rev || known.at !== entry.at)) return true;
  }
  if (standingOf(model, entry) !== "known") return false;
  const mark = model.record(entry.room)?.trail?.find(({ rev }) => rev === entry.rev);
  return mark !== undefined && mark.at !== entry.at;
}

/** The log of a room ends before what is known of it. */
export function isBehind(known: RoomRecord | null, room: Room): boolean {
  return known !== null && (Math.max(known.rev, known.applied ?? 0) > room.rev || known.seq > room.seq);
}

/** To be kept once the entry was applied: a mark, or, when the cursor comes to stand for it, no marks up to there. */
export function trailOf(model: Model, entry: Entry, isPassed: boolean): readonly Change[] {
  const record = model.record(entry.room);
  if (record === null || record.applied === null) return [];
  const { trail = [] } = record;
  if (isPassed && trail.length === 0) return [];
  const next = isPassed ? trail.filter(({ rev }) => rev > entry.rev) : marked(trail, entry);
  return next === trail ? [] : [{ kind: "room", room: { ...record, trail: next } }];
}

function marked(trail: NonNullable<RoomRecord["trail"]>, { rev, at }: Entry): NonNullable<RoomRecord["trail"]> {
  if (trail.some((mark) => mark.rev === rev)) return trail;
  return [...trail, { rev, at }].slice(-TRAIL_MAX);
}
