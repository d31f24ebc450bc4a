// Roving focus: exactly one row is in the tab order, and the arrow keys move it.
//
// It changes the elements directly. As state, it would render hundreds of rows for one key press.

export class Rover {
  readonly #rows: HTMLCollectionOf<Element>;
  #current: HTMLElement | undefined;

  constructor(root: HTMLElement) {
    this.#rows = root.getElementsByClassName("row");
  }

  /** After the rows changed: the newest one is the entry, unless one was chosen that is still there. */
  settle(): void {
    if (this.#current?.isConnected === true && this.#current !== document.activeElement && this.#isLast(this.#current)) return;
    if (this.#current?.isConnected === true && this.#current === document.activeElement) return;
    this.#choose(this.#at(this.#rows.length - 1));
  }

  /** The row that is focused is from now on the one in the tab order. */
  focused(row: HTMLElement): void {
    this.#choose(row);
  }

  move(step: number): void {
    const index = this.#current === undefined ? this.#rows.length : [...this.#rows].indexOf(this.#current);
    this.focusAt(Math.min(Math.max(index + step, 0), this.#rows.length - 1));
  }

  focusAt(index: number): void {
    const row = this.#at(index);
    if (row === undefined) return;
    this.#choose(row);
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }

  focusLast(): void {
    this.focusAt(this.#rows.length - 1);
  }

  #isLast(row: HTMLElement): boolean {
    return row === this.#rows[this.#rows.length - 1];
  }

  #at(index: number): HTMLElement | undefined {
    const row = this.#rows[index];
    return row instanceof HTMLElement ? row : undefined;
  }

  #choose(row: HTMLElement | undefined): void {
    if (row === this.#current) return;
    if (this.#current !== undefined) this.#current.tabIndex = -1;
    this.#current = row;
    if (row !== undefined) row.tabIndex = 0;
  }
}
