// What moves in a visible timeline: scrolling, the focus of rows, the read pointer, going to a message.
//
// There is one for each open room, with the life of its elements. Rendering tells it before and after each change.

import type { Signal } from "@preact/signals";
import type { RoomId, RoomView, Seq } from "../../core/facade.ts";
import { Rover } from "./rover.ts";
import { Scroller } from "./scroller.ts";

const HIGHLIGHT_MS = 2400;

/** `hole`: the message exists, but is not here. */
export type Found = "shown" | "hole" | "nothing" | "closed";

export interface StageSignals {
  /** The newest row is in view. */
  readonly atEnd: Signal<boolean>;
  /** The room in which that is so while somebody looks. */
  readonly attended: Signal<RoomId | null>;
  /** The first new message that stands above and was never on the screen. */
  readonly skipped: Signal<Seq | null>;
}

export class Stage {
  readonly scroller: Scroller;
  readonly rover: Rover;
  readonly #view: RoomView;
  readonly #signals: StageSignals;
  readonly #content: HTMLElement;
  readonly #sizes: ResizeObserver;
  readonly #stop = new AbortController();
  /** The first rows are put in place once; a message that was asked for goes before. */
  #placed = false;
  #places = 0;
  /** Below the line there is too little to bring it to its place; more is on the way. */
  #unsettled = false;
  #readIsDue = false;
  /** The last message that was in view: what a reader scrolls over from there on was on the screen. */
  #passed: Seq | undefined;

  constructor(element: HTMLElement, content: HTMLElement, view: RoomView, signals: StageSignals) {
    this.#view = view;
    this.#signals = signals;
    this.#content = content;
    this.scroller = new Scroller(element, signals.atEnd, { reachesEnd: () => view.last.peek(), unseen: () => this.#unseenRow() });
    this.rover = new Rover(content);
    this.#sizes = new ResizeObserver(() => this.#resized());
    this.#sizes.observe(element);
    this.#sizes.observe(content);
    const { signal } = this.#stop;
    element.addEventListener("scroll", () => this.#scrolled(), { passive: true, signal });
    document.addEventListener("visibilitychange", () => this.#readSoon(), { signal });
    for (const name of ["wheel", "pointerdown", "keydown"]) element.addEventListener(name, () => (this.#unsettled = false), { signal, passive: true });
    addEventListener("focus", () => this.#readSoon(), { signal });
    addEventListener("blur", () => this.#readSoon(), { signal });
  }

  close(): void {
    this.#stop.abort();
    this.#signals.attended.value = null;
    this.#sizes.disconnect();
  }

  rowsChange(): void {
    if (this.#placed) this.scroller.remember();
  }

  rowsChanged(): void {
    if (this.#places !== this.#view.placed.peek()) this.#placed = false;
    this.#resized();
    this.rover.settle();
  }

  #resized(): void {
    if (!this.#placed || this.#unsettled) this.#place();
    // What comes while nobody looks, or faster than anybody can, begins with a line.
    else if (!this.scroller.restore() || !isWatched()) this.#view.renewLine();
    this.#readSoon();
  }

  /** Where a room opens: at the first new message, else at the end. A pane that is not shown has no places. */
  #place(): void {
    if (this.#view.rows.peek().length === 0 || this.scroller.element.clientHeight === 0) return;
    this.#placed = true;
    this.#places = this.#view.placed.peek();
    this.#passed = undefined;
    const line = this.#content.querySelector(".new-line");
    if (line === null) this.scroller.toEnd();
    this.#unsettled = line !== null && !this.scroller.show(line) && (!this.#view.last.peek() || this.#view.rows.peek().at(-1)?.kind === "hole");
  }

  #scrolled(): void {
    if (this.#placed) this.scroller.scrolled();
    this.#readSoon();
  }

  #attend(): void {
    const attends = this.#placed && this.#signals.atEnd.peek() && isWatched() && this.#signals.skipped.peek() === null;
    this.#signals.attended.value = attends ? this.#view.room : null;
  }

  /** What was in view of a reader who is there counts as read. */
  #readSoon(): void {
    this.#attend();
    if (this.#readIsDue) return;
    this.#readIsDue = true;
    requestAnimationFrame(() => {
      this.#readIsDue = false;
      if (this.#stop.signal.aborted || !this.#placed) return;
      const watched = isWatched();
      const seqs = this.scroller.seen(watched ? this.#passed : undefined);
      if (watched) this.#view.shown(seqs);
      this.#passed = watched ? seqs.at(-1) : undefined;
      const skipped = this.#view.skipped();
      this.#signals.skipped.value = skipped !== null && skipped < (seqs[0] ?? 0) ? skipped : null;
      this.#attend();
    });
  }

  /** To the end, because the reader wants to be there: what lies between counts as read. */
  async toLatest(): Promise<void> {
    await this.toEnd();
    this.#view.passOver();
  }

  /** To the end, because something of the reader's own is there: what lies between stays unread. */
  async toEnd(): Promise<void> {
    if (!this.#view.last.peek()) {
      await this.#view.latest().catch(() => undefined);
      await rendered();
    }
    this.#passed = undefined;
    this.#unsettled = false;
    this.scroller.toEnd();
    this.#readSoon();
  }

  /** Shows a message, or what stands nearest to where it would be. */
  async toMessage(seq: Seq, highlight: "highlight" | "plain"): Promise<Found> {
    if (this.#row(seq) === undefined) {
      await this.#view.around(seq).catch(() => undefined);
      await rendered();
    }
    if (this.#stop.signal.aborted) return "closed";
    this.#passed = undefined;
    this.#unsettled = false;
    const row = this.#row(seq);
    const other = row ?? this.#rowAfter(seq);
    if (other !== undefined) this.scroller.show(other);
    else this.scroller.toEnd();
    const rows = this.#view.rows.peek();
    this.#placed ||= rows.length > 0;
    if (row === undefined) return rows.some((hole) => hole.kind === "hole" && hole.from <= seq && seq <= hole.to) ? "hole" : "nothing";
    if (highlight === "highlight") {
      row.classList.add("target");
      setTimeout(() => row.classList.remove("target"), HIGHLIGHT_MS);
      this.rover.focused(row);
    }
    return "shown";
  }

  #unseenRow(): HTMLElement | undefined {
    const seq = this.#view.unseen();
    return seq === null ? undefined : this.#row(seq);
  }

  #row(seq: Seq): HTMLElement | undefined {
    return this.#content.querySelector<HTMLElement>(`[data-seq="${seq}"]`) ?? undefined;
  }

  #rowAfter(seq: Seq): HTMLElement | undefined {
    const rows = this.#content.querySelectorAll<HTMLElement>("[data-seq]");
    // Only of a page that holds its place: otherwise it is not gone, but elsewhere.
    if (Number(rows[0]?.dataset["seq"]) > seq && !this.#view.first.peek()) return undefined;
    return [...rows].find((row) => Number(row.dataset["seq"]) > seq);
  }
}

function isWatched(): boolean {
  return document.visibilityState === "visible" && document.hasFocus();
}

/** After the next frame everything that a changed signal renders is in the page. */
function rendered(): Promise<void> {
  return new Promise((resolve) => {
    // A hidden page has no frames.
    const timer = setTimeout(resolve, 100);
    requestAnimationFrame(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
