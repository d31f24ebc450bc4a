// What a browser gives its pages and Node does not have: locks, `localStorage`, a window that can be hidden, and an address.

import { afterEach } from "vitest";

interface Asking {
  readonly work: (lock: { readonly name: string } | null) => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

const aborted = (): Error => new DOMException("aborted", "AbortError");

/** Exclusive locks, as `navigator.locks` has them. */
class Locks {
  readonly #held = new Map<string, Asking>();
  readonly #waiting = new Map<string, Asking[]>();

  request(name: string, how: LockOptions, work: Asking["work"]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const asking = { work, resolve, reject };
      if (how.signal?.aborted === true) return reject(aborted());
      if (how.ifAvailable === true && (this.#held.has(name) || this.#queue(name).length > 0)) return resolve(work(null));
      if (how.steal === true) {
        this.#held.get(name)?.reject(aborted());
        this.#held.delete(name);
        this.#queue(name).unshift(asking);
      } else {
        this.#queue(name).push(asking);
        how.signal?.addEventListener("abort", () => this.#leave(name, asking));
      }
      queueMicrotask(() => this.#grant(name));
    });
  }

  #queue(name: string): Asking[] {
    const queue = this.#waiting.get(name) ?? [];
    this.#waiting.set(name, queue);
    return queue;
  }

  #leave(name: string, asking: Asking): void {
    const queue = this.#queue(name);
    if (!queue.includes(asking)) return;
    queue.splice(queue.indexOf(asking), 1);
    asking.reject(aborted());
  }

  #grant(name: string): void {
    if (this.#held.has(name)) return;
    const asking = this.#queue(name).shift();
    if (asking === undefined) return;
    this.#held.set(name, asking);
    const done = (): void => {
      if (this.#held.get(name) !== asking) return;
      this.#held.delete(name);
      this.#grant(name);
    };
    void Promise.resolve(asking.work({ name })).then(asking.resolve, asking.reject).finally(done);
  }
}

/** As `localStorage`: what is written are its own properties. */
export class Kept {
  getItem(name: string): string | null {
    return Object.hasOwn(this, name) ? String(Reflect.get(this, name)) : null;
  }

  setItem(name: string, value: string): void {
    Reflect.set(this, name, value);
  }

  removeItem(name: string): void {
    Reflect.deleteProperty(this, name);
  }
}

const replaced = new Map<string, PropertyDescriptor | undefined>();

/** Until the end of the test. */
export function give(name: string, value: unknown): void {
  if (!replaced.has(name)) replaced.set(name, Object.getOwnPropertyDescriptor(globalThis, name));
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}

afterEach(() => {
  for (const [name, before] of replaced) {
    if (before === undefined) Reflect.deleteProperty(globalThis, name);
    else Object.defineProperty(globalThis, name, before);
  }
  replaced.clear();
});

const userAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

export const giveLocks = (): void => give("navigator", { userAgent, locks: new Locks() });

/** One without locks, as on a page that came without TLS. */
export const giveNoLocks = (): void => give("navigator", { userAgent });

/** A page on the screen. */
export class Page {
  readonly window = new EventTarget();
  readonly document = Object.assign(new EventTarget(), { visibilityState: "visible" });

  constructor(origin: string) {
    give("window", this.window);
    give("document", this.document);
    give("location", { origin });
  }

  becomes(visibilityState: "visible" | "hidden"): void {
    this.document.visibilityState = visibilityState;
    this.document.dispatchEvent(new Event("visibilitychange"));
  }
}

/** Everything that was said on a channel or asked of a lock by now is done. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setTimeout(resolve, 0));
}
