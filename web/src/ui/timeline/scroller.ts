// Keeps the eye where it is while rows come and go.
//
// At the live end the newest row stays in view. Everywhere else the first visible row stays where it is, to the pixel:
// its place is kept before a change and restored after it. The browser's own anchoring is switched off by the style
// sheet, for two of them would correct each other.

import type { Signal } from "@preact/signals";

const NEAR_PX = 80;
const ANCHORS_MAX = 4;
/** Where a message that was asked for, or the first new one, is put: a third from the top. */
const TARGET_PLACE = 0.3;

interface Anchor {
  readonly element: Element;
  readonly top: number;
}

export class Scroller {
  readonly element: HTMLElement;
  readonly #rows: HTMLCollectionOf<Element>;
  readonly #reachesEnd: () => boolean;
  readonly #atEnd: Signal<boolean>;
  #anchors: readonly Anchor[] = [];
  #live = true;
  #pinned = true;

  /** Writes to `atEnd` whether the newest row is in view; `reachesEnd` says whether the rows of this moment end at the live end. */
  constructor(element: HTMLElement, atEnd: Signal<boolean>, reachesEnd: () => boolean) {
    this.element = element;
    this.#atEnd = atEnd;
    this.#rows = element.getElementsByClassName("row");
    this.#reachesEnd = reachesEnd;
  }

  /** Before the rows change. At the live end there is nothing to measure: what was true after the last move still is. */
  remember(): void {
    if (!this.#pinned) this.#anchors = this.#visible();
  }

  /** After the rows changed, or their sizes did. */
  restore(): void {
    if (this.#pinned) {
      this.element.scrollTop = this.element.scrollHeight;
    } else {
      const anchor = this.#anchors.find(({ element }) => element.isConnected);
      const moved = anchor === undefined ? 0 : this.#topOf(anchor.element) - anchor.top;
      if (Math.abs(moved) >= 0.5) this.element.scrollTop += moved;
    }
    this.#settle();
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

  show(row: Element): void {
    const place = this.element.clientHeight * TARGET_PLACE;
    this.element.scrollTop += this.#topOf(row) - place;
    this.scrolled();
  }

  page(direction: 1 | -1): void {
    this.element.scrollTop += direction * this.element.clientHeight * 0.9;
  }

  /** The row that is in view with the greatest number, if any message is. */
  lastVisibleSeq(): number | undefined {
    const bottom = this.element.getBoundingClientRect().bottom;
    for (let index = this.#firstBelow(bottom) - 1; index >= 0; index -= 1) {
      const seq = this.#rows[index]?.getAttribute("data-seq");
      if (seq !== null && seq !== undefined) return Number(seq);
    }
    return undefined;
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

  #firstBelow(line: number): number {
    return this.#search((rectangle) => rectangle.top >= line);
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
