// A store whose disk is full or broken: an operation is rejected, and nothing of it is kept; or it is kept, and the
// answer is lost.

import type { Change, Changed, Committed, Durability, Generation, Look, OutboxChange, OutboxPart, SessionRecord, Snapshot, Store } from "../../src/core/store.ts";

export type Operation = "lead" | "load" | "outbox" | "outboxVersion" | "changeOutbox" | "commit" | "bind";

/** `unheard`: it is done, and said to have failed. */
export type Fate = "passes" | "rejected" | "unheard";

export class FailingStore implements Store {
  readonly #store: Store;
  readonly #fate: (operation: Operation) => Fate;

  constructor(store: Store, fate: (operation: Operation) => Fate) {
    this.#store = store;
    this.#fate = fate;
  }

  lead(isWanted: () => boolean): Promise<Generation | null> {
    return this.#try("lead", () => this.#store.lead(isWanted));
  }

  load(): Promise<Snapshot> {
    return this.#try("load", () => this.#store.load());
  }

  outbox(): Promise<OutboxPart> {
    return this.#try("outbox", () => this.#store.outbox());
  }

  outboxVersion(): Promise<number> {
    return this.#try("outboxVersion", () => this.#store.outboxVersion());
  }

  changeOutbox<T>(look: Look, change: (part: OutboxPart) => OutboxChange<T>, durability?: Durability, leader?: Generation | null): Promise<Changed<T>> {
    return this.#try("changeOutbox", () => this.#store.changeOutbox(look, change, durability, leader));
  }

  commit(changes: readonly Change[], leader: Generation | null): Promise<Committed> {
    return this.#try("commit", () => this.#store.commit(changes, leader));
  }

  bind(session: SessionRecord): Promise<SessionRecord> {
    return this.#try("bind", () => this.#store.bind(session));
  }

  close(): void {
    this.#store.close();
  }

  async #try<T>(operation: Operation, act: () => Promise<T>): Promise<T> {
    const fate = this.#fate(operation);
    if (fate === "rejected") throw new Error(`${operation} was rejected`);
    const result = await act();
    if (fate === "unheard") throw new Error(`nobody hears of ${operation}`);
    return result;
  }
}
