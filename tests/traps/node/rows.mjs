// The messages of the Node server: rows with ascending ids and unique keys, flushed by the thread pool.
//
// It stands in for a database driver whose package comes without a binary. As with such a driver, each insert is on
// its own: its id is given at once, and its promise resolves when its flush happens to be done.

import { closeSync, fsync, mkdtempSync, openSync, rmSync, write } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class Rows {
  rows = [];
  #keys = new Set();

  constructor() {
    const folder = mkdtempSync(join(tmpdir(), "tidings-traps-"));
    this.file = openSync(join(folder, "rows"), "w");
    process.on("exit", () => {
      closeSync(this.file);
      rmSync(folder, { recursive: true });
    });
  }

  async insert(text, key) {
    if (typeof text === "object" && text !== null) throw new Error("this cannot be bound to a column");
    if (key !== undefined && key !== null && this.#keys.has(key)) throw Object.assign(new Error("the key is taken"), { taken: true });
    this.#keys.add(key);
    const id = this.rows.push({ id: this.rows.length + 1, text });
    await new Promise((resolve) => write(this.file, `${id}\n`, () => fsync(this.file, resolve)));
    return id;
  }

  /** So many rows behind an id. */
  async page(after, count = 20) {
    await new Promise((resolve) => setImmediate(resolve));
    return this.rows.slice(after, after + count);
  }
}

/** The rows of the first process, asked over its channel. */
export class RemoteRows {
  #calls = new Map();
  #last = 0;

  constructor() {
    process.on("message", ({ call, value, error, taken }) => {
      const waiting = this.#calls.get(call);
      if (waiting === undefined) return;
      this.#calls.delete(call);
      if (error === undefined) waiting.resolve(value);
      else waiting.reject(Object.assign(new Error(error), { taken }));
    });
  }

  insert(...args) {
    return this.#ask("insert", args);
  }

  page(...args) {
    return this.#ask("page", args);
  }

  #ask(method, args) {
    return new Promise((resolve, reject) => {
      this.#last += 1;
      this.#calls.set(this.#last, { resolve, reject });
      process.send({ call: this.#last, method, args });
    });
  }
}
