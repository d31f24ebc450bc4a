// Named timers: one of each name at a time, and all of them can be cleared together.

import type { SetTimer } from "./ports.ts";

export class Timers {
  readonly #setTimer: SetTimer;
  readonly #running = new Map<string, () => void>();
  #stopped = false;

  constructor(setTimer: SetTimer) {
    this.#setTimer = setTimer;
  }

  has(name: string): boolean {
    return this.#running.has(name);
  }

  /** Unless that one runs already. */
  start(name: string, milliseconds: number, due: () => void): void {
    if (this.#running.has(name) || this.#stopped) return;
    const cancel = this.#setTimer(milliseconds, () => {
      this.#running.delete(name);
      due();
    });
    this.#running.set(name, cancel);
  }

  cancel(name: string): void {
    this.#running.get(name)?.();
    this.#running.delete(name);
  }

  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#running.values()) cancel();
  }
}
