// Whether a reader of texts takes time in proportion to their length.
//
// What is measured is the processor's time, which other programs on the machine do not change much, and the least of
// several tries: noise only adds. A reader that needs more than its share is asked again with longer texts, and fails if
// it needs more than its share at every length: a collection of garbage that comes with one of them is no growth. The
// measure itself is tested in `linear.test.ts`.

/** The greatest message, in bytes. */
const LENGTH = 1 << 14;
const LENGTHS = 4;
const TRIES = 5;
/** The greatest part by which the time may grow where the length doubles. */
const GROWTH_MAX = 2.5;
/**
 * A text of 16,384 characters that takes no longer hides no quadratic search: its 268 million steps would take twice as
 * long even at 64 steps a nanosecond.
 */
const HARMLESS_MICROSECONDS = 2_000;
/** Nothing linear comes near it. Nobody waits for the proof. */
const HOPELESS_MICROSECONDS = 500_000;
const SLOW_MAX = 3;

export type Reader = (text: string) => unknown;
/** A text of about that length. */
export type Shape = (length: number) => string;

export function isLinear(read: Reader, shape: Shape): boolean {
  if (microseconds(read, shape(LENGTH)) <= HARMLESS_MICROSECONDS) return true;
  const spent = [least(read, shape(LENGTH))];
  for (let doubled = 1; doubled <= LENGTHS; doubled += 1) {
    const now = least(read, shape(LENGTH << doubled));
    // Against the half, the quarter, and so on: each doubling has its share.
    if (spent.some((before, at) => now <= before * GROWTH_MAX ** (doubled - at))) return true;
    if (now > HOPELESS_MICROSECONDS) return false;
    spent.push(now);
  }
  return false;
}

/** Shapes for which the reader is not linear; a few of them say as much as all. */
export function slowShapes(read: Reader, shapes: Iterable<readonly [string, Shape]>): readonly string[] {
  const slow: string[] = [];
  for (const [name, shape] of shapes) {
    if (!isLinear(read, shape)) slow.push(name);
    if (slow.length >= SLOW_MAX) break;
  }
  return slow;
}

function least(read: Reader, text: string): number {
  let best = Infinity;
  for (let count = 0, spent = 0; count < TRIES && spent < HOPELESS_MICROSECONDS; count += 1) {
    const took = microseconds(read, text);
    best = Math.min(best, took);
    spent += took;
  }
  return best;
}

function microseconds(read: Reader, text: string): number {
  const before = process.cpuUsage();
  read(text);
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

type Shapes = ReadonlyMap<string, Shape>;

/** Each unit alone, also behind each prefix. */
export function shapesOf(units: readonly string[], prefixes: readonly string[]): Shapes {
  const shapes = new Map<string, Shape>();
  for (const unit of units) {
    shapes.set(`${quoted(unit)} in runs that grow`, (length) => growing(unit, length));
    shapes.set(`${quoted(unit)} at lines`, (length) => repeated(`${unit}é\n`, length));
    shapes.set(`${quoted(unit)} before the end`, (length) => `${repeated(unit, length)}!`);
    for (const prefix of ["", ...prefixes]) {
      shapes.set(`${quoted(prefix)} and ${quoted(unit)} repeated`, (length) => prefix + repeated(unit, length));
      shapes.set(`${quoted(prefix)} and ${quoted(unit)} in words`, (length) => prefix + repeated(`${unit}é `, length));
      shapes.set(`${quoted(prefix)} with ${quoted(unit)} repeated`, (length) => repeated(prefix + unit, length));
    }
  }
  return shapes;
}

/** Two units in turn, and one within the other. */
export function pairsOf(units: readonly string[]): Shapes {
  const shapes = new Map<string, Shape>();
  for (const unit of units) {
    for (const other of units) {
      if (other === unit) continue;
      shapes.set(`${quoted(unit)} ${quoted(other)} repeated`, (length) => repeated(unit + other, length));
      shapes.set(`${quoted(unit)} ${quoted(other)} nested`, (length) => `${repeated(` ${unit}`, length / 2)}é${repeated(`${other} `, length / 2)}`);
      shapes.set(`${quoted(unit)} ${quoted(other)} nested without spaces`, (length) => `${repeated(unit, length / 2)}é${repeated(other, length / 2)}`);
    }
  }
  return shapes;
}

function repeated(unit: string, length: number): string {
  return unit.repeat(Math.ceil(length / unit.length));
}

function growing(unit: string, length: number): string {
  let text = "";
  for (let run = 1; text.length < length; run += 1) text += `${unit.repeat(run)}é`;
  return text;
}

const quoted = (text: string): string => JSON.stringify(text);
