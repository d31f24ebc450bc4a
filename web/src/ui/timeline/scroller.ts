// Keeps the visible messages in place while rows are added and removed.
//
// At the live end the newest row stays in view, unless a message would leave the screen before it was ever visible:
// then following ends. Anywhere else the first visible row stays where it is, to the pixel: its position is saved
// before a change and restored after it. The style sheet switches off the browser's own scroll anchoring, because the
// two would correct each other.

import type { Signal } from "@preact/signals";
import type { Seq } from "../../core/facade.ts";

const NEAR_PX = 80;
const ANCHORS_MAX = 4;
/** Where a message that was asked for, or the first new one, is put: a third from the top. */
const TARGET_PLACE = 0.3;
/** How near the upper edge an unseen row may come by itself: below the name of the day. */
const UNSEEN_PLACE_PX = 60;
/** So much of a row has to be in view for it to be seen. */
const SEEN_PX = 16;

interface Anchor {
  readonly element: Element;
  readonly top: number;
}

export class Scroller {
  readonly element: HTMLElement;
  readonly #rows: HTMLCollectionOf<Element>;
  readonly #reachesEnd: () => boolean;
  readonly #unseen: () => Element | undefined;
  readonly #atEnd: Signal<boolean>;
  #anchors: readonly Anchor[] = [];
  /** The newest row before a change at the live end. */
  #newest: Element | undefined;
  #live = true;
  #pinned = true;

  /**
   * Writes to `atEnd` whether the newest row is in view; `reachesEnd` says whether the rows of this moment end at the live
   * end, and `unseen` gives the first row that was never on the screen.
   */
  constructor(element: HTMLElement, atEnd: Signal<boolean>, { reachesEnd, unseen }: { readonly reachesEnd: () => boolean; readonly unseen: () => Element | undefined }) {
    this.element = element;
    this.#atEnd = atEnd;
    this.#unseen = unseen;
    this.#rows = element.getElementsByClassName("row");
    this.#reachesEnd = reachesEnd;
  }

  /** Before the rows change. At the live end there is nothing to measure: what was true after the last move still is. */
  remember(): void {
    if (this.#pinned) this.#newest = this.#rows[this.#rows.length - 1];
    else this.#anchors = this.#visible();
  }

  /** After the rows changed, or their sizes did; false when the following has ended at a row that was not seen. */
  restore(): boolean {
    if (this.#pinned) {
      const free = this.#free();
      this.element.scrollTop += Math.min(free, this.#distance());
      if (this.#distance() > NEAR_PX) {
        this.#pinned = false;
        this.remember();
      }
      this.#settle();
      return this.#pinned;
    }
    const anchor = this.#anchors.find(({ element }) => element.isConnected);
    const moved = anchor === undefined ? 0 : this.#topOf(anchor.element) - anchor.top;
    if (Math.abs(moved) >= 0.5) this.element.scrollTop += moved;
    this.#settle();
    return true;
  }

  /** How far the rows may go up until one leaves that was not seen. A reader who looks sees what is less than a screen. */
  #free(): number {
    const newest = this.#newest;
    // What came below what was the newest row, also where as much was taken away above.
    const kept = newest?.isConnected === true ? this.#topOf(newest) + newest.clientHeight : this.element.clientHeight;
    const isBurst = this.#distance() > kept - 2 * UNSEEN_PLACE_PX;
    if (!isBurst && document.visibilityState === "visible") return Infinity;
    const unseen = this.#unseen();
    return unseen === undefined ? Infinity : this.#topOf(unseen) - UNSEEN_PLACE_PX;
  }

  /** After the reader scrolled. */
  scrolled(): void {
    // Whether the rows end at the live end counts as of the last change: who has just loaded the last page is not to be
    // thrown to its end.
    this.#pinned = this.#live && this.#distance() <= NEAR_PX;
    this.remember();
    this.#settle();
  }

  #settle(): void {
    this.#live = this.#reachesEnd();
    this.#atEnd.value = this.#live && (this.#pinned || this.#distance() <= NEAR_PX);
  }

  toEnd(): void {
    this.#pinned = true;
    this.element.scrollTop = this.element.scrollHeight;
    this.#settle();
  }

  /** Whether the row is at its place: there may be too little below it. */
  show(row: Element): boolean {
    // Not thrown to the end by the rows that are still to come.
    this.#settle();
    const place = this.element.clientHeight * TARGET_PLACE;
    this.element.scrollTop += this.#topOf(row) - place;
    this.scrolled();
    return this.#topOf(row) <= place + 1;
  }

  page(direction: 1 | -1): void {
    this.element.scrollTop += direction * this.element.clientHeight * 0.9;
  }

  /** The numbers of the messages that are in view, and of those that were scrolled over since `passed`. */
  seen(passed: Seq | undefined): readonly Seq[] {
    const { top, bottom } = this.element.getBoundingClientRect();
    let first = this.#search((rectangle) => rectangle.bottom >= top + Math.min(SEEN_PX, rectangle.height));
    const end = this.#search((rectangle) => rectangle.top + Math.min(SEEN_PX, rectangle.height) > bottom);
    while (passed !== undefined && first > 0 && (this.#seqAt(first - 1) ?? Infinity) > passed) first -= 1;
    const seqs: Seq[] = [];
    for (let index = first; index < end; index += 1) {
      const seq = this.#seqAt(index);
      if (seq !== undefined) seqs.push(seq);
    }
    return seqs;
  }

  #seqAt(index: number): Seq | undefined {
    const seq = this.#rows[index]?.getAttribute("data-seq");
    return seq === null || seq === undefined ? undefined : Number(seq);
  }

  #distance(): number {
    return this.element.scrollHeight - this.element.scrollTop - this.element.clientHeight;
  }

  #topOf(row: Element): number {
    return row.getBoundingClientRect().top - this.element.getBoundingClientRect().top;
  }

  // Several, because the first one may be taken away or joined with what comes before it.
  #visible(): readonly Anchor[] {
    const top = this.element.getBoundingClientRect().top;
    const anchors: Anchor[] = [];
    for (let index = this.#firstEndingBelow(top); anchors.length < ANCHORS_MAX; index += 1) {
      const element = this.#rows[index];
      if (element === undefined) break;
      anchors.push({ element, top: element.getBoundingClientRect().top - top });
    }
    return anchors;
  }

  #firstEndingBelow(line: number): number {
    return this.#search((rectangle) => rectangle.bottom > line);
  }

  /** The index of the first row of which something is true that stays true for all after it. */
  #search(holds: (rectangle: DOMRect) => boolean): number {
    let low = 0;
    let high = this.#rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const rectangle = this.#rows[middle]?.getBoundingClientRect();
      if (rectangle !== undefined && holds(rectangle)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
