// One run of the server under watch, through everything that its disk can be in: kills, checkpoints, logs that begin
// anew, a deletion, a backup, stops and starts, a new key, a restore, an import. What people are told is marked.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { V1Person } from "../../harness/person.mjs";
import { run, Server, temporaryFolder } from "../../harness/server.mjs";
import { PATIENCE_MS, within } from "../../harness/waiting.mjs";
import { Chronicle, LONG_LOG } from "./disk-states.mjs";
import { Follower, mark, noteWhatIsThere, readNotes, watched } from "./power.mjs";
import { Recorder } from "./recorder.mjs";
import { amount } from "./scale.mjs";

const FILLING = "x".repeat(16_000);

/** Messages of the tutorial's database. */
export const IMPORTED = ["an old line", "another old line"];

/** Words of texts that are deleted while the server runs: one that a checkpoint has copied, one that only the log has. */
export const SECRETS = ["secret-of-the-database", "secret-of-the-log"];

/** So often that none of it is left only if all of it was overwritten: a shorter row takes a part of its place. */
const secretText = (word) => `${word} `.repeat(40).trim();

/** The notes of a run, and what a reader needs to look for what was promised in it. */
export async function record(t, dice) {
  const story = new Story(t, dice);
  await story.begin();
  await story.killsAtCommits(amount("POWER_ROUNDS", 3, 6));
  for (const act of ["aCheckpoint", "aKillAtACheckpoint", "aDeletion", "aBackup", "aStop", "aNewKey", "aRestore", "anImport", "aLongLog"]) {
    story.tell({ act });
    await story[act]();
  }
  await story.end();
  const { names, room, token, older } = story;
  return { notes: readNotes(story.journal), acked: story.recorder.acked.map(({ text }) => text), names, room, token, older };
}

/** Another program that reads a database, until it is let go. */
async function readsFor(t, file) {
  const program = "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\ndb.execute('begin')\ndb.execute('select count(*) from entry').fetchone()\nprint('reads', flush=True)\nsys.stdin.read()";
  const child = spawn("python3", ["-c", program, file], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "close");
  t.after(() => child.kill("SIGKILL"));
  await within(once(child.stdout, "data"), PATIENCE_MS, "another program to read the database");
  return async () => {
    child.stdin.end();
    await within(ended, PATIENCE_MS, "another program to end");
  };
}

class Story {
  constructor(t, dice) {
    this.t = t;
    this.dice = dice;
    const folder = temporaryFolder();
    this.root = join(folder, "disk");
    this.journal = join(folder, "journal");
    this.data = join(this.root, "data");
    this.tutorial = join(folder, "tutorial.db");
    mkdirSync(this.root);
    this.env = watched(folder, this.root, this.journal);
    this.recorder = new Recorder(t);
    this.chronicle = new Chronicle();
    this.follower = new Follower(t, this.journal, this.chronicle);
  }

  tell(told) {
    mark(this.journal, told);
  }

  /** Waits until a state has been reached once more than `before`. */
  reaches(state, before = 0) {
    return this.follower.until(() => this.chronicle.count(state) > before, `${state} (never reached)`);
  }

  async begin() {
    this.tell({ act: "the first start", server: "starts" });
    this.server = await Server.start(this.t, { data: this.data, env: this.env });
    this.tell({ server: "serves" });
    this.writers = await this.recorder.joinAll(this.server.url, [0, 1, 2, 3].map((index) => `writer ${index}`), { transports: ["websocket"] });
    this.ada = await V1Person.connect(this.t, this.server.url, { name: "ada" });
    this.token = this.ada.token;
    this.room = (await this.ada.must("create", { kind: "private", name: "Secrets" })).room;
  }

  /** Everybody says some lines, which differ by the round. */
  say(round, count, filling = "") {
    const text = (writer) => (index) => `${writer.name}, round ${round}, line ${index}${filling}`;
    return Promise.all(this.writers.map((writer) => this.recorder.sayAll(writer, count, text(writer))));
  }

  async again() {
    this.tell({ server: "starts" });
    await this.server.startAgain();
    this.tell({ server: "serves" });
  }

  /** It has died at a flush: what is seen after the start must outlive a cut right behind it, too. */
  async diesAtFlush(name) {
    const [seen] = this.writers;
    writeFileSync(`${this.journal}.die`, name);
    await seen.until(() => !seen.socket.connected, "the death of the server");
    await this.server.kill();
    this.tell({ server: "is killed" });
    noteWhatIsThere(this.root, this.data, this.journal);
    await this.again();
  }

  async killsAtCommits(rounds) {
    for (let round = 0; round < rounds; round += 1) {
      this.tell({ act: `round ${round}` });
      const count = this.dice.between(4, 12);
      const [seen] = this.writers;
      const before = seen.lines.length;
      const work = this.say(round, count);
      if (round + 1 < rounds) {
        await seen.seesCount(before + this.dice.between(1, count * 3));
        await this.diesAtFlush("chat.db-wal");
      }
      await work;
    }
  }

  /** A pause is over, all is copied, and the next commit writes over the log. */
  async aCheckpoint() {
    await this.ada.say(secretText(SECRETS[0]), this.room);
    await this.beginsAnew("the log begins anew", 100);
  }

  async beginsAnew(state, first) {
    const reached = this.chronicle.count(state);
    for (let round = first; this.chronicle.count(state) === reached; round += 1) {
      assert.ok(round < first + 20, `${state}: never reached, ${JSON.stringify(this.chronicle)}`);
      const before = this.chronicle.count("a checkpoint while it serves");
      await this.say(round, 1);
      await this.reaches("a checkpoint while it serves", before);
      await this.say(round + 20, 1);
    }
  }

  async aKillAtACheckpoint() {
    const death = this.diesAtFlush("chat.db");
    await this.say(200, 1);
    await death;
    await this.say(201, 2);
  }

  async aDeletion() {
    await this.ada.say(secretText(SECRETS[1]), this.room);
    this.tell({ deleting: true });
    const emptied = this.chronicle.count("the log is emptied after a deletion");
    for (const seq of [1, 2]) await this.ada.must("delete", { room: this.room, seq });
    this.tell({ deleted: true });
    await this.reaches("the log is emptied after a deletion", emptied);
    // With the next commit it is flushed that the log is empty.
    await this.say(300, 2);
    for (const name of readdirSync(this.data)) {
      const bytes = readFileSync(join(this.data, name));
      for (const secret of SECRETS) assert.ok(!bytes.includes(secret), `${name} has a text that was deleted and should be scrubbed: ${secret}`);
    }
    this.tell({ scrubbed: true });
  }

  /** Until one has a commit beside it. */
  async aBackup() {
    for (let number = 0; this.chronicle.count("a commit during a backup") === 0; number += 1) {
      assert.ok(number < 50, "no backup has a commit beside it");
      const name = `backup-${number}.db`;
      const saying = this.say(400 + number, 3);
      const told = await this.command("backup", join(this.root, name), "--data", this.data);
      this.tell({ backup: { name, entries: Number(/^backed up (\d+) entries/.exec(told)?.[1]) } });
      await saying;
    }
  }

  async aStop() {
    await this.stops();
    // What an operator may put back later, and forget the log.
    this.older = readFileSync(join(this.data, "chat.db"));
    await this.again();
    await this.say(500, 3);
    this.tell({ isLater: true });
  }

  /** Somebody reads for so long that the log cannot begin anew until it is long. */
  async aLongLog() {
    await this.again();
    const letGo = await readsFor(this.t, join(this.data, "chat.db"));
    const size = () => this.chronicle.disk.at("data/chat.db-wal")?.size ?? 0;
    for (let round = 600; size() < LONG_LOG; round += 1) await Promise.all([this.fill(150), this.say(round, 1)]);
    await letGo();
    await this.beginsAnew("the log begins anew when it is long", 650);
    await this.say(700, 2);
  }

  /** Ada says so much, each until it is answered: what was under way on a connection that ended is sent once more. */
  async fill(count) {
    const { ada } = this;
    const waiting = new Map();
    const send = (say) =>
      ada.socket.emit("say", say, ({ ok }) => {
        if (ok) waiting.delete(say.n);
        ada.changed();
      });
    const again = () => [...waiting.values()].forEach(send);
    for (let number = 0; number < count; number += 1) {
      const say = { n: ++ada.n, room: this.room, text: FILLING };
      waiting.set(say.n, say);
      send(say);
    }
    ada.socket.on("welcome", again);
    await ada.until(() => waiting.size === 0, "the answers to all that fills the log");
    ada.socket.off("welcome", again);
  }

  async aNewKey() {
    await this.stops();
    this.tell({ server: "gets a key" });
    await this.command("rotate-key", "--data", this.data);
    this.tell({ keys: 1, server: "has stopped" });
  }

  async aRestore() {
    await this.command("restore", join(this.root, "backup-0.db"), "--data", join(this.root, "restored"));
    this.tell({ restored: true });
  }

  async anImport() {
    const sql = ["create table messages (id integer primary key autoincrement, client_offset text unique, content text)"];
    sql.push(...IMPORTED.map((text, index) => `insert into messages values (${index + 1}, 'key-${index}', '${text}')`));
    const program = "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\nfor s in sys.argv[2:]: db.execute(s)\ndb.commit()";
    execFileSync("python3", ["-c", program, this.tutorial, ...sql]);
    await this.command("import", this.tutorial, "--data", join(this.root, "imported"));
    this.tell({ imported: true });
  }

  async stops() {
    this.tell({ server: "stops" });
    assert.deepEqual(await this.server.stop(), { code: 0, signal: null });
    this.tell({ server: "has stopped" });
  }

  async end() {
    await this.recorder.judge(this.server.url);
    await this.stops();
  }

  async command(...args) {
    const { code, stdout, stderr } = await run(args, { env: this.env });
    assert.equal(code, 0, stderr);
    return stdout;
  }
}
