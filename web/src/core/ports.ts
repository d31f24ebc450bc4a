// What the core needs from outside: a connection, time, randomness, and a hint that the network is back.
//
// Each port has one implementation for the page and one for tests. None knows what is sent through it.

import type { DraftRecord } from "./store.ts";
import type { Auth } from "./wire.ts";

export interface TransportEvents {
  /** There is a connection; the first event on it will be `welcome`. */
  connected(): void;
  disconnected(): void;
  /** The server refused the connection with a code, or `refused` and a reason in its own words; the transport tries again all the same. */
  refused(code: string, reason?: string): void;
  event(name: string, payload: unknown): void;
  /** The connection goes another way from here on: whether it still carries anything has to be tried. */
  moved(): void;
}

/**
 * A connection that comes back by itself until it is closed.
 *
 * Nothing is ever sent again of its own accord, and nothing of an old connection is delivered after `disconnected`.
 */
export interface Transport {
  /** `auth` is asked for anew at every connect, and so is the pass, before it. */
  open(events: TransportEvents, auth: () => Promise<Auth>, pass?: () => string | undefined): void;
  /** Only while connected; lost otherwise. The answer may never come. */
  emit(name: string, payload: object, answered?: (value: unknown) => void): void;
  /** The server has said `welcome`: from now on the connection may prove itself. */
  welcomed(): void;
  /** Gives up the connection, and connects anew. */
  interrupt(): void;
  /** Connects now instead of after the next pause, if it is not connected. */
  hurry(): void;
  /** Connects now if the pause is over already: a page in the background hears late that it is. */
  nudge(): void;
  close(): void;
}

/** Which of the official client's transports a line tries. */
export type Way = "websocket first" | "polling first" | "polling only";

/** Why a line ended. */
export type LineEnd =
  /** Nobody answered. */
  | { readonly kind: "unreachable" }
  | { readonly kind: "refused"; readonly code: string; readonly reason?: string }
  | { readonly kind: "broken" };

export interface LineEvents {
  connected(): void;
  event(name: string, payload: unknown): void;
  /** It leaves polling for a WebSocket. */
  upgrading(): void;
  upgraded(): void;
  /** The last that is told. */
  ended(end: LineEnd): void;
}

/** One try to get a connection and, if it succeeds, that connection. It never comes back. */
export interface Line {
  /** By what it goes at the moment. */
  readonly medium: "websocket" | "polling";
  emit(name: string, payload: object, answered?: (value: unknown) => void): void;
  /** Ends it, also where it hangs: nothing is told of it any more. */
  discard(): void;
}

/** Begins a line; `auth` is asked for as soon as there is somebody to tell it to, and `pass` is shown at the door. */
export type Dial = (way: Way, auth: () => Promise<Auth>, events: LineEvents, pass?: string) => Line;

/** Calls back once, unless the function that it returns is called before. */
export type SetTimer = (milliseconds: number, due: () => void) => () => void;

/** Tells when the network may be back or somebody looks at the page again. Gives back how to stop it. */
export type OnWake = (woken: () => void) => () => void;

/** Tells when the page may be gone in a moment. Gives back how to stop it. */
export type OnHide = (hidden: () => void) => () => void;

/** A draft that the store does not have yet. */
export interface Note extends DraftRecord {
  /**
   * Sent from there and not known to be in the outbox, in order; `at` is the version that removed it from the drafts, which
   * pages of before did not name as sent.
   */
  readonly leaving: readonly { readonly text: string; readonly at: number; readonly isNamed?: boolean }[];
}

/** A place that takes what is written within the same turn: the store cannot promise to finish when the page goes away. */
export interface Notepad {
  /** What this tab and others have written. */
  read(): readonly Note[];
  /** Replaces what this tab wrote before. */
  write(notes: readonly Note[]): void;
  /** What was read is in the store. */
  clear(): void;
}

/** What a connection that comes back needs to know. */
export interface Surroundings {
  readonly now: () => number;
  readonly setTimer: SetTimer;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** Whether somebody can see this page. */
  readonly isWatched: () => boolean;
}

export interface World extends Surroundings {
  /** Random bytes as lower-case hexadecimal digits: 32 of them. */
  readonly randomId: () => string;
  /** What the list of devices calls this one. */
  readonly label?: string;
}
