// How many messages of a room its reader has not seen: derived from the model, never counted up.
//
// The count of messages on this device is exact. For others the server's own count is used; until it arrives, the
// number is only a lower bound (`exact` is false, and somebody should ask).

import type { Seq } from "./facade.ts";
import { lowerBound } from "./model.ts";
import { covers, type Span } from "./spans.ts";

export const UNREAD_MAX = 100;


export interface UnreadFacts<M> {
  readonly read: Seq;
  readonly seq: Seq;
  readonly held: readonly Span[];
  /** What is held, by seq. */
  readonly messages: readonly M[];
  readonly counts: (message: M) => boolean;
  /** The server's count of those after `read` up to `mark`. */
  readonly away?: { readonly read: Seq; readonly mark: Seq; readonly count: number; readonly capped: boolean };
}

export interface Unread {
  readonly count: number;
  readonly capped: boolean;
  readonly exact: boolean;
}

export function unreadOf<M extends { readonly seq: Seq }>(facts: UnreadFacts<M>): Unread {
  const { read, seq, held, away } = facts;
  if (seq <= read) return { count: 0, capped: false, exact: true };
  if (covers(held, read + 1, seq)) return { ...counted(facts, read), exact: true };
  if (away === undefined || away.read !== read) return { ...counted(facts, read), exact: false };
  const newer = counted(facts, Math.max(away.mark, read));
  const sum = away.count + newer.count;
  const capped = away.capped || newer.capped || sum > UNREAD_MAX;
  return { count: Math.min(sum, UNREAD_MAX), capped, exact: away.capped || covers(held, away.mark + 1, seq) };
}

/** Those that are here after `after`; counting ends at the bound. */
function counted<M extends { readonly seq: Seq }>(facts: UnreadFacts<M>, after: Seq): { readonly count: number; readonly capped: boolean } {
  let count = 0;
  for (let place = lowerBound(facts.messages, (message) => message.seq <= after); place < facts.messages.length; place += 1) {
    const message = facts.messages[place];
    if (message === undefined || !facts.counts(message)) continue;
    if (count === UNREAD_MAX) return { count, capped: true };
    count += 1;
  }
  return { count, capped: false };
}
