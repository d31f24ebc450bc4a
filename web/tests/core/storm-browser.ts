// A browser of the storms: a profile that outlives its tabs, a disk that may fail, and what has to hold of both.

import { createChat } from "../../src/core/chat.ts";
import type { ChatClient, RoomId } from "../../src/core/facade.ts";
import { enqueue } from "../../src/core/numbering.ts";
import type { SetTimer } from "../../src/core/ports.ts";
import { MemoryDisk } from "../../src/core/store-memory.ts";
import { TabHub } from "../../src/core/tabs.ts";
import { Desk } from "./desk.ts";
import { FailingStore, type Fate, type Operation } from "./failing-store.ts";
import { FencedStore } from "./fenced-store.ts";
import { keptSend, type Judge } from "./judge.ts";
import { LateTabs } from "./late-tabs.ts";
import { visible } from "./model-state.ts";
import { Life } from "./mortal.ts";
import { attentive, LOBBY, rowsOf, type World } from "./people.ts";
import { SlowStore } from "./slow-store.ts";
import { reach } from "./storm-states.ts";
import type { Chance } from "./virtual-clock.ts";
import { terse, Witness } from "./witness.ts";

/** The rooms that all are in at first: a public one, and a private one of ada's that people leave and are removed from. */
export const [GARDEN, DEN] = [2, 3];
/** The slowest disk, with a queue before it. */
const KEPT_AFTER_MS = 3_000;

/** Whether somebody looks at a tab, and since when nothing happens in it. */
interface Watch {
  isOn: boolean;
  asleepSince: number | null;
}

/** How often the disk of a browser fails. */
export interface Trouble {
  readonly writes: number;
  readonly reads: number;
  /** Of the commits that fail, those that are kept all the same. */
  readonly unheard: number;
}

const NO_TROUBLE: Trouble = { writes: 0, reads: 0, unheard: 0 };

/** A browser with a profile that outlives its tabs. */
export class Browser {
  readonly disk = new MemoryDisk();
  readonly desk: Desk;
  readonly #hub = new TabHub();
  #opened = 0;
  readonly tabs: { readonly name: string; readonly chat: ChatClient; readonly life: Life; readonly watch: Watch; readonly witness: Witness; readonly unwatch: () => void }[] = [];
  trouble = NO_TROUBLE;
  /** Nothing can be written for a while. */
  isFull = false;
  /** Commits that failed since one was kept. */
  #failed = 0;

  constructor(
    readonly name: string,
    readonly world: World,
    readonly judge: Judge,
    readonly latency: () => number,
    /** How late a tab hears what another one tells. */
    readonly lateness: () => number,
    /** Nothing is lost on the way and nothing set back, so the cursor has no excuse. */
    readonly isHonest: boolean,
    /** What is typed may wait for a disk that works again. */
    isReliable: boolean,
  ) {
    this.desk = new Desk(name, this.disk, world.clock.now, isReliable ? KEPT_AFTER_MS : Infinity);
  }

  async open(chance: Chance, terseness: number): Promise<void> {
    const isTerse = chance.is(terseness);
    const life = new Life();
    const { clock } = this.world;
    const timer: SetTimer = (milliseconds, due) => clock.setTimer(milliseconds, () => life.isOver || due());
    const witness = new Witness(reach);
    const isCommitting = (): boolean => this.tabs.some((tab) => tab.witness.isCommitting && !tab.life.isOver);
    const fenced = new FencedStore(this.disk, (fault) => this.judge.faults.push(`${this.name}: ${fault}`), isCommitting);
    // A tab that cannot read anything at first does not open.
    const failing = new FailingStore(fenced, (operation) => (witness.isRead ? this.#fate(operation) : "passes"));
    // Of two tabs one may hear much later than the other what it has written.
    const slowness = chance.is(0.2) ? 4 : 1;
    const store = new SlowStore(failing, timer, () => slowness * this.latency(), () => this.#kept());
    const tabs = new LateTabs(this.#hub.join(), timer, this.lateness);
    const watch: Watch = { isOn: true, asleepSince: null };
    const mortal = life.options(this.world.options({ store, tabs: isTerse ? terse(tabs) : tabs, isWatched: () => watch.isOn }));
    const lost = (event: string): void => void this.judge.faults.push(`${this.name} sends ${event} where there is no connection`);
    const { transport: connect = () => this.world.server.transport() } = mortal;
    const transport = () => attentive(connect(), lost);
    const chat = await this.world.does(createChat({ ...mortal, transport, store: witness.store(mortal.store), tabs: witness.tabs(mortal.tabs ?? tabs) }));
    witness.isThere();
    if (isTerse) reach("a page of the version before shared a browser");
    const unwatches = [LOBBY, DEN].map((room) => this.judge.watch(this.name, chat.open(room)));
    const unwatch = (): void => unwatches.forEach((end) => end());
    chat.strays.subscribe((strays) => strays.length > 0 && reach("a stray was offered"));
    this.tabs.push({ name: `${this.name} in tab ${(this.#opened += 1)}`, chat, life, watch, witness, unwatch });
  }

  /** A page of a version that does not count the changes of the outbox says something, or takes a refused message away. */
  beside(chance: Chance, room: RoomId, text: string): void {
    const { disk, judge } = this;
    const refused = [...disk.rows.values()].find((row) => row.refused !== undefined && row.command.event === "say");
    if (refused !== undefined && refused.command.event === "say" && chance.is(0.8)) {
      judge.mend(refused.command.text);
      disk.rows.delete(refused.id);
      reach("a page that does not count has taken a refused message away");
    } else {
      const part = { device: disk.device, count: disk.rows.size };
      const { device, put = [] } = enqueue(part, { event: "say", room, text }, this.world.clock.now(), chance.id());
      for (const row of put) disk.rows.set(row.id, row);
      if (put.length > 0) judge.sends.push(keptSend(`${this.name} beside`, room, text));
      disk.device = device ?? disk.device;
      reach("a page that does not count has said something");
    }
    const page = this.#hub.join();
    this.world.clock.setTimer(this.lateness() + chance.below(500), () => {
      page.post({ kind: "outbox" });
      page.close();
    });
  }

  /** What becomes of the next operation of the store. */
  #fate(operation: Operation): Fate {
    const { chance } = this.world;
    const { writes, reads, unheard } = this.trouble;
    const isWrite = operation === "lead" || operation === "changeOutbox" || operation === "commit" || operation === "bind";
    if (!chance.is(isWrite ? (this.isFull ? 1 : writes) : reads)) return "passes";
    if (operation === "lead") reach("a number for a leader was rejected");
    if (operation === "changeOutbox") reach("a change of the outbox was rejected");
    if (operation === "outbox" || operation === "outboxVersion") reach("a tab could not read the outbox");
    if (operation === "load") reach("a tab could not read the store");
    if (operation !== "commit") return "rejected";
    this.#failed += 1;
    if (chance.is(unheard)) {
      reach("a commit was kept, and its tab was told that it was not");
      return "unheard";
    }
    reach(this.#failed > 1 ? "a commit was rejected twice in a row" : "a commit was rejected");
    return "rejected";
  }

  #kept(): void {
    if (this.#failed > 0) reach("a commit took what an earlier one could not keep");
    this.#failed = 0;
    if (this.isHonest) this.#judgeCursor();
  }

  /** The disk works again. */
  mend(): void {
    this.trouble = NO_TROUBLE;
    this.isFull = false;
  }

  async wake({ name, life, watch }: { readonly name: string; readonly life: Life; readonly watch: Watch }): Promise<void> {
    await life.thaw();
    watch.asleepSince = null;
    this.desk.woke(name);
  }

  crash(index: number): void {
    this.judge.keep(this.disk.rows.values());
    for (const { name, life, watch, witness, unwatch } of this.tabs.splice(index, 1)) {
      if (witness.isCommitting) reach("a commit was cut off by the end of its tab");
      unwatch();
      life.end();
      this.desk.crashed(name, watch.asleepSince ?? this.world.clock.now());
      this.judgeDisk();
    }
  }

  /** The cursor never stands further than what is kept. */
  #judgeCursor(): void {
    const { cursor, session, rooms } = this.disk;
    if (cursor === null || session === null) return;
    const { state } = this.world.server;
    const position = parseInt(cursor.split(".")[2] ?? "", 36);
    for (const { room, joined, applied } of rooms.values()) {
      if (!joined || applied === null) continue;
      // What was said in a room before somebody was removed from it is not told to them any more.
      const passed = state.log.findLast((entry) => entry.room === room && entry.position <= position && visible(state, entry, session.user));
      if ((passed?.rev ?? 0) > applied) this.judge.faults.push(`${this.name}: cursor ${position}, but room ${room} is at ${applied} of ${passed?.rev}`);
    }
  }

  /** What is known of the den is the same as whether one is in it, and what was refused there is still there. */
  judgeDen(): void {
    const { disk, chats, name, world, judge } = this;
    const isIn = world.server.state.rooms.get(DEN)?.members.has(disk.session?.user ?? "") === true;
    for (const chat of chats) {
      if (chat.rooms.value.some(({ room }) => room === DEN) !== isIn) judge.faults.push(`${name} is ${isIn ? "" : "not "}in the den, and does not know`);
      if (isIn && chat.lost.value.has(DEN)) judge.faults.push(`${name} is in the den and has lost it`);
    }
    judge.excuse(disk.rows.values());
    this.#judgeRefused();
  }

  /** Every tab offers what was refused to be sent again, and nothing else. */
  #judgeRefused(): void {
    const isRefused = (id: number): boolean => this.disk.rows.get(id)?.refused !== undefined;
    const wanted = [...this.disk.rows.values()].filter(({ id, command }) => command.event === "say" && command.room === DEN && isRefused(id));
    for (const chat of this.chats) {
      const view = chat.open(DEN);
      const shown: readonly number[] = [...rowsOf(view, "pending"), ...chat.strays.value].flatMap(({ n }) => (n === undefined ? [] : [n]));
      view.close();
      if (!wanted.every(({ id }) => shown.includes(id))) this.judge.faults.push(`${this.name} does not offer all of ${wanted.map(({ id }) => id).join(" ")}`);
      if (!shown.every(isRefused)) this.judge.faults.push(`${this.name} offers ${shown.join(" ")}, which were not all refused`);
    }
  }

  judgeDisk(): void {
    if ([...this.disk.drafts.values()].some(({ aside, text }) => aside !== undefined && text !== null)) reach("a text was put aside");
    const said = this.world.server.state.log.flatMap(({ event, payload }) => (event === "message" ? [String(payload["text"])] : []));
    this.desk.judgeDisk(new Set(said));
  }

  /** The tabs that are not frozen. */
  get awake(): Browser["tabs"] {
    return this.tabs.filter(({ life }) => !life.isFrozen);
  }

  get chats(): readonly ChatClient[] {
    return this.tabs.map(({ chat }) => chat);
  }
}
