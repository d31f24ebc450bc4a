// Bounds on how much of the chat this device keeps, and what goes first.
//
// The newest messages stay. The others leave holes, which fill again when somebody scrolls there. Pure: reads the
// model, returns changes.

import type { Model, RoomState } from "./model.ts";
import { HOUSE } from "./rooms.ts";
import { withoutSpan } from "./spans.ts";
import type { Change } from "./store.ts";

/** While it is open, somebody may be reading far back. */
export const LIVE_MESSAGES_MAX = 3_000;
const LIVE_MESSAGES_KEPT = 2_000;
const REST_MESSAGES_MAX = 400;
const REST_MESSAGES_KEPT = 300;
const NOTICES_MAX = 600;
const NOTICES_KEPT = 300;
const PEOPLE_MAX = 10_000;
const OUTSIDE_MAX = 20;
const LOST_MAX = 1_000;

/** At the beginning of a session: what nobody looks at. */
export function restBounds(model: Model): readonly Change[] {
  const people: Change[] = model.people.size > PEOPLE_MAX ? [{ kind: "forget people" }] : [];
  const isOutside = ({ record }: RoomState): boolean => !record.joined && record.room !== HOUSE;
  const states = [...model.rooms.values()];
  // Nothing keeps them up to date but another look.
  const outside = new Set(states.filter(isOutside).slice(0, -OUTSIDE_MAX));
  const rooms = states.flatMap((state): readonly Change[] => {
    if (outside.has(state)) return [{ kind: "forget room", room: state.record.room }];
    return bounded(state, REST_MESSAGES_MAX, REST_MESSAGES_KEPT);
  });
  const lost = [...model.lost.keys()].slice(0, -LOST_MAX).map((room): Change => ({ kind: "lost", room, lost: null }));
  return [...people, ...rooms, ...lost];
}

/** While the stream flows. */
export function liveBounds(state: RoomState): readonly Change[] {
  return bounded(state, LIVE_MESSAGES_MAX, LIVE_MESSAGES_KEPT);
}

function bounded({ record, messages, notices }: RoomState, max: number, kept: number): readonly Change[] {
  const changes: Change[] = [];
  const { room } = record;
  const oldest = messages.length > max ? messages[messages.length - kept] : undefined;
  if (oldest !== undefined) {
    const to = oldest.seq - 1;
    changes.push({ kind: "forget messages", room, from: 0, to });
    changes.push({ kind: "room", room: { ...record, held: withoutSpan(record.held, 0, to) } });
    const before = notices.findLast(({ after }) => after <= to);
    if (before !== undefined) changes.push({ kind: "forget notices", room, to: before.rev });
  }
  const last = notices.length > NOTICES_MAX ? notices[notices.length - NOTICES_KEPT - 1] : undefined;
  if (last !== undefined) changes.push({ kind: "forget notices", room, to: last.rev });
  return changes;
}
