// The part of the address after "#": the open room, a message in it, and the one-time codes of links.
//
// A code is a secret, so it is removed from the address as soon as it was read. So is anything that names no place: the
// address always matches what is shown.

import type { RoomId, Seq } from "../../core/facade.ts";
import { LOBBY } from "../parts/names.ts";

export type Pane = "rooms" | "timeline" | "people";

export interface Route {
  readonly room: RoomId;
  readonly seq: Seq | null;
  /** What a narrow page shows; a wide one shows all of them. */
  readonly pane: Pane;
}

export type Code = { readonly kind: "setup" | "invite" | "link"; readonly code: string };

export const ROOMS_HASH = "#/rooms";

const PLACE = /^#\/room\/(\d{1,16})(?:\/(?:seq\/(\d{1,16})|(people)))?$/;
const CODE = /^#(setup|invite|link)=([^&]{1,512})$/;

/** Null: it names no place. The bare address is the lobby; the list of rooms leaves the one that is open, `current`. */
export function parseRoute(hash: string, current: RoomId = LOBBY): Route | null {
  if (hash === "" || hash === "#") return { room: LOBBY, seq: null, pane: "timeline" };
  if (hash === ROOMS_HASH) return { room: current, seq: null, pane: "rooms" };
  const [, room, seq, people] = PLACE.exec(hash) ?? [];
  const id = Number(room);
  if (!Number.isSafeInteger(id) || id < 1) return null;
  return { room: id, seq: seq === undefined ? null : Math.min(Number(seq), Number.MAX_SAFE_INTEGER), pane: people === undefined ? "timeline" : "people" };
}

export function parseCode(hash: string): Code | undefined {
  const [, kind, code] = CODE.exec(hash) ?? [];
  if (code === undefined || (kind !== "setup" && kind !== "invite" && kind !== "link")) return undefined;
  try {
    return { kind, code: decodeURIComponent(code) };
  } catch {
    return undefined;
  }
}

export function roomHash(room: RoomId, seq?: Seq): string {
  return seq === undefined ? `#/room/${room}` : `#/room/${room}/seq/${seq}`;
}

export function peopleHash(room: RoomId): string {
  return `#/room/${room}/people`;
}
