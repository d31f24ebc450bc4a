// The commands of this tab: they go into the shared outbox, and their final answers come back.
//
// Every change of the outbox is one transaction of the store, which returns the difference: the rows that the change
// wrote, and the version that it made. The other tabs are told the difference; a tab with the version before applies
// it. A tab reads the whole outbox only if it missed a version, or if a page of an earlier release changed something:
// such pages tell no difference, and the oldest raise no version. `catchUp` helps if a tab hangs or closes before it
// tells the others. An answer can arrive before its sender listens, so answers are remembered for a while.

import type { Result } from "./facade.ts";
import type { Model } from "./model.ts";
import { enqueue } from "./numbering.ts";
import type { World } from "./ports.ts";
import { roomOfCommand } from "./replies.ts";
import type { Device, Difference, DraftRecord, Durability, Generation, Look, OutboxChange, OutboxPart, OutboxRow, OutboxState, Snapshot, Store } from "./store.ts";
import type { Command } from "./wire.ts";
import { cleaned } from "./written.ts";

const RESULTS_MAX = 200;

export interface OutboxEvents {
  /** The store has another outbox than before: the other tabs have to know. */
  changed(difference: Difference): void;
  /** The model may be behind the store, until `read`. */
  reading(): void;
  /** The model has it as the store does, or it could not be read. */
  read(): void;
}

export class Outbox {
  readonly #model: Model;
  readonly #store: Store;
  readonly #world: World;
  readonly #events: OutboxEvents;
  readonly #waiting = new Map<number, { readonly command: Command; readonly resolve: (result: Result) => void }>();
  readonly #results = new Map<number, Result>();
  #reading: Promise<void> | null = null;
  #readAgain = false;
  /** Of the outbox as it is known here. */
  #version = -1;

  constructor(model: Model, store: Store, world: World, events: OutboxEvents) {
    this.#model = model;
    this.#store = store;
    this.#world = world;
    this.#events = events;
  }

  /** Resolves with the final answer, which may take days. */
  async command(command: Command): Promise<Result> {
    const row = await this.put(command);
    return typeof row === "string" ? { ok: false, code: row } : this.answerTo(row);
  }

  /**
   * The row in which it is kept, or why it is not; `drafts` are kept with it or not at all. Nothing is kept of what has been sent
   * already, as `isSent` finds from what is there in the places of the drafts.
   */
  async put(command: Command, drafts: readonly DraftRecord[] = [], isSent: (state: OutboxState) => boolean = () => false): Promise<OutboxRow | "not_kept" | "full" | "sent"> {
    const device = this.#world.randomId();
    if ("text" in command) command = { ...command, text: cleaned(command.text) };
    try {
      const row = await this.change<OutboxRow | "sent" | null>({ drafts }, (state) => {
        if (isSent(state)) return { result: "sent" };
        const change = enqueue(state, command, this.#world.now(), device);
        return change.result === null ? change : { ...change, drafts };
      });
      return row ?? "full";
    } catch {
      // Nothing is said to be sent that a reload would forget.
      return "not_kept";
    }
  }

  async answerTo({ id, command }: OutboxRow): Promise<Result> {
    const known = this.#results.get(id);
    if (known !== undefined) return known;
    return new Promise((resolve) => this.#waiting.set(id, { command, resolve }));
  }

  async change<T>(look: Look, change: (part: OutboxPart) => OutboxChange<T>, durability: Durability = "strict", leader: Generation | null = null): Promise<T> {
    const { result, difference } = await this.#store.changeOutbox(look, change, durability, leader);
    this.#events.changed(difference);
    await this.take(difference);
    return result;
  }

  /** The outbox has changed. Reads it if this tab does not know what the difference was made from. */
  async take(difference?: Difference): Promise<void> {
    if (difference === undefined) return this.read();
    if (difference.version <= this.#version) return;
    if (difference.version > this.#version + 1 || !alike(difference.before, this.#model.outbox.device)) return this.read();
    this.#events.reading();
    this.#version = difference.version;
    this.#model.changeOutbox(difference);
    this.#events.read();
  }

  /** Whether this tab knows the outbox that a commit was made from; it knows the version that the commit made then, if any. */
  isKept(version: number | null = null): boolean {
    if (version === null || version <= this.#version) return true;
    if (version > this.#version + 1) return false;
    this.#version = version;
    return true;
  }

  /** The whole store has been read. */
  load(snapshot: Snapshot): void {
    this.#model.load(snapshot);
    this.#version = snapshot.outbox.version;
  }

  /** Reads the outbox; a read that has begun may miss what was written since, so there is another then. */
  read(): Promise<void> {
    this.#readAgain = true;
    this.#reading ??= (async () => {
      this.#events.reading();
      try {
        while (this.#readAgain) {
          this.#readAgain = false;
          const outbox = await this.#store.outbox();
          this.#model.setOutbox(outbox);
          this.#version = outbox.version;
        }
      } catch {
        // The version is still the old one, so the next `catchUp` reads it.
      } finally {
        this.#reading = null;
        this.#events.read();
      }
    })();
    return this.#reading;
  }

  /** Reads the outbox if another tab has changed it and could not say so. */
  async catchUp(): Promise<void> {
    if (this.#reading !== null) return;
    const version = await this.#store.outboxVersion().catch(() => this.#version);
    if (version > this.#version) await this.read();
  }

  answer(id: number, result: Result): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (waiting !== undefined) return waiting.resolve(result);
    this.#results.set(id, result);
    for (const old of this.#results.keys()) if (this.#results.size > RESULTS_MAX) this.#results.delete(old);
  }

  /** What another tab has finished, and could not tell any more. */
  answerFinished(): void {
    for (const [id, { command }] of this.#waiting) {
      const row = this.#model.outbox.rows.find((other) => other.id === id);
      if (row === undefined) this.answer(id, { ok: true, room: roomOfCommand(this.#model, command) });
      else if (row.refused !== undefined) this.answer(id, { ok: false, code: row.refused });
    }
  }
}

/** Every new row raises `lastRow`. */
const alike = (one: Device | null, other: Device | null): boolean => one?.id === other?.id && one?.lastRow === other?.lastRow;
