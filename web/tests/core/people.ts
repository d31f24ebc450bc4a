// People with chats, against a model server, in virtual time.

import type { PaceBounds } from "../../src/core/pace.ts";
import { createChat, type ChatOptions } from "../../src/core/chat.ts";
import type { ChatClient, RoomView, Row } from "../../src/core/facade.ts";
import type { Transport } from "../../src/core/ports.ts";
import { redeem } from "../../src/core/redeem.ts";
import { MemoryDisk, MemoryStore } from "../../src/core/store-memory.ts";
import { ModelServer, type Weather } from "./model-server.ts";
import { Chance, VirtualClock } from "./virtual-clock.ts";

export const LOBBY = 1;

export class World {
  readonly clock = new VirtualClock();
  readonly chance: Chance;
  readonly server: ModelServer;

  constructor(seed = 1, weather?: Weather, behindMax?: number, pace?: PaceBounds) {
    this.chance = new Chance(seed);
    this.server = new ModelServer({
      now: this.clock.now,
      setTimer: this.clock.setTimer,
      random: this.chance.next,
      ...(pace === undefined ? {} : { pace }),
      ...(weather === undefined ? {} : { weather }),
      ...(behindMax === undefined ? {} : { behindMax }),
    });
  }

  options(options: Partial<ChatOptions> = {}): ChatOptions {
    return {
      store: new MemoryStore(new MemoryDisk()),
      transport: () => this.server.transport(),
      now: this.clock.now,
      setTimer: this.clock.setTimer,
      random: this.chance.next,
      randomId: () => this.chance.id(),
      ...options,
    };
  }

  chat(options: Partial<ChatOptions> = {}): Promise<ChatClient> {
    return createChat(this.options(options));
  }

  /** Another device of somebody, by a link of theirs. */
  async device(code: string, disk = new MemoryDisk()): Promise<ChatClient> {
    const redeemed = await this.does(redeem(code, this.server.transport(), this.clock.setTimer));
    if (!redeemed.ok) throw new Error(redeemed.code);
    const store = new MemoryStore(disk);
    await store.bind(redeemed.session);
    return this.chat({ store });
  }

  /** Somebody who is online and has a name. */
  async person(name: string, options: Partial<ChatOptions> = {}): Promise<ChatClient> {
    const chat = await this.chat(options);
    await this.online(chat);
    await this.does(chat.setName(name));
    return chat;
  }

  online(chat: ChatClient): Promise<void> {
    return this.clock.until(() => chat.connection.value.state === "online", "the connection");
  }

  /** Lets time pass until a promise is kept. */
  async does<T>(promise: Promise<T>): Promise<T> {
    let done = false;
    void promise.finally(() => (done = true));
    await this.clock.until(() => done, "an answer");
    return promise;
  }
}

/** The same transport, and what leaves through it is written down. */
export const recorded = (transport: Transport, sent: (event: string, payload: object) => void): Transport => ({
  open: (events, auth) => transport.open(events, auth),
  emit: (event, payload, answered) => {
    sent(event, payload);
    transport.emit(event, payload, answered);
  },
  welcomed: () => transport.welcomed(),
  interrupt: () => transport.interrupt(),
  hurry: () => transport.hurry(),
  nudge: () => transport.nudge(),
  close: () => transport.close(),
});

/** The same transport, which tells what is given to it while there is no connection: that is lost, and nobody hears of it. */
export function attentive(transport: Transport, lost: (event: string) => void): Transport {
  let isConnected = false;
  return {
    ...recorded(transport, (event) => isConnected || lost(event)),
    open: (events, auth) =>
      transport.open(
        {
          ...events,
          connected: () => {
            isConnected = true;
            events.connected();
          },
          disconnected: () => {
            isConnected = false;
            events.disconnected();
          },
        },
        auth,
      ),
  };
}

export const texts = (view: RoomView): readonly string[] =>
  view.rows.value.flatMap((row) => (row.kind === "message" || row.kind === "pending" ? [row.text] : []));

export const rowsOf = <K extends Row["kind"]>(view: RoomView, kind: K): readonly Extract<Row, { kind: K }>[] =>
  view.rows.value.filter((row): row is Extract<Row, { kind: K }> => row.kind === kind);
