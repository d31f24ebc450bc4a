// A tab that can die between any two steps: what it does to the store and to the network is counted, and after its last
// step nothing of it happens any more, as if the process had been killed. It can be frozen too, as browsers do with pages in the
// background: then nothing in it happens until it wakes, and all that came meanwhile comes at once.

import type { ChatOptions } from "../../src/core/chat.ts";
import type { SetTimer, Transport, TransportEvents } from "../../src/core/ports.ts";
import type { Change, Changed, Committed, Durability, Generation, Look, OutboxChange, OutboxPart, SessionRecord, Snapshot, Store } from "../../src/core/store.ts";
import type { TabMessage, Tabs } from "../../src/core/tabs.ts";
import type { Auth } from "../../src/core/wire.ts";
import { settled } from "./virtual-clock.ts";

const NEVER = new Promise<never>(() => undefined);

export class Life {
  steps = 0;
  isOver = false;
  readonly #last: number;
  readonly #ends: (() => void)[] = [];
  #held: (() => void)[] | null = null;

  /** Ends after so many steps. */
  constructor(last = Infinity) {
    this.#last = last;
  }

  step(): void {
    this.steps += 1;
    if (this.steps >= this.#last) this.end();
  }

  get isFrozen(): boolean {
    return this.#held !== null;
  }

  /** Something happens in the tab: now, when it wakes, or never. */
  run(act: () => void): void {
    if (this.isOver) return;
    if (this.#held === null) act();
    else this.#held.push(act);
  }

  freeze(): void {
    this.#held ??= [];
  }

  async thaw(): Promise<void> {
    for (let act = this.#held?.shift(); act !== undefined; act = this.#held?.shift()) {
      if (!this.isOver) act();
      await settled();
    }
    this.#held = null;
  }

  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    for (const end of this.#ends) end();
  }

  atEnd(end: () => void): void {
    this.#ends.push(end);
  }

  /** The same options, for a tab that lives this life. */
  options(options: ChatOptions): ChatOptions {
    const { setTimer, transport, tabs } = options;
    return {
      ...options,
      store: new MortalStore(this, options.store),
      ...(setTimer === undefined ? {} : { setTimer: this.#timer(setTimer) }),
      ...(transport === undefined ? {} : { transport: () => new MortalTransport(this, transport()) }),
      ...(tabs === undefined ? {} : { tabs: new MortalTabs(this, tabs) }),
    };
  }

  #timer(setTimer: SetTimer): SetTimer {
    return (milliseconds, due) => {
      // A timer that was due while the tab was frozen can still be cancelled when it wakes.
      let isCancelled = false;
      const cancel = setTimer(milliseconds, () => this.run(() => isCancelled || due()));
      return () => {
        isCancelled = true;
        cancel();
      };
    };
  }
}

class MortalStore implements Store {
  readonly #life: Life;
  readonly #store: Store;

  constructor(life: Life, store: Store) {
    this.#life = life;
    this.#store = store;
  }

  lead(isWanted: () => boolean): Promise<Generation | null> {
    return this.#live(() => this.#store.lead(isWanted));
  }

  load(): Promise<Snapshot> {
    return this.#live(() => this.#store.load());
  }

  outbox(): Promise<OutboxPart> {
    return this.#live(() => this.#store.outbox());
  }

  outboxVersion(): Promise<number> {
    return this.#live(() => this.#store.outboxVersion());
  }

  changeOutbox<T>(look: Look, change: (part: OutboxPart) => OutboxChange<T>, durability?: Durability, leader?: Generation | null): Promise<Changed<T>> {
    return this.#live(() => this.#store.changeOutbox(look, change, durability, leader));
  }

  commit(changes: readonly Change[], leader: Generation | null): Promise<Committed> {
    return this.#live(() => this.#store.commit(changes, leader));
  }

  bind(session: SessionRecord): Promise<SessionRecord> {
    return this.#live(() => this.#store.bind(session));
  }

  close(): void {}

  async #live<T>(operation: () => Promise<T>): Promise<T> {
    if (this.#life.isOver) return NEVER;
    const done = await operation().then(
      (result) => () => result,
      (error: unknown) => () => {
        throw error;
      },
    );
    this.#life.step();
    await new Promise<void>((resolve) => this.#life.run(resolve));
    return done();
  }
}

class MortalTransport implements Transport {
  readonly #life: Life;
  readonly #transport: Transport;

  constructor(life: Life, transport: Transport) {
    this.#life = life;
    this.#transport = transport;
    life.atEnd(() => transport.close());
  }

  open(events: TransportEvents, auth: () => Promise<Auth>): void {
    this.#transport.open(
      {
        connected: () => this.#live(() => events.connected()),
        disconnected: () => this.#live(() => events.disconnected()),
        refused: (code, reason) => this.#live(() => events.refused(code, reason)),
        event: (name, payload) => this.#live(() => events.event(name, payload)),
        moved: () => this.#live(() => events.moved()),
      },
      () => new Promise((resolve) => this.#life.run(() => void auth().then(resolve))),
    );
  }

  emit(name: string, payload: object, answered?: (value: unknown) => void): void {
    const heard = answered === undefined ? undefined : (value: unknown) => this.#live(() => answered(value));
    this.#live(() => this.#transport.emit(name, payload, heard));
  }

  welcomed(): void {
    this.#live(() => this.#transport.welcomed());
  }

  interrupt(): void {
    this.#live(() => this.#transport.interrupt());
  }

  hurry(): void {
    this.#live(() => this.#transport.hurry());
  }

  nudge(): void {
    this.#live(() => this.#transport.nudge());
  }

  close(): void {
    this.#transport.close();
  }

  #live(act: () => void): void {
    this.#life.run(() => {
      act();
      this.#life.step();
    });
  }
}

class MortalTabs implements Tabs {
  readonly #life: Life;
  readonly #tabs: Tabs;

  constructor(life: Life, tabs: Tabs) {
    this.#life = life;
    this.#tabs = tabs;
    life.atEnd(() => tabs.close());
  }

  get areExclusive(): boolean {
    return this.#tabs.areExclusive;
  }

  lead(begin: () => void, end: () => void): void {
    this.#tabs.lead(
      () => this.#life.run(begin),
      () => this.#life.run(end),
    );
  }

  takeOver(): void {
    if (!this.#life.isOver) this.#tabs.takeOver();
  }

  post(message: TabMessage): void {
    if (!this.#life.isOver) this.#tabs.post(message);
  }

  listen(heard: (message: TabMessage) => void): void {
    this.#tabs.listen((message) => this.#life.run(() => heard(message)));
  }

  close(): void {
    this.#tabs.close();
  }
}
