// Bugs that are planted in the disk: each changes the notes of a run into those of a server that makes a mistake.
//
// A flush that is left out leaves the notes as they would be without that line of code, and so does one that comes too
// late. So one run measures them all. What a flush is for is told by disk-states.mjs; each purpose stands below.

import { SECRETS } from "./disk-story.mjs";
import { Chronicle } from "./disk-states.mjs";

/** Flushes without any of which a promise is broken. */
const REQUIRED = [
  "a commit, while it serves",
  "the database, by a checkpoint of the checkpointer",
  "the database, by a checkpoint of the writer",
  "the database, at a start",
  "the database, by rotate-key",
  "the mark of the log's epoch, at a start",
  "a database, before it has its name, at a start",
  "the name of a data folder, at a start",
  "a backup, before it has its name",
  "the name of a backup",
  "a database, before it has its name, by a restore",
  "the name of a new database, by a restore",
  "the name of a data folder, by a restore",
  "the name of a data folder, by an import",
];

/**
 * Flushes that another one covers: a promise is broken without all of a group. The mark has its name before the log of its
 * epoch is made, so the flush that gives the log its name does so for the mark as well.
 */
const GROUPS = {
  "a new key is not flushed": ["a commit, by rotate-key", "the database, by rotate-key"],
  "an import is not flushed": ["a commit, by an import", "the database, by an import"],
  "what a killed server has left is not flushed": ["the database that a killed server has left", "the log that a killed server has left", "the names that a killed server has left", "the database, at a start", "a commit, at a start"],
  "a stop and the start after it flush nothing": ["the database, at a stop", "the database, at a start", "a commit, at a start"],
  "the names in a new data folder are not flushed": ["the name of a new database, at a start", "the name of a log, at a start", "the name of the mark, at a start", "names of what is being made", "names that have been flushed, at a start", "names that have been flushed, while it serves"],
  "the name of the mark is not flushed": ["the name of the mark, at a start", "names that have been flushed, at a start", "names that have been flushed, while it serves"],
  "the names in a folder of an import are not flushed": ["a database, before it has its name, by an import", "the name of a new database, by an import", "the name of a log, by an import", "the name of the mark, by an import"],
};

/**
 * Flushes without which everything is as good: what they flush is not promised, the next commit flushes it too, or, for
 * the marks, the command leaves no log behind that it would have to tell from others.
 */
const NEEDLESS = [
  "the header of a log, while it serves",
  "the header of a log, by an import",
  "the header of a log, by rotate-key",
  "the mark of the log's epoch, by an import",
  "the mark of the log's epoch, by rotate-key",
  "the name of the mark, by rotate-key",
  "the journal of a database that is being made",
  "names of what is being made",
  "names that have been flushed, at a start",
  "names that have been flushed, while it serves",
  "names that have been flushed, by an import",
  "names that have been flushed, by rotate-key",
];

/** Those that not every run has: whether the writer has something left to copy depends on the moment. */
const SOMETIMES = ["the database, by a checkpoint of the writer", "the names that a killed server has left"];

const DROPPED = { kind: "-", file: 0n, offset: 0, bytes: Buffer.alloc(0) };

/** A run, with what each of its flushes is for. */
export class Run {
  /** By the number of the note. */
  purposes = new Map();

  constructor(notes) {
    this.notes = notes;
    this.chronicle = new Chronicle();
    notes.forEach((note, index) => {
      const purpose = this.chronicle.take(note);
      if (purpose !== undefined) this.purposes.set(index, purpose);
    });
  }

  /** How often it flushed for what. */
  get flushes() {
    const counts = {};
    for (const purpose of this.purposes.values()) counts[purpose] = (counts[purpose] ?? 0) + 1;
    return counts;
  }

  /** Purposes that nobody has judged, and judged ones that the run does not have. */
  get unjudged() {
    const judged = new Set([...REQUIRED, ...Object.values(GROUPS).flat(), ...NEEDLESS]);
    const found = new Set(this.purposes.values());
    const missing = [...judged].filter((purpose) => !found.has(purpose) && !SOMETIMES.includes(purpose));
    return [...[...found].filter((purpose) => !judged.has(purpose)), ...missing.map((purpose) => `${purpose} (missing)`)];
  }

  /** The notes of each server that makes a mistake: `{ name, notes, windows }`, the disk being another one in the windows. */
  bugs() {
    return [...this.#bugs()];
  }

  *#bugs() {
    for (const purpose of REQUIRED) if (this.#of(purpose).length > 0) yield this.#without(`left out: ${purpose}`, [purpose]);
    for (const [name, purposes] of Object.entries(GROUPS)) yield this.#without(name, purposes);
    yield this.#late("a commit is flushed after it was acked", "a commit, while it serves", (index) => this.#next(index, ({ kind }) => kind === "S", 2));
    yield this.#late("a checkpoint is flushed when the log has begun anew over it", "the database, by a checkpoint of the checkpointer", (index) => this.#next(index, this.#isLogBegun, 1, 60));
    yield this.#late("a backup is flushed after it has its name", "a backup, before it has its name", (index) => this.#next(index, ({ kind }) => kind === "L", 1, 6));
    yield this.#late("a restored database is flushed after it has its name", "a database, before it has its name, by a restore", (index) => this.#next(index, ({ kind }) => kind === "R", 1, 4));
    yield this.#scrubThatLeavesTheLog();
    yield this.#scrubThatLeavesThePage();
  }

  #of(purpose) {
    return [...this.purposes].filter(([, other]) => other === purpose).map(([index]) => index);
  }

  /** The note behind the `count`-th one after `index` that matches, and `more`. */
  #next(index, matches, count, more = 1) {
    let at = index;
    for (let seen = 0; at < this.notes.length && seen < count; at += 1) if (matches(this.notes[at])) seen += 1;
    return Math.min(at + more, this.notes.length);
  }

  #isLogBegun = ({ kind, offset, bytes }) => (kind === "W" && offset === 0 && bytes.length === 32) || (kind === "T" && offset === 0);

  #without(name, purposes) {
    const left = new Set(purposes.flatMap((purpose) => this.#of(purpose)));
    const notes = this.notes.map((note, index) => (left.has(index) ? DROPPED : note));
    return { name, notes, windows: [...left].map((index) => [index, this.#nextFlush(index, notes)]) };
  }

  /** Up to the next flush of the same file that is there. */
  #nextFlush(index, notes) {
    const next = notes.findIndex(({ kind, file }, other) => other > index && kind === "F" && file === this.notes[index].file);
    return next < 0 ? notes.length : next;
  }

  /** To the end of the act. */
  #end(index) {
    return this.#next(index, ({ kind, bytes }) => kind === "P" && JSON.parse(bytes.toString()).act !== undefined, 1, 0);
  }

  /** Flushes that are over only behind the note that `until` says. */
  #late(name, purpose, until) {
    const waiting = new Map();
    for (const index of this.#of(purpose)) waiting.set(until(index), [...(waiting.get(until(index)) ?? []), index]);
    const away = new Map([...waiting].flatMap(([end, moved]) => moved.map((index) => [index, end])));
    const notes = [];
    const windows = [];
    this.notes.forEach((note, index) => {
      for (const late of waiting.get(index) ?? []) {
        notes.push({ ...this.notes[late], kind: "f" }, this.notes[late]);
        windows.push([away.get(late), notes.length]);
      }
      if (away.has(index)) away.set(index, notes.length);
      else notes.push(note);
    });
    return { name, notes, windows };
  }

  #scrubbed() {
    return this.notes.findIndex(({ kind, bytes }) => kind === "P" && JSON.parse(bytes.toString()).deleting);
  }

  #scrubThatLeavesTheLog() {
    const begin = this.#scrubbed();
    const cut = this.#next(begin, ({ kind, offset }) => kind === "T" && offset === 0, 1, 0) - 1;
    const notes = this.notes.map((note, index) => (index === cut ? DROPPED : note));
    return { name: "a scrub leaves the log as it is", notes, windows: [[cut, this.#end(cut)]] };
  }

  /** What is deleted stays in the free part of its page. */
  #scrubThatLeavesThePage() {
    const begin = this.#scrubbed();
    const pages = new Map();
    const notes = this.notes.map((note, index) => {
      if (note.kind !== "W" || note.bytes.length !== 4_096) return note;
      const key = `${note.file} ${note.offset}`;
      const secret = SECRETS.find((text) => note.bytes.includes(text));
      if (secret !== undefined) pages.set(key, { secret, at: note.bytes.indexOf(secret) });
      const kept = pages.get(key);
      if (secret !== undefined || kept === undefined || index < begin) return note;
      const bytes = Buffer.from(note.bytes);
      bytes.write(kept.secret, kept.at);
      return { ...note, bytes };
    });
    return { name: "a scrub leaves the text in its page", notes, windows: [[begin, this.#end(begin)]] };
  }
}
