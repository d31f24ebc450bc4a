// How the tabs of one browser share one connection: who leads, and the messages between tabs.
//
// The leader has the socket and is the only one who stores what comes from the server; the others apply what was stored
// to their own copies. The outbox belongs to all of them: its numbers are given in transactions of the store. When the
// leader closes, its lock goes to another tab, which reads everything again from the store; when it hangs, another tab
// takes the lock (see `leadership`). A message of a leader carries its generation, because an old leader may send it
// late.

import type { Connection, Person, Result, RoomId, Seq } from "./facade.ts";
import type { PresenceState } from "./presence.ts";
import type { Change, Difference, Generation, Revision } from "./store.ts";
import type { Page, RequestName } from "./wire.ts";

/** What only the leader can do, because it needs the connection. */
export type Question =
  | { readonly ask: "request"; readonly event: RequestName; readonly payload: object }
  | { readonly ask: "history"; readonly room: RoomId; readonly page: Page; readonly limit: number }
  | { readonly ask: "visit"; readonly room: RoomId };

export type TabMessage =
  /** A new leader: what was read before may be out of date. */
  | { readonly kind: "leading"; readonly leader: Generation; readonly isWatched: boolean }
  /** The leader is alive. */
  | { readonly kind: "beat"; readonly leader: Generation }
  /** A new tab wants to know what is not in the store. */
  | { readonly kind: "hello" }
  /** `version` is the version of the outbox that these changes made, if any. */
  | { readonly kind: "kept"; readonly leader: Generation; readonly revision: Revision | null; readonly version?: number | null; readonly changes: readonly Change[] }
  /** Earlier releases tell no difference. */
  | { readonly kind: "outbox"; readonly difference?: Difference }
  | { readonly kind: "result"; readonly id: number; readonly result: Result }
  | { readonly kind: "connection"; readonly leader: Generation; readonly state: Connection["state"]; readonly since: number; readonly reason: string }
  | { readonly kind: "presence"; readonly leader: Generation; readonly presence: PresenceState }
  | { readonly kind: "somebody types" | "somebody stopped"; readonly room: RoomId; readonly who: Person }
  | { readonly kind: "question"; readonly id: string; readonly question: Question }
  | { readonly kind: "answer"; readonly id: string; readonly answer: unknown }
  | { readonly kind: "typing" | "typing stopped"; readonly room: RoomId }
  /** Somebody waits for the connection. */
  | { readonly kind: "hurry" }
  /** The leader may sleep. */
  | { readonly kind: "nudge" }
  | { readonly kind: "read"; readonly room: RoomId; readonly seq: Seq };

export interface Tabs {
  /** Whether one of them leads at most: without that, each tab leads for itself, and none may refuse the others. */
  readonly areExclusive: boolean;
  /** Wants to lead. `begin` is called when this tab does, `end` when another has taken the lead from it. */
  lead(begin: () => void, end: () => void): void;
  /** Takes the lead from the tab that has it. */
  takeOver(): void;
  /** To all other tabs, in order. */
  post(message: TabMessage): void;
  listen(heard: (message: TabMessage) => void): void;
  close(): void;
}

/** One tab alone. */
export class NoTabs implements Tabs {
  readonly areExclusive = false;

  lead(begin: () => void): void {
    begin();
  }

  takeOver(): void {}

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

  takeOver(tab: HubTab): void {
    const before = this.#leader;
    if (before === tab || !this.#members.has(tab)) return;
    this.#leader = tab;
    before?.end();
    tab.begin();
  }

  leave(tab: HubTab): void {
    this.#members.delete(tab);
    this.elect();
  }
}

class HubTab implements Tabs {
  readonly areExclusive = true;
  readonly #hub: TabHub;
  #begin: (() => void) | null = null;
  #end: (() => void) | null = null;
  #heard: (message: TabMessage) => void = () => undefined;

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

  end(): void {
    const end = this.#end;
    if (end !== null) queueMicrotask(end);
  }

  hear(message: TabMessage): void {
    this.#heard(message);
  }

  lead(begin: () => void, end: () => void): void {
    this.#begin = begin;
    this.#end = end;
    this.#hub.elect();
  }

  takeOver(): void {
    this.#hub.takeOver(this);
  }

  post(message: TabMessage): void {
    this.#hub.post(this, message);
  }

  listen(heard: (message: TabMessage) => void): void {
    this.#heard = heard;
  }

  close(): void {
    this.#heard = () => undefined;
    this.#hub.leave(this);
  }
}
