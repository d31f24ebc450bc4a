// A connection that reconnects by itself. It dials lines, gives each phase a deadline, and never relies on a line to
// end by itself.
//
//   dial ──► opened ──► auth ──► CONNECT ──► welcome ──► stands
//     ▲         each with a deadline; a miss discards the line
//     └── pause (`Pace`) ◄── ended, discarded, interrupted
//
// Once a line is over, nothing more of it is passed on. The transport to try first is remembered: one on which a line
// fell silent comes second next time. Knows nothing of what is sent.

import { Pace, PACE, type Failure, type PaceBounds } from "./pace.ts";
import type { Dial, Line, LineEnd, LineEvents, Surroundings, Transport, TransportEvents, Way } from "./ports.ts";
import type { Auth } from "./wire.ts";

type Phase = "opening" | "asking" | "joining" | "greeting" | "standing";

export class Connector implements Transport {
  readonly #dial: Dial;
  readonly #world: Surroundings;
  readonly #pace: Pace;
  #events: TransportEvents | null = null;
  #auth: (() => Promise<Auth>) | null = null;
  #pass: () => string | undefined = () => undefined;
  #line: Line | null = null;
  /** Counts the lines: what an older one says is not heard. */
  #current = 0;
  #phase: Phase = "opening";
  #way: Way = "websocket first";
  #cancelDeadline: (() => void) | null = null;
  #cancelUpgrade: (() => void) | null = null;
  #cancelPause: (() => void) | null = null;
  /** When the pause ends. */
  #due = 0;

  constructor(dial: Dial, world: Surroundings, bounds: PaceBounds = PACE) {
    this.#dial = dial;
    this.#world = world;
    this.#pace = new Pace(bounds);
  }

  open(events: TransportEvents, auth: () => Promise<Auth>, pass: () => string | undefined = () => undefined): void {
    this.#events = events;
    this.#auth = auth;
    this.#pass = pass;
    this.#begin();
  }

  emit(name: string, payload: object, answered?: (value: unknown) => void): void {
    const current = this.#current;
    if (!this.#isConnected) return;
    const heard = answered && ((value: unknown): void => void (current === this.#current && answered(value)));
    this.#line?.emit(name, payload, heard);
  }

  welcomed(): void {
    if (this.#phase !== "greeting") return;
    this.#pace.welcomed(this.#world.now());
    this.#enter("standing");
  }

  interrupt(): void {
    if (this.#line !== null) this.#over({ kind: "broken" });
  }

  hurry(): void {
    // A try that is under way is left alone; this ends the pause before the next one.
    if (this.#cancelPause === null) return;
    this.#pause(this.#pace.hurried(this.#world.now()));
  }

  nudge(): void {
    if (this.#cancelPause !== null && this.#world.now() >= this.#due) this.#pause(0);
  }

  close(): void {
    this.#events = null;
    this.#drop();
    this.#cancelPause?.();
    this.#cancelPause = null;
  }

  get #isConnected(): boolean {
    return this.#phase === "greeting" || this.#phase === "standing";
  }

  #begin(): void {
    this.#cancelPause = null;
    const current = (this.#current += 1);
    const mine = (act: () => void) => (): void => void (current === this.#current && act());
    this.#pace.began(this.#world.now());
    this.#enter("opening");
    const events: LineEvents = {
      connected: mine(() => {
        this.#enter("greeting");
        this.#events?.connected();
      }),
      event: (name, payload) => mine(() => this.#isConnected && this.#events?.event(name, payload))(),
      upgrading: mine(() => {
        this.#cancelUpgrade?.();
        this.#cancelUpgrade = this.#world.setTimer(this.#pace.deadline, () => this.#over({ kind: "broken" }));
      }),
      upgraded: mine(() => {
        this.#cancelUpgrade?.();
        this.#cancelUpgrade = null;
        if (this.#phase === "standing") this.#events?.moved();
      }),
      ended: (end) => mine(() => this.#over(end))(),
    };
    const line = this.#dial(this.#way, () => this.#ask(current), events, this.#pass());
    // It may have ended in the very call.
    if (current === this.#current) this.#line = line;
    else line.discard();
  }

  /** A line that has asked who is there has reached somebody. */
  async #ask(current: number): Promise<Auth> {
    const isHere = (): boolean => current === this.#current;
    if (isHere()) this.#enter("asking");
    const auth = await (this.#auth?.() ?? NEVER);
    if (!isHere()) return NEVER;
    this.#enter("joining");
    return auth;
  }

  #enter(phase: Phase): void {
    this.#phase = phase;
    this.#cancelDeadline?.();
    this.#cancelDeadline = phase === "standing" ? null : this.#world.setTimer(this.#pace.deadline, () => this.#silent());
  }

  /** Nothing came in time. */
  #silent(): void {
    const isOpening = this.#phase === "opening";
    if (isOpening) this.#changeWay();
    this.#over({ kind: isOpening ? "unreachable" : "broken" });
  }

  /** What the line goes by is the second choice from now on. */
  #changeWay(): void {
    if (this.#cancelUpgrade !== null) this.#way = "polling only";
    else this.#way = this.#line?.medium === "polling" ? "websocket first" : "polling first";
  }

  #over(end: LineEnd): void {
    const isEstablished = this.#phase === "standing" && this.#cancelUpgrade === null;
    if (end.kind === "broken" && !isEstablished) this.#changeWay();
    const failure: Failure = end.kind === "unreachable" ? "unreachable" : "broken";
    this.#drop();
    const { now, random, isWatched } = this.#world;
    const pause = this.#pace.failed(failure, now(), isWatched(), random());
    this.#pause(pause);
    this.#events?.disconnected();
    if (end.kind === "refused") this.#events?.refused(end.code, end.reason);
  }

  /** Nothing of this line counts from here on. */
  #drop(): void {
    this.#current += 1;
    const line = this.#line;
    this.#line = null;
    this.#phase = "opening";
    this.#cancelDeadline?.();
    this.#cancelUpgrade?.();
    this.#cancelDeadline = this.#cancelUpgrade = null;
    line?.discard();
  }

  #pause(milliseconds: number): void {
    this.#cancelPause?.();
    this.#due = this.#world.now() + milliseconds;
    this.#cancelPause = this.#world.setTimer(milliseconds, () => this.#begin());
  }
}

const NEVER = new Promise<never>(() => undefined);
