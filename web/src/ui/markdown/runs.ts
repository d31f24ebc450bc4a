// What comes later in a text, found in one pass and only on request. Without it, the parser would look ahead again at
// each character that might begin something.

/** The runs of backticks in a text, by length: a span of code ends at a run as long as the one that opens it. */
export class CodeRuns {
  readonly #starts = new Map<number, number[]>();

  constructor(text: string) {
    for (const { 0: run, index } of text.matchAll(/`+/g)) {
      const starts = this.#starts.get(run.length);
      if (starts === undefined) this.#starts.set(run.length, [index]);
      else starts.push(index);
    }
  }

  /** Where the next run of that length begins, at `from` or behind it; -1 if there is none. */
  next(length: number, from: number): number {
    const starts = this.#starts.get(length) ?? [];
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((starts[middle] ?? 0) < from) low = middle + 1;
      else high = middle;
    }
    return starts[low] ?? -1;
  }
}

/** For each parenthesis that is closed before the next space: where. */
export function closedParentheses(text: string): ReadonlyMap<number, number> {
  const closed = new Map<number, number>();
  let open: number[] = [];
  for (const { 0: found, index } of text.matchAll(/[()]|\s+/g)) {
    if (found === "(") open.push(index);
    else if (found !== ")") open = [];
    else {
      const start = open.pop();
      if (start !== undefined) closed.set(start, index);
    }
  }
  return closed;
}

/** How many of a character follow each other from `at` on. */
export function runLength(text: string, at: number): number {
  const character = text.charAt(at);
  let end = at + 1;
  while (text.charAt(end) === character && character !== "") end += 1;
  return end - at;
}
