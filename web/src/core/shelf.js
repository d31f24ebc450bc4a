// The small store that outlives the page.
//
// `write` returns only when the value is kept, and throws when it cannot be. Each value has a name of its own,
// so that two tabs never overwrite each other's changes.
/** For browsers that refuse to keep anything: works until the page is reloaded. */
export class MemoryShelf {
    #values = new Map();
    names() {
        return [...this.#values.keys()];
    }
    read(name) {
        return this.#values.get(name) ?? null;
    }
    write(name, value) {
        this.#values.set(name, value);
    }
    remove(name) {
        this.#values.delete(name);
    }
}
