// Condenses a run of notices (joined, left, added): each person once, with the last thing that happened to them.

import type { Notice, NoticeRow, Person } from "../../core/facade.ts";
import { personKey } from "../parts/names.ts";

export type Passing = "joined" | "added" | "left";

export interface Condensed {
  readonly what: Passing;
  /** Who added them. */
  readonly from?: Person;
  readonly people: readonly Person[];
}

interface Passage {
  readonly what: Passing;
  readonly from?: Person;
  readonly person: Person;
}

export function condense(rows: readonly NoticeRow[]): readonly Condensed[] {
  const last = new Map<string, Passage>();
  for (const { notice } of rows) {
    const passage = passageOf(notice);
    if (passage === undefined) continue;
    const key = personKey(passage.person) || `nobody ${last.size}`;
    // Taken out first, so that the order is that of the last word.
    last.delete(key);
    last.set(key, passage);
  }
  const groups = new Map<string, { readonly what: Passing; readonly from?: Person; readonly people: Person[] }>();
  for (const { person, ...passage } of last.values()) {
    const key = `${passage.what} ${passage.from === undefined ? "" : personKey(passage.from)}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { ...passage, people: [person] });
    else group.people.push(person);
  }
  return [...groups.values()];
}

/** What a notice says of somebody who came or went; nothing if it is about something else. */
export function passageOf({ what, from, who = from }: Notice): Passage | undefined {
  if (what === "left") return { what, person: who };
  if (what !== "joined") return undefined;
  return personKey(who) === personKey(from) ? { what, person: who } : { what: "added", from, person: who };
}
