// Drafts without a chat: a test sees each step of their store, and can hold it.

import { Drafts } from "../../src/core/drafts.ts";
import { Model } from "../../src/core/model.ts";
import { Outbox } from "../../src/core/outbox.ts";
import type { Notepad, World } from "../../src/core/ports.ts";
import { MemoryDisk, MemoryStore } from "../../src/core/store-memory.ts";
import type { Changed, DraftRecord, Durability, Look, OutboxChange, OutboxPart } from "../../src/core/store.ts";
import { Paper } from "./paper.ts";
import { VirtualClock } from "./virtual-clock.ts";

export const HERE = { room: 1 };
export const START = 1_000_000;

interface Step {
  readonly after: number;
  readonly durability: Durability | undefined;
}

class NotingStore extends MemoryStore {
  readonly steps: Step[] = [];
  isFull = false;
  /** What is written waits for it. */
  turn: Promise<void> = Promise.resolve();
  readonly #now: () => number;

  constructor(disk: MemoryDisk, now: () => number) {
    super(disk);
    this.#now = now;
  }

  override async changeOutbox<T>(look: Look, change: (part: OutboxPart) => OutboxChange<T>, durability?: Durability): Promise<Changed<T>> {
    this.steps.push({ after: this.#now() - START, durability });
    await this.turn;
    if (this.isFull) throw new Error("no room");
    return super.changeOutbox(look, change, durability);
  }

  /** Writes nothing from here on. Gives back how to let it go on. */
  hold(): () => void {
    let go = (): void => undefined;
    this.turn = new Promise((resolve) => (go = resolve));
    return go;
  }
}

export class Desk {
  readonly disk = new MemoryDisk();
  readonly clock = new VirtualClock();
  readonly store = new NotingStore(this.disk, this.clock.now);
  readonly paper: Notepad;
  readonly outbox: Outbox;
  readonly drafts: Drafts;

  constructor(id = "8000", paper: Notepad = new Paper().pad()) {
    this.paper = paper;
    const world: World = { now: this.clock.now, setTimer: this.clock.setTimer, random: () => 0, randomId: () => id, isWatched: () => true };
    const model = new Model();
    const outbox = (this.outbox = new Outbox(model, this.store, world, { changed: () => undefined, reading: () => undefined, read: () => this.drafts.refresh() }));
    this.drafts = new Drafts(model, outbox, world, paper);
  }

  /** When it wrote something. */
  get steps(): readonly number[] {
    return this.store.steps.map(({ after }) => after);
  }

  get kept(): DraftRecord | undefined {
    return this.disk.drafts.get("1");
  }
}
