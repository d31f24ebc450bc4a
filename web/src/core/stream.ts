// The stream of the log as it reaches this device, made contiguous per room.
//
//   event, ack ──► next? ──► effects ──► cursor
//                    │ gap
//                    ▼
//                  ahead ──── `changes` ──► …
//
// An entry behind a gap waits in `ahead` until the gap is filled; the cursor does not pass a gap. While a sender
// catches up, its acks may be ahead of its stream: that is no gap as long as the stream continues. A gap that cannot be
// filled becomes an explicit hole. Lives as long as one connection.

import type { RoomId } from "./facade.ts";
import { effectsOf, standingOf } from "./effects.ts";
import { contradicts, trailOf } from "./trail.ts";
import type { Apply, Ledger } from "./ledger.ts";
import type { Model } from "./model.ts";
import type { SetTimer } from "./ports.ts";
import { readChanges, type Entry, type RequestName } from "./wire.ts";

const AHEAD_MAX = 2_000;
const FILL_LIMIT = 100;
const PATIENCE_MS = 2_000;

/** Asks the server. Null when there is no answer. */
export type Request = (event: RequestName, payload: object) => Promise<unknown>;

export type Origin =
  /** An event: the cursor stands for it. */
  | "stream"
  /** An ack or a page of changes. */
  | "aside";

export interface StreamContext {
  readonly model: Model;
  readonly ledger: Ledger;
  readonly request: Request;
  readonly setTimer: SetTimer;
  /** The log is not the one that what is known here came from: all of that is forgotten, and this stream takes nothing any more. */
  readonly diverged: () => void;
}

interface Held {
  readonly entry: Entry;
  readonly origin: Origin;
  readonly applied: (apply: Apply) => void;
  /** The version of people when it was told, or asked for. */
  readonly asOf: number;
}

export class Stream {
  readonly #context: StreamContext;
  readonly #model: Model;
  readonly #ahead = new Map<RoomId, Map<number, Held>>();
  /** The revisions that are known to exist, where they are not reached yet. */
  readonly #due = new Map<RoomId, number>();
  readonly #filling = new Set<RoomId>();
  /** Rooms whose gap the cursor must not pass. */
  readonly #gaps = new Set<RoomId>();
  readonly #watchers = new Set<(entry: Entry) => void>();
  #cursor: string | null = null;
  #taken = 0;
  #closed = false;
  #hasDiverged = false;

  constructor(context: StreamContext) {
    this.#context = context;
    this.#model = context.model;
  }

  close(): void {
    this.#closed = true;
    this.#ahead.clear();
  }

  /** Inside a work. `applied` is called when the entry has taken effect, or is known to have done so before. */
  take(apply: Apply, entry: Entry, origin: Origin, applied: (apply: Apply) => void = () => undefined): void {
    const held = { entry, origin, applied, asOf: this.#model.peopleVersion };
    this.#taken += 1;
    if (origin === "stream" && entry.cursor !== "") this.#cursor = entry.cursor;
    if (standingOf(this.#model, entry) === "gap") {
      this.#hold(apply, held);
    } else {
      this.#apply(apply, held);
      this.#drain(apply, entry.room);
    }
    this.#moveCursor(apply);
  }

  /** Inside a work: everything up to this cursor was delivered. */
  delivered(apply: Apply, cursor: string): void {
    this.#cursor = cursor;
    this.#moveCursor(apply);
  }

  /** The room is at this revision: what does not come by itself is asked for. */
  expect(room: RoomId, rev: number): void {
    this.#due.set(room, Math.max(rev, this.#due.get(room) ?? 0));
    this.#wait(room);
  }

  /** Tells what is applied until the function that it returns is called. */
  watch(seen: (entry: Entry) => void): () => void {
    this.#watchers.add(seen);
    return () => this.#watchers.delete(seen);
  }

  #apply(apply: Apply, { entry, origin, applied, asOf }: Held): void {
    if (this.#hasDiverged) return;
    if (contradicts(this.#model, entry)) return this.#diverge(apply);
    apply(effectsOf(this.#model, entry, asOf));
    // What came before the connection ended may be applied after it; the cursor stays where it is then.
    apply(trailOf(this.#model, entry, origin === "stream" && this.#gaps.size === 0 && !this.#closed));
    for (const seen of this.#watchers) seen(entry);
    applied(apply);
  }

  /** At once: entries of two logs in one timeline would show a message twice. */
  #diverge(apply: Apply): void {
    this.#hasDiverged = true;
    this.close();
    apply([{ kind: "forget all" }]);
    this.#context.diverged();
  }

  #moveCursor(apply: Apply): void {
    if (this.#closed || this.#cursor === null || this.#gaps.size > 0 || this.#cursor === this.#model.cursor) return;
    apply([{ kind: "cursor", cursor: this.#cursor }]);
  }

  #hold(apply: Apply, held: Held): void {
    if (this.#closed) return;
    const { room, rev } = held.entry;
    const ahead = this.#ahead.get(room) ?? new Map<number, Held>();
    const other = ahead.get(rev);
    ahead.set(rev, other === undefined ? held : { ...other, applied: both(other.applied, held.applied) });
    this.#ahead.set(room, ahead);
    this.#due.set(room, Math.max(rev, this.#due.get(room) ?? 0));
    if (ahead.size > AHEAD_MAX) return this.#giveUp(apply, room);
    if (held.origin === "aside") return this.#wait(room);
    this.#gaps.add(room);
    this.#fill(room);
  }

  #drain(apply: Apply, room: RoomId): void {
    const ahead = this.#ahead.get(room) ?? new Map<number, Held>();
    for (const [rev, held] of [...ahead].sort((a, b) => a[0] - b[0])) {
      if (standingOf(this.#model, held.entry) === "gap") break;
      ahead.delete(rev);
      this.#apply(apply, held);
    }
    if (this.#lacksAfter(room) === null) this.#reached(room);
  }

  /** Up to where the room has all, if there is more; null if there is not, or the stream of the room does not flow. */
  #lacksAfter(room: RoomId): number | null {
    const applied = this.#model.record(room)?.applied ?? null;
    return applied !== null && applied < (this.#due.get(room) ?? 0) ? applied : null;
  }

  #reached(room: RoomId): void {
    this.#ahead.delete(room);
    this.#due.delete(room);
    this.#gaps.delete(room);
  }

  /** What is missing may be on its way: only when nothing comes any more it is asked for. */
  #wait(room: RoomId): void {
    const taken = this.#taken;
    this.#context.setTimer(PATIENCE_MS, () => {
      if (this.#closed || this.#lacksAfter(room) === null) return;
      if (this.#taken === taken) this.#fill(room);
      else this.#wait(room);
    });
  }

  #fill(room: RoomId): void {
    if (this.#filling.has(room) || this.#closed) return;
    this.#filling.add(room);
    void this.#fillPages(room).finally(() => this.#filling.delete(room));
  }

  async #fillPages(room: RoomId): Promise<void> {
    for (let after = this.#lacksAfter(room); after !== null && !this.#closed; after = this.#lacksAfter(room)) {
      const asOf = this.#model.peopleVersion;
      const answer = await this.#context.request("changes", { room, after, limit: FILL_LIMIT });
      if (answer === null) return this.#wait(room);
      const entries = readChanges(answer)?.entries ?? [];
      await this.#context.ledger.submit((apply) => {
        if (this.#closed) return;
        for (const entry of entries) {
          if (standingOf(this.#model, entry) !== "gap") this.#apply(apply, { entry, origin: "aside", applied: () => undefined, asOf });
        }
        this.#drain(apply, room);
        if (this.#lacksAfter(room) === after) this.#giveUp(apply, room);
        this.#moveCursor(apply);
      });
    }
  }

  /** Makes a hole of what cannot be had, and goes on behind it. */
  #giveUp(apply: Apply, room: RoomId): void {
    const record = this.#model.record(room);
    if (record === null) return;
    const revs = [...(this.#ahead.get(room)?.keys() ?? [])].map((rev) => rev - 1);
    const applied = Math.min(...revs, this.#due.get(room) ?? 0);
    apply([{ kind: "forget messages", room, from: 0, to: Number.MAX_SAFE_INTEGER }]);
    apply([{ kind: "room", room: { ...record, held: [], applied } }]);
    this.#drain(apply, room);
  }
}

function both(first: (apply: Apply) => void, second: (apply: Apply) => void): (apply: Apply) => void {
  return (apply) => {
    first(apply);
    second(apply);
  };
}
