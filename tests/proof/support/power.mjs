// Notes of a server and of commands that run under power.c, and of the test that starts them.

import { execFileSync } from "node:child_process";
import { appendFileSync, closeSync, openSync, readdirSync, readFileSync, readSync, statSync, watch as watchFile } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { Observable } from "../../harness/waiting.mjs";

const HEAD = 21;

/** Compiles the shim; the environment for a process that is watched. */
export function watched(folder, root, journal) {
  return { LD_PRELOAD: compile("power", folder), POWER_FOLDER: root, POWER_JOURNAL: journal };
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
export function noteWhatIsThere(root, data, journal) {
  for (const name of readdirSync(data).filter((name) => !name.endsWith("-shm"))) {
    const path = join(data, name);
    const { ino, size } = statSync(path);
    const file = BigInt(ino);
    append(journal, "E", { file, bytes: Buffer.from(relative(root, path)) });
    append(journal, "W", { file, bytes: readFileSync(path) });
    append(journal, "T", { file, offset: size });
  }
}

/** A note of the test itself: what somebody was told, or what comes now. */
export function mark(journal, told) {
  append(journal, "P", { bytes: Buffer.from(JSON.stringify(told)) });
}

function append(journal, kind, { file = 0n, offset = 0, bytes = Buffer.alloc(0) }) {
  const head = Buffer.alloc(HEAD);
  head.write(kind, 0, "latin1");
  head.writeBigUInt64LE(file, 1);
  head.writeBigUInt64LE(BigInt(offset), 9);
  head.writeUInt32LE(bytes.length, 17);
  appendFileSync(journal, Buffer.concat([head, bytes]));
}

/** The whole notes in some bytes, and where the first one that is not whole begins. */
function parse(bytes) {
  const notes = [];
  let at = 0;
  while (at + HEAD <= bytes.length) {
    const end = at + HEAD + bytes.readUInt32LE(at + 17);
    if (end > bytes.length) break;
    const kind = String.fromCharCode(bytes[at]);
    const file = bytes.readBigUInt64LE(at + 1);
    notes.push({ kind, file, offset: Number(bytes.readBigUInt64LE(at + 9)), bytes: bytes.subarray(at + HEAD, end) });
    at = end;
  }
  return { notes, at };
}

export function readNotes(journal) {
  return parse(readFileSync(journal)).notes;
}

/** Follows the notes while they are made, and hands each to a chronicle. */
export class Follower extends Observable {
  #read = 0;
  #chronicle;

  constructor(test, journal, chronicle) {
    super();
    this.#chronicle = chronicle;
    const descriptor = openSync(journal, "a+");
    const look = () => {
      const fresh = Buffer.alloc(statSync(journal).size - this.#read);
      readSync(descriptor, fresh, 0, fresh.length, this.#read);
      const { notes, at } = parse(fresh);
      this.#read += at;
      for (const note of notes) chronicle.take(note);
      if (notes.length > 0) this.changed();
    };
    const watcher = watchFile(journal, look);
    test.after(() => {
      watcher.close();
      closeSync(descriptor);
    });
  }

  toJSON() {
    return this.#chronicle;
  }
}
