// Condenses a run of notices: who came, who went, each person once and with the last word about them.

import type { Notice, NoticeRow, Person } from "../../core/facade.ts";
import { personKey } from "../parts/names.ts";

export type Passing = "joined" | "left" | "online" | "offline";

export interface Condensed {
  readonly what: Passing;
  readonly people: readonly Person[];
}

export function condense(rows: readonly NoticeRow[]): readonly Condensed[] {
  const last = new Map<string, { what: Passing; person: Person }>();
  for (const { notice } of rows) {
    for (const { what, person } of passages(notice)) {
      const key = personKey(person) || `nobody ${last.size}`;
      // Taken out first, so that the order is that of the last word.
      last.delete(key);
      last.set(key, { what, person });
    }
  }
  const groups = new Map<Passing, Person[]>();
  for (const { what, person } of last.values()) {
    const group = groups.get(what);
    if (group === undefined) groups.set(what, [person]);
    else group.push(person);
  }
  return [...groups].map(([what, people]) => ({ what, people }));
}

function passages(notice: Notice): readonly { what: Passing; person: Person }[] {
  switch (notice.what) {
    case "online":
    case "offline": {
      const { what } = notice;
      return notice.people.map((person) => ({ what, person }));
    }
    case "joined":
    case "left":
      return [{ what: notice.what, person: notice.who ?? notice.from }];
    case "created":
    case "renamed":
    case "topic":
    case "removed":
      return [];
  }
}
