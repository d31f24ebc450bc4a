// Texts that can no longer be sent: they are offered in one place, until somebody copies or discards them.
//
// These are texts whose room or message is gone, and texts that another tab replaced without seeing them. Other unsent
// texts have a place: refused messages and changes are in the timeline of their room, drafts in its field. Derived from
// the model; nothing of it is stored.

import { placeName, placeOf } from "./drafts.ts";
import type { DraftPlace, Stray } from "./facade.ts";
import type { Model } from "./model.ts";

/** `own` is the tab that asks: what was typed in it stands in its field. */
export function straysOf(model: Model, own: number): readonly Stray[] {
  // Before the server has said which rooms there are, none is known to be gone.
  if (model.cursor === null) return [];
  const isGone = ({ room }: DraftPlace): boolean => model.record(room)?.joined !== true;
  const strays: Stray[] = [];
  for (const { id, at, command, refused } of model.outbox.rows) {
    const place = placeOf(command);
    if (refused === undefined || place === null || !("text" in command) || !isGone(place)) continue;
    strays.push({ key: `row ${id}`, text: command.text, at, n: id, place });
  }
  for (const draft of model.drafts.values()) {
    const { room, seq, aside, text, at } = draft;
    if (text === null || text.trim() === "") continue;
    const isDeleted = seq !== undefined && model.message(room, seq)?.deleted === true;
    const place = { room, ...(seq === undefined ? {} : { seq }), ...(aside === undefined ? {} : { aside }) };
    if (isDeleted || isGone(draft) || (aside !== undefined && aside !== own)) strays.push({ key: `draft ${placeName(draft)}`, text, at, place });
  }
  return strays.sort((a, b) => a.at - b.at);
}

export function alike(some: readonly Stray[], others: readonly Stray[]): boolean {
  return some.length === others.length && some.every(({ key, text }, index) => key === others[index]?.key && text === others[index]?.text);
}
