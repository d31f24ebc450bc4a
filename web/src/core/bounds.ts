// How much of the chat is kept here, and what goes when it is more.
//
// The newest stays. What goes leaves a hole, which fills again when somebody scrolls there. Pure: reads the model, gives
// back changes.

import { HOUSE } from "./effects.ts";
import type { Model, RoomState } from "./model.ts";
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

/** At the beginning of a session: what nobody looks at. */
export function restBounds(model: Model): readonly Change[] {
  const people: Change[] = model.people.size > PEOPLE_MAX ? [{ kind: "forget people" }] : [];
  const rooms = [...model.rooms.values()].flatMap((state): readonly Change[] => {
    const { room, joined } = state.record;
    // Nothing keeps a room up to date that one is not in.
    if (!joined && room !== HOUSE) return [{ kind: "forget room", room }];
    return bounded(state, REST_MESSAGES_MAX, REST_MESSAGES_KEPT);
  });
  return [...people, ...rooms];
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
