// The small store that outlives the page.
//
// `write` returns only when the value is kept, and throws when it cannot be. Each value has a name of its own,
// so that two tabs never overwrite each other's changes.

export interface Shelf {
  names(): string[];
  read(name: string): string | null;
  write(name: string, value: string): void;
  remove(name: string): void;
}

/** For browsers that refuse to keep anything: works until the page is reloaded. */
export class MemoryShelf implements Shelf {
  readonly #values = new Map<string, string>();

  names(): string[] {
    return [...this.#values.keys()];
  }

  read(name: string): string | null {
    return this.#values.get(name) ?? null;
  }

  write(name: string, value: string): void {
    this.#values.set(name, value);
  }

  remove(name: string): void {
    this.#values.delete(name);
  }
}
