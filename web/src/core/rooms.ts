// The rooms that every chat has from the beginning.

import type { RoomId } from "./facade.ts";

/** The room that everybody is in. */
export const LOBBY: RoomId = 1;

/** The pseudo room of entries that concern everybody. */
export const HOUSE: RoomId = 0;
