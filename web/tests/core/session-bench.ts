// A session whose connection is the test, for tests that name each thing which goes over it.

import { Ledger } from "../../src/core/ledger.ts";
import { Model } from "../../src/core/model.ts";
import { enqueue } from "../../src/core/numbering.ts";
import type { Transport, TransportEvents } from "../../src/core/ports.ts";
import type { PresenceState } from "../../src/core/presence.ts";
import { Session } from "../../src/core/session.ts";
import { MemoryStore } from "../../src/core/store-memory.ts";
import type { Change } from "../../src/core/store.ts";
import type { Auth, Command } from "../../src/core/wire.ts";
import { settled, VirtualClock } from "./virtual-clock.ts";

export const ADA = { user: "ada", name: "ada" };
export const LOBBY = { room: 1, kind: "public", name: "Lobby", topic: "", seq: 3, rev: 3, joined: true, read: 0, members: 2 };
export const WELCOME = { server: "s", user: ADA, owner: false, token: "token", cursor: "c1", resumed: false, reset: false, rooms: [LOBBY], online: 1 };

interface Sent {
  readonly name: string;
  readonly payload: object;
  readonly at: number;
  readonly answer: (value: unknown) => void;
}

/** A session whose connection is the test. */
export class Bench {
  readonly clock = new VirtualClock();
  readonly model = new Model();
  readonly sent: Sent[] = [];
  /** What was told, in order. */
  readonly told: string[] = [];
  readonly presence: PresenceState[] = [];
  readonly #store: MemoryStore;
  readonly ledger: Ledger;
  #events: TransportEvents | null = null;
  #auth: (() => Promise<Auth>) | null = null;
  readonly #transport: Transport = {
    open: (events, auth) => {
      this.#events = events;
      this.#auth = auth;
    },
    emit: (name, payload, answer = () => undefined) => this.sent.push({ name, payload, at: this.clock.now(), answer }),
    welcomed: () => this.told.push("welcomed"),
    interrupt: () => this.told.push("interrupt"),
    hurry: () => this.told.push("hurry"),
    nudge: () => this.told.push("nudge"),
    close: () => this.told.push("close"),
  };
  readonly session: Session;

  constructor(store = new MemoryStore(), label?: string) {
    this.#store = store;
    this.ledger = new Ledger(this.model, store, null, { kept: () => this.session.settle(), deposed: () => undefined });
    const world = { now: this.clock.now, setTimer: this.clock.setTimer, randomId: () => "mine", random: () => 0.5, isWatched: () => true, ...(label === undefined ? {} : { label }) };
    this.session = new Session(this.model, this.ledger, this.#transport, world, {
      connection: (state, reason) => this.told.push(reason === undefined ? state : `${state} (${reason})`),
      presence: (state) => this.presence.push(state),
      typing: (room, who) => this.told.push(`${who.user} types in ${room}`),
      typingStopped: (room, who) => this.told.push(`${who.user} stopped in ${room}`),
      result: (id, result) => this.told.push(`${id}: ${result.ok ? `ok in ${result.room}` : result.code}`),
      changeOutbox: async (look, change) => {
        const { result } = await this.#store.changeOutbox(look, change);
        this.model.setOutbox(await this.#store.outbox());
        return result;
      },
      bind: (session) => this.#store.bind(session),
    });
  }

  async online(welcome: object = WELCOME): Promise<this> {
    this.session.start();
    await settled();
    await this.connect(welcome);
    // Whoever is there is asked for at once.
    this.answer("who", { ok: true, online: [ADA], count: 1, more: false });
    await settled();
    this.sent.length = this.told.length = this.presence.length = 0;
    return this;
  }

  auth(): Promise<Auth> | undefined {
    return this.#auth?.();
  }

  async connect(welcome: object): Promise<void> {
    await this.auth();
    this.#events?.connected();
    await this.hear("welcome", welcome);
  }

  async hear(name: string, payload: object): Promise<void> {
    this.#events?.event(name, payload);
    await settled();
  }

  refuse(code: string, reason?: string): void {
    this.#events?.refused(code, reason);
  }

  cut(): void {
    this.#events?.disconnected();
  }

  moved(): void {
    this.#events?.moved();
  }

  answer(name: string, value: unknown): void {
    this.sent.findLast((sent) => sent.name === name)?.answer(value);
  }

  async apply(...changes: readonly Change[]): Promise<void> {
    await this.ledger.submit((apply) => apply(changes));
  }

  async put(command: Command): Promise<void> {
    await this.#store.changeOutbox({}, (state) => enqueue(state, command, 0, "mine"));
    this.model.setOutbox(await this.#store.outbox());
  }

  names(but: readonly string[] = ["unread"]): readonly string[] {
    return this.sent.flatMap(({ name }) => (but.includes(name) ? [] : [name]));
  }

  /** When something was sent, after the first time. */
  times(name: string): readonly number[] {
    const all = this.sent.filter((sent) => sent.name === name).map(({ at }) => at);
    return all.map((at) => at - (all[0] ?? 0));
  }
}

/** Nobody has unread messages, so nobody asks. */
export const quiet = { ...WELCOME, rooms: [{ ...LOBBY, seq: 0 }] };
export const online = (): Promise<Bench> => new Bench().online(quiet);
