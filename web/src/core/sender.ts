// Sends the outbox in order, some commands at a time, until each has its final answer.
//
// After every connect it sends all of them again under their old numbers; the server recognises repeats. The answer
// `expected` names the next number: sending continues from there. If that command is gone, all remaining ones move to a
// new device, as after a `conflict`. `storage_full` means later: one command tries again and again until there is room for
// all. It never guesses: a command without an answer has not failed.

import { renumbered, spoiled, unsent } from "./numbering.ts";
import type { Model } from "./model.ts";
import type { Transport, World } from "./ports.ts";
import type { Look, OutboxChange, OutboxPart, OutboxRow } from "./store.ts";
import type { Stored } from "./replies.ts";
import { payloadOf, readAck, type Ack, type Command } from "./wire.ts";

const WINDOW = 32;
const ANSWER_DEADLINE_MS = 15_000;
const DOUBT_MS = 3_000;
const AGAIN_MIN_MS = 50;
const AGAIN_MAX_MS = 5_000;

export interface SenderEvents {
  /** To be called back when the row is out of the outbox. */
  stored(row: OutboxRow, ack: Stored): Promise<void>;
  refused(row: OutboxRow, code: string): Promise<void>;
  /** Changes the outbox in the store, and here. */
  change<T>(look: Look, change: (part: OutboxPart) => OutboxChange<T>): Promise<T>;
  /** Answers take so long that the connection may be none. */
  doubted(): void;
  /** The server does not know commands that it had answered for good. */
  forgotten(): void;
  /** Whether the server has no room to store anything. */
  full(isFull: boolean): void;
}

export class Sender {
  readonly #model: Model;
  readonly #transport: Transport;
  readonly #world: World;
  readonly #events: SenderEvents;
  /** Sent on this connection and not answered. */
  readonly #flying = new Map<number, OutboxRow>();
  /** Answered, and not out of the outbox yet. */
  readonly #answered = new Set<number>();
  #open = false;
  #device = "";
  /** Counts the times that sending began anew: an older `expected` says nothing. */
  #round = 0;
  #moving = false;
  #isForgotten = false;
  #isFull = false;
  #pause = AGAIN_MIN_MS;
  #cancelPause: (() => void) | null = null;
  #cancelDeadline: (() => void) | null = null;
  #cancelDoubt: (() => void) | null = null;

  constructor(model: Model, transport: Transport, world: World, events: SenderEvents) {
    this.#model = model;
    this.#transport = transport;
    this.#world = world;
    this.#events = events;
  }

  /** The connection stands for this device. */
  open(device: string): void {
    this.#open = true;
    this.#device = device;
    this.#begin();
  }

  close(): void {
    this.#open = false;
    this.#round += 1;
    this.#moving = false;
    this.#isForgotten = this.#isFull = false;
    this.#flying.clear();
    this.#answered.clear();
    this.#stopTimers();
  }

  pump(): void {
    if (!this.#open || this.#moving || this.#cancelPause !== null) return;
    for (const row of unsent(this.#model.outbox)) {
      if (this.#flying.size >= (this.#isFull ? 1 : WINDOW)) break;
      if (this.#flying.has(row.id) || this.#answered.has(row.id)) continue;
      // The server would take it for a command of the device that this connection stands for.
      if (row.device !== this.#device) return this.#transport.interrupt();
      this.#send(row);
    }
    this.#watch();
  }

  #begin(): void {
    this.#round += 1;
    this.#flying.clear();
    this.#stopTimers();
    this.pump();
  }

  #send(row: OutboxRow): void {
    const round = this.#round;
    this.#flying.set(row.id, row);
    const command: Command = row.withdrawn === true ? { event: "skip" } : row.command;
    this.#transport.emit(command.event, payloadOf(command, row.n), (value) => {
      if (!this.#open) return;
      this.#answer(row, readAck(value), round);
    });
  }

  #answer(row: OutboxRow, ack: Ack, round: number): void {
    const isFull = ack.kind === "unread" && ack.code === "storage_full";
    if (ack.kind === "expected" || isFull) {
      if (round !== this.#round) return;
      if (this.#moving) return this.#landed(row);
      if (ack.kind === "expected") return this.#outOfTurn(row, ack.expected);
      this.#setFull(true);
      this.#round += 1;
      this.#stopDeadline();
      return this.#postpone();
    }
    if (this.#answered.has(row.id)) return;
    if (ack.kind !== "stored" && ack.code === "conflict") {
      if (round !== this.#round) return;
      this.#moving = true;
      return this.#landed(row);
    }
    this.#answered.add(row.id);
    this.#pause = AGAIN_MIN_MS;
    this.#setFull(false);
    this.#landed(row);
    void this.#finish(row, ack).finally(() => {
      this.#answered.delete(row.id);
      if (this.#moving) this.#move();
      else this.pump();
    });
  }

  #finish(row: OutboxRow, ack: Exclude<Ack, { readonly kind: "expected" }>): Promise<void> {
    if (ack.kind === "stored") return this.#events.stored(row, ack);
    if (ack.kind === "refused") return this.#events.refused(row, ack.code);
    if (ack.code === "no_device") {
      this.#transport.interrupt();
      return Promise.resolve();
    }
    return this.#change({ rows: [row.id] }, (state) => spoiled(state, row.id, ack.code));
  }

  /** The row needs no more answer on this connection. */
  #landed(row: OutboxRow): void {
    this.#flying.delete(row.id);
    this.#stopDeadline();
    if (this.#moving) this.#move();
    else this.pump();
    this.#watch();
  }

  #outOfTurn(row: OutboxRow, expected: number): void {
    this.#round += 1;
    this.#stopDeadline();
    const known = unsent(this.#model.outbox).some(({ n }) => n === expected);
    if (!known && expected < row.n) {
      // Those before it are in turn, and their answers are on their way.
      for (const [id, { n }] of this.#flying) if (n >= expected) this.#flying.delete(id);
      this.#moving = true;
      this.#isForgotten = true;
      this.#move();
      this.#watch();
      return;
    }
    this.#postpone();
  }

  #setFull(isFull: boolean): void {
    if (isFull !== this.#isFull) this.#events.full((this.#isFull = isFull));
  }

  /** The server could not store something for now, and tries of ours must not become a storm. */
  #postpone(): void {
    this.#flying.clear();
    this.#cancelPause = this.#world.setTimer(this.#pause, () => {
      this.#cancelPause = null;
      this.#begin();
    });
    this.#pause = Math.min(AGAIN_MAX_MS, this.#pause * 2);
  }

  /** To a new device, once it is known what became of all that is under way. A new connection has to name it. */
  #move(): void {
    if (!this.#open || this.#flying.size > 0 || this.#answered.size > 0) return;
    const device = this.#world.randomId();
    const leave = this.#isForgotten ? () => this.#events.forgotten() : () => this.#transport.interrupt();
    void this.#change({ rows: "all" }, (state) => renumbered(state, device), leave);
    this.#open = false;
  }

  /** What cannot be kept is tried again on the next connection. */
  #change(look: Look, change: (part: OutboxPart) => OutboxChange<void>, then?: () => void): Promise<void> {
    return this.#events.change(look, change).then(then, () => this.#transport.interrupt());
  }

  #watch(): void {
    if (this.#flying.size === 0) return this.#stopDeadline();
    this.#cancelDeadline ??= this.#world.setTimer(ANSWER_DEADLINE_MS, () => {
      this.#cancelDeadline = null;
      this.#transport.interrupt();
    });
    this.#cancelDoubt ??= this.#world.setTimer(DOUBT_MS, () => this.#events.doubted());
  }

  #stopDeadline(): void {
    this.#cancelDeadline?.();
    this.#cancelDeadline = null;
    this.#cancelDoubt?.();
    this.#cancelDoubt = null;
  }

  #stopTimers(): void {
    this.#stopDeadline();
    this.#cancelPause?.();
    this.#cancelPause = null;
  }
}
