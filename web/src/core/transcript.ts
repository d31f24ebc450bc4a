// What this page shows of the log, and up to where.
//
// The cursor moves only when a line has been shown, so a line is asked for again rather than lost. What is at or
// below the cursor has been shown already. Should the server tell another story about such a place (its data was
// restored from a backup), that is reported, never hidden.

export interface Line {
  readonly offset: number;
  readonly text: string;
}

export type Accepted = "shown" | "known" | "rewritten";

export class Transcript {
  readonly #show: (line: Line) => void;
  readonly #texts = new Map<number, string>();
  #cursor = 0;

  constructor(show: (line: Line) => void) {
    this.#show = show;
  }

  get cursor(): number {
    return this.#cursor;
  }

  accept(line: Line): Accepted {
    if (line.offset > this.#cursor) {
      this.#show(line);
      this.#texts.set(line.offset, line.text);
      this.#cursor = line.offset;
      return "shown";
    }
    return this.#texts.get(line.offset) === line.text ? "known" : "rewritten";
  }

  reset(): void {
    this.#texts.clear();
    this.#cursor = 0;
  }
}
