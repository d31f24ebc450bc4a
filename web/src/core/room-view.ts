// A window on one room: at most 300 messages of it, anywhere, and what is around them.
//
// The window moves over what is here at once and asks for the rest; what cannot be had stays a hole. Moves are done
// one after the other. The rows themselves are made by `rows.ts`.

import { signal } from "@preact/signals-core";
import type { Person, RoomId, RoomView, Row, Seq } from "./facade.ts";
import type { Model } from "./model.ts";
import { Rows, type Window } from "./rows.ts";
import { covers } from "./spans.ts";
import { unreadOfRoom } from "./summary.ts";
import type { Page } from "./wire.ts";

const PAGE = 50;
const OPENING = 80;
const FILL = 100;
const SPAN_MAX = 300;

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
  readonly #context: ViewContext;
  readonly #rows = new Rows();
  readonly #loading = new Set<Seq>();
  #window: Window = { from: 1, to: null };
  #moves: Promise<void> = Promise.resolve();
  /** To be called when what is known is shown. */
  #awaited: (() => void)[] = [];
  #placed = false;
  #open = true;

  constructor(room: RoomId, context: ViewContext) {
    this.room = room;
    this.#context = context;
    this.#place();
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
    const state = this.#context.model.rooms.get(this.room);
    if (state === undefined) {
      this.#placed = false;
      this.rows.value = [];
      this.first.value = this.last.value = true;
      return;
    }
    if (!this.#placed) this.#place();
    const { seq, floor, read } = state.record;
    const { from, to } = this.#window;
    // A room that goes on grows at one end and is cut at the other.
    if (to === null && seq - from >= SPAN_MAX) this.#window = { from: seq - SPAN_MAX + 1, to };
    this.rows.value = this.#rows.of(this.#context.model, state, {
      window: this.#window,
      online: this.#context.isOnline(),
      loading: this.#loading,
    });
    this.first.value = this.#window.from <= floor;
    this.last.value = this.#window.to === null;
    this.read.value = read;
  }

  /** Asks for the newest messages if they belong into the window and are not here. */
  refresh(): Promise<void> {
    return this.#move(async () => {
      const record = this.#record();
      if (record === null || !record.joined) {
        if (!(await this.#context.visit(this.room))) return;
      }
      if (this.#window.to !== null) return;
      await this.#bring({}, this.#lastPage().from, Infinity);
      this.#window = this.#lastPage();
    });
  }

  older(): Promise<void> {
    return this.#move(async () => {
      const record = this.#record();
      const { from, to } = this.#window;
      if (record === null || from <= record.floor) return;
      await this.#bring({ before: from }, from - PAGE, from - 1);
      const start = Math.max(this.#record()?.floor ?? 1, from - PAGE);
      const end = to ?? record.seq;
      this.#window = { from: start, to: end - start >= SPAN_MAX ? start + SPAN_MAX - 1 : to };
    });
  }

  newer(): Promise<void> {
    return this.#move(async () => {
      const { from, to } = this.#window;
      if (to === null) return;
      await this.#bring({ after: to }, to + 1, to + PAGE);
      const end = to + PAGE;
      const isLive = end >= (this.#record()?.seq ?? 0);
      this.#window = { from: Math.max(from, end - SPAN_MAX + 1), to: isLive ? null : end };
    });
  }

  around(seq: Seq): Promise<void> {
    return this.#move(async () => {
      await this.#bring({ around: seq }, seq - PAGE / 2, seq + PAGE / 2);
      const record = this.#record();
      const end = seq + PAGE;
      this.#window = { from: Math.max(record?.floor ?? 1, seq - PAGE), to: end >= (record?.seq ?? 0) ? null : end };
    });
  }

  latest(): Promise<void> {
    return this.#move(async () => {
      this.#window = this.#lastPage();
      await this.#bring({}, this.#window.from, Infinity);
      this.#window = this.#lastPage();
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

  markRead(seq: Seq): void {
    if (seq > (this.#record()?.read ?? 0)) this.#context.markRead(this.room, seq);
  }

  clearNew(): void {
    this.newFrom.value = null;
  }

  close(): void {
    this.#open = false;
    this.#tellShown();
    this.#context.closed(this);
  }

  #record() {
    return this.#context.model.record(this.room);
  }

  /** Where a view stands when its room is known first. */
  #place(): void {
    const state = this.#context.model.rooms.get(this.room);
    if (state === undefined) return;
    this.#placed = true;
    this.#window = this.#lastPage();
    const { read, joined } = state.record;
    if (this.newFrom.value === null && joined && read > 0 && unreadOfRoom(this.#context.model, state).count > 0) this.newFrom.value = read + 1;
  }

  #lastPage(): Window {
    const record = this.#record();
    return { from: Math.max(record?.floor ?? 1, (record?.seq ?? 0) - OPENING + 1), to: null };
  }

  /** Asks for a page unless all of it is here. */
  async #bring(page: Page, from: Seq, to: Seq): Promise<void> {
    const record = this.#record();
    if (record === null) return;
    const start = Math.max(from, record.floor);
    if (covers(record.held, start, Math.min(to, record.seq)) && record.seq > 0) return;
    const limit = to === Infinity ? OPENING : PAGE;
    this.#loading.add(Math.min(to, record.seq));
    this.update();
    await this.#context.history(this.room, page, limit);
    this.#loading.delete(Math.min(to, record.seq));
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
