// Text that a closing page saves for the next page of this browser.
//
// IndexedDB needs turns of the event loop, and a page that is left may not get another one; `localStorage` is written
// when the call returns. It is used only then, because it is small, slow, and not part of any transaction. Each tab has
// an entry of its own, so that no tab overwrites another's.

import type { Note, Notepad } from "../ports.ts";
import { randomHex } from "../random.ts";

export class LocalNotepad implements Notepad {
  readonly #prefix: string;
  readonly #own: string;
  readonly #read = new Map<string, string>();

  constructor(name: string) {
    this.#prefix = `${name} typed `;
    this.#own = `${this.#prefix}${randomHex(crypto)}`;
  }

  read(): readonly Note[] {
    return attempt(() => {
      for (const name of Object.keys(localStorage)) {
        const written = name.startsWith(this.#prefix) ? localStorage.getItem(name) : null;
        if (written !== null) this.#read.set(name, written);
      }
      return [...this.#read.values()].flatMap((written) => attempt(() => JSON.parse(written) as Note[]) ?? []);
    }) ?? [];
  }

  write(notes: readonly Note[]): void {
    attempt(() => {
      if (notes.length === 0) localStorage.removeItem(this.#own);
      else localStorage.setItem(this.#own, JSON.stringify(notes));
    });
  }

  clear(): void {
    attempt(() => {
      // A tab that still lives may have written more since.
      for (const [name, written] of this.#read) if (localStorage.getItem(name) === written) localStorage.removeItem(name);
    });
    this.#read.clear();
  }
}

/** Some browsers have no such storage, or no room in it: then the store has to be fast enough. */
function attempt<T>(act: () => T): T | null {
  try {
    return act();
  } catch {
    return null;
  }
}
