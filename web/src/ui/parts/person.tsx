// How a person looks on the page.

import type { Person } from "../../core/facade.ts";
import { initial, personKey, personName, tone } from "./names.ts";

/** A name in an isolation of its own: its direction does not reach the text around it. */
export function Name({ person }: { readonly person: Person }) {
  return <bdi>{personName(person)}</bdi>;
}

/** The letter is drawn by the style sheet: it is no text of the page. */
export function Avatar({ person }: { readonly person: Person }) {
  const name = personName(person);
  return (
    <span class={`avatar ${tone(personKey(person) || name)}`} aria-hidden="true" data-initial={person.name === undefined ? undefined : initial(name)} />
  );
}
