// Waiting for something to become true, never for a time to pass.
//
// A deadline here only turns a hanging test into a failing one that says what it was waiting for.

import { EventEmitter } from "node:events";

export const PATIENCE_MS = 30_000;

/** The outcome of a promise, or a failure that names what did not happen. */
export async function within(promise, milliseconds, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${milliseconds} ms in vain for ${what}`)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Something that tells others when it has changed. */
export class Observable extends EventEmitter {
  constructor() {
    super();
    this.setMaxListeners(0);
  }

  changed() {
    this.emit("changed");
  }

  /** Waits until the condition holds; it is asked again after every change. */
  async until(condition, what, milliseconds = PATIENCE_MS) {
    let look;
    const held = new Promise((resolve, reject) => {
      look = () => {
        try {
          if (condition(this)) resolve();
        } catch (err) {
          reject(err);
        }
      };
      this.on("changed", look);
      look();
    });
    try {
      await within(held, milliseconds, what);
    } catch (err) {
      throw new Error(`${err.message}; it is ${JSON.stringify(this)}`.slice(0, 2_000));
    } finally {
      this.off("changed", look);
    }
  }
}
