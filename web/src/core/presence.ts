// Who is online: the answer to `who`, and the events since then.

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
  /** What was reported while the server was being asked: it may be newer than the answer. Names the question, too. */
  #meanwhile: Report[] | null = null;
  #count = 0;

  constructor(changed: (state: PresenceState) => void) {
    this.#changed = changed;
  }

  /** The server is being asked; the answer to an earlier question means nothing any more. */
  asking(): readonly Report[] {
    return (this.#meanwhile = []);
  }

  unanswered(question: readonly Report[]): void {
    if (question === this.#meanwhile) this.#meanwhile = null;
  }

  /** What the server says when it is asked. */
  begin(question: readonly Report[], count: number, people: readonly Person[]): void {
    if (question !== this.#meanwhile) return;
    this.#count = count;
    this.#people.clear();
    for (const person of people) if (person.user !== undefined) this.#people.set(person.user, person);
    for (const report of question) this.#apply(report);
    this.unanswered(question);
    this.#tell();
  }

  #apply({ count, online, offline }: Report): void {
    this.#count = count;
    for (const person of online) if (person.user !== undefined) this.#people.set(person.user, person);
    for (const user of offline) this.#people.delete(user);
  }

  report(report: Report): void {
    this.#meanwhile?.push(report);
    this.#apply(report);
    this.#tell();
  }

  #tell(): void {
    this.#changed({ online: { people: [...this.#people.values()].slice(0, LISTED_MAX), count: this.#count }, notices: [] });
  }
}
