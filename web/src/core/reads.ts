// The read pointers of the leader's session, and the server's counts of unread messages.
//
// A pointer moves on this device at once, and on the server soon. The server is asked to count messages that are not
// here. It is not asked about a room whose pointer is on its way, because it would still count from the old one.

import type { RoomId, Seq } from "./facade.ts";
import type { Ledger } from "./ledger.ts";
import type { Model } from "./model.ts";
import { HOUSE } from "./rooms.ts";
import type { Change } from "./store.ts";
import { unreadOfRoom } from "./summary.ts";
import type { Timers } from "./timers.ts";
import * as wire from "./wire.ts";

const UNREAD_PAUSE_MS = 150;
const UNREAD_ROOMS = 100;
const READ_PAUSE_MS = 300;

export interface ReadsContext {
  readonly model: Model;
  readonly ledger: Ledger;
  readonly timers: Timers;
  readonly isOnline: () => boolean;
  readonly request: (event: wire.RequestName, payload: object) => Promise<unknown>;
  /** A pointer has arrived: what it leaves open may be asked for. */
  readonly told: () => void;
  /** Tells what happens until the function that it returns is called. */
  readonly watch: (seen: (entry: wire.Entry) => void) => () => void;
}

export class Reads {
  readonly #context: ReadsContext;
  /** What was asked last about each room. */
  readonly #asked = new Map<RoomId, string>();
  readonly #reads = new Map<RoomId, Seq>();
  /** Rooms whose pointer is on its way: until it has arrived the server counts from the one before. */
  readonly #telling = new Map<RoomId, Seq>();

  constructor(context: ReadsContext) {
    this.#context = context;
  }

  /** The server has said where it believes the reader to be. */
  welcomed(rooms: readonly wire.Room[]): void {
    this.#asked.clear();
    for (const { room, read } of rooms) {
      const known = this.#context.model.record(room)?.read ?? 0;
      if (known > read) this.#reads.set(room, known);
    }
    this.#tell();
  }

  /** The pointer moves here at once, and at the server soon. */
  mark(room: RoomId, seq: Seq): void {
    const { ledger, timers } = this.#context;
    void ledger.submit((apply) => apply(this.pointer(room, seq)));
    this.#reads.set(room, Math.max(seq, this.#reads.get(room) ?? 0));
    timers.start("read", READ_PAUSE_MS, () => this.#tell());
  }

  /** What moves the pointer, if that is forward. */
  pointer(room: RoomId, seq: Seq): readonly Change[] {
    const record = this.#context.model.record(room);
    if (record === null || record.read >= seq) return [];
    return [{ kind: "room", room: { ...record, read: seq } }];
  }

  /** Something was kept: what is unread may have to be asked for. */
  settle(): void {
    this.#context.timers.start("unread", UNREAD_PAUSE_MS, () => void this.#askUnread());
  }

  #tell(): void {
    const { isOnline, request, told } = this.#context;
    if (!isOnline()) return;
    for (const [room, seq] of this.#reads) {
      this.#telling.set(room, seq);
      void request("read", { room, seq }).then(() => {
        if (this.#telling.get(room) === seq) this.#telling.delete(room);
        told();
      });
    }
    this.#reads.clear();
  }

  async #askUnread(): Promise<void> {
    const { model, ledger, request, watch, told } = this.#context;
    const asked = new Map<RoomId, Seq>();
    for (const state of model.rooms.values()) {
      const { room, joined, read, seq, away } = state.record;
      const isMoving = this.#reads.has(room) || this.#telling.has(room);
      if (!joined || isMoving || room === HOUSE || asked.size >= UNREAD_ROOMS || unreadOfRoom(model, state).exact) continue;
      const question = `${read} ${away?.mark ?? 0} ${seq}`;
      if (this.#asked.get(room) === question) continue;
      this.#asked.set(room, question);
      asked.set(room, read);
    }
    if (asked.size === 0) return;
    // The server may have counted what is deleted by now.
    const spoiled = new Set<RoomId>();
    const unwatch = watch(({ event, room }) => event === "deleted" && spoiled.add(room));
    const answer = wire.readUnread(await request("unread", { rooms: [...asked.keys()] }));
    await ledger.submit((apply) => {
      unwatch();
      for (const room of spoiled) this.#asked.delete(room);
      if (spoiled.size > 0) told();
      for (const [room, away] of answer ?? []) {
        const record = model.record(room);
        if (record === null || record.read !== asked.get(room) || spoiled.has(room)) continue;
        apply([{ kind: "room", room: { ...record, seq: Math.max(record.seq, away.mark), away: { ...away, read: record.read } } }]);
      }
    });
  }
}
