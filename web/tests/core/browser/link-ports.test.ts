// Goal: a link that is followed makes a store somebody's, and a person is forgotten whole, but never under an open page.

import "fake-indexeddb/auto";
import { afterEach, describe, expect, test, vi } from "vitest";
import { forgetPorts, leavePorts, linkPorts, loadStore, notesFor } from "../../../src/core/browser/link-ports.ts";
import { LocalNotepad } from "../../../src/core/browser/notepad.ts";
import { webTabs } from "../../../src/core/browser/web-tabs.ts";
import type { Tabs } from "../../../src/core/tabs.ts";
import { EngineServer } from "../engine-server.ts";
import { give, giveLocks, giveNoLocks, Kept, quiet } from "./a-browser.ts";

const ADA = { user: "00000000000000aa", name: "ada", owner: false, token: "secret" };

let databases = 0;
const newName = (): string => `links ${(databases += 1)}`;

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
  vi.restoreAllMocks();
});

function page(name: string): Tabs {
  const tabs = webTabs(name);
  closing.push(() => tabs.close());
  tabs.lead(() => undefined, () => undefined);
  return tabs;
}

describe("a link", () => {
  test("is used up at the server of the page", async () => {
    const server = await EngineServer.start();
    closing.push(() => server.close());
    const { token, user, name } = ADA;
    const welcome = { user: { user, name }, owner: false, token, cursor: "c", resumed: false, rooms: [], online: 1 };
    server.answers = (packet) => (packet.startsWith("0/v1,") ? ['0/v1,{"sid":"t"}', `2/v1,${JSON.stringify(["welcome", welcome])}`] : []);
    give("location", { origin: server.url });
    giveLocks();
    expect(await linkPorts.redeem("7K2Q")).toEqual({ ok: true, session: ADA });
    expect(server.heard[0]).toBe('0/v1,{"v":1,"link":"7K2Q","label":"Firefox on Linux"}');
  });

  test("that a server does not take says why", async () => {
    const server = await EngineServer.start();
    closing.push(() => server.close());
    server.answers = () => ['4/v1,{"message":"no","data":{"code":"bad_link"}}'];
    give("location", { origin: server.url });
    giveLocks();
    expect(await linkPorts.redeem("7K2Q")).toEqual({ ok: false, code: "bad_link" });
  });

  test("makes a new store somebody's, and leaves it for the next page", async () => {
    const name = newName();
    const closes = vi.spyOn(IDBDatabase.prototype, "close");
    await linkPorts.bind(name, ADA);
    expect((await loadStore(name)).session).toEqual(ADA);
    expect((await leavePorts.load(name)).session).toEqual(ADA);
    await quiet();
    expect(closes).toHaveBeenCalledTimes(3);
  });
});

describe("a person who is forgotten", () => {
  test("goes with what pages have jotted down, and nobody else's goes", async () => {
    give("localStorage", new Kept());
    const name = newName();
    await linkPorts.bind(name, ADA);
    const note = { room: 1, text: "typed", at: 1, after: 0, leaving: [] };
    for (const store of [name, "of eve"]) new LocalNotepad(store).write([note]);
    expect([notesFor(name), leavePorts.notes(name)]).toEqual([[note], [note]]);
    await forgetPorts.erase(name);
    expect([notesFor(name), notesFor("of eve"), (await loadStore(name)).session]).toEqual([[], [note], null]);
  });

  test.each([["of the disk", new DOMException("of the disk")], ["not deleted", null]])("whose store cannot be deleted is not said to be gone: %s", async (why, error) => {
    give("localStorage", new Kept());
    give("indexedDB", {
      deleteDatabase: () => {
        const request = { error, onsuccess: null, onerror: (): void => undefined };
        queueMicrotask(() => request.onerror());
        return request;
      },
    });
    await expect(forgetPorts.erase("stuck")).rejects.toThrow(why);
  });

  describe.each([["with locks", giveLocks], ["without locks", giveNoLocks]] as const)("in a browser %s", (_, giveThem) => {
    test("stays while a page has the store open, and goes afterwards", async () => {
      giveThem();
      const name = newName();
      const tabs = page(name);
      page("of eve");
      await quiet();
      let works = 0;
      const work = (): Promise<void> => Promise.resolve(void (works += 1));
      expect([await forgetPorts.alone(name, work), works]).toEqual([false, 0]);
      tabs.close();
      await quiet();
      expect([await forgetPorts.alone(name, work), works]).toEqual([true, 1]);
    });
  });

  test("lets a page that opens meanwhile wait for the end of it", async () => {
    giveLocks();
    const name = newName();
    const steps: string[] = [];
    let go = (): void => undefined;
    const alone = forgetPorts.alone(name, () => new Promise<void>((resolve) => (go = resolve)).then(() => void steps.push("forgotten")));
    await quiet();
    const tabs = webTabs(name);
    closing.push(() => tabs.close());
    tabs.lead(() => steps.push("opened"), () => undefined);
    await quiet();
    expect(steps).toEqual([]);
    go();
    expect(await alone).toBe(true);
    await quiet();
    expect(steps).toEqual(["forgotten", "opened"]);
  });

  test("may be forgotten by two pages at once that have no locks: a question is no answer", async () => {
    giveNoLocks();
    const name = newName();
    const both = await Promise.all([forgetPorts.alone(name, () => Promise.resolve()), forgetPorts.alone(name, () => Promise.resolve())]);
    expect(both).toEqual([true, true]);
  });
});

test("a store that cannot be read is closed all the same", async () => {
  const name = newName();
  await linkPorts.bind(name, ADA);
  await quiet();
  vi.spyOn(IDBDatabase.prototype, "transaction").mockImplementationOnce(() => {
    throw new DOMException("of the disk", "UnknownError");
  });
  const closes = vi.spyOn(IDBDatabase.prototype, "close");
  await expect(loadStore(name)).rejects.toThrow("of the disk");
  await quiet();
  expect(closes).toHaveBeenCalledTimes(1);
});
