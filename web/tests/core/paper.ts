// Where pages of one browser jot down what the store does not have yet: it outlives them all.

import type { Note, Notepad } from "../../src/core/ports.ts";

export class Paper {
  readonly #notes = new Map<Notepad, readonly Note[]>();

  get notes(): readonly Note[] {
    return [...this.#notes.values()].flat();
  }

  /** The notepad of another page. */
  pad(): Notepad {
    const seen = new Map<Notepad, readonly Note[]>();
    const pad: Notepad = {
      read: () => {
        for (const [owner, notes] of this.#notes) seen.set(owner, notes);
        return structuredClone([...seen.values()].flat());
      },
      write: (notes) => {
        if (notes.length === 0) this.#notes.delete(pad);
        else this.#notes.set(pad, structuredClone(notes));
      },
      clear: () => {
        for (const [owner, notes] of seen) if (this.#notes.get(owner) === notes) this.#notes.delete(owner);
      },
    };
    return pad;
  }
}
