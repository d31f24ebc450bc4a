// Messages from other tabs, in their order. While this tab reads the store, they wait: they depend on what is being
// read (the message of a command on its number), and reading would overwrite them.
//
// Heartbeats of the leader do not concern the store, and are not handled here.

import { batch } from "@preact/signals-core";
import type { TabMessage } from "./tabs.ts";

export class Hearing {
  readonly #heard: (message: TabMessage) => void;
  #waiting: (TabMessage | (() => void))[] = [];
  #readings = 0;

  constructor(heard: (message: TabMessage) => void) {
    this.#heard = heard;
  }

  hear(message: TabMessage): void {
    if (this.#readings > 0) this.#waiting.push(message);
    else this.#heard(message);
  }

  /** Does it when all that was told before is heard. */
  afterwards(act: () => void): void {
    if (this.#readings > 0) this.#waiting.push(act);
    else act();
  }

  /** Something of the store is read from now on. */
  begin(): void {
    this.#readings += 1;
  }

  /** It is read. Something that is told may have to be read first again. */
  end(): void {
    this.#readings -= 1;
    if (this.#readings > 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    // One reading of the outbox is enough for all changes that were told without a difference.
    const first = waiting.findIndex(isRead);
    // In one go: what was read may be newer than what is told, until all of it is heard.
    batch(() => {
      for (const [index, next] of waiting.entries()) {
        if (typeof next === "function") this.afterwards(next);
        else if (!isRead(next) || index === first) this.hear(next);
      }
    });
  }
}

const isRead = (waiting: TabMessage | (() => void)): boolean => "kind" in waiting && waiting.kind === "outbox" && waiting.difference === undefined;
