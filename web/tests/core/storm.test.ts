// Goal: whatever the network, the server and the tabs do, the promise holds for what people write and see.
// Method: seeded runs in virtual time; the rates of all faults are drawn from the seed too. A failure names its seed:
// CORE_SEEDS=1 CORE_FROM=<seed> npx vitest run tests/core/storm.test.ts

import { expect, test } from "vitest";
import { createChat } from "../../src/core/chat.ts";
import type { ChatClient, DraftPlace, RoomId } from "../../src/core/facade.ts";
import { enqueue } from "../../src/core/numbering.ts";
import { MemoryDisk, MemoryStore } from "../../src/core/store-memory.ts";
import { Deposed, type Change, type Changed, type Committed, type Durability, type Generation, type Look, type OutboxChange, type OutboxPart } from "../../src/core/store.ts";
import { TabHub } from "../../src/core/tabs.ts";
import { Desk } from "./desk.ts";
import { Judge, keptSend } from "./judge.ts";
import { PACE, type PaceBounds } from "../../src/core/pace.ts";
import type { SetTimer } from "../../src/core/ports.ts";
import { LateTabs } from "./late-tabs.ts";
import { SlowStore } from "./slow-store.ts";
import { FAIR_WEATHER, type Weather } from "./model-server.ts";
import { visible, type State } from "./model-state.ts";
import { Life } from "./mortal.ts";
import { LOBBY, rowsOf, World } from "./people.ts";
import { Chance } from "./virtual-clock.ts";
import { terse, Witness } from "./witness.ts";

const SEEDS = Number(process.env["CORE_SEEDS"] ?? 60);
const FROM = Number(process.env["CORE_FROM"] ?? 1);
const STEPS = 120;
/** The rooms that all are in at first: a public one, and a private one of ada's that people leave and are removed from. */
const [GARDEN, DEN] = [2, 3];
/** The slowest disk, with a queue before it. */
const KEPT_AFTER_MS = 3_000;

/** What the runs have reached, each at least once: a state that no run reaches is not tested. */
const reached = new Map<string, number>(
  [
    "a leader was replaced by another tab",
    "a commit of a deposed leader was refused",
    "a change of the outbox by a deposed leader was refused",
    "a number for a leader was not wanted any more",
    "a text was put aside",
    "a stray was offered",
    "somebody was removed from the den",
    "somebody left the den",
    "a room was lost",
    "a lost room was joined again",
    "a message was refused",
    "a refused message was sent again",
    "a refused message was discarded",
    "the log was set back",
    "all was forgotten",
    "the outbox moved to another device",
    "a page of the version before shared a browser",
    "a page that does not count has said something",
    "a page that does not count has taken a refused message away",
    "a difference of the outbox was applied",
    "a difference was known already",
    "a difference was made from a version that is not known",
    "a difference was made from a device that is not known",
    "a commit was told after a version that is not known",
    "a page of an earlier version has changed the outbox",
  ].map((state) => [state, 0]),
);

function reach(state: string): void {
  const times = reached.get(state);
  if (times === undefined) throw new Error(`nobody waits for: ${state}`);
  reached.set(state, times + 1);
}

/** With the pauses of the page most of a storm would pass over people who are offline. */
const QUICK: PaceBounds = {
  ...PACE,
  unreachable: [50, 100, 200],
  broken: [50, 100, 200, 400],
  triesMax: 20,
  window: 5_000,
  deadline: 1_000,
  deadlineMax: 3_000,
};

/** Whether somebody looks at a tab, and since when nothing happens in it. */
interface Watch {
  isOn: boolean;
  asleepSince: number | null;
}

/** A browser with a profile that outlives its tabs. */
class Browser {
  readonly disk = new MemoryDisk();
  readonly desk: Desk;
  readonly #hub = new TabHub();
  #opened = 0;
  readonly tabs: { readonly name: string; readonly chat: ChatClient; readonly life: Life; readonly watch: Watch; readonly unwatch: () => void }[] = [];

  constructor(
    readonly name: string,
    readonly world: World,
    readonly judge: Judge,
    readonly latency: () => number,
    /** How late a tab hears what another one tells. */
    readonly lateness: () => number,
    /** Nothing is lost on the way and nothing set back, so the cursor has no excuse. */
    readonly isHonest: boolean,
  ) {
    this.desk = new Desk(name, this.disk, world.clock.now, KEPT_AFTER_MS);
  }

  async open(chance: Chance, terseness: number): Promise<void> {
    const isTerse = chance.is(terseness);
    const life = new Life();
    const { clock } = this.world;
    const timer: SetTimer = (milliseconds, due) => clock.setTimer(milliseconds, () => life.isOver || due());
    const fenced = new FencedStore(this.disk, (fault) => this.judge.faults.push(`${this.name}: ${fault}`));
    // Of two tabs one may hear much later than the other what it has written.
    const slowness = chance.is(0.2) ? 4 : 1;
    const store = new SlowStore(fenced, timer, () => slowness * this.latency(), () => this.isHonest && this.#judgeCursor());
    const tabs = new LateTabs(this.#hub.join(), timer, this.lateness);
    const watch: Watch = { isOn: true, asleepSince: null };
    const witness = new Witness(reach);
    const mortal = life.options(this.world.options({ store, tabs: isTerse ? terse(tabs) : tabs, isWatched: () => watch.isOn }));
    const chat = await this.world.does(createChat({ ...mortal, store: witness.store(mortal.store), tabs: witness.tabs(mortal.tabs ?? tabs) }));
    witness.isThere();
    if (isTerse) reach("a page of the version before shared a browser");
    const unwatches = [LOBBY, DEN].map((room) => this.judge.watch(this.name, chat.open(room)));
    const unwatch = (): void => unwatches.forEach((end) => end());
    chat.strays.subscribe((strays) => strays.length > 0 && reach("a stray was offered"));
    this.tabs.push({ name: `${this.name} in tab ${(this.#opened += 1)}`, chat, life, watch, unwatch });
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

  async wake({ name, life, watch }: { readonly name: string; readonly life: Life; readonly watch: Watch }): Promise<void> {
    await life.thaw();
    watch.asleepSince = null;
    this.desk.woke(name);
  }

  crash(index: number): void {
    this.judge.keep(this.disk.rows.values());
    for (const { name, life, watch, unwatch } of this.tabs.splice(index, 1)) {
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

  get chats(): readonly ChatClient[] {
    return this.tabs.map(({ chat }) => chat);
  }
}

/** Watches that what a leader of the past writes changes nothing. */
class FencedStore extends MemoryStore {
  readonly #disk: MemoryDisk;
  readonly #fault: (fault: string) => void;

  constructor(disk: MemoryDisk, fault: (fault: string) => void) {
    super(disk);
    this.#disk = disk;
    this.#fault = fault;
  }

  override async lead(isWanted: () => boolean): Promise<Generation | null> {
    const before = this.#disk.leader;
    const leader = await super.lead(isWanted);
    if (leader === null) reach("a number for a leader was not wanted any more");
    else if (before > 0) reach("a leader was replaced by another tab");
    return leader;
  }

  override async changeOutbox<T>(look: Look, change: (part: OutboxPart) => OutboxChange<T>, durability?: Durability, leader: Generation | null = null): Promise<Changed<T>> {
    const { device } = this.#disk;
    const rows = new Set(this.#disk.rows.keys());
    try {
      const changed = await super.changeOutbox(look, change, durability, leader);
      const { put, drafts } = changed.difference;
      const seen: readonly number[] = look.rows === "all" ? [...rows] : (look.rows ?? []);
      if (put.some(({ id }) => rows.has(id) && !seen.includes(id))) this.#fault("a row was changed that nobody looked at");
      const isSeen = ({ room, seq }: DraftPlace): boolean => look.drafts === "all" || look.drafts?.some((place) => place.room === room && place.seq === seq) === true;
      if (![...drafts.values()].every(isSeen)) this.#fault("a draft was changed that nobody looked at");
      return changed;
    } catch (error) {
      if (error instanceof Deposed) reach("a change of the outbox by a deposed leader was refused");
      throw error;
    } finally {
      if (device !== null && device.id !== this.#disk.device?.id) reach("the outbox moved to another device");
    }
  }

  override async commit(changes: readonly Change[], leader: Generation | null): Promise<Committed> {
    const { leader: current, cursor } = this.#disk;
    const lost = new Set(this.#disk.lost.keys());
    if (leader === null) this.#fault("a leader without a number has written");
    try {
      const committed = await super.commit(changes, leader);
      if (leader !== current) this.#fault(`leader ${leader} has written, and ${current} leads`);
      for (const change of changes) {
        if (change.kind === "forget all") reach("all was forgotten");
        if (change.kind === "refused") reach("a message was refused");
        if (change.kind === "lost") reach("a room was lost");
        if (change.kind === "room" && change.room.joined && lost.has(change.room.room)) reach("a lost room was joined again");
      }
      return committed;
    } catch (error) {
      if (!(error instanceof Deposed) || this.#disk.cursor !== cursor) this.#fault("what was refused has moved the cursor");
      reach("a commit of a deposed leader was refused");
      throw error;
    }
  }
}

function weatherOf(chance: Chance, loses: boolean): Weather {
  const [slow, twice, cut] = [1 + chance.below(300), chance.next() ** 2 / 4, chance.next() ** 3 / 8];
  const lost = loses ? chance.next() ** 3 / 4 : 0;
  const thinks = chance.below(1_000);
  const breaks = chance.next() ** 2 / 3;
  const refuses = chance.is(0.5) ? chance.next() / 3 : 0;
  return {
    delay: () => 1 + chance.below(slow),
    fate: () => (chance.is(lost) ? "lost" : chance.is(cut) ? "cut" : chance.is(twice) ? "twice" : "arrives"),
    slice: () => 1 + chance.below(6),
    thinks: () => chance.below(thinks + 1),
    stores: () => !chance.is(refuses),
    step: () => (chance.is(breaks) ? chance.pick(["cut", "silent", "refused"]) : "passes"),
  };
}

async function storm(seed: number): Promise<void> {
  const chance = new Chance(seed);
  const world = new World(seed, FAIR_WEATHER, chance.is(0.3) ? 10 + chance.below(100) : undefined, QUICK);
  const judge = new Judge(world);
  const [loses, restores, latency] = [chance.is(0.5), chance.is(0.3), chance.below(chance.is(0.5) ? 5 : 60)];
  const lateness = chance.below(chance.is(0.5) ? 2 : 200);
  const isHonest = !loses && !restores;
  const freezes = chance.is(0.6);
  const browsers = ["ada", "bob", "cleo"].map((name) => new Browser(name, world, judge, () => chance.below(latency + 1), () => chance.below(lateness + 1), isHonest));
  const terseness = chance.is(0.4) ? 0 : chance.next();
  for (const browser of browsers) {
    await browser.open(chance, terseness);
    const [chat] = browser.chats;
    if (chat === undefined) continue;
    await world.online(chat);
    await world.does(chat.setName(browser.name));
  }
  await commonRooms(world, browsers);
  world.server.weather = weatherOf(chance, loses);
  let backup: State | null = null;

  for (let step = 0; step < STEPS; step += 1) {
    const browser = chance.pick(browsers);
    const awake = browser.tabs.filter(({ life }) => !life.isFrozen);
    const tab = awake.length === 0 ? null : chance.pick(awake);
    if (freezes && chance.is(0.1)) await slumber(chance, browser);
    const action = chance.below(100);
    const where = chance.pick([LOBBY, LOBBY, GARDEN, GARDEN, DEN]);
    if (tab === null || (action < 4 && browser.tabs.length < 4)) await browser.open(chance, terseness);
    else if (action < 35) judge.say(tab.name, tab.chat, where, `${browser.name} ${step}`);
    else if (action < 60) type(chance, browser, tab, where, `${browser.name} ${step}`);
    else if (action < 66) change(chance, tab.chat, where);
    else if (action < 68) read(chance, tab.chat, where);
    else if (action < 70) page(chance, tab.chat, where);
    else if (action < 72) comeAndGo(chance, browsers, tab.chat);
    else if (action < 74 || (94 <= action && action < 97)) mend(chance, judge, tab.chat);
    else if (action < 78) browser.crash(chance.below(browser.tabs.length));
    else if (action < 82) world.server.cutAll();
    else if (action < 84) world.server.kill();
    else if (action < 90 && !world.server.isRunning) world.server.start();
    else if (action < 92 && restores) backup = world.server.backup();
    else if (action < 94 && backup !== null) await restore(world, judge, backup, browsers);
    else if (action >= 97) browser.beside(chance, where, `${browser.name} beside ${step}`);
    await world.clock.pass(chance.below(chance.is(0.1) ? 4_000 : 200));
  }
  await calm(chance, world, browsers);
  for (const { name, chats } of browsers) {
    for (const chat of chats) for (const where of [LOBBY, GARDEN]) await judge.judgeView(name, chat, where);
  }
  for (const browser of browsers) {
    browser.judgeDisk();
    browser.judgeDen();
    browser.desk.judge(browser.chats);
  }
  for (const where of [LOBBY, GARDEN, DEN]) judge.judgeLog(where);
  judge.verdict();
}

/** A tab is frozen or wakes, or somebody looks at another one. */
async function slumber(chance: Chance, browser: Browser): Promise<void> {
  const { tabs, world } = browser;
  if (tabs.length === 0) return;
  const tab = chance.pick(tabs);
  if (tab.life.isFrozen) return browser.wake(tab);
  if (chance.is(0.4)) {
    tab.watch.isOn = !tab.watch.isOn;
    return;
  }
  tab.life.freeze();
  tab.watch.asleepSince = world.clock.now();
}

async function commonRooms(world: World, browsers: readonly Browser[]): Promise<void> {
  const [first, ...others] = browsers.flatMap(({ chats }) => chats);
  if (first === undefined) throw new Error("nobody is there");
  const garden = await world.does(first.create("public", "garden"));
  const den = await world.does(first.create("private", "den"));
  expect([garden, den]).toEqual([GARDEN, DEN].map((room) => ({ ok: true, room })));
  for (const other of others) {
    await world.does(other.join(GARDEN));
    await world.does(first.add(DEN, other.me.value.user ?? ""));
  }
}

/** Ada, whose den it is, removes somebody or adds them; the others leave. */
function comeAndGo(chance: Chance, browsers: readonly Browser[], chat: ChatClient): void {
  const [ada, ...others] = browsers;
  if (ada?.chats.includes(chat) !== true) {
    if (chance.is(0.3)) void chat.leave(DEN).then(({ ok }) => ok && reach("somebody left the den"));
    return;
  }
  const user = chance.pick(others).disk.session?.user ?? "";
  if (chance.is(0.6)) void chat.add(DEN, user);
  else void chat.expel(DEN, user).then(({ ok }) => ok && reach("somebody was removed from the den"));
}

/** Sends what was refused once more, or takes it away. */
function mend(chance: Chance, judge: Judge, chat: ChatClient): void {
  const view = chat.open(DEN);
  const pending = rowsOf(view, "pending").filter(({ state }) => typeof state === "object");
  view.close();
  const refused = [...pending, ...chat.strays.value].flatMap(({ n, text }) => (n === undefined ? [] : { n, text }));
  if (refused.length === 0) return;
  const { n, text } = chance.pick(refused);
  judge.mend(text);
  if (chance.is(0.5)) void chat.retry(n).then(() => reach("a refused message was sent again"));
  else void chat.discard(n).then(() => reach("a refused message was discarded"));
}

/** Types something, and perhaps sends it then or what stood there before. */
function type(chance: Chance, { desk, judge }: Browser, { name, chat }: Browser["tabs"][number], room: RoomId, text: string): void {
  const place = chance.is(0.7) ? { room } : { room, seq: 1 + chance.below(3) };
  const known = place.seq === undefined ? chat.draft(place) : null;
  if (chance.is(0.4) || (known !== null && judge.sends.some((send) => send.text === known))) return desk.type(name, chat, place, text);
  if (known === null) return;
  desk.sent(name, place);
  judge.say(name, chat, room, known, "from its draft");
}

function change(chance: Chance, chat: ChatClient, room: RoomId): void {
  const view = chat.open(room);
  const own = rowsOf(view, "message").filter((row) => row.own && !row.deleted);
  view.close();
  if (own.length === 0) return;
  const { seq, text } = chance.pick(own);
  if (chance.is(0.5)) void chat.edit(room, seq, `${text}+`);
  else void chat.remove(room, seq);
}

function read(chance: Chance, chat: ChatClient, room: RoomId): void {
  const view = chat.open(room);
  view.markRead(1 + chance.below(40));
  view.close();
}

function page(chance: Chance, chat: ChatClient, room: RoomId): void {
  const view = chat.open(room);
  const [hole] = rowsOf(view, "hole");
  if (hole !== undefined) void view.fill(hole);
  void view.around(1 + chance.below(40)).then(() => view.close());
}

async function restore(world: World, judge: Judge, backup: State, browsers: readonly Browser[]): Promise<void> {
  reach("the log was set back");
  world.server.kill();
  // What was answered by then is out of the outboxes.
  await world.clock.pass(5_000);
  judge.forgive(world.server.state.log, backup.log, browsers.flatMap(({ disk }) => [...disk.rows.values()]));
  world.server.start(backup);
}

/** The weather turns fair, and everybody comes back. */
async function calm(chance: Chance, world: World, browsers: readonly Browser[]): Promise<void> {
  world.server.weather = FAIR_WEATHER;
  if (!world.server.isRunning) world.server.start();
  for (const browser of browsers) {
    for (const tab of browser.tabs) {
      tab.watch.isOn = true;
      await browser.wake(tab);
    }
  }
  for (const browser of browsers) if (browser.tabs.length === 0) await browser.open(chance, 0);
  const idle = (): boolean =>
    browsers.every(({ chats }) => chats.every(({ connection }) => connection.value.state === "online" && connection.value.waiting === 0));
  await world.clock.until(idle, "the calm");
  // A stream that has lost its last entry learns of it when it begins anew.
  world.server.cutAll();
  await world.clock.pass(1_000);
  await world.clock.until(idle, "the calm");
  await world.clock.pass(10_000);
}

test.each(Array.from({ length: SEEDS }, (_, index) => FROM + index))("seed %i", async (seed) => {
  await storm(seed).catch((error: unknown) => {
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  });
  expect(true).toBe(true);
}, 60_000);

test.runIf(SEEDS >= 60)("the runs reach each of the states that are rare", () => {
  expect([...reached].filter(([, times]) => times === 0)).toEqual([]);
});
