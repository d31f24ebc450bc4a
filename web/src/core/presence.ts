// Who is online: what the server says when it is asked, and what it tells since.

import type { Person, UserId } from "./facade.ts";
import type { Presence as Report } from "./wire.ts";

const LISTED_MAX = 500;

export interface Online {
  readonly people: readonly Person[];
  readonly count: number;
}

export interface PresenceState {
  readonly online: Online;
  /** Empty: tabs that run an earlier build of the app look for a list. */
  readonly notices: readonly never[];
}

export const NOBODY: PresenceState = { online: { people: [], count: 0 }, notices: [] };

export class Presence {
  readonly #changed: (state: PresenceState) => void;
  readonly #people = new Map<UserId, Person>();
  #count = 0;

  constructor(changed: (state: PresenceState) => void) {
    this.#changed = changed;
  }

  /** What the server says when it is asked. */
  begin(count: number, people: readonly Person[]): void {
    this.#count = count;
    this.#people.clear();
    for (const person of people) if (person.user !== undefined) this.#people.set(person.user, person);
    this.#tell();
  }

  report(report: Report): void {
    this.#count = report.count;
    for (const person of report.online) if (person.user !== undefined) this.#people.set(person.user, person);
    for (const user of report.offline) this.#people.delete(user);
    this.#tell();
  }

  #tell(): void {
    this.#changed({ online: { people: [...this.#people.values()].slice(0, LISTED_MAX), count: this.#count }, notices: [] });
  }
}
