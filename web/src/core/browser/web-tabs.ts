// Tabs of one origin: a Web Lock says who leads, a BroadcastChannel carries what they tell each other.
//
// The browser gives the lock to the next tab when the leader is closed or crashes, so nobody has to watch anybody.
// Without locks (a page over plain http that is not on this machine) every tab leads itself: that is safe, because the
// server knows each command by its number, but each tab then has a connection of its own.

import { NoTabs, type TabMessage, type Tabs } from "../tabs.ts";

export function webTabs(name = "tidings"): Tabs {
  const isPossible = "locks" in navigator && typeof BroadcastChannel === "function";
  return isPossible ? new WebTabs(name) : new NoTabs();
}

class WebTabs implements Tabs {
  readonly #name: string;
  readonly #channel: BroadcastChannel;
  readonly #closed = new AbortController();
  #release: (() => void) | null = null;

  constructor(name: string) {
    this.#name = name;
    this.#channel = new BroadcastChannel(name);
  }

  lead(begin: () => void): void {
    const hold = (): Promise<void> => {
      if (this.#closed.signal.aborted) return Promise.resolve();
      const held = new Promise<void>((release) => (this.#release = release));
      begin();
      return held;
    };
    // Rejected when the tab is closed before it ever led.
    navigator.locks.request(`${this.#name} leader`, { signal: this.#closed.signal }, hold).catch(() => undefined);
  }

  post(message: TabMessage): void {
    if (!this.#closed.signal.aborted) this.#channel.postMessage(message);
  }

  listen(heard: (message: TabMessage) => void): void {
    // Only pages of this origin and version speak on this channel.
    this.#channel.onmessage = (event: MessageEvent<TabMessage>) => heard(event.data);
  }

  close(): void {
    this.#closed.abort();
    this.#release?.();
    this.#channel.close();
  }
}
