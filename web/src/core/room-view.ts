// A window on one room: at most 300 of its messages, and what is around them.
//
// It opens where the reader stopped: around the first unread message, or at the end if there is none. It moves over the
// messages on this device at once and requests the others; those that cannot be fetched stay a hole. Moves are made one
// after the other. A growing window never leaves unread messages behind. `rows.ts` makes the rows; `reading.ts` decides
// what counts as read.

import { signal } from "@preact/signals-core";
import type { Person, RoomId, RoomView, Row, Seq } from "./facade.ts";
import type { Model, RoomState } from "./model.ts";
import { Reading } from "./reading.ts";
import { Rows, type Window } from "./rows.ts";
import { covers } from "./spans.ts";
import { firstUnread } from "./summary.ts";
import type { Page } from "./wire.ts";

const PAGE = 50;
/** The messages of a room that opens at its end. */
const OPENING = 80;
/** Read messages above the first unread one, for the context. */
const CONTEXT = 20;
/** The most that one request brings. */
const FILL = 100;
const SPAN_MAX = 300;
/** What the first page brings may move the place where the unread messages begin. */
const PLACES_MAX = 3;

export interface ViewContext {
  readonly model: Model;
  readonly isOnline: () => boolean;
  /** False while the model is ahead of the store; there will be another update then. */
  readonly mayShow: (view: OpenView) => boolean;
  /** Brings a page of the history here; false when it cannot be had now. */
  readonly history: (room: RoomId, page: Page, limit: number) => Promise<boolean>;
  /** Makes a room known that one is not in. */
  readonly visit: (room: RoomId) => Promise<boolean>;
  readonly markRead: (room: RoomId, seq: Seq) => void;
  readonly closed: (view: OpenView) => void;
}

export class OpenView implements RoomView {
  readonly room: RoomId;
  readonly rows = signal<readonly Row[]>([]);
  readonly first = signal(false);
  readonly last = signal(true);
  readonly read = signal<Seq>(0);
  readonly newFrom = signal<Seq | null>(null);
  readonly typing = signal<readonly Person[]>([]);
  readonly placed = signal(0);
  readonly #context: ViewContext;
  readonly #reading: Reading;
  readonly #rows = new Rows();
  readonly #loading = new Set<Seq>();
  #window: Window = { from: 1, to: null };
  #moves: Promise<void> = Promise.resolve();
  /** To be called when what is known is shown. */
  #awaited: (() => void)[] = [];
  #isPlaced = false;
  /** The place is not settled before the server has said what is unread, unless the reader goes elsewhere. */
  #opening = true;
  /** Another place than the reader chose is to be shown with the next rows. */
  #moved = false;
  /** The first message that was on the screen last. */
  #eye: Seq | null = null;
  #open = true;

  constructor(room: RoomId, context: ViewContext) {
    this.room = room;
    this.#context = context;
    this.#reading = new Reading(context.model);
    this.update();
    void this.refresh();
  }

  /** Shows what is known by now. */
  update(): void {
    if (!this.#open || !this.#context.mayShow(this)) return;
    this.#updateRows();
    this.#tellShown();
  }

  #updateRows(): void {
    const state = this.#state();
    if (state === undefined) {
      this.#isPlaced = false;
      this.rows.value = [];
      this.first.value = this.last.value = true;
      return;
    }
    if (!this.#isPlaced || this.#opening) this.#place(state);
    this.#grow(state);
    this.rows.value = this.#rows.of(this.#context.model, state, {
      window: this.#window,
      online: this.#context.isOnline(),
      loading: this.#loading,
    });
    this.first.value = this.#window.from <= state.record.floor;
    this.last.value = this.#window.to === null;
    this.read.value = state.record.read;
    if (this.#moved) this.placed.value += 1;
    this.#moved = false;
  }

  /** A room that goes on grows at one end and is cut at the other, but not at what is looked at or still to be read. */
  #grow(state: RoomState): void {
    const { seq, floor } = state.record;
    const { from, to } = this.#window;
    // The log may have been set back.
    if (from > Math.max(seq, floor)) this.#window = this.#lastPage(state);
    if (to !== null || seq - from < SPAN_MAX) return;
    const needed = [this.unseen(), this.#eye].flatMap((place) => (place === null || place < from ? [] : place - CONTEXT));
    const start = Math.max(from, Math.min(seq - SPAN_MAX + 1, ...needed));
    this.#window = { from: start, to: seq - start >= SPAN_MAX ? start + SPAN_MAX - 1 : null };
  }

  /** The connection is there, or the view is new: asks for what belongs into the window and is not here. */
  refresh(): Promise<void> {
    return this.#move(async () => {
      if (this.#record()?.joined !== true && !(await this.#context.visit(this.room))) return;
      if (this.#opening) return this.#settle();
      // What came while the connection was gone begins with a line, before the first of it is on the screen.
      this.renewLine();
      const { from, to } = this.#window;
      const unseen = this.unseen();
      if (unseen !== null && unseen >= from) await this.#bringPage(Math.max(from, unseen - CONTEXT), to ?? Infinity);
      else if (to === null) await this.#bringPage(Math.max(from, (this.#record()?.seq ?? 0) - OPENING + 1), Infinity);
    });
  }

  reopen(): Promise<void> {
    return this.#move(async () => {
      this.#opening = this.#moved = true;
      this.#isPlaced = false;
      this.#eye = null;
      await this.#settle();
    });
  }

  older(): Promise<void> {
    return this.#move(async () => {
      const record = this.#record();
      const { from, to } = this.#window;
      if (record === null || from <= record.floor) return;
      await this.#bring({ before: from }, from - PAGE, from - 1, PAGE);
      const start = Math.max(this.#record()?.floor ?? 1, from - PAGE);
      const end = to ?? record.seq;
      this.#window = { from: start, to: end - start >= SPAN_MAX ? start + SPAN_MAX - 1 : to };
    });
  }

  newer(): Promise<void> {
    return this.#move(async () => {
      const { from, to } = this.#window;
      if (to === null) return;
      await this.#bring({ after: to }, to + 1, to + PAGE, PAGE);
      const end = to + PAGE;
      const isLive = end >= (this.#record()?.seq ?? 0);
      this.#window = { from: Math.max(from, end - SPAN_MAX + 1), to: isLive ? null : end };
    });
  }

  around(seq: Seq): Promise<void> {
    return this.#move(async () => {
      this.#opening = false;
      // What is not known may exist all the same.
      const isBeyond = seq > (this.#record()?.seq ?? 0);
      if (isBeyond) await this.#context.history(this.room, { around: seq }, PAGE);
      else await this.#bring({ around: seq }, seq - PAGE / 2, seq + PAGE / 2, PAGE);
      const record = this.#record();
      if (record === null) return;
      const place = Math.min(seq, record.seq);
      const end = place + PAGE;
      this.#window = { from: Math.max(record.floor, place - PAGE), to: end >= record.seq ? null : end };
    });
  }

  latest(): Promise<void> {
    return this.#move(async () => {
      this.#opening = false;
      this.#eye = null;
      const state = this.#state();
      if (state === undefined) return;
      this.#window = this.#lastPage(state);
      await this.#bringPage(this.#window.from, Infinity);
      const now = this.#state();
      if (now !== undefined) this.#window = this.#lastPage(now);
    });
  }

  fill(hole: Row): Promise<void> {
    if (hole.kind !== "hole" || this.#loading.has(hole.to)) return Promise.resolve();
    this.#loading.add(hole.to);
    this.update();
    return this.#move(async () => {
      await this.#context.history(this.room, { before: hole.to + 1 }, FILL);
      this.#loading.delete(hole.to);
    });
  }

  shown(seqs: readonly Seq[]): void {
    const state = this.#state();
    const [first] = seqs;
    if (state === undefined || first === undefined) return;
    this.#eye = first;
    const before = this.#reading.reached(state);
    if (this.#reading.show(state, seqs) > before) this.#tellRead(state);
  }

  passOver(): void {
    this.markRead(Infinity);
  }

  markRead(seq: Seq): void {
    const state = this.#state();
    if (state === undefined) return;
    this.#reading.passOver(state, seq);
    this.#tellRead(state);
  }

  unseen(): Seq | null {
    const state = this.#state();
    return state?.record.joined === true ? this.#reading.unshown(state, this.#reading.reached(state) + 1) : null;
  }

  skipped(): Seq | null {
    const state = this.#state();
    const from = this.newFrom.peek();
    return state === undefined || from === null ? null : this.#reading.unshown(state, from);
  }

  renewLine(): void {
    const state = this.#state();
    const line = this.newFrom.peek();
    const unseen = this.unseen();
    if (state !== undefined && unseen !== null && (line === null || line <= this.#reading.reached(state))) this.newFrom.value = unseen;
  }

  clearNew(): void {
    this.newFrom.value = null;
  }

  close(): void {
    this.#open = false;
    this.#tellShown();
    this.#context.closed(this);
  }

  #state(): RoomState | undefined {
    return this.#context.model.rooms.get(this.room);
  }

  #record() {
    return this.#context.model.record(this.room);
  }

  /** Where the view opens, by what is known now. A reader who has begun to read is left alone. */
  #place(state: RoomState): void {
    const first = firstUnread(this.#context.model, state);
    const line = this.newFrom.peek();
    if (this.#isPlaced) {
      const isReading = line !== null && this.#reading.isBehind(state, line);
      const isSame = first === line && (first !== null || covers(state.record.held, this.#window.from, state.record.seq));
      if (isReading || isSame) return;
      this.#moved = true;
    }
    this.#isPlaced = true;
    this.newFrom.value = first;
    this.#window = first === null ? this.#lastPage(state) : this.#pageOf(state, first);
  }

  /** Places the view and brings what belongs there, until what was brought does not move the place any more. */
  async #settle(): Promise<void> {
    let settled: Window | undefined;
    for (let tries = 0; tries < PLACES_MAX; tries += 1) {
      const state = this.#state();
      if (state === undefined) return;
      this.#place(state);
      if (this.#window === settled) break;
      settled = this.#window;
      if (!(await this.#bringPage(settled.from, settled.to ?? Infinity))) break;
    }
    this.#opening = !this.#context.isOnline();
  }

  #lastPage({ record }: RoomState): Window {
    return { from: Math.max(record.floor, record.seq - OPENING + 1), to: null };
  }

  #pageOf({ record }: RoomState, first: Seq): Window {
    const from = Math.max(record.floor, Math.min(first - CONTEXT, record.seq - OPENING + 1));
    const to = from + FILL - 1;
    return { from, to: to >= record.seq ? null : to };
  }

  #tellRead(state: RoomState): void {
    const reached = this.#reading.reached(state);
    if (state.record.joined && reached > state.record.read) this.#context.markRead(this.room, reached);
  }

  /** As many as one request brings of these, from the first on; of the newest, if they fit. */
  async #bringPage(from: Seq, to: Seq): Promise<boolean> {
    const seq = this.#record()?.seq ?? 0;
    const end = Math.min(to, seq);
    if (end - from < FILL && end === seq) return this.#bring({}, from, Infinity, Math.max(OPENING, end - from + 1));
    return this.#bring({ after: from - 1 }, from, Math.min(end, from + FILL - 1), FILL);
  }

  /** Asks for a page unless all of it is here; whether that brought something. */
  async #bring(page: Page, from: Seq, to: Seq, limit: number): Promise<boolean> {
    const record = this.#record();
    if (record === null) return false;
    const start = Math.max(from, record.floor);
    if (covers(record.held, start, Math.min(to, record.seq)) && record.seq > 0) return false;
    this.#loading.add(Math.min(to, record.seq));
    this.update();
    const brought = await this.#context.history(this.room, page, limit);
    this.#loading.delete(Math.min(to, record.seq));
    return brought;
  }

  #move(work: () => Promise<void>): Promise<void> {
    this.#moves = this.#moves.then(async () => {
      if (!this.#open) return;
      await work();
      await this.#show();
    });
    return this.#moves;
  }

  /** Resolves when what is known is shown: some of it may have to be kept first. */
  #show(): Promise<void> {
    if (!this.#open) return Promise.resolve();
    return new Promise((shown) => {
      this.#awaited.push(shown);
      this.update();
    });
  }

  #tellShown(): void {
    for (const shown of this.#awaited.splice(0)) shown();
  }
}
