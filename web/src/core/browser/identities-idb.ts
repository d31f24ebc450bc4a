// The list of the people of this device, in a database of its own.
//
// The store of the first person has the name from when a device was always one person, so it is found if nobody was
// chosen.

import type { Identity, IdentityTable } from "../identities.ts";
import { OneShotDatabase, type Migration } from "./database.ts";

type Tables = {
  identities: { key: string; value: Identity };
  chosen: { key: "chosen"; value: string };
};

const MIGRATIONS: readonly Migration[] = [
  (database) => {
    database.createObjectStore("identities", { keyPath: "store" });
    database.createObjectStore("chosen");
  },
];

export class IdentityDatabase implements IdentityTable {
  readonly #database: OneShotDatabase<Tables>;
  readonly #first: string;

  static async open(first: string): Promise<IdentityDatabase> {
    return new IdentityDatabase(await OneShotDatabase.open<Tables>(`${first} identities`, MIGRATIONS), first);
  }

  private constructor(database: OneShotDatabase<Tables>, first: string) {
    this.#database = database;
    this.#first = first;
  }

  async chosen(): Promise<string> {
    return this.#database.read(["chosen"], (table) => {
      const chosen = table("chosen").get("chosen");
      return () => chosen.result ?? this.#first;
    });
  }

  async all(): Promise<readonly Identity[]> {
    return this.#database.read(["identities"], (table) => {
      const all = table("identities").getAll();
      return () => all.result;
    });
  }

  async put(identity: Identity): Promise<void> {
    await this.#database.write(["identities"], "strict", (table) => table("identities").put(identity));
  }

  async forget(store: string): Promise<void> {
    await this.#database.write(["identities"], "relaxed", (table) => table("identities").delete(store));
  }

  async choose(store: string, left: Identity): Promise<void> {
    for (let isChosen = false; !isChosen; ) {
      const known = new Set((await this.all()).map((identity) => identity.store));
      isChosen = await this.#database.write(["identities", "chosen"], "strict", (table) => {
        for (const one of [left, { store, user: null, name: null }]) {
          if (known.has(one.store)) continue;
          table("identities").add(one);
          known.add(one.store);
        }
        table("chosen").put(store, "chosen");
      });
    }
  }
}
