// Tabs of one origin: a Web Lock decides who leads, and a BroadcastChannel carries their messages.
//
// When the leader is closed or crashes, the browser gives the lock to the next tab; if the leader hangs, another tab
// steals it. Without locks (a page over plain http from another machine) every tab leads itself. That is safe, because
// the server knows each command by its number, but each tab then has its own connection.

import { NoTabs, type TabMessage, type Tabs } from "../tabs.ts";

export function webTabs(name = "tidings"): Tabs {
  const isPossible = "locks" in navigator && typeof BroadcastChannel === "function";
  if (isPossible) return new WebTabs(name);
  return typeof BroadcastChannel === "function" ? new LoneTabs(name) : new NoTabs();
}

export const leaderLock = (name: string): string => `${name} leader`;

/** Where pages without locks tell that they have a store open, to whom asks. */
export const useOf = (name: string): BroadcastChannel => new BroadcastChannel(`${name} use`);
export const ASKED = "?";

/** Without locks: it only tells that it is there, as long as it is. */
class LoneTabs extends NoTabs {
  readonly #channel: BroadcastChannel;

  constructor(name: string) {
    super();
    const channel = (this.#channel = useOf(name));
    channel.onmessage = ({ data }) => data === ASKED && channel.postMessage("");
  }

  override close(): void {
    this.#channel.close();
  }
}

class WebTabs implements Tabs {
  readonly areExclusive = true;
  readonly #name: string;
  readonly #channel: BroadcastChannel;
  #begin: (() => void) | null = null;
  #end: (() => void) | null = null;
  #waiting: AbortController | null = null;
  #release: (() => void) | null = null;
  #isClosed = false;

  constructor(name: string) {
    this.#name = name;
    this.#channel = new BroadcastChannel(name);
  }

  lead(begin: () => void, end: () => void): void {
    this.#begin = begin;
    this.#end = end;
    const waiting = new AbortController();
    this.#waiting = waiting;
    this.#request({ signal: waiting.signal });
  }

  takeOver(): void {
    if (this.#release !== null) return;
    // It would get the lock once more when it gives it back.
    this.#waiting?.abort();
    this.#request({ steal: true });
  }

  post(message: TabMessage): void {
    if (!this.#isClosed) this.#channel.postMessage(message);
  }

  listen(heard: (message: TabMessage) => void): void {
    // Only pages of this origin and version speak on this channel.
    this.#channel.onmessage = (event: MessageEvent<TabMessage>) => heard(event.data);
  }

  close(): void {
    this.#isClosed = true;
    this.#waiting?.abort();
    this.#release?.();
    this.#channel.close();
  }

  #request(how: LockOptions): void {
    let isHeld = false;
    const hold = (): Promise<void> => {
      if (this.#isClosed || how.signal?.aborted === true) return Promise.resolve();
      isHeld = true;
      const held = new Promise<void>((release) => (this.#release = release));
      this.#begin?.();
      return held;
    };
    // Rejected when the tab is closed before it ever led, or when the lock is stolen.
    navigator.locks.request(leaderLock(this.#name), how, hold).catch(() => {
      if (!isHeld || this.#isClosed) return;
      this.#release = null;
      this.#end?.();
    });
  }
}
