// Time that passes only when a test says so, and chance that a seed decides.

import type { SetTimer } from "../../src/core/ports.ts";

interface Due {
  readonly at: number;
  readonly number: number;
  readonly due: () => void;
}

export class VirtualClock {
  #now = 1_000_000;
  #timers: Due[] = [];
  #number = 0;

  readonly now = (): number => this.#now;

  readonly setTimer: SetTimer = (milliseconds, due) => {
    const timer = { at: this.#now + Math.max(0, milliseconds), number: (this.#number += 1), due };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  };

  /** Lets time pass; what is due happens in its order, each thing to its end. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await settled();
    for (;;) {
      const next = this.#timers.reduce<Due | null>((first, timer) => (first === null || earlier(timer, first) ? timer : first), null);
      if (next === null || next.at > end) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = Math.max(this.#now, next.at);
      next.due();
      await settled();
    }
    this.#now = end;
  }

  /** Lets time pass until something holds. */
  async until(holds: () => boolean, about: string, limit = 120_000): Promise<void> {
    const end = this.#now + limit;
    await settled();
    while (!holds()) {
      if (this.#now >= end) throw new Error(`${about} did not come in ${limit} ms`);
      await this.pass(10);
    }
  }
}

const earlier = (a: Due, b: Due): boolean => a.at < b.at || (a.at === b.at && a.number < b.number);

// Of Node, and some of the tests that use it are checked with the types of a browser.
const { setImmediate: soon } = globalThis as unknown as { readonly setImmediate: (due: () => void) => void };

/** All promises that can be kept now are. */
export const settled = (): Promise<void> => new Promise((resolve) => soon(resolve));

/** Random numbers that a seed decides (mulberry32). */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to 1. */
  readonly next = (): number => {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };

  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  is(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  }

  id(): string {
    return Array.from({ length: 32 }, () => this.below(16).toString(16)).join("");
  }
}
