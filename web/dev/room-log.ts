// A room of the client in memory: all of its rows, and windows on them.

import { type Signal, batch, signal } from "@preact/signals";
import type { HoleRow, MessageRow, NoticeRow, PendingRow, Person, RoomView, Row, Seq } from "../src/core/facade.ts";

const PAGE = 50;
const WINDOW_MAX = 400;

export interface Hole {
  readonly from: Seq;
  readonly to: Seq;
}

/** Everything of one room: what is stored, what is on its way, what is missing here. */
export class RoomLog {
  readonly stored: (MessageRow | NoticeRow)[] = [];
  pending: readonly PendingRow[] = [];
  holes: readonly Hole[] = [];
  seq = 0;
  rev = 0;
  readonly read: Signal<Seq> = signal(0);
  readonly typing: Signal<readonly Person[]> = signal([]);
  readonly #views = new Set<MemoryView>();

  constructor(
    readonly room: number,
    readonly latency: () => Promise<void>,
  ) {}

  changed(): void {
    for (const view of this.#views) view.refresh();
  }

  append(row: MessageRow | NoticeRow): void {
    this.stored.push(row);
    for (const view of this.#views) view.grown();
  }

  replace(seq: Seq, change: (row: MessageRow) => MessageRow): void {
    const index = this.stored.findIndex((row) => row.kind === "message" && row.seq === seq);
    const row = this.stored[index];
    if (row?.kind === "message") this.stored[index] = change(row);
    this.changed();
  }

  open(): MemoryView {
    const view = new MemoryView(this, () => this.#views.delete(view));
    this.#views.add(view);
    return view;
  }

  unread(): number {
    let count = 0;
    for (let index = this.stored.length - 1; index >= 0 && count < 100; index -= 1) {
      const row = this.stored[index];
      if (row?.kind !== "message") continue;
      if (row.seq <= this.read.peek()) break;
      if (!row.own && !row.deleted) count += 1;
    }
    return count;
  }

  indexOf(seq: Seq): number {
    const index = this.stored.findIndex((row) => row.kind === "message" && row.seq >= seq);
    return index < 0 ? this.stored.length : index;
  }
}

/** The window of one opened room: `start` and `end` count stored rows. */
class MemoryView implements RoomView {
  readonly room: number;
  readonly rows: Signal<readonly Row[]> = signal([]);
  readonly first: Signal<boolean> = signal(false);
  readonly last: Signal<boolean> = signal(true);
  readonly newFrom: Signal<Seq | null>;
  readonly read: Signal<Seq>;
  readonly typing: Signal<readonly Person[]>;
  readonly placed: Signal<number> = signal(0);
  #start: number;
  #end: number;

  constructor(
    readonly log: RoomLog,
    readonly close: () => void,
  ) {
    this.room = log.room;
    this.read = log.read;
    this.typing = log.typing;
    this.newFrom = signal(log.unread() > 0 ? log.read.peek() + 1 : null);
    this.#end = log.stored.length;
    this.#start = Math.max(0, this.#end - PAGE);
    this.refresh();
  }

  grown(): void {
    if (this.#end === this.log.stored.length - 1) {
      this.#end += 1;
      this.#start = Math.max(this.#start, this.#end - WINDOW_MAX);
    }
    this.refresh();
  }

  refresh(): void {
    const rows = withHoles(this.log.stored.slice(this.#start, this.#end), this.log.holes);
    const last = this.#end >= this.log.stored.length;
    batch(() => {
      this.rows.value = last ? [...rows, ...this.log.pending] : rows;
      this.first.value = this.#start === 0;
      this.last.value = last;
    });
  }

  async older(): Promise<void> {
    await this.log.latency();
    this.#start = Math.max(0, this.#start - PAGE);
    this.#end = Math.min(this.#end, this.#start + WINDOW_MAX);
    this.refresh();
  }

  async newer(): Promise<void> {
    await this.log.latency();
    this.#end = Math.min(this.log.stored.length, this.#end + PAGE);
    this.#start = Math.max(this.#start, this.#end - WINDOW_MAX);
    this.refresh();
  }

  async around(seq: Seq): Promise<void> {
    await this.log.latency();
    const index = this.log.indexOf(seq);
    this.#start = Math.max(0, index - PAGE);
    this.#end = Math.min(this.log.stored.length, index + PAGE);
    this.refresh();
  }

  async latest(): Promise<void> {
    this.#end = this.log.stored.length;
    this.#start = Math.max(0, this.#end - PAGE);
    this.refresh();
  }

  async fill(hole: Row): Promise<void> {
    await this.log.latency();
    if (hole.kind === "hole") this.log.holes = this.log.holes.filter(({ from }) => from !== hole.from);
    this.refresh();
  }

  markRead(seq: Seq): void {
    this.log.read.value = Math.max(this.log.read.peek(), seq);
  }

  shown(seqs: readonly Seq[]): void {
    this.markRead(seqs.at(-1) ?? 0);
  }

  passOver(): void {
    this.markRead(this.log.stored.findLast((row) => row.kind === "message")?.seq ?? 0);
  }

  unseen(): Seq | null {
    return this.log.unread() > 0 ? this.log.read.peek() + 1 : null;
  }

  skipped(): Seq | null {
    return this.unseen();
  }

  renewLine(): void {
    this.newFrom.value ??= this.unseen();
  }

  reopen(): Promise<void> {
    this.newFrom.value = this.unseen();
    this.placed.value += 1;
    return this.latest();
  }

  clearNew(): void {
    this.newFrom.value = null;
  }
}

function withHoles(rows: readonly (MessageRow | NoticeRow)[], holes: readonly Hole[]): readonly Row[] {
  if (holes.length === 0) return rows;
  const shown: Row[] = [];
  for (const row of rows) {
    const hole = row.kind === "message" ? holes.find(({ from, to }) => row.seq >= from && row.seq <= to) : undefined;
    if (hole === undefined) shown.push(row);
    else if (shown.at(-1)?.key !== `hole ${hole.from}`) shown.push(holeRow(hole));
  }
  return shown;
}

function holeRow({ from, to }: Hole): HoleRow {
  return { kind: "hole", key: `hole ${from}`, from, to, loading: false };
}
