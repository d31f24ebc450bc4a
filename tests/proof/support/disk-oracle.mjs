// What a power cut must not take back: the promises of a run up to some note, held against what a disk has kept.

import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { V1Person } from "../../harness/person.mjs";
import { run, Server } from "../../harness/server.mjs";
import { IMPORTED, SECRETS } from "./disk-story.mjs";
import { Recorder } from "./recorder.mjs";

const TEXT = /writer \d+, round \d+, line \d+/g;

export const textsIn = (bytes) => bytes.toString("utf8").match(TEXT) ?? [];

/** A promise that was not kept. */
export class Broken extends Error {}

function demand(holds, what) {
  if (!holds) throw new Broken(what);
}

/** What people have been told or shown, note by note. */
export class Promises {
  texts = new Set();
  backups = [];
  told = {};

  take({ kind, bytes }) {
    if (kind === "S") for (const text of textsIn(bytes)) this.texts.add(text);
    if (kind !== "P") return;
    const told = JSON.parse(bytes.toString());
    if (told.backup !== undefined) this.backups.push(told.backup);
    Object.assign(this.told, told);
  }
}

/** Plays one cut, starts a server on what is left, and asks for everything that was promised. */
export async function survives(t, disk, promises, { story, dice, share }) {
  const folder = mkdtempSync(join(tmpdir(), "tidings-cut-"));
  try {
    disk.cut(folder, dice, share);
    const data = join(folder, "data");
    if (promises.told.scrubbed) isScrubbed(data);
    if (promises.told.isLater) await refusesStrayLog(folder, data, story.older);
    await hasLines(t, data, promises, story);
    const { keys } = await verified(["--data", data], "the data folder");
    demand(keys >= 1 + (promises.told.keys ?? 0), `${keys} signing keys are left`);
    await hasCopies(folder, promises);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Everything acked or shown is there, once and in order, and what was deleted is not. */
async function hasLines(t, data, { texts: promised, told }, { token, room }) {
  const server = await Server.start(t, { data }).catch((err) => {
    throw new Broken(`no server starts: ${err.message}`);
  });
  const lines = await new Recorder(t).read(server.url, "reader");
  const texts = lines.map(({ text }) => textsIn(Buffer.from(text))[0] ?? text);
  const stored = new Set(texts);
  const lost = [...promised].filter((text) => !stored.has(text));
  demand(lost.length === 0, `${lost.length} promised and gone, the first is ${JSON.stringify(lost[0])}`);
  demand(stored.size === texts.length, "something is there twice");
  demand(lines.every(({ offset }, index) => offset === index + 1), "the log is not dense");
  if (told.deleted) {
    const ada = await V1Person.connect(t, server.url, { auth: { token } }).catch((err) => {
      throw new Broken(`ada is not known any more: ${err.message}`);
    });
    const { messages } = await ada.ask("history", { room, after: 0, limit: 2 });
    demand(messages?.length === 2 && messages.every(({ deleted }) => deleted), "what was deleted is there again");
    ada.leave();
  }
  await server.kill();
}

function isScrubbed(data) {
  for (const name of readdirSync(data)) {
    const bytes = readFileSync(join(data, name));
    for (const secret of SECRETS) demand(!bytes.includes(secret), `${name} still has a text that was deleted`);
  }
}

/** With an older database put in its place, the write-ahead log of a later life is not taken. */
async function refusesStrayLog(folder, data, older) {
  if (!existsSync(join(data, "chat.db-wal")) || statSync(join(data, "chat.db-wal")).size === 0) return;
  const put = join(folder, "put-back");
  cpSync(data, put, { recursive: true });
  writeFileSync(join(put, "chat.db"), older);
  const { code } = await run(["rotate-key", "--data", put]);
  demand(code === 1, "a write-ahead log of another life of the database is taken");
}

/** A backup that has its name is whole, and so is a database that a command has made. */
async function hasCopies(folder, { backups, told }) {
  const names = readdirSync(folder).filter((name) => /^backup-\d+\.db$/.test(name));
  const found = new Map();
  for (const name of names) found.set(name, (await verified([join(folder, name)], name)).entries);
  for (const { name, entries } of backups) demand(found.get(name) === entries, `${name} has ${found.get(name)} of ${entries} entries`);
  for (const [name, entries] of [["restored", backups[0]?.entries], ["imported", IMPORTED.length]]) {
    const data = join(folder, name);
    const exists = existsSync(join(data, "chat.db"));
    // A command that was cut off may have left something to be repaired, which only one that writes does.
    if (exists && !told[name]) demand((await run(["rotate-key", "--data", data])).code === 0, `${name} cannot be opened`);
    const has = exists ? (await verified(["--data", data], name)).entries : undefined;
    if (told[name]) demand(has === entries, `${name} has ${has} of ${entries} entries`);
  }
}

async function verified(args, what) {
  const { code, stdout, stderr } = await run(["verify", ...args]);
  demand(code === 0, `${what} is not sound: ${stderr}`);
  const count = (name) => Number(new RegExp(`^  ${name} +(\\d+)$`, "m").exec(stdout)?.[1]);
  return { entries: count("entries"), keys: count("signing keys") };
}
