// Goal: whatever the network, the server and the tabs do, the promise holds for what people write and see.
// Method: seeded runs in virtual time; the rates of all faults are drawn from the seed too. A failure names its seed:
// CORE_SEEDS=1 CORE_FROM=<seed> npx vitest run tests/core/storm.test.ts

import { expect, test } from "vitest";
import { createChat } from "../../src/core/chat.ts";
import type { ChatClient, RoomId } from "../../src/core/facade.ts";
import { MemoryDisk, MemoryStore } from "../../src/core/store-memory.ts";
import { TabHub } from "../../src/core/tabs.ts";
import { Judge } from "./judge.ts";
import { FAIR_WEATHER, type Weather } from "./model-server.ts";
import type { State } from "./model-state.ts";
import { Life } from "./mortal.ts";
import { LOBBY, rowsOf, World } from "./people.ts";
import { Chance } from "./virtual-clock.ts";

const SEEDS = Number(process.env["CORE_SEEDS"] ?? 60);
const FROM = Number(process.env["CORE_FROM"] ?? 1);
const STEPS = 120;

/** A browser with a profile that outlives its tabs. */
class Browser {
  readonly disk = new MemoryDisk();
  readonly #hub = new TabHub();
  readonly tabs: { readonly chat: ChatClient; readonly life: Life; readonly unwatch: () => void }[] = [];

  constructor(
    readonly name: string,
    readonly world: World,
    readonly judge: Judge,
  ) {}

  async open(): Promise<void> {
    const life = new Life();
    const chat = await createChat(life.options(this.world.options({ store: new MemoryStore(this.disk), tabs: this.#hub.join() })));
    const unwatch = this.judge.watch(this.name, chat.open(LOBBY));
    this.tabs.push({ chat, life, unwatch });
  }

  crash(index: number): void {
    for (const { life, unwatch } of this.tabs.splice(index, 1)) {
      unwatch();
      life.end();
    }
  }

  get chats(): readonly ChatClient[] {
    return this.tabs.map(({ chat }) => chat);
  }
}

function weatherOf(chance: Chance): Weather {
  const [slow, lost, twice, cut] = [1 + chance.below(300), chance.next() ** 3 / 4, chance.next() ** 2 / 4, chance.next() ** 3 / 8];
  const refuses = chance.is(0.5) ? chance.next() / 3 : 0;
  return {
    delay: () => 1 + chance.below(slow),
    fate: () => (chance.is(lost) ? "lost" : chance.is(cut) ? "cut" : chance.is(twice) ? "twice" : "arrives"),
    slice: () => 1 + chance.below(6),
    stores: () => !chance.is(refuses),
  };
}

async function storm(seed: number): Promise<void> {
  const chance = new Chance(seed);
  const world = new World(seed, FAIR_WEATHER, chance.is(0.3) ? 10 + chance.below(100) : undefined);
  const judge = new Judge(world);
  const browsers = ["ada", "bob", "cleo"].map((name) => new Browser(name, world, judge));
  for (const browser of browsers) {
    await browser.open();
    const [chat] = browser.chats;
    if (chat === undefined) continue;
    await world.online(chat);
    await world.does(chat.setName(browser.name));
  }
  const room = await commonRoom(world, browsers);
  world.server.weather = weatherOf(chance);
  const restores = chance.is(0.3);
  let backup: State | null = null;

  for (let step = 0; step < STEPS; step += 1) {
    const browser = chance.pick(browsers);
    const chat = browser.chats.length === 0 ? null : chance.pick(browser.chats);
    const action = chance.below(100);
    const where = chance.pick([LOBBY, room]);
    if (chat === null || (action < 4 && browser.tabs.length < 3)) await browser.open();
    else if (action < 60) judge.say(browser.name, chat, where, `${browser.name} ${step}`);
    else if (action < 66) change(chance, chat, where);
    else if (action < 70) chat.open(where).markRead(1 + chance.below(40));
    else if (action < 75) browser.crash(chance.below(browser.tabs.length));
    else if (action < 80) world.server.cutAll();
    else if (action < 83) world.server.kill();
    else if (action < 90 && !world.server.isRunning) world.server.start();
    else if (action < 92 && restores) backup = world.server.backup();
    else if (action < 94 && backup !== null) restore(world, judge, backup, [LOBBY, room]);
    await world.clock.pass(chance.below(chance.is(0.1) ? 4_000 : 200));
  }
  await calm(world, browsers);
  for (const { name, chats } of browsers) {
    for (const chat of chats) for (const where of [LOBBY, room]) await judge.judgeView(name, chat, where);
  }
  for (const where of [LOBBY, room]) judge.judgeLog(where);
  judge.verdict();
}

async function commonRoom(world: World, browsers: readonly Browser[]): Promise<RoomId> {
  const [first, ...others] = browsers.flatMap(({ chats }) => chats);
  if (first === undefined) throw new Error("nobody is there");
  const created = await world.does(first.create("public", "garden"));
  if (!created.ok) throw new Error(created.code);
  for (const other of others) await world.does(other.join(created.room));
  return created.room;
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

function restore(world: World, judge: Judge, backup: State, rooms: readonly RoomId[]): void {
  world.server.kill();
  judge.forgive(rooms.flatMap((room) => backup.rooms.get(room)?.messages ?? []));
  world.server.start(backup);
}

/** The weather turns fair, and everybody comes back. */
async function calm(world: World, browsers: readonly Browser[]): Promise<void> {
  world.server.weather = FAIR_WEATHER;
  if (!world.server.isRunning) world.server.start();
  for (const browser of browsers) if (browser.tabs.length === 0) await browser.open();
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
