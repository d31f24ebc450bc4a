// The names of people and conversations on the page.

import type { Person, RoomId, RoomSummary } from "../../core/facade.ts";
import { counted, direction, list, text } from "../../texts/texts.ts";

/** The first room of every server: everybody is in it. */
export const LOBBY = 1;

const TONES = 8;
const NAMES_MAX = 3;

export function personName(person: Person): string {
  if (person.name !== undefined && person.name !== "") return person.name;
  const digits = person.user?.slice(-4) ?? person.guest ?? "";
  return digits === "" ? text("guest") : text("guestNumber", { number: digits });
}

/** Tells people apart; a tutorial client without a lineage is nobody in particular. */
export function personKey(person: Person): string {
  if (person.user !== undefined) return person.user;
  return person.guest === undefined || person.guest === "" ? "" : `guest ${person.guest}`;
}

/** What the server calls the first room as long as nobody has renamed it. */
const LOBBY_NAME = "Lobby";

export function roomName(room: Pick<RoomSummary, "room" | "kind" | "name" | "with">): string {
  if (room.room === LOBBY && room.name === LOBBY_NAME) return text("lobby");
  if (room.name !== "") return room.name;
  if (room.kind === "direct") return nameList(room.with ?? []);
  return unknownRoomName(room.room);
}

/** The first page of a first visit stands before the server has said anything. */
export function unknownRoomName(room: RoomId): string {
  return room === LOBBY ? text("lobby") : text("roomUnknown", { number: String(room) });
}

/** A few names; of many only the first and how many others. */
export function nameList(people: readonly Person[]): string {
  const names = people.map((person) => isolated(personName(person)));
  if (names.length === 0) return text("someone");
  if (names.length <= NAMES_MAX + 1) return list(names);
  const shown = names.slice(0, NAMES_MAX);
  return list([...shown, counted("others", names.length - NAMES_MAX)]);
}

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/;

/** In a row of names of both directions each one needs an isolation of its own, or they change places. */
function isolated(name: string): string {
  return direction() === "rtl" || RIGHT_TO_LEFT.test(name) ? `\u2068${name}\u2069` : name;
}

/** One of a few colours, always the same for the same person or room. */
export function tone(key: string): string {
  let hash = 0x811c9dc5;
  for (const character of key) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  // The low bits of similar keys are alike.
  return `tone-${(hash >>> 13) % TONES}`;
}

/** The first letter or digit of a name, as a whole grapheme. */
export function initial(name: string): string {
  const start = /[\p{L}\p{N}]\p{M}*|\p{Extended_Pictographic}/u.exec(name)?.[0] ?? "?";
  return start.toLocaleUpperCase();
}
