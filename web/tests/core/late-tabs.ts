// Tabs that hear late, as those of a browser do: it puts what a tab is told and what a tab reads of the store in no order.

import type { SetTimer } from "../../src/core/ports.ts";
import type { TabMessage, Tabs } from "../../src/core/tabs.ts";

export class LateTabs implements Tabs {
  readonly #tabs: Tabs;
  readonly #setTimer: SetTimer;
  readonly #delay: () => number;
  #last: Promise<void> = Promise.resolve();
  #told: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(tabs: Tabs, setTimer: SetTimer, delay: () => number) {
    this.#tabs = tabs;
    this.#setTimer = setTimer;
    this.#delay = delay;
  }

  get areExclusive(): boolean {
    return this.#tabs.areExclusive;
  }

  lead(begin: () => void, end: () => void): void {
    this.#tabs.lead(begin, end);
  }

  takeOver(): void {
    this.#tabs.takeOver();
  }

  /** In the order of telling; what two tabs tell comes in no order. */
  post(message: TabMessage): void {
    const before = this.#told;
    const due = new Promise<void>((resolve) => this.#setTimer(this.#delay(), resolve));
    this.#told = due.then(() => before).then(() => this.#tabs.post(message));
  }

  /** In the order of telling. */
  listen(heard: (message: TabMessage) => void): void {
    this.#tabs.listen((message) => {
      const before = this.#last;
      const due = new Promise<void>((resolve) => this.#setTimer(this.#delay(), resolve));
      this.#last = due.then(() => before).then(() => {
        if (!this.#isClosed) heard(message);
      });
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#tabs.close();
  }
}
