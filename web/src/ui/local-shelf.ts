// The browser's local storage as a shelf.

import { MemoryShelf, type Shelf } from "../core/shelf.ts";

class LocalShelf implements Shelf {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  names(): string[] {
    return Object.keys(this.#storage);
  }

  read(name: string): string | null {
    return this.#storage.getItem(name);
  }

  write(name: string, value: string): void {
    this.#storage.setItem(name, value);
  }

  remove(name: string): void {
    this.#storage.removeItem(name);
  }
}

/** Falls back to memory where the browser's settings forbid storage: even touching it throws there. */
export function openShelf(): Shelf {
  try {
    return new LocalShelf(window.localStorage);
  } catch {
    return new MemoryShelf();
  }
}
