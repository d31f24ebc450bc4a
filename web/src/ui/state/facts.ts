// What most views show of the open room: not its counts, which change with every message.

import type { RoomSummary } from "../../core/facade.ts";

export type RoomFacts = Omit<RoomSummary, "unread" | "unreadCapped" | "draft" | "pending">;

/** The facts that were known before, as long as nothing about them changed. */
export function factsOf(room: RoomSummary | undefined, before: RoomFacts | undefined): RoomFacts | undefined {
  if (room === undefined) return undefined;
  const { unread: _unread, unreadCapped: _capped, draft: _draft, pending: _pending, ...facts } = room;
  const names = Object.keys(facts) as (keyof RoomFacts)[];
  // A fact that is gone is a change too: the host, when they have left.
  const same = before !== undefined && Object.keys(before).length === names.length && names.every((name) => before[name] === facts[name]);
  return same ? before : facts;
}
