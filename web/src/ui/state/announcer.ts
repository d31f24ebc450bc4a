// Decides what a screen reader announces: one message in full, a burst as a number.
//
// There is one polite live region for the whole page. If the log itself were one, it would be read again whenever rows
// are inserted.

import { counted, text } from "../../texts/texts.ts";

const GATHER_MS = 1200;
const TEXT_MAX = 240;

export interface Spoken {
  readonly name: string;
  readonly text: string;
}

export type Timer = (callback: () => void, ms: number) => void;

export class Announcer {
  #gathered: Spoken[] = [];
  readonly #say: (text: string) => void;
  readonly #timer: Timer;

  constructor(say: (text: string) => void, timer: Timer) {
    this.#say = say;
    this.#timer = timer;
  }

  message(spoken: Spoken): void {
    this.#gathered.push(spoken);
    if (this.#gathered.length === 1) this.#timer(() => this.#flush(), GATHER_MS);
  }

  #flush(): void {
    const [only, ...more] = this.#gathered;
    this.#gathered = [];
    if (only === undefined) return;
    const one = { name: only.name, text: only.text.slice(0, TEXT_MAX) };
    this.#say(more.length === 0 ? text("announceOne", one) : counted("announceMany", more.length + 1));
  }
}
