// What the core asks of the world around it: a connection, time, chance, and a hint that the network is back.
//
// Each port has one implementation for the page and one for tests; none knows what is sent through it.

import type { DraftRecord } from "./store.ts";
import type { Auth } from "./wire.ts";

export interface TransportEvents {
  /** There is a connection; the first event on it will be `welcome`. */
  connected(): void;
  disconnected(): void;
  /** The server refused the connection with a code; the transport tries again all the same. */
  refused(code: string): void;
  event(name: string, payload: unknown): void;
}

/**
 * A connection that comes back by itself until it is closed.
 *
 * Nothing is ever sent again of its own accord, and nothing of an old connection is delivered after `disconnected`.
 */
export interface Transport {
  /** `auth` is asked for anew at every connect. */
  open(events: TransportEvents, auth: () => Promise<Auth>): void;
  /** Only while connected; lost otherwise. The answer may never come. */
  emit(name: string, payload: object, answered?: (value: unknown) => void): void;
  /** Gives up the connection, and connects anew. */
  interrupt(): void;
  /** Connects now instead of after the next pause, if it is not connected. */
  hurry(): void;
  close(): void;
}

/** Calls back once, unless the function that it returns is called before. */
export type SetTimer = (milliseconds: number, due: () => void) => () => void;

/** Tells when the network may be back or somebody looks at the page again. Gives back how to stop it. */
export type OnWake = (woken: () => void) => () => void;

/** Tells when the page may be gone in a moment. Gives back how to stop it. */
export type OnHide = (hidden: () => void) => () => void;

/** A draft that the store does not have yet. */
export interface Note extends DraftRecord {
  /** Sent from there and not known to be in the outbox, in order; `at` is the version that removed it from the drafts. */
  readonly leaving: readonly { readonly text: string; readonly at: number }[];
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

export interface World {
  readonly now: () => number;
  readonly setTimer: SetTimer;
  /** Random bytes as lower-case hexadecimal digits: 32 of them. */
  readonly randomId: () => string;
}
