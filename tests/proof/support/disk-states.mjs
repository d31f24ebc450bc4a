// What a run of the server passes through on its disk: which flush is for what, and states that a run has to reach.

import { basename, dirname } from "node:path";
import { Disk, Folder } from "./disk.mjs";

/** The length from which the writer itself lets the write-ahead log begin anew: PAGES_MAX of the checkpointer. */
export const LONG_LOG = 4_096 * (4_096 + 24) + 32;

/** What every run has to reach, and what every run has to be cut behind. */
export const STATES = [
  "a checkpoint while it serves", "the log begins anew", "the log begins anew when it is long",
  "the log is emptied after a deletion", "a kill between a commit and its flush",
  "a kill between a checkpoint and its flush", "a stop", "a start after a stop", "a start after a kill",
  "a commit during a backup", "a backup", "a restore", "an import", "a new key",
];

const TOLD = { backup: "a backup", restored: "a restore", imported: "an import", keys: "a new key" };

/** When something is flushed: by the folder that a command works in, or by what the server is at. */
const COMMANDS = { restored: "by a restore", imported: "by an import" };
const TIMES = { starts: "at a start", serves: "while it serves", stops: "at a stop", "gets a key": "by rotate-key" };

/** Follows the notes of a run: knows the disk, what the server is at, and the states that were reached. */
export class Chronicle {
  disk = new Disk();
  /** What the test has said last of the server: starts, serves, is killed, stops, rotates its key. */
  server = "is not there";
  /** The states, each with the number of the notes behind which it was reached. */
  reached = new Map(STATES.map((state) => [state, []]));
  #count = 0;
  #was = null;
  /** How many commits each thread has flushed. */
  #commits = new Map();

  /** Takes a note; for a flush that had something to flush, what it was for. */
  take(note) {
    this.#count += 1;
    if (note.kind === "P") this.#told(JSON.parse(note.bytes.toString()));
    const entry = this.disk.entry(note.file);
    if (entry?.path === "data/chat.db-wal") this.#logged(note, entry);
    const purpose = note.kind === "F" && entry !== undefined ? this.#purpose(note, entry) : undefined;
    this.disk.take(note);
    return purpose;
  }

  count(state) {
    return this.reached.get(state).length;
  }

  /** Where the disk is in the middle of something. */
  get amid() {
    const unflushed = (path) => (this.disk.at(path)?.waiting.length ?? 0) > 0;
    const data = this.disk.at("data");
    return [
      ...(unflushed("data/chat.db") ? ["inside a checkpoint"] : []),
      ...(unflushed("data/chat.db-wal") ? ["inside a commit"] : []),
      ...(data?.waiting.length > 0 || this.disk.root.waiting.length > 0 ? ["with names that are not flushed"] : []),
    ];
  }

  toJSON() {
    return Object.fromEntries([...this.reached].map(([state, notes]) => [state, notes.length]));
  }

  /** A backup is being written. */
  get #copies() {
    return [...this.disk.root.live.keys()].some((name) => name.endsWith(".unfinished"));
  }

  #reach(state) {
    this.reached.get(state).push(this.#count);
  }

  #told(told) {
    for (const [name, state] of Object.entries(TOLD)) if (told[name] !== undefined) this.#reach(state);
    if (told.server === undefined) return;
    this.#was = this.server;
    this.server = told.server;
    if (told.server === "is killed") {
      if (this.amid.includes("inside a checkpoint")) this.#reach("a kill between a checkpoint and its flush");
      else if (this.amid.includes("inside a commit")) this.#reach("a kill between a commit and its flush");
    } else if (told.server === "starts") {
      this.#commits.clear();
      this.startsAfter = this.#was;
    } else if (told.server === "serves") {
      if (this.startsAfter === "is killed") this.#reach("a start after a kill");
      else if (this.startsAfter === "has stopped") this.#reach("a start after a stop");
    } else if (told.server === "has stopped") this.#reach("a stop");
  }

  #logged({ kind, offset, bytes }, log) {
    if (kind === "W" && offset === 0 && bytes.length === 32 && log.size > 32) {
      this.#reach("the log begins anew");
      if (log.size >= LONG_LOG) this.#reach("the log begins anew when it is long");
    }
    if (kind === "T" && offset === 0 && log.size > 0 && this.server === "serves") this.#reach("the log is emptied after a deletion");
  }

  #purpose({ offset: thread }, entry) {
    const work = entry.waiting.slice(0, entry.begun.get(thread) ?? 0);
    const where = dirname(entry.path) === "." ? entry.path : dirname(entry.path);
    const when = COMMANDS[where] ?? TIMES[this.server];
    const name = basename(entry.path);
    // SQLite has flushed them, and we do once more: one of the two is enough.
    if (name.endsWith(".unfinished")) return "a backup, before it has its name";
    if (name === "chat.db.new") return `a database, before it has its name, ${when}`;
    if (work.length === 0) return entry instanceof Folder ? `names that have been flushed, ${when}` : undefined;
    if (entry instanceof Folder) return purposeOfNames(entry, work, when);
    if (name.startsWith("chat.db-wal-epoch")) return `the mark of the log's epoch, ${when}`;
    if (name.endsWith("-journal")) return "the journal of a database that is being made";
    const isLog = name === "chat.db-wal";
    if (entry.isLeft) return `the ${isLog ? "log" : "database"} that a killed server has left`;
    if (isLog) {
      const isHeader = work.every(({ offset, bytes }) => offset === 0 && bytes?.length === 32);
      if (isHeader) return `the header of a log, ${when}`;
      this.#commits.set(thread, (this.#commits.get(thread) ?? 0) + 1);
      if (this.#copies) this.#reach("a commit during a backup");
      return `a commit, ${when}`;
    }
    if (this.server === "serves") {
      this.#reach("a checkpoint while it serves");
      if (where === "data") return `the database, by a checkpoint of the ${this.#commits.has(thread) ? "writer" : "checkpointer"}`;
    }
    return `the database, ${when}`;
  }
}

function purposeOfNames(folder, work, when) {
  const has = (name) => work.some(({ made, to }) => made === name || to === name);
  if (folder.path === "") {
    if (work.some(({ made }) => made?.startsWith("backup"))) return "the name of a backup";
    const data = work.find(({ entry }) => entry instanceof Folder);
    return data === undefined ? "names of what is being made" : `the name of a data folder, ${COMMANDS[data.made] ?? when}`;
  }
  if (folder.isLeft) return "the names that a killed server has left";
  if (has("chat.db")) return `the name of a new database, ${when}`;
  if (has("chat.db-wal-epoch")) return `the name of the mark, ${when}`;
  if (has("chat.db-wal")) return `the name of a log, ${when}`;
  return "names of what is being made";
}
