// When to try again: pauses that grow while connections fail, and a bound on the attempts per minute.
//
// A connection counts as good only after a welcome and ten seconds. If it ends earlier, the next pause is longer. So a
// server that accepts clients and drops them sees few attempts from each.
//
// When nobody answers, a browser cannot tell a stopped server from one that accepts connections and drops them before
// the first byte: both fail equally fast. So these pauses are short for about the time of a restart, then grow until
// the first minute has had six attempts as well. An action of the person (looking at the page) or a network that is
// back ends such a pause at once. Any answer, even another server's page, means that somebody is there.
//
// Pure: time and randomness are arguments.

/** How a connection or an attempt ended. */
export type Failure =
  /** Nobody answered. */
  | "unreachable"
  /** Somebody did, and it came to nothing, or did not last. */
  | "broken";

export interface PaceBounds {
  /** Pauses after one failure in a row, after two, and so on; the last one stays. */
  readonly unreachable: readonly number[];
  readonly broken: readonly number[];
  /** The last pause of a page that nobody looks at. */
  readonly unwatched: number;
  /** Of each pause, so much at most comes on top by chance. */
  readonly jitter: number;
  /** A connection that stood so long was good. */
  readonly good: number;
  /** No more broken tries than these in a window. */
  readonly triesMax: number;
  readonly window: number;
  /** How long a phase may take; it grows with each failure but the first, which says little about the network. */
  readonly deadline: number;
  readonly deadlineMax: number;
}

export const PACE: PaceBounds = {
  unreachable: [300, 1_200, 4_000, 10_000, 20_000, 25_000],
  broken: [300, 1_500, 4_000, 8_000, 15_000],
  unwatched: 30_000,
  jitter: 0.4,
  good: 10_000,
  triesMax: 6,
  window: 60_000,
  deadline: 4_000,
  deadlineMax: 20_000,
};

const DEADLINE_GROWTH = 1.5;

export class Pace {
  readonly #bounds: PaceBounds;
  readonly #failures = { unreachable: 0, broken: 0 };
  /** When the latest broken tries began. */
  #broken: number[] = [];
  #began = 0;
  #welcomed: number | null = null;

  constructor(bounds: PaceBounds = PACE) {
    this.#bounds = bounds;
  }

  /** How long a phase of the next try may take. */
  get deadline(): number {
    const { deadline, deadlineMax } = this.#bounds;
    const failures = Math.max(0, this.#failures.unreachable + this.#failures.broken - 1);
    return Math.min(deadlineMax, deadline * DEADLINE_GROWTH ** failures);
  }

  began(now: number): void {
    this.#began = now;
    this.#welcomed = null;
  }

  welcomed(now: number): void {
    this.#welcomed = now;
    this.#failures.unreachable = 0;
  }

  /** The pause before the next try. */
  failed(failure: Failure, now: number, isWatched: boolean, random: number): number {
    if (this.#welcomed !== null && now - this.#welcomed >= this.#bounds.good) {
      this.#failures.unreachable = this.#failures.broken = 0;
      this.#broken = [];
    } else if (failure === "broken") {
      this.#broken = [...this.#broken, this.#began].slice(-this.#bounds.triesMax);
    }
    this.#welcomed = null;
    this.#failures[failure] += 1;
    const pauses = this.#bounds[failure];
    const step = Math.min(this.#failures[failure], pauses.length) - 1;
    const isLast = this.#failures[failure] > pauses.length;
    const pause = isLast && !isWatched ? this.#bounds.unwatched : (pauses[step] ?? this.#bounds.unwatched);
    return Math.max(Math.round(pause * (1 + random * this.#bounds.jitter)), this.hurried(now));
  }

  /** The least pause, for somebody who waits. */
  hurried(now: number): number {
    const { triesMax, window } = this.#bounds;
    const [oldest] = this.#broken;
    if (this.#broken.length < triesMax || oldest === undefined) return 0;
    return Math.max(0, oldest + window - now);
  }
}
