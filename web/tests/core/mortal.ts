// A tab that can die between any two steps: what it does to the store and to the network is counted, and after its last
// step nothing of it happens any more, as if the process had been killed.

import type { ChatOptions } from "../../src/core/chat.ts";
import type { SetTimer, Transport, TransportEvents } from "../../src/core/ports.ts";
import type { Change, Durability, OutboxChange, OutboxState, SessionRecord, Snapshot, Store } from "../../src/core/store.ts";
import type { TabMessage, Tabs } from "../../src/core/tabs.ts";
import type { Auth } from "../../src/core/wire.ts";

const NEVER = new Promise<never>(() => undefined);

export class Life {
  steps = 0;
  isOver = false;
  readonly #last: number;
  readonly #ends: (() => void)[] = [];

  /** Ends after so many steps. */
  constructor(last = Infinity) {
    this.#last = last;
  }

  step(): void {
    this.steps += 1;
    if (this.steps >= this.#last) this.end();
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
    return (milliseconds, due) =>
      setTimer(milliseconds, () => {
        if (!this.isOver) due();
      });
  }
}

class MortalStore implements Store {
  readonly #life: Life;
  readonly #store: Store;

  constructor(life: Life, store: Store) {
    this.#life = life;
    this.#store = store;
  }

  load(): Promise<Snapshot> {
    return this.#live(() => this.#store.load());
  }

  outbox(): Promise<OutboxState> {
    return this.#live(() => this.#store.outbox());
  }

  changeOutbox<T>(change: (state: OutboxState) => OutboxChange<T>, durability?: Durability): Promise<T> {
    return this.#live(() => this.#store.changeOutbox(change, durability));
  }

  commit(changes: readonly Change[]): Promise<void> {
    return this.#live(() => this.#store.commit(changes));
  }

  bind(session: SessionRecord): Promise<SessionRecord> {
    return this.#live(() => this.#store.bind(session));
  }

  close(): void {}

  async #live<T>(operation: () => Promise<T>): Promise<T> {
    if (this.#life.isOver) return NEVER;
    const result = await operation();
    this.#life.step();
    return this.#life.isOver ? NEVER : result;
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
        refused: (code) => this.#live(() => events.refused(code)),
        event: (name, payload) => this.#live(() => events.event(name, payload)),
        moved: () => this.#live(() => events.moved()),
      },
      auth,
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

  close(): void {
    this.#transport.close();
  }

  #live(act: () => void): void {
    if (this.#life.isOver) return;
    act();
    this.#life.step();
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

  lead(begin: () => void): void {
    this.#tabs.lead(() => {
      if (!this.#life.isOver) begin();
    });
  }

  post(message: TabMessage): void {
    if (!this.#life.isOver) this.#tabs.post(message);
  }

  listen(heard: (message: TabMessage) => void): void {
    this.#tabs.listen((message) => {
      if (!this.#life.isOver) heard(message);
    });
  }

  close(): void {
    this.#tabs.close();
  }
}
