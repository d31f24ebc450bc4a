// The list of the people of this device, in a database of its own.
//
// The first store has the name that it had when a device was one person only, so it is found where nothing was chosen.

import { openDB, type DBSchema, type IDBPDatabase } from "idb";
import type { Identity, IdentityTable } from "../identities.ts";

const VERSION = 1;

interface Schema extends DBSchema {
  identities: { key: string; value: Identity };
  chosen: { key: "chosen"; value: string };
}

export class IdentityDatabase implements IdentityTable {
  readonly #database: IDBPDatabase<Schema>;
  readonly #first: string;

  static async open(first: string): Promise<IdentityDatabase> {
    const database = await openDB<Schema>(`${first} identities`, VERSION, {
      upgrade(created) {
        created.createObjectStore("identities", { keyPath: "store" });
        created.createObjectStore("chosen");
      },
      blocking: (_current, _blocked, event) => (event.target as IDBDatabase | null)?.close(),
    });
    return new IdentityDatabase(database, first);
  }

  private constructor(database: IDBPDatabase<Schema>, first: string) {
    this.#database = database;
    this.#first = first;
  }

  async chosen(): Promise<string> {
    return (await this.#database.get("chosen", "chosen")) ?? this.#first;
  }

  all(): Promise<readonly Identity[]> {
    return this.#database.getAll("identities");
  }

  async put(identity: Identity): Promise<void> {
    const tx = this.#database.transaction("identities", "readwrite", { durability: "strict" });
    await Promise.all([tx.store.put(identity), tx.done]);
  }

  forget(store: string): Promise<void> {
    return this.#database.delete("identities", store);
  }

  async choose(store: string, left: Identity): Promise<void> {
    const tx = this.#database.transaction(["identities", "chosen"], "readwrite", { durability: "strict" });
    const identities = tx.objectStore("identities");
    for (const one of [left, { store, user: null, name: null }]) {
      if ((await identities.get(one.store)) === undefined) await identities.put(one);
    }
    await tx.objectStore("chosen").put(store, "chosen");
    await tx.done;
  }
}
