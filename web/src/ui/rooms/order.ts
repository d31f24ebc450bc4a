// The order of the list: calm, by name, so that a room stays where the hand knows it.

import type { RoomSummary } from "../../core/facade.ts";
import { LOBBY, roomName } from "../parts/names.ts";
import { locale } from "../../texts/texts.ts";

export interface Ordered {
  readonly rooms: readonly RoomSummary[];
  readonly directs: readonly RoomSummary[];
  /** Both, one after the other: what the keys walk through. */
  readonly all: readonly RoomSummary[];
}

export function inOrder(known: readonly RoomSummary[]): Ordered {
  const { compare } = new Intl.Collator(locale(), { numeric: true });
  const byName = (one: RoomSummary, other: RoomSummary) => compare(roomName(one), roomName(other)) || one.room - other.room;
  const joined = known.filter((room) => room.joined);
  const lobby = joined.filter((room) => room.room === LOBBY);
  const rooms = [...lobby, ...joined.filter((room) => room.kind !== "direct" && room.room !== LOBBY).sort(byName)];
  const directs = joined.filter((room) => room.kind === "direct").sort(byName);
  return { rooms, directs, all: [...rooms, ...directs] };
}

/** The next room in a direction, round about; only unread ones where asked. */
export function neighbour(all: readonly RoomSummary[], current: number, step: 1 | -1, which: "any" | "unread"): RoomSummary | undefined {
  const start = all.findIndex((room) => room.room === current);
  for (let distance = 1; distance <= all.length; distance += 1) {
    const index = start < 0 ? (step === 1 ? distance - 1 : all.length - distance) : start + step * distance;
    const room = all[((index % all.length) + all.length) % all.length];
    if (room !== undefined && room.room !== current && (which === "any" || room.unread > 0)) return room;
  }
  return undefined;
}
