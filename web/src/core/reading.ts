// How far somebody has read an open room: which messages were on the screen, and which count as read.
//
// The read pointer passes a message only when it was shown, or when the reader asked to skip it. Own and deleted
// messages need not be shown. A message that is not on this device has not been shown.

import type { Seq } from "./facade.ts";
import type { Model, RoomState } from "./model.ts";
import { contains, type Span, withSpan } from "./spans.ts";
import { countsAsUnread } from "./summary.ts";

export class Reading {
  readonly #model: Model;
  #shown: readonly Span[] = [];
  #reached: Seq = 0;

  constructor(model: Model) {
    this.#model = model;
  }

  /** Everything up to here is read, as far as this view knows: the store may still be on its way there. */
  reached(state: RoomState): Seq {
    return Math.max(this.#reached, state.record.read);
  }

  /** The reader has read past `line` here, and not further on another device. */
  isBehind({ record }: RoomState, line: Seq): boolean {
    return this.#reached >= Math.max(line, record.read);
  }

  /** These were on the screen; gives back how far the reader has come without a gap. */
  show(state: RoomState, seqs: readonly Seq[]): Seq {
    for (const seq of seqs) if (!contains(this.#shown, seq)) this.#shown = withSpan(this.#shown, seq, seq);
    this.#reached = this.#next(state, this.reached(state) + 1) - 1;
    return this.#reached;
  }

  /** The reader wants everything up to there to be read; what does not exist yet is not. */
  passOver(state: RoomState, seq: Seq): void {
    this.#reached = Math.max(this.reached(state), Math.min(seq, state.record.seq));
  }

  /** The first message at or after `from` that was not shown and has to be; null when there is none. */
  unshown(state: RoomState, from: Seq): Seq | null {
    const next = this.#next(state, from);
    return next <= state.record.seq ? next : null;
  }

  #next(state: RoomState, from: Seq): Seq {
    let next = from;
    while (next <= state.record.seq) {
      const message = this.#model.message(state.record.room, next);
      if (message !== null && !countsAsUnread(this.#model, message)) next += 1;
      else {
        const span = this.#shown.find(([first, last]) => first <= next && next <= last);
        if (span === undefined) break;
        next = span[1] + 1;
      }
    }
    return next;
  }
}
