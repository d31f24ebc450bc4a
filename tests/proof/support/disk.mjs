// A disk on paper: the notes of power.c in, the files as a disk may show them after a cut out.
//
// What was flushed is there. Of what was not, each sector is there or not by the dice; names that were not flushed are
// there up to some point of the order in which their folder got them. A cut may fall behind any note.

import { mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

const SECTOR = 512;

/** The number of the watched folder itself. */
const ROOT = 1n;

/** A file: what is flushed of it, and the changes that are not, in order. */
export class File {
  waiting = [];
  /** How much was waiting when a thread's flush began. */
  begun = new Map();
  /** It changed since the server before this one was killed, or may have. */
  isLeft = false;
  /** Where it is, by the last name that it got. */
  path = "";
  #bytes = Buffer.alloc(0);
  #length = 0;
  /** As the system shows it, flushed or not. */
  size = 0;

  get content() {
    return this.#bytes.subarray(0, this.#length);
  }

  take(change) {
    this.waiting.push(change);
    this.size = change.length ?? Math.max(this.size, change.offset + change.bytes.length);
  }

  apply({ offset, bytes, length }) {
    const end = length ?? Math.max(this.#length, offset + bytes.length);
    if (end > this.#bytes.length) {
      const grown = Buffer.alloc(2 * end);
      this.content.copy(grown);
      this.#bytes = grown;
    }
    // What was cut off must not be there when it grows again.
    if (end < this.#length) this.#bytes.fill(0, end, this.#length);
    this.#length = end;
    bytes?.copy(this.#bytes, offset);
  }

  /** What a cut right now might leave. */
  cut(dice, share) {
    const left = new File();
    left.apply({ length: this.#length });
    left.apply({ offset: 0, bytes: this.content });
    if (share > 0) for (const change of this.waiting) for (const part of parts(change)) if (dice.chance(share)) left.apply(part);
    return left.content;
  }

  /** As the system shows it right now. */
  get shown() {
    return this.cut({ chance: () => true }, 1);
  }
}

/** A folder: names that are flushed, and changes of names that are not. */
export class Folder {
  flushed = new Map();
  waiting = [];
  begun = new Map();
  isLeft = false;
  path = "";
  /** As the system shows it. */
  live = new Map();

  take(change) {
    this.waiting.push(change);
    rename(this.live, change);
  }

  apply(change) {
    rename(this.flushed, change);
  }

  cut(folder, dice, share) {
    const names = new Map(this.flushed);
    const kept = share === 0 ? 0 : dice.between(0, this.waiting.length);
    for (const change of this.waiting.slice(0, kept)) rename(names, change);
    for (const [name, entry] of names) {
      const path = join(folder, name);
      if (entry instanceof Folder) {
        mkdirSync(path, { mode: 0o700 });
        entry.cut(path, dice, share);
      } else writeFileSync(path, entry.cut(dice, share), { mode: 0o600 });
    }
  }
}

/** Everything below the watched folder as it comes to be, note by note. */
export class Disk {
  root = new Folder();
  #entries = new Map([[ROOT, this.root]]);

  take({ kind, file, offset, bytes }) {
    if (kind === "C") this.#made(bytes.toString(), file, new File());
    else if (kind === "M") this.#made(bytes.toString(), file, new Folder());
    else if (kind === "E") this.#left(bytes.toString(), file);
    else if (kind === "U") this.#folderOf(bytes.toString())?.take({ gone: basename(bytes.toString()) });
    else if (kind === "R") this.#named(bytes, (from, to) => ({ from, to }));
    else if (kind === "L") this.#named(bytes, (from, to, entry) => ({ made: to, entry }));
    else if (kind === "W") this.entry(file)?.take({ offset, bytes });
    else if (kind === "T") this.entry(file)?.take({ length: offset });
    else if (kind === "f") this.#begin(this.entry(file), offset);
    else if (kind === "F") this.#flush(this.entry(file), offset);
  }

  /** What a note is about; undefined if it was made before the notes began. */
  entry(file) {
    return this.#entries.get(file);
  }

  /** What a path leads to now. */
  at(path) {
    return path.split("/").reduce((folder, name) => folder?.live?.get(name), this.root);
  }

  /** Writes what a cut right now might leave. `share` is how likely an unflushed sector is there all the same. */
  cut(folder, dice, share) {
    this.root.cut(folder, dice, share);
  }

  #folderOf(path) {
    const folder = dirname(path);
    return folder === "." ? this.root : this.at(folder);
  }

  // A number that is used again stands for another file from here on.
  #made(path, file, entry) {
    this.#entries.set(file, entry);
    entry.path = path;
    this.#folderOf(path).take({ made: basename(path), entry });
  }

  // After a kill: it may be known, if its note was made.
  #left(path, file) {
    if (this.at(path) === undefined || this.at(path) !== this.entry(file)) this.#made(path, file, new File());
    this.entry(file).isLeft = true;
    this.#folderOf(path).isLeft = true;
  }

  #named(bytes, change) {
    const [from, to] = bytes.toString().split("\0");
    if (dirname(from) !== dirname(to)) throw new Error(`nothing is known of names that move between folders: ${from}, ${to}`);
    const entry = this.at(from);
    this.#folderOf(from).take(change(basename(from), basename(to), entry));
    if (entry !== undefined) entry.path = to;
  }

  #begin(entry, thread) {
    entry?.begun.set(thread, entry.waiting.length);
  }

  #flush(entry, thread) {
    const count = entry?.begun.get(thread) ?? 0;
    if (entry === undefined) return;
    entry.begun.delete(thread);
    entry.isLeft = false;
    for (const change of entry.waiting.splice(0, count)) entry.apply(change);
    // Another thread's flush of the same file has begun with more in waiting than there is now.
    for (const [other, begun] of entry.begun) entry.begun.set(other, Math.max(0, begun - count));
  }
}

function rename(names, { made, gone, from, to, entry }) {
  if (made !== undefined) names.set(made, entry);
  else if (gone !== undefined) names.delete(gone);
  else if (names.has(from)) {
    names.set(to, names.get(from));
    names.delete(from);
  }
}

/** A write in its sectors. */
function* parts(change) {
  if (change.length !== undefined) return yield change;
  const { offset, bytes } = change;
  for (let at = 0; at < bytes.length; ) {
    const next = Math.min(bytes.length, at + SECTOR - ((offset + at) % SECTOR));
    yield { offset: offset + at, bytes: bytes.subarray(at, next) };
    at = next;
  }
}
