// Goal: however people, links, servers and tabs mix, everybody says what they have typed and nobody says it for them.
// Method: seeded runs in virtual time, as in storm.test.ts: links are used at any moment, another server answers at the
// same address, tokens are not known for a while, tabs crash, backups are restored. A failure names its seed:
// CORE_SEEDS=1 CORE_FROM=<seed> npx vitest run tests/core/storm-identity.test.ts

import { expect, test } from "vitest";
import { createChat } from "../../src/core/chat.ts";
import type { ChatClient } from "../../src/core/facade.ts";
import { forget } from "../../src/core/forget.ts";
import { followLink, type LinkPorts } from "../../src/core/follow-link.ts";
import { Identities, type Identity, type IdentityTable } from "../../src/core/identities.ts";
import { PACE, type PaceBounds } from "../../src/core/pace.ts";
import type { SetTimer } from "../../src/core/ports.ts";
import { redeem } from "../../src/core/redeem.ts";
import { MemoryDisk, MemoryStore } from "../../src/core/store-memory.ts";
import type { SessionRecord } from "../../src/core/store.ts";
import { TabHub } from "../../src/core/tabs.ts";
import { forgetUnused, type LeavePorts } from "../../src/core/unused.ts";
import { FAIR_WEATHER, type Weather } from "./model-server.ts";
import { firstState, type State } from "./model-state.ts";
import { Life } from "./mortal.ts";
import { LOBBY, World } from "./people.ts";
import { SlowStore } from "./slow-store.ts";
import { Chance } from "./virtual-clock.ts";

const SEEDS = Number(process.env["CORE_SEEDS"] ?? 40);
const FROM = Number(process.env["CORE_FROM"] ?? 1);
const STEPS = 120;
const SERVERS = ["server 1", "server 2"];

/** What the runs have reached, each at least once: a state that no run reaches is not tested. */
const reached = new Map<string, number>(
  ["somebody was forgotten", "somebody was not forgotten, for a page was open as them", "a guest who did nothing was forgotten", "a link was followed", "a server did not know somebody"].map(
    (state) => [state, 0],
  ),
);

function reach(state: string): void {
  const times = reached.get(state);
  if (times === undefined) throw new Error(`nobody waits for: ${state}`);
  reached.set(state, times + 1);
}

const QUICK: PaceBounds = { ...PACE, unreachable: [50, 100, 200], broken: [50, 100, 200, 400], triesMax: 20, window: 5_000, deadline: 1_000, deadlineMax: 3_000 };

class MemoryTable implements IdentityTable {
  readonly identities = new Map<string, Identity>();
  #chosen: string;

  constructor(first: string) {
    this.#chosen = first;
  }

  chosen(): Promise<string> {
    return Promise.resolve(this.#chosen);
  }

  all(): Promise<readonly Identity[]> {
    return Promise.resolve([...this.identities.values()]);
  }

  put(identity: Identity): Promise<void> {
    this.identities.set(identity.store, identity);
    return Promise.resolve();
  }

  choose(store: string, left: Identity): Promise<void> {
    for (const one of [left, { store, user: null, name: null }]) if (!this.identities.has(one.store)) this.identities.set(one.store, one);
    this.#chosen = store;
    return Promise.resolve();
  }

  forget(store: string): Promise<void> {
    this.identities.delete(store);
    return Promise.resolve();
  }
}

interface Tab {
  readonly store: string;
  readonly chat: ChatClient;
  readonly identities: Identities;
  readonly life: Life;
}

/** A browser that several people use. */
class Device {
  readonly disks = new Map<string, MemoryDisk>();
  readonly table: MemoryTable;
  readonly tabs: Tab[] = [];
  /** The stores of pages that are not there yet. */
  readonly #opening: string[] = [];
  readonly #hubs = new Map<string, TabHub>();
  #stores = 0;

  constructor(
    readonly name: string,
    readonly world: World,
    readonly latency: () => number,
  ) {
    this.table = new MemoryTable(name);
  }

  async open(store?: string): Promise<Tab> {
    const own = store ?? (await this.table.chosen());
    this.#opening.push(own);
    const life = new Life();
    const timer: SetTimer = (milliseconds, due) => this.world.clock.setTimer(milliseconds, () => life.isOver || due());
    const hub = this.#hubs.get(own) ?? new TabHub();
    this.#hubs.set(own, hub);
    const slow = new SlowStore(new MemoryStore(this.disk(own)), timer, this.latency);
    const chat = await this.world.does(createChat(life.options(this.world.options({ store: slow, tabs: hub.join() }))));
    const identities = new Identities(this.table, own, () => `${this.name} ${(this.#stores += 1)}`);
    chat.me.subscribe(({ owner: _, ...self }) => void identities.know(self));
    const tab = { store: own, chat, identities, life };
    this.tabs.push(tab);
    this.#opening.splice(this.#opening.indexOf(own), 1);
    return tab;
  }

  disk(store: string): MemoryDisk {
    const disk = this.disks.get(store) ?? new MemoryDisk();
    this.disks.set(store, disk);
    return disk;
  }

  crash(tab: Tab): void {
    tab.life.end();
    this.#forget(tab);
  }

  async close(tab: Tab): Promise<void> {
    this.#forget(tab);
    await this.world.does(tab.chat.stop());
  }

  /** Closed for another one, as a page does. */
  async leave(tab: Tab): Promise<void> {
    await this.close(tab);
    const before = this.disks.size;
    await this.world.does(forgetUnused(tab.identities, this.leavePorts));
    if (this.disks.size < before) reach("a guest who did nothing was forgotten");
  }

  #forget(tab: Tab): void {
    const index = this.tabs.indexOf(tab);
    if (index >= 0) this.tabs.splice(index, 1);
  }

  readonly leavePorts: LeavePorts = {
    alone: async (store, work) => {
      const isOpen = this.#opening.includes(store) || this.tabs.some((tab) => tab.store === store);
      if (!isOpen) await work();
      return !isOpen;
    },
    erase: (store) => Promise.resolve(void this.disks.delete(store)),
    load: (store) => new MemoryStore(this.disk(store)).load(),
    notes: () => [],
  };

  readonly ports: LinkPorts = {
    redeem: (code) => redeem(code, this.world.server.transport(), this.world.clock.setTimer),
    bind: async (store, session) => void (await new MemoryStore(this.disk(store)).bind(session)),
    renew: () => Promise.reject(new Error("nobody is signed out")),
  };
}

/** Who typed what, and whose store it was. */
class Witness {
  readonly typed = new Map<string, MemoryDisk>();
  readonly due = new Set<string>();
  readonly forgiven = new Set<string>();
  readonly first = new Map<MemoryDisk, SessionRecord>();
  readonly faults: string[] = [];

  say(tab: Tab, disk: MemoryDisk, text: string): void {
    this.typed.set(text, disk);
    void tab.chat.say(LOBBY, text).then((result) => result.ok && this.due.add(text));
  }

  /** A store stays somebody's, and what is in an outbox is not lost. */
  look(devices: readonly Device[]): void {
    for (const device of devices) {
      for (const [store, disk] of device.disks) {
        for (const { command } of disk.rows.values()) if (command.event === "say") this.due.add(command.text);
        const first = this.first.get(disk) ?? disk.session;
        if (first === null) continue;
        this.first.set(disk, first);
        const { user, server, token } = disk.session ?? { user: "nobody", server: "", token: "" };
        if (user !== first.user || server !== first.server || token !== first.token) this.faults.push(`${store} was ${first.user}'s and is ${user}'s`);
      }
    }
  }

  /** What waits in that store is lost by the will of the one at the device. */
  forgive(disk: MemoryDisk | undefined): void {
    for (const [text, typed] of this.typed) if (typed === disk) this.forgiven.add(text);
  }

  judge(states: ReadonlyMap<string, State>, isRestored: boolean): void {
    const times = new Map<string, number>();
    for (const [server, { rooms }] of states) {
      for (const { user, text } of rooms.get(LOBBY)?.messages ?? []) {
        times.set(text, (times.get(text) ?? 0) + 1);
        const owner = this.typed.get(text)?.session;
        if (owner?.user !== user || owner.server !== server) this.faults.push(`${text} was typed by ${owner?.user} of ${owner?.server} and said by ${user} of ${server}`);
      }
    }
    for (const text of this.typed.keys()) {
      const said = times.get(text) ?? 0;
      if (said > 1) this.faults.push(`${text} was said ${said} times`);
      if (said === 0 && this.due.has(text) && !this.forgiven.has(text) && !isRestored) this.faults.push(`${text} is lost`);
    }
  }
}

async function link(from: Tab, device: Device): Promise<void> {
  const [to] = device.tabs;
  const made = await from.chat.link();
  if (!made.ok || to === undefined) return;
  const told = await to.chat.meaning(made.code);
  if (!told.ok || told.meaning.kind !== "link" || told.meaning.who.user === undefined) return;
  const { server } = to.chat.me.value;
  const person = { user: told.meaning.who.user, ...(server === undefined ? {} : { server }) };
  if ((await followLink(to.identities, device.ports, made.code, person)).ok) {
    reach("a link was followed");
    await reopen(device, to);
  }
}

/** Takes somebody off a device, if no page is open as them. */
async function forgets(device: Device, tab: Tab, store: string, witness: Witness): Promise<void> {
  if (store === tab.store) return;
  const disk = device.disks.get(store);
  const isForgotten = await device.world.does(forget(tab.identities, device.leavePorts, store));
  reach(isForgotten ? "somebody was forgotten" : "somebody was not forgotten, for a page was open as them");
  if (isForgotten) witness.forgive(disk);
}

async function reopen(device: Device, tab: Tab): Promise<void> {
  if (tab.life.isOver) return;
  await device.leave(tab);
  await device.open();
}

function weatherOf(chance: Chance): Weather {
  const [slow, twice, cut] = [1 + chance.below(200), chance.next() ** 2 / 4, chance.next() ** 3 / 10];
  return {
    ...FAIR_WEATHER,
    delay: () => 1 + chance.below(slow),
    fate: () => (chance.is(cut) ? "cut" : chance.is(twice) ? "twice" : "arrives"),
    slice: () => 1 + chance.below(6),
  };
}

async function storm(seed: number): Promise<void> {
  const chance = new Chance(seed);
  const world = new World(seed, FAIR_WEATHER, undefined, QUICK);
  const { server } = world;
  const latency = chance.below(60);
  const devices = ["desk", "phone", "kiosk"].map((name) => new Device(name, world, () => chance.below(latency + 1)));
  const witness = new Witness();
  const states = new Map<string, State>(SERVERS.map((name) => [name, firstState(name)]));
  const backups = new Map<string, State>();
  const restores = chance.is(0.3);
  let isRestored = false;
  const serve = (name: string, restored?: State): void => {
    server.kill();
    states.set(server.state.server, server.backup());
    server.start(restored ?? states.get(name));
  };
  const links = new Set<Promise<void>>();
  for (const device of devices) await device.open();
  server.weather = weatherOf(chance);

  for (let step = 0; step < STEPS; step += 1) {
    const device = chance.pick(devices);
    const tab = device.tabs.length === 0 ? await device.open() : chance.pick(device.tabs);
    const action = chance.below(100);
    const name = server.state.server;
    if (action < 45) witness.say(tab, device.disk(tab.store), `${device.name} ${step}`);
    else if (action < 53) {
      const other = chance.pick(devices);
      // With a tab, what it waits for ends.
      const crashes = [tab, ...other.tabs].map(({ life }) => new Promise<void>((resolve) => life.atEnd(resolve)));
      const followed = Promise.race([link(tab, other), ...crashes]).finally(() => links.delete(followed));
      links.add(followed);
    } else if (action < 58) {
      await tab.identities.choose(chance.pick([...device.disks.keys()]));
      await reopen(device, tab);
    } else if (action < 60) {
      await tab.identities.begin();
      await reopen(device, tab);
    } else if (action < 62) await forgets(device, tab, chance.pick([...device.disks.keys()]), witness);
    else if (action < 66 && device.tabs.length < 3) await device.open();
    else if (action < 70) device.crash(tab);
    else if (action < 76) serve(chance.pick(SERVERS));
    else if (action < 81) server.isForgetful = !server.isForgetful;
    else if (action < 85) server.cutAll();
    else if (action < 88) server.kill();
    else if (action < 92 && !server.isRunning) server.start();
    else if (action < 94 && restores) backups.set(name, server.backup());
    else if (action < 96 && backups.has(name)) {
      serve(name, backups.get(name));
      isRestored = true;
    }
    await world.clock.pass(chance.below(chance.is(0.1) ? 4_000 : 300));
    if (devices.some(({ tabs }) => tabs.some(({ chat }) => chat.connection.value.state === "unknown"))) reach("a server did not know somebody");
    witness.look(devices);
  }
  await calm(world, devices, links, serve);
  states.set(server.state.server, server.state);
  witness.look(devices);
  witness.judge(states, isRestored);
  expect(witness.faults).toEqual([]);
}

/** Every server is served once more, and everybody of it comes back. */
async function calm(world: World, devices: readonly Device[], links: ReadonlySet<Promise<void>>, serve: (name: string) => void): Promise<void> {
  const { server, clock } = world;
  server.weather = FAIR_WEATHER;
  server.isForgetful = false;
  await clock.until(() => links.size === 0, "the last link");
  for (const device of devices) for (const tab of [...device.tabs]) await device.close(tab);
  for (const name of SERVERS) {
    serve(name);
    for (const device of devices) {
      const known = new Set([...device.table.identities.keys(), await device.table.chosen()]);
      for (const [store, disk] of device.disks) {
        if ((disk.session?.server ?? name) !== name) continue;
        expect([...known], "is on the list").toContain(store);
        const tab = await device.open(store);
        await clock.until(() => tab.chat.connection.value.state === "online" && tab.chat.connection.value.waiting === 0, `${store} at ${name}`);
        await device.close(tab);
      }
    }
  }
}

test.each(Array.from({ length: SEEDS }, (_, index) => FROM + index))("seed %i", async (seed) => {
  await storm(seed).catch((error: unknown) => {
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  });
  expect(true).toBe(true);
}, 60_000);

test.runIf(SEEDS >= 40)("the runs reach each of the states that are rare", () => {
  expect([...reached].filter(([, times]) => times === 0)).toEqual([]);
});
