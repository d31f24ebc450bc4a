// The order of the list: by name, so that a room stays where people expect it.

import type { RoomSummary } from "../../core/facade.ts";
import { LOBBY, roomName } from "../parts/names.ts";
import { compareNames } from "../../texts/texts.ts";

/** Orders anew only when something changed that the order depends on: counts change with every message. */
export class RoomOrder {
  #before: readonly RoomSummary[] = [];
  #places: readonly number[] = [];

  of(known: readonly RoomSummary[]): readonly RoomSummary[] {
    const same = known.length === this.#before.length && known.every((room, index) => isAlike(room, this.#before[index]));
    if (!same) {
      const places = new Map(known.map((room, index) => [room, index]));
      this.#places = inOrder(known).map((room) => places.get(room) ?? 0);
    }
    this.#before = known;
    return this.#places.flatMap((place) => known[place] ?? []);
  }
}

function isAlike(room: RoomSummary, before: RoomSummary | undefined): boolean {
  return room === before || (before !== undefined && room.room === before.room && room.joined === before.joined && roomName(room) === roomName(before));
}

/** The lobby, the rooms, the direct conversations. */
export function inOrder(known: readonly RoomSummary[]): readonly RoomSummary[] {
  const byName = (one: RoomSummary, other: RoomSummary) => compareNames(roomName(one), roomName(other)) || one.room - other.room;
  const joined = known.filter((room) => room.joined);
  const lobby = joined.filter((room) => room.room === LOBBY);
  return [
    ...lobby,
    ...joined.filter((room) => room.kind !== "direct" && room.room !== LOBBY).sort(byName),
    ...joined.filter((room) => room.kind === "direct").sort(byName),
  ];
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
