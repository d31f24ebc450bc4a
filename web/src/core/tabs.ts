// How the tabs of one browser share one connection: who leads, and what they tell each other.
//
// The leader has the socket and is the only one who writes what comes from the server; the others hear what was kept
// and apply it to their own copies. The outbox belongs to all: its numbers are given in transactions of the store.
// When the leader dies, its lock falls to another, which reads everything anew from the store.

import type { Connection, Person, Result, RoomId, Seq } from "./facade.ts";
import type { PresenceState } from "./presence.ts";
import type { Change } from "./store.ts";
import type { Page } from "./wire.ts";

/** What only the leader can do, because it needs the connection. */
export type Question =
  | { readonly ask: "request"; readonly event: string; readonly payload: object }
  | { readonly ask: "history"; readonly room: RoomId; readonly page: Page; readonly limit: number }
  | { readonly ask: "visit"; readonly room: RoomId };

export type TabMessage =
  /** A new leader: what was read before may be out of date. */
  | { readonly kind: "leading" }
  /** A new tab wants to know what is not in the store. */
  | { readonly kind: "hello" }
  | { readonly kind: "kept"; readonly changes: readonly Change[] }
  | { readonly kind: "outbox" }
  | { readonly kind: "result"; readonly id: number; readonly result: Result }
  | { readonly kind: "connection"; readonly state: Connection["state"]; readonly since: number }
  | { readonly kind: "presence"; readonly presence: PresenceState }
  | { readonly kind: "somebody types"; readonly room: RoomId; readonly who: Person }
  | { readonly kind: "question"; readonly id: string; readonly question: Question }
  | { readonly kind: "answer"; readonly id: string; readonly answer: unknown }
  | { readonly kind: "typing"; readonly room: RoomId }
  /** Somebody waits for the connection. */
  | { readonly kind: "hurry" }
  | { readonly kind: "read"; readonly room: RoomId; readonly seq: Seq };

export interface Tabs {
  /** Calls back once, when this tab leads. It does so until it is closed. */
  lead(begin: () => void): void;
  /** To all other tabs, in order. */
  post(message: TabMessage): void;
  listen(heard: (message: TabMessage) => void): void;
  close(): void;
}

/** One tab alone. */
export class NoTabs implements Tabs {
  lead(begin: () => void): void {
    begin();
  }

  post(): void {}

  listen(): void {}

  close(): void {}
}

/** Tabs within one process: for tests, and for bots that share a store. */
export class TabHub {
  readonly #members = new Set<HubTab>();
  #leader: HubTab | null = null;

  join(): Tabs {
    const tab = new HubTab(this);
    this.#members.add(tab);
    return tab;
  }

  post(from: HubTab, message: TabMessage): void {
    for (const tab of this.#members) {
      if (tab !== from) queueMicrotask(() => tab.hear(structuredClone(message)));
    }
  }

  elect(): void {
    if (this.#leader !== null && this.#members.has(this.#leader)) return;
    const next = [...this.#members].find((tab) => tab.isCandidate());
    this.#leader = next ?? null;
    next?.begin();
  }

  leave(tab: HubTab): void {
    this.#members.delete(tab);
    this.elect();
  }
}

class HubTab implements Tabs {
  readonly #hub: TabHub;
  #begin: (() => void) | null = null;
  #heard: ((message: TabMessage) => void) | null = null;

  constructor(hub: TabHub) {
    this.#hub = hub;
  }

  isCandidate(): boolean {
    return this.#begin !== null;
  }

  begin(): void {
    const begin = this.#begin;
    if (begin !== null) queueMicrotask(begin);
  }

  hear(message: TabMessage): void {
    this.#heard?.(message);
  }

  lead(begin: () => void): void {
    this.#begin = begin;
    this.#hub.elect();
  }

  post(message: TabMessage): void {
    this.#hub.post(this, message);
  }

  listen(heard: (message: TabMessage) => void): void {
    this.#heard = heard;
  }

  close(): void {
    this.#heard = null;
    this.#hub.leave(this);
  }
}
