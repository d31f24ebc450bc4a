// The events of the official client's objects, shorter than its own: the build puts it in the place of
// `@socket.io/component-emitter`. Does the same with all that the client calls.

type Listener = ((this: Emitter, ...told: unknown[]) => void) & { fn?: Listener };

export class Emitter {
  readonly #listeners = new Map<string, readonly Listener[]>();

  on(event: string, listener: Listener): this {
    this.#listeners.set(event, [...this.listeners(event), listener]);
    return this;
  }

  once(event: string, listener: Listener): this {
    const once: Listener = (...told) => {
      this.off(event, once);
      listener.apply(this, told);
    };
    once.fn = listener;
    return this.on(event, once);
  }

  /** One listener, or all of an event, or all. */
  off(event?: string, listener?: Listener): this {
    if (event === undefined) this.#listeners.clear();
    else if (listener === undefined) this.#listeners.delete(event);
    else {
      const listeners = this.listeners(event);
      const place = listeners.findIndex((known) => known === listener || known.fn === listener);
      if (place >= 0) this.#listeners.set(event, listeners.toSpliced(place, 1));
    }
    return this;
  }

  removeListener(event: string, listener: Listener): this {
    return this.off(event, listener);
  }

  removeAllListeners(event?: string): this {
    return this.off(event);
  }

  /** Where `emit` means the other end, this one still means the listeners here. */
  emitReserved(event: string, ...told: unknown[]): this {
    for (const listener of this.listeners(event)) listener.apply(this, told);
    return this;
  }

  emit(event: string, ...told: unknown[]): this {
    return this.emitReserved(event, ...told);
  }

  listeners(event: string): readonly Listener[] {
    return this.#listeners.get(event) ?? [];
  }

  hasListeners(event: string): boolean {
    return this.listeners(event).length > 0;
  }
}
