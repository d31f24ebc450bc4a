// The people of this device. Each has a store of their own, and one of them is chosen for the pages that open next.
//
// Somebody who has a name, or has said, typed or joined anything, leaves the list only on request (`forget.ts`). A
// store is never given to somebody else, so a person who returns finds their rooms, drafts and outbox. An open page
// keeps its person, whoever is chosen elsewhere.

import type { UserId } from "./facade.ts";

export interface Identity {
  /** The name of their store. */
  readonly store: string;
  /** Null as long as no server has said. */
  readonly user: UserId | null;
  readonly name: string | null;
  readonly server?: string;
}

/** What is kept of them, in one place for all tabs. Each call is one transaction, and "returned" means kept. */
export interface IdentityTable {
  /** The chosen store; the first one where nothing was chosen yet. */
  chosen(): Promise<string>;
  all(): Promise<readonly Identity[]>;
  put(identity: Identity): Promise<void>;
  /** Both are on the list from then on: what is written where nobody is known yet must be found again, too. */
  choose(store: string, left: Identity): Promise<void>;
  forget(store: string): Promise<void>;
}

export class Identities {
  readonly table: IdentityTable;
  /** A name that no store has. */
  readonly newStore: () => string;
  /** The store of this page. */
  readonly own: string;
  /** Who this page is. */
  self: Identity;

  /** For a page with this store. */
  constructor(table: IdentityTable, own: string, newStore: () => string) {
    this.table = table;
    this.newStore = newStore;
    this.own = own;
    this.self = { store: own, user: null, name: null };
  }

  /** Tells who this page is. */
  async know(self: Omit<Identity, "store">): Promise<void> {
    this.self = { ...self, store: this.own };
    if (self.user !== null) await this.table.put(this.self);
  }

  /** The others on this device. */
  async others(): Promise<readonly Identity[]> {
    return (await this.table.all()).filter(({ store }) => store !== this.own);
  }

  /** From the next page on. */
  async choose(store: string): Promise<void> {
    await this.table.choose(store, this.self);
  }

  /** Chooses a store that is nobody's yet. */
  async begin(): Promise<void> {
    await this.choose(this.newStore());
  }
}
