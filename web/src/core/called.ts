// Replaces old names of people by their current ones.
//
// The store keeps the name that somebody had at the time. Readers know each other by their current names, and newcomers
// know only those, so everything on the page goes through here. An object without an old name stays the same object.

import type { Notice, Person, UserId } from "./facade.ts";

/** Everybody whose name is known. */
export type Names = ReadonlyMap<UserId, Person>;

export function called(names: Names, person: Person): Person {
  const name = person.user === undefined ? undefined : names.get(person.user)?.name;
  return name === undefined || name === person.name ? person : { ...person, name };
}

export function allCalled(names: Names, people: readonly Person[]): readonly Person[] {
  const now = people.map((person) => called(names, person));
  return now.every((person, index) => person === people[index]) ? people : now;
}

export function noticeCalled(names: Names, notice: Notice): Notice {
  const from = called(names, notice.from);
  const who = notice.who === undefined ? undefined : called(names, notice.who);
  if (from === notice.from && who === notice.who) return notice;
  return { ...notice, from, ...(who === undefined ? {} : { who }) };
}

/** Whether two states of one notice name everybody alike. */
export function namesAlike(one: Notice, other: Notice): boolean {
  return namesIn(one) === namesIn(other);
}

function namesIn({ from, who }: Notice): string {
  // A name cannot have a line break.
  return `${from.name ?? ""}\n${who?.name ?? ""}`;
}
