// Goal: what a command costs does not depend on how many others wait: of the outbox only what has changed is read.
// Method: a thousand commands wait in IndexedDB, and each row that a request brings from there is counted.

import "fake-indexeddb/auto";
import { afterEach, expect, test, vi } from "vitest";
import { IndexedDbStore } from "../../../src/core/browser/store-idb.ts";
import type { ChatClient } from "../../../src/core/facade.ts";
import { ROWS_MAX } from "../../../src/core/numbering.ts";
import type { DraftRecord } from "../../../src/core/store.ts";
import { TabHub } from "../../../src/core/tabs.ts";
import { LOBBY, World } from "../people.ts";

const COMMANDS = ROWS_MAX;
/** Those that lie about in other places. */
const DRAFTS = 300;

let databases = 0;

interface Reads {
  requests: number;
  rows: number;
}

/** Of each table, from now on. */
function countReads(): Map<string, Reads> {
  const tables = new Map<string, Reads>();
  const heed = (table: string, request: IDBRequest<unknown>): void => {
    const reads = tables.get(table) ?? { requests: 0, rows: 0 };
    tables.set(table, reads);
    reads.requests += 1;
    request.addEventListener("success", () => {
      const { result } = request;
      reads.rows += Array.isArray(result) ? result.length : result === undefined ? 0 : 1;
    });
  };
  for (const name of ["get", "getAll"] as const) {
    const read = IDBObjectStore.prototype[name] as (this: IDBObjectStore, ...args: readonly unknown[]) => IDBRequest<unknown>;
    vi.spyOn(IDBObjectStore.prototype, name).mockImplementation(function (this: IDBObjectStore, ...args: unknown[]) {
      const request = read.apply(this, args);
      heed(this.name, request);
      return request as never;
    });
  }
  return tables;
}

const totalOf = (tables: ReadonlyMap<string, Reads>): number => [...tables.values()].reduce((sum, { rows }) => sum + rows, 0);

afterEach(() => vi.restoreAllMocks());

/** A browser with many drafts; its tabs come online, and then the network goes. */
async function tabsOf(world: World, count: number): Promise<readonly ChatClient[]> {
  const name = `counted ${(databases += 1)}`;
  const store = await IndexedDbStore.open(name);
  const drafts = Array.from({ length: DRAFTS }, (_, seq): DraftRecord => ({ room: LOBBY, seq, text: `draft ${seq}`, at: 1, after: 0 }));
  await store.changeOutbox({ drafts }, () => ({ drafts, result: undefined }));
  store.close();
  const hub = new TabHub();
  const chats: ChatClient[] = [];
  for (let tab = 0; tab < count; tab += 1) chats.push(await world.chat({ store: await IndexedDbStore.open(name), tabs: hub.join() }));
  for (const chat of chats) await world.online(chat);
  return chats;
}

test.each([1, 2])("a command reads as few rows when a thousand wait as when none does, and so does its answer (tabs: %i)", { timeout: 120_000 }, async (count) => {
  const world = new World();
  const chats = await tabsOf(world, count);
  const writer = chats.at(-1);
  if (writer === undefined) throw new Error("there is a tab");
  world.server.kill();
  await world.clock.pass(2_000);
  const tables = countReads();
  for (let said = 1; said <= COMMANDS; said += 1) {
    if (said % 2 === 0) void writer.say(LOBBY, `${said}`);
    else void writer.send({ room: LOBBY }, `${said}`);
    await world.clock.until(() => chats.every(({ connection }) => connection.value.waiting === said), `command ${said}`);
  }
  // The device, three counters, and the draft that is sent. The counters are looked at each second too.
  expect(tables.get("outbox")?.rows ?? 0).toBe(0);
  expect(tables.get("drafts")?.rows).toBeLessThanOrEqual(COMMANDS / 2);
  expect(totalOf(tables)).toBeLessThan(6 * COMMANDS);
  tables.clear();
  world.server.start();
  await world.clock.until(() => chats.every(({ connection }) => connection.value.waiting === 0), "the answers");
  expect(tables.get("outbox")?.rows ?? 0).toBe(0);
  expect(totalOf(tables)).toBeLessThan(COMMANDS);
  expect(world.server.state.rooms.get(LOBBY)?.messages.length).toBe(COMMANDS);
});
