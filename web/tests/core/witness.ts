// Sees what becomes of the changes of the outbox that one tab is told of: whether it applies them, or has to read all.

import type { Generation, OutboxPart, Store } from "../../src/core/store.ts";
import type { TabMessage, Tabs } from "../../src/core/tabs.ts";

export type Sight =
  | "a difference of the outbox was applied"
  | "a difference was known already"
  | "a difference was made from a version that is not known"
  | "a difference was made from a device that is not known"
  | "a commit was told after a version that is not known"
  | "a page of an earlier version has changed the outbox"
  | "a tab heard a leader without a number"
  | "a tab heard a leader without a number after a later one";

export class Witness {
  readonly #sees: (sight: Sight) => void;
  /** Of the outbox, as this tab knows it. */
  #version = -1;
  #begun = 0;
  /** The latest leader that it has heard. */
  #leader = 0;
  /** Until the chat is there, and while anything is read, what is told has to wait. */
  #reading = 1;
  #committing = 0;

  constructor(sees: (sight: Sight) => void) {
    this.#sees = sees;
  }

  /** Whether the tab waits for a commit. */
  get isCommitting(): boolean {
    return this.#committing > 0;
  }

  /** Whether the tab has read the outbox once. */
  get isRead(): boolean {
    return this.#version >= 0;
  }

  isThere(): void {
    this.#reading -= 1;
  }

  store(store: Store): Store {
    return {
      lead: (isWanted) => store.lead(isWanted),
      load: () => this.#reads(store.load(), ({ outbox }) => outbox),
      outbox: () => this.#reads(store.outbox(), (outbox) => outbox),
      outboxVersion: () => store.outboxVersion(),
      changeOutbox: async (look, change, durability, leader) => {
        const changed = await store.changeOutbox(look, change, durability, leader);
        this.#knows(changed.difference.version);
        return changed;
      },
      commit: async (changes, leader) => {
        this.#committing += 1;
        try {
          const committed = await store.commit(changes, leader);
          this.#knows(committed.version ?? -1);
          return committed;
        } finally {
          this.#committing -= 1;
        }
      },
      bind: (session) => store.bind(session),
      close: () => store.close(),
    };
  }

  tabs(tabs: Tabs): Tabs {
    return {
      areExclusive: tabs.areExclusive,
      lead: (begin, end) => tabs.lead(begin, end),
      takeOver: () => tabs.takeOver(),
      post: (message) => tabs.post(message),
      listen: (heard) => tabs.listen((message) => this.#hears(message, heard)),
      close: () => tabs.close(),
    };
  }

  #hears(message: TabMessage, heard: (message: TabMessage) => void): void {
    if ("leader" in message) this.#follows(message.leader);
    const { version } = message.kind === "outbox" ? (message.difference ?? {}) : message.kind === "kept" ? message : {};
    const [begun, isWaiting, known] = [this.#begun, this.#reading > 0, this.#version];
    heard(message);
    if (isWaiting) return;
    const isRead = this.#begun > begun;
    if (message.kind === "outbox" && message.difference === undefined) return this.#sees("a page of an earlier version has changed the outbox");
    if (version === undefined || version === null) return;
    if (!isRead) this.#knows(version);
    if (message.kind === "kept") {
      if (isRead && version > known + 1) this.#sees("a commit was told after a version that is not known");
    } else if (isRead) {
      this.#sees(version > known + 1 ? "a difference was made from a version that is not known" : "a difference was made from a device that is not known");
    } else {
      this.#sees(version > known ? "a difference of the outbox was applied" : "a difference was known already");
    }
  }

  #follows(leader: Generation): void {
    if (!Number.isInteger(leader)) this.#sees(leader < this.#leader ? "a tab heard a leader without a number after a later one" : "a tab heard a leader without a number");
    this.#leader = Math.max(this.#leader, leader);
  }

  async #reads<T>(read: Promise<T>, outboxOf: (read: T) => OutboxPart): Promise<T> {
    this.#begun += 1;
    this.#reading += 1;
    try {
      const done = await read;
      this.#knows(outboxOf(done).version);
      return done;
    } finally {
      this.#reading -= 1;
    }
  }

  #knows(version: number): void {
    this.#version = Math.max(this.#version, version);
  }
}

/** As a page of the version before shares a browser: it tells that the outbox has changed, and not how. */
export function terse(tabs: Tabs): Tabs {
  const stripped = (message: TabMessage): TabMessage => {
    if (message.kind === "outbox") return { kind: "outbox" };
    if (message.kind !== "kept") return message;
    const { version: _, ...kept } = message;
    return kept;
  };
  return {
    areExclusive: tabs.areExclusive,
    lead: (begin, end) => tabs.lead(begin, end),
    takeOver: () => tabs.takeOver(),
    post: (message) => tabs.post(stripped(message)),
    listen: (heard) => tabs.listen((message) => heard(stripped(message))),
    close: () => tabs.close(),
  };
}
