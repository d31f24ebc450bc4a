// Stores that take their time, as a disk does; the first does everything in one step, but later, in the order of asking.

import type { SetTimer } from "../../src/core/ports.ts";
import { MemoryStore } from "../../src/core/store-memory.ts";
import type { Change, Changed, Committed, Durability, Generation, Look, OutboxChange, OutboxPart, SessionRecord, Snapshot, Store } from "../../src/core/store.ts";

export class SlowStore implements Store {
  readonly #store: Store;
  readonly #pause: () => Promise<void>;
  readonly #kept: (changes: readonly Change[]) => void;
  #last: Promise<unknown> = Promise.resolve();

  constructor(store: Store, setTimer: SetTimer, latency: () => number, kept: (changes: readonly Change[]) => void = () => undefined) {
    this.#store = store;
    this.#pause = () => new Promise((resolve) => setTimer(latency(), resolve));
    this.#kept = kept;
  }

  lead(isWanted: () => boolean): Promise<Generation | null> {
    return this.#later(() => this.#store.lead(isWanted));
  }

  load(): Promise<Snapshot> {
    return this.#later(() => this.#store.load());
  }

  outbox(): Promise<OutboxPart> {
    return this.#later(() => this.#store.outbox());
  }

  outboxVersion(): Promise<number> {
    return this.#later(() => this.#store.outboxVersion());
  }

  changeOutbox<T>(look: Look, change: (part: OutboxPart) => OutboxChange<T>, durability?: Durability, leader?: Generation | null): Promise<Changed<T>> {
    return this.#later(() => this.#store.changeOutbox(look, change, durability, leader));
  }

  async commit(changes: readonly Change[], leader: Generation | null): Promise<Committed> {
    const committed = await this.#later(() => this.#store.commit(changes, leader));
    this.#kept(changes);
    return committed;
  }

  bind(session: SessionRecord): Promise<SessionRecord> {
    return this.#later(() => this.#store.bind(session));
  }

  close(): void {}

  #later<T>(operation: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(async () => {
      await this.#pause();
      const result = await operation();
      // The caller hears of it a moment later than it is so.
      await this.#pause();
      return result;
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

/** A store of a tab that hears of nothing more from some moment on, though it is done. */
export class UnheardStore extends MemoryStore {
  isUnheard = false;

  override changeOutbox<T>(look: Look, change: (part: OutboxPart) => OutboxChange<T>, durability?: Durability, leader?: Generation | null): Promise<Changed<T>> {
    const done = super.changeOutbox(look, change, durability, leader);
    return this.isUnheard ? new Promise(() => undefined) : done;
  }
}

/** A store that is in no hurry, as long as it is asked to wait. */
export class WaitingStore extends MemoryStore {
  turn: Promise<void> = Promise.resolve();

  override async changeOutbox<T>(look: Look, change: (part: OutboxPart) => OutboxChange<T>, durability?: Durability, leader?: Generation | null): Promise<Changed<T>> {
    await this.turn;
    return super.changeOutbox(look, change, durability, leader);
  }
}

/** A store that keeps nothing while it is held. */
export class BusyStore extends MemoryStore {
  isAsked = false;
  #held: Promise<void> = Promise.resolve();

  /** Gives back how to let it go on. */
  hold(): () => void {
    let letGo = (): void => undefined;
    this.isAsked = false;
    this.#held = new Promise((resolve) => (letGo = resolve));
    return letGo;
  }

  override async commit(changes: readonly Change[], leader: Generation | null): Promise<Committed> {
    this.isAsked = true;
    await this.#held;
    return super.commit(changes, leader);
  }
}
