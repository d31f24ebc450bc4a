// The part of the address after "#": which room is open, at which message, and the one-time codes of links.
//
// A code is a secret for one use: it is taken out of the address as soon as it was read.

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

const PLACE = /^#\/room\/(\d{1,16})(?:\/(?:seq\/(\d{1,16})|(people)))?$/;
const CODE = /^#(setup|invite|link)=([^&]{1,512})$/;

/** The bare address is the lobby; whatever else names no room leaves the one that is open, `current`. */
export function parseRoute(hash: string, current: RoomId = LOBBY): Route {
  const fallback = hash === "" || hash === "#" ? LOBBY : current;
  const place = PLACE.exec(hash);
  if (place === null) return { room: fallback, seq: null, pane: hash === "#/rooms" ? "rooms" : "timeline" };
  const [, room, seq, people] = place;
  const id = Number(room);
  if (!Number.isSafeInteger(id) || id < 1) return { room: fallback, seq: null, pane: "timeline" };
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

export const ROOMS_HASH = "#/rooms";
