// The only place where the model changes: work is done in order, committed, and only then shown.
//
//   work ──► model ──► store ──► shown here, told to other tabs
//
// Work that waits while the store is busy shares the next commit, so a flood needs few commits. A failed commit is
// repeated with the next one, never skipped: the store is then behind, but consistent. If commits fail for too long,
// this page continues without the store. A ledger belongs to one leader: when the store says that another one leads,
// nothing more is committed or shown.

import type { Model } from "./model.ts";
import { condensed, Deposed, type Change, type Committed, type Generation, type Revision, type Store } from "./store.ts";

const WORKS_AT_ONCE = 500;
const UNKEPT_MAX = 20_000;

export type Apply = (changes: readonly Change[]) => void;
/** Reads the model and changes it through `apply`, at once. */
export type Work = (apply: Apply) => void;

export interface LedgerEvents {
  /**
   * `revision` is that of the store with these changes in it; null if it could not take them yet: then they are told again with the
   * next ones. `version` is the version of the outbox that these changes made, if they alone made one.
   */
  kept(changes: readonly Change[], revision: Revision | null, version: number | null): void;
  /** Another one leads: the model is ahead of the store, and has to be read anew. */
  deposed(): void;
}

export class Ledger {
  readonly #model: Model;
  readonly #store: Store;
  readonly #leader: Generation | null;
  readonly #events: LedgerEvents;
  #waiting: { readonly work: Work; readonly done: () => void }[] = [];
  #unkept: Change[] = [];
  #running: Promise<void> | null = null;
  #isKeeping = false;
  #stopped = false;

  constructor(model: Model, store: Store, leader: Generation | null, events: LedgerEvents) {
    this.#model = model;
    this.#store = store;
    this.#leader = leader;
    this.#events = events;
  }

  /** Resolves when the work is done and kept. */
  submit(work: Work): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((done) => {
      this.#waiting.push({ work, done });
      this.#running ??= this.#run();
    });
  }

  /** The model is ahead of the store: what it says now must not be shown yet. */
  get isKeeping(): boolean {
    return this.#isKeeping;
  }

  /** How many works wait. */
  get length(): number {
    return this.#waiting.length;
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  async stop(): Promise<void> {
    await this.idle();
    this.#stopped = true;
  }

  /** What waits is not done any more. */
  abandon(): void {
    this.#stopped = true;
    this.#unkept = [];
    for (const { done } of this.#waiting.splice(0)) done();
  }

  async #run(): Promise<void> {
    // Works that come in the same turn belong into the same commit.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const works = this.#waiting.splice(0, WORKS_AT_ONCE);
      const changes: Change[] = [];
      for (const { work } of works) {
        work((some) => {
          for (const change of some) {
            this.#model.apply(change);
            changes.push(change);
          }
        });
      }
      this.#isKeeping = changes.length > 0;
      const { changes: told, revision, version } = await this.#keep(changes);
      this.#isKeeping = false;
      if (!this.#stopped && (changes.length > 0 || revision !== null)) this.#events.kept(condensed(told), revision, version);
      for (const { done } of works) done();
    }
    this.#running = null;
  }

  async #keep(changes: readonly Change[]): Promise<Told> {
    if (this.#unkept.length > UNKEPT_MAX) return { changes, revision: null, version: null };
    const isBehind = this.#unkept.length > 0;
    // A tab that has read the store since it was told of the earlier changes has lost them: it is told of them again, and
    // has to read the outbox again.
    const told = (this.#unkept = [...this.#unkept, ...changes]);
    let committed: Committed | undefined;
    try {
      if (told.length > 0) committed = await this.#store.commit(told, this.#leader);
      this.#unkept = [];
    } catch (error) {
      // Anything else is tried again with the next works.
      if (error instanceof Deposed && !this.#stopped) this.#events.deposed();
    }
    return { changes: told, revision: committed?.revision ?? null, version: isBehind ? null : (committed?.version ?? null) };
  }
}

/** What the tabs are to know. */
interface Told {
  readonly changes: readonly Change[];
  readonly revision: Revision | null;
  readonly version: number | null;
}
