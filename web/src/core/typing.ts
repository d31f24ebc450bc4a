// Who is typing in which room: for five seconds, or until their message arrives.

import type { Person, RoomId } from "./facade.ts";
import type { SetTimer } from "./ports.ts";

const SHOWN_MS = 5_000;
const PEOPLE_MAX = 20;

interface Shown {
  readonly who: Person;
  readonly cancel: () => void;
}

export class Typing {
  readonly #setTimer: SetTimer;
  readonly #changed: (room: RoomId) => void;
  readonly #rooms = new Map<RoomId, Map<string, Shown>>();

  constructor(setTimer: SetTimer, changed: (room: RoomId) => void) {
    this.#setTimer = setTimer;
    this.#changed = changed;
  }

  in(room: RoomId): readonly Person[] {
    return [...(this.#rooms.get(room)?.values() ?? [])].map(({ who }) => who);
  }

  show(room: RoomId, who: Person): void {
    const people = this.#rooms.get(room) ?? new Map<string, Shown>();
    const name = nameOf(who);
    if (!people.has(name) && people.size >= PEOPLE_MAX) return;
    people.get(name)?.cancel();
    people.set(name, { who, cancel: this.#setTimer(SHOWN_MS, () => this.hide(room, who)) });
    this.#rooms.set(room, people);
    this.#changed(room);
  }

  hide(room: RoomId, who: Person): void {
    const people = this.#rooms.get(room);
    const shown = people?.get(nameOf(who));
    if (people === undefined || shown === undefined) return;
    shown.cancel();
    people.delete(nameOf(who));
    if (people.size === 0) this.#rooms.delete(room);
    this.#changed(room);
  }

  stop(): void {
    for (const people of this.#rooms.values()) for (const { cancel } of people.values()) cancel();
    this.#rooms.clear();
  }
}

const nameOf = (who: Person): string => (who.user === undefined ? `guest ${who.guest ?? ""}` : who.user);
