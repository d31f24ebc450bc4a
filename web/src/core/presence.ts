// Who is online, and the notices of people who come and go.
//
// Comings and goings are collected for some seconds and condensed into one notice; who is back within that time was
// never away. When so many come at once that the server does not name them, there is no notice at all.

import type { NoticeRow, Person, Seq, UserId } from "./facade.ts";
import type { SetTimer } from "./ports.ts";
import type { Presence as Report } from "./wire.ts";

const COLLECT_MS = 4_000;
const NOTICES_MAX = 20;
const PEOPLE_MAX = 50;
const LISTED_MAX = 500;

export interface Online {
  readonly people: readonly Person[];
  readonly count: number;
}

/** A notice and the message that it stands behind. */
export interface PlacedNotice {
  readonly after: Seq;
  readonly row: NoticeRow & { readonly notice: { readonly what: "online" | "offline"; readonly people: readonly Person[] } };
}

export interface PresenceState {
  readonly online: Online;
  readonly notices: readonly PlacedNotice[];
}

export interface PresenceContext {
  readonly setTimer: SetTimer;
  readonly now: () => number;
  readonly me: () => UserId | null;
  /** Where the timeline ends now. */
  readonly end: () => { readonly seq: Seq; readonly rev: number };
  readonly changed: () => void;
}

export class Presence {
  readonly #context: PresenceContext;
  readonly #people = new Map<UserId, Person>();
  readonly #turned = new Map<UserId, { readonly what: "online" | "offline"; readonly person: Person }>();
  #count = 0;
  #notices: readonly PlacedNotice[] = [];
  #number = 0;
  #cancelTimer: (() => void) | null = null;

  constructor(context: PresenceContext) {
    this.#context = context;
  }

  get state(): PresenceState {
    return { online: { people: [...this.#people.values()].slice(0, LISTED_MAX), count: this.#count }, notices: this.#notices };
  }

  /** What the server says when it is asked: no news, so no notice. */
  begin(count: number, people: readonly Person[]): void {
    this.#count = count;
    this.#people.clear();
    this.#turned.clear();
    for (const person of people) if (person.user !== undefined) this.#people.set(person.user, person);
    this.#context.changed();
  }

  report(report: Report): void {
    this.#count = report.count;
    for (const person of report.online) {
      if (person.user === undefined) continue;
      if (!this.#people.has(person.user) && !report.more) this.#turn("online", person.user, person);
      this.#people.set(person.user, person);
    }
    for (const user of report.offline) {
      const person = this.#people.get(user);
      this.#people.delete(user);
      if (person !== undefined && !report.more) this.#turn("offline", user, person);
    }
    this.#context.changed();
  }

  stop(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }

  #turn(what: "online" | "offline", user: UserId, person: Person): void {
    if (user === this.#context.me()) return;
    const before = this.#turned.get(user);
    if (before !== undefined && before.what !== what) this.#turned.delete(user);
    else this.#turned.set(user, { what, person });
    this.#cancelTimer ??= this.#context.setTimer(COLLECT_MS, () => {
      this.#cancelTimer = null;
      this.#condense();
      this.#context.changed();
    });
  }

  #condense(): void {
    for (const what of ["offline", "online"] as const) {
      const people = [...this.#turned.values()].filter((turn) => turn.what === what).map(({ person }) => person);
      if (people.length > 0) this.#notice(what, people);
    }
    this.#turned.clear();
  }

  #notice(what: "online" | "offline", people: readonly Person[]): void {
    const { seq, rev } = this.#context.end();
    const last = this.#notices.at(-1);
    const joins = last !== undefined && last.after === seq && last.row.notice.what === what;
    const others = joins ? last.row.notice.people : [];
    const all = [...others.filter((other) => people.every((person) => person.user !== other.user)), ...people];
    const key = joins ? last.row.key : `p${(this.#number += 1)}`;
    const notice = { what, people: all.slice(-PEOPLE_MAX) };
    const row = { kind: "notice" as const, key, rev, at: this.#context.now(), notice };
    const kept = joins ? this.#notices.slice(0, -1) : this.#notices;
    this.#notices = [...kept, { after: seq, row }].slice(-NOTICES_MAX);
  }
}
