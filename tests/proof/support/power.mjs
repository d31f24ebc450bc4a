// Power cuts, played on paper: the notes of power.c in, the files as a disk may show them after a cut out.
//
// What was flushed is there. Of what was not, each sector is there or not by the dice; names that were not flushed are
// there up to some point of their order. A cut may fall behind any note.

import { execFileSync } from "node:child_process";
import { appendFileSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SECTOR = 512;
const HEAD = 21;

/** Compiles the shim; the environment for a server under watch. */
export function watch(folder, data, journal) {
  return { LD_PRELOAD: compile("power", folder), POWER_FOLDER: data, POWER_JOURNAL: journal };
}

/** The environment for a server none of whose flushes return while there is a file `flag`. */
export function hangingDisk(folder, flag) {
  return { LD_PRELOAD: compile("hang", folder), HANG_WHILE: flag };
}

function compile(name, folder) {
  const library = join(folder, `${name}.so`);
  const source = fileURLToPath(new URL(`${name}.c`, import.meta.url));
  execFileSync("cc", ["-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"]);
  return library;
}

/**
 * After a kill: the files as they are, as notes of unflushed writes. A write may have taken place whose note was not
 * made any more.
 */
export function noteWhatIsThere(data, journal) {
  for (const name of readdirSync(data).filter((name) => !name.endsWith("-shm"))) {
    const path = join(data, name);
    const { ino, size } = statSync(path);
    const file = BigInt(ino);
    appendFileSync(journal, Buffer.concat([head("C", file, 0, name.length), Buffer.from(name)]));
    appendFileSync(journal, Buffer.concat([head("W", file, 0, size), readFileSync(path)]));
    appendFileSync(journal, head("T", file, size, 0));
  }
}

function head(kind, file, offset, length) {
  const bytes = Buffer.alloc(HEAD);
  bytes.write(kind, 0, "latin1");
  bytes.writeBigUInt64LE(file, 1);
  bytes.writeBigUInt64LE(BigInt(offset), 9);
  bytes.writeUInt32LE(length, 17);
  return bytes;
}

export function readNotes(journal) {
  const bytes = readFileSync(journal);
  const notes = [];
  for (let at = 0; at + HEAD <= bytes.length; ) {
    const length = bytes.readUInt32LE(at + 17);
    notes.push({
      kind: String.fromCharCode(bytes[at]),
      file: bytes.readBigUInt64LE(at + 1),
      offset: Number(bytes.readBigUInt64LE(at + 9)),
      bytes: bytes.subarray(at + HEAD, at + HEAD + length),
    });
    at += HEAD + length;
  }
  return notes;
}

/** A folder as it comes to be, note by note: what is flushed of it, and what is not yet. */
export class Disk {
  #files = new Map();
  #flushed = new Map();
  #names = [];
  #flushes = new Map();

  take({ kind, file, offset, bytes }) {
    if (kind === "C") this.#names.push({ made: bytes.toString(), file });
    else if (kind === "U") this.#names.push({ gone: bytes.toString() });
    else if (kind === "R") {
      const [from, to] = bytes.toString().split("\0");
      this.#names.push({ from, to });
    } else if (kind === "W") this.#file(file).waiting.push({ offset, bytes });
    else if (kind === "T") this.#file(file).waiting.push({ length: offset });
    else if (kind === "f") this.#flushes.set(`${file} ${offset}`, file === 1n ? this.#names.length : this.#file(file).waiting.length);
    else if (kind === "F") this.#flush(file, this.#flushes.get(`${file} ${offset}`) ?? 0);
  }

  #file(file) {
    if (!this.#files.has(file)) this.#files.set(file, { content: Buffer.alloc(0), waiting: [] });
    return this.#files.get(file);
  }

  #flush(file, count) {
    if (file === 1n) {
      for (const change of this.#names.splice(0, count)) rename(this.#flushed, change);
      this.#shift("1 ", count);
      return;
    }
    const found = this.#file(file);
    for (const change of found.waiting.splice(0, count)) found.content = apply(found.content, change);
    this.#shift(`${file} `, count);
  }

  // Another thread's flush of the same file has begun with more in waiting than there is now.
  #shift(prefix, count) {
    for (const [key, begun] of this.#flushes) if (key.startsWith(prefix)) this.#flushes.set(key, Math.max(0, begun - count));
  }

  /** Writes what a cut right now might leave. `share` is how likely an unflushed sector is there all the same. */
  cut(folder, dice, share) {
    const names = new Map(this.#flushed);
    const kept = share === 0 ? 0 : dice.between(0, this.#names.length);
    for (const change of this.#names.slice(0, kept)) rename(names, change);
    for (const [name, file] of names) {
      const found = this.#files.get(file) ?? { content: Buffer.alloc(0), waiting: [] };
      let { content } = found;
      for (const change of found.waiting) for (const part of parts(change)) if (dice.chance(share)) content = apply(content, part);
      writeFileSync(join(folder, name), content, { mode: 0o600 });
    }
  }
}

function rename(names, { made, gone, from, to, file }) {
  if (made !== undefined) names.set(made, file);
  else if (gone !== undefined) names.delete(gone);
  else if (names.has(from)) {
    names.set(to, names.get(from));
    names.delete(from);
  }
}

function apply(content, { offset, bytes, length }) {
  if (length !== undefined) return length <= content.length ? Buffer.from(content.subarray(0, length)) : Buffer.concat([content, Buffer.alloc(length - content.length)]);
  const end = offset + bytes.length;
  const grown = end > content.length ? Buffer.concat([content, Buffer.alloc(end - content.length)]) : Buffer.from(content);
  bytes.copy(grown, offset);
  return grown;
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
