// Goal: a device can be several people, and loses none of them: not by a switch, not by a link, not by an update.

import "fake-indexeddb/auto";
import { describe, expect, test } from "vitest";
import { IdentityDatabase } from "../../../src/core/browser/identities-idb.ts";
import { IndexedDbStore } from "../../../src/core/browser/store-idb.ts";
import type { ChatClient } from "../../../src/core/facade.ts";
import { forget, unsentIn, type ForgetPorts } from "../../../src/core/forget.ts";
import { followLink, type LinkPorts } from "../../../src/core/follow-link.ts";
import { Identities } from "../../../src/core/identities.ts";
import type { Note } from "../../../src/core/ports.ts";
import { forgetUnused, type LeavePorts } from "../../../src/core/unused.ts";
import { redeem } from "../../../src/core/redeem.ts";
import { LOBBY, texts, World } from "../people.ts";

let devices = 0;

/** A browser: what `page-chat.ts` does, with a model server behind it. */
class Device {
  readonly name = `device ${(devices += 1)}`;
  #stores = 0;

  constructor(readonly world: World) {}

  async open(): Promise<{ readonly chat: ChatClient; readonly identities: Identities }> {
    const table = await IdentityDatabase.open(this.name);
    const own = await table.chosen();
    const chat = await this.world.chat({ store: await IndexedDbStore.open(own) });
    const identities = new Identities(table, own, () => `${this.name} ${(this.#stores += 1)}`);
    chat.me.subscribe(({ owner: _, ...self }) => void identities.know(self));
    return { chat, identities };
  }

  /** What a page does before somebody else opens. */
  async leave({ chat, identities }: { readonly chat: ChatClient; readonly identities: Identities }): Promise<void> {
    await this.world.does(chat.stop());
    await forgetUnused(identities, this.leavePorts);
  }

  /** The stores that a page has open. */
  readonly inUse = new Set<string>();
  readonly erased: string[] = [];
  notes: readonly Note[] = [];

  readonly leavePorts: LeavePorts = {
    alone: async (store, work) => {
      if (!this.inUse.has(store)) await work();
      return !this.inUse.has(store);
    },
    erase: (store) => Promise.resolve(void this.erased.push(store)),
    load: async (name) => {
      const store = await IndexedDbStore.open(name);
      const snapshot = await store.load();
      store.close();
      return snapshot;
    },
    notes: () => this.notes,
  };

  readonly ports: LinkPorts = {
    redeem: (code) => this.world.does(redeem(code, this.world.server.transport(), this.world.clock.setTimer)),
    bind: async (name, session) => {
      const store = await IndexedDbStore.open(name);
      await store.bind(session);
      store.close();
    },
    renew: async (name, session) => {
      const store = await IndexedDbStore.open(name);
      await store.renew(session);
      store.close();
    },
  };
}

async function linkOf(world: World, chat: ChatClient): Promise<{ readonly code: string; readonly person: { readonly user: string; readonly server: string } }> {
  const link = await world.does(chat.link());
  const { user } = chat.me.value;
  if (!link.ok || user === null) throw new Error("no link");
  return { code: link.code, person: { user, server: world.server.state.server } };
}

const said = (world: World): readonly string[] => {
  const { rooms, users } = world.server.state;
  return (rooms.get(LOBBY)?.messages ?? []).map(({ user, text }) => `${users.get(user)?.name}: ${text}`);
};

/** A page that is opened, is online, and has the name. */
async function arrived(world: World, device: Device, name: string) {
  const page = await device.open();
  await world.online(page.chat);
  await world.does(page.chat.setName(name));
  return page;
}

describe("a link that is followed", () => {
  test("leaves the one before on the device, with the message that waits, and nobody else sends it", async () => {
    const world = new World();
    const device = new Device(world);
    const eve = await world.person("eve");
    const { chat: vicky, identities } = await arrived(world, device, "vicky");
    const { code, person } = await linkOf(world, eve);
    await world.does(vicky.say(LOBBY, "mine"));
    vicky.setDraft({ room: LOBBY }, "half a thought");
    const own = vicky.me.value;
    world.server.isForgetful = true;
    world.server.cutAll();
    await world.clock.pass(100);
    void vicky.say(LOBBY, "private");
    await world.clock.until(() => vicky.connection.value.waiting === 1, "the outbox");
    expect(await world.does(followLink(identities, device.ports, code, person))).toEqual({ ok: true });
    world.server.isForgetful = false;
    await world.does(vicky.stop());

    const page = await device.open();
    await world.online(page.chat);
    await world.does(page.chat.say(LOBBY, "of eve"));
    await world.clock.pass(2_000);
    expect(page.chat.me.value).toMatchObject({ name: "eve", user: eve.me.value.user });
    expect(said(world)).toEqual(["vicky: mine", "eve: of eve"]);
    expect(await page.identities.others()).toEqual([{ store: device.name, user: own.user, name: "vicky", server: "server 1" }]);

    await page.identities.choose(device.name);
    await world.does(page.chat.stop());
    const { chat: back } = await device.open();
    expect(back.me.value).toEqual(own);
    expect(texts(back.open(LOBBY))).toEqual(["mine", "private"]);
    expect(back.draft({ room: LOBBY })).toBe("half a thought");
    await world.online(back);
    await world.clock.until(() => back.connection.value.waiting === 0, "the answer");
    expect(said(world)).toEqual(["vicky: mine", "eve: of eve", "vicky: private"]);
    await world.does(back.stop());
  });

  test("of somebody who is on the device already is not used up: that person is chosen", async () => {
    const world = new World();
    const device = new Device(world);
    const { chat: ada, identities } = await arrived(world, device, "ada");
    const { code, person } = await linkOf(world, ada);
    await identities.begin();
    await world.does(ada.stop());
    const { chat: guest, identities: theirs } = await device.open();
    await world.online(guest);
    expect(guest.me.value.user).not.toBe(person.user);
    expect(await world.does(followLink(theirs, device.ports, code, person))).toEqual({ ok: true });
    await world.does(guest.stop());
    const { chat: again } = await device.open();
    expect(again.me.value).toMatchObject({ user: person.user, name: "ada" });
    expect(world.server.commands.ownerOfLink(code)).toBe(person.user);
    await world.does(again.stop());
  });

  test("is of another person where only the number is the same: of another server", async () => {
    const world = new World();
    const device = new Device(world);
    const { chat: ada, identities } = await arrived(world, device, "ada");
    const { code, person } = await linkOf(world, ada);
    expect(await world.does(followLink(identities, device.ports, code, { ...person, server: "server 2" }))).toEqual({ ok: true });
    expect(world.server.commands.ownerOfLink(code)).toBeUndefined();
    await world.does(ada.stop());
  });

  test("of somebody who was signed out here lets them in again, in all tabs, and what waited is sent once", async () => {
    const world = new World();
    const device = new Device(world);
    const { chat: ada, identities } = await arrived(world, device, "ada");
    const { code, person } = await linkOf(world, ada);
    world.server.signsOut(person.user);
    await world.clock.until(() => ada.connection.value.reason === "signed_out", "a refusal");
    void ada.say(LOBBY, "unsent");
    await world.clock.until(() => ada.connection.value.waiting === 1, "the outbox");
    await world.clock.pass(2_000);
    expect(said(world)).toEqual([]);
    expect(await world.does(followLink(identities, device.ports, code, null))).toEqual({ ok: true });
    expect(await identities.table.chosen()).toBe(device.name);
    await world.online(ada);
    await world.clock.until(() => ada.connection.value.waiting === 0, "the answer");
    await world.does(ada.stop());
    const { chat: again } = await device.open();
    await world.online(again);
    expect(again.me.value).toMatchObject({ user: person.user, name: "ada" });
    expect(said(world)).toEqual(["ada: unsent"]);
    await world.does(again.stop());
  });

  test("of somebody else, by a device that was signed out, leaves what waits there", async () => {
    const world = new World();
    const device = new Device(world);
    const eve = await world.person("eve");
    const { chat: ada, identities } = await arrived(world, device, "ada");
    const { code } = await linkOf(world, eve);
    world.server.signsOut(String(ada.me.value.user));
    await world.clock.until(() => ada.connection.value.reason === "signed_out", "a refusal");
    void ada.say(LOBBY, "unsent");
    await world.clock.until(() => ada.connection.value.waiting === 1, "the outbox");
    expect(await world.does(followLink(identities, device.ports, code, null))).toEqual({ ok: true });
    await world.does(ada.stop());
    const { chat: page, identities: theirs } = await device.open();
    await world.online(page);
    await world.clock.pass(2_000);
    expect([page.me.value.name, said(world)]).toEqual(["eve", []]);
    expect((await theirs.others()).map(({ store, name }) => [store, name])).toEqual([[device.name, "ada"]]);
    await world.does(page.stop());
  });

  test("and leads nowhere changes nothing", async () => {
    const world = new World();
    const device = new Device(world);
    const { chat: ada, identities } = await arrived(world, device, "ada");
    expect(await followLink(identities, device.ports, "link-0", { user: "00000000000000ff", server: "server 1" })).toEqual({ ok: false, code: "bad_link" });
    expect(await identities.table.chosen()).toBe(device.name);
    expect(await identities.others()).toEqual([]);
    await world.does(ada.stop());
  });
});

describe("somebody new", () => {
  test("begins with nothing, and the one before comes back whole", async () => {
    const world = new World();
    const device = new Device(world);
    const { chat: ada, identities } = await arrived(world, device, "ada");
    await world.does(ada.say(LOBBY, "hello"));
    const own = ada.me.value;
    await identities.begin();
    await world.does(ada.stop());
    const page = await device.open();
    await world.online(page.chat);
    expect(page.chat.me.value.user).not.toBe(own.user);
    expect(page.chat.me.value.name).toBeNull();
    await page.identities.choose(device.name);
    await world.does(page.chat.stop());
    const back = await device.open();
    expect(back.chat.me.value).toEqual(own);
    expect((await back.identities.others()).map(({ user }) => user)).toEqual([page.chat.me.value.user]);
    await world.does(back.chat.stop());
  });

  test("who has no server yet stays on the device with what was written", async () => {
    const world = new World();
    world.server.kill();
    const device = new Device(world);
    const { chat, identities } = await device.open();
    void chat.say(LOBBY, "first words");
    await world.clock.until(() => chat.connection.value.waiting === 1, "the outbox");
    await identities.begin();
    await world.does(chat.stop());
    const page = await device.open();
    expect(await page.identities.others()).toEqual([{ store: device.name, user: null, name: null }]);
    expect(page.chat.connection.value.waiting).toBe(0);
    // Another tab leaves it before a server has said who it is.
    await identities.choose(device.name);
    expect((await identities.table.all()).map(({ store }) => store)).toEqual([device.name, `${device.name} 1`]);
    await world.does(page.chat.stop());
  });
});

describe("somebody who is forgotten", () => {
  /** A browser in which pages are open as these. */
  const browser = (...open: readonly string[]) => {
    const erased: string[] = [];
    const ports: ForgetPorts = {
      alone: async (store, work) => {
        if (!open.includes(store)) await work();
        return !open.includes(store);
      },
      erase: (store) => Promise.resolve(void erased.push(store)),
    };
    return { ports, erased };
  };

  async function two() {
    const world = new World();
    const device = new Device(world);
    const { chat: ada, identities } = await arrived(world, device, "ada");
    await identities.begin();
    await world.does(ada.stop());
    const page = await device.open();
    await world.online(page.chat);
    return { world, device, identities: page.identities, stop: () => world.does(page.chat.stop()) };
  }

  test("is off the list, with the store", async () => {
    const { device, identities, stop } = await two();
    const { ports, erased } = browser();
    expect(await forget(identities, ports, device.name)).toBe(true);
    expect([erased, await identities.others(), await identities.table.chosen()]).toEqual([[device.name], [], identities.own]);
    await stop();
  });

  test("stays whole while a page is open as them, and so does the one of this page", async () => {
    const { device, identities, stop } = await two();
    const { ports, erased } = browser(device.name);
    expect([await forget(identities, ports, device.name), await forget(identities, ports, identities.own)]).toEqual([false, false]);
    expect([erased, (await identities.others()).map(({ name }) => name)]).toEqual([[], ["ada"]]);
    await stop();
  });

  test("and was chosen for the next page leaves it to the one of this page", async () => {
    const { device, identities, stop } = await two();
    await identities.choose(device.name);
    expect(await forget(identities, browser().ports, device.name)).toBe(true);
    expect([await identities.table.chosen(), await identities.others()]).toEqual([identities.own, []]);
    await stop();
  });

  test("stays on the list as long as the store is not erased", async () => {
    const { device, identities, stop } = await two();
    const ports = { ...browser().ports, erase: () => Promise.reject(new Error("not deleted")) };
    await expect(forget(identities, ports, device.name)).rejects.toThrow("not deleted");
    expect((await identities.others()).map(({ name }) => name)).toEqual(["ada"]);
    await stop();
  });

  test("loses what waits, what was refused, and what was typed, also in a page that is gone", () => {
    const say = (text: string) => ({ device: "d", at: 0, command: { event: "say", room: LOBBY, text } }) as const;
    const rows = [{ ...say("waits"), id: 1, n: 1 }, { ...say("refused"), id: 2, n: 2, refused: "empty" }, { ...say("taken back"), id: 3, n: 3, withdrawn: true }] as const;
    const draft = (room: number, text: string | null) => ({ room, text, at: room, after: 0 });
    const drafts = new Map([["1", draft(1, "typed")], ["2", draft(2, null)], ["3", draft(3, " ")]]);
    const outbox = { device: null, rows, drafts };
    expect(unsentIn({ outbox }, [])).toBe(3);
    expect(unsentIn({ outbox }, [{ ...draft(1, "typed more"), at: 9, leaving: [] }, { ...draft(4, "noted"), leaving: [] }])).toBe(4);
  });
});

describe("a guest whom a device leaves", () => {
  test("is forgotten where they did nothing", async () => {
    const world = new World();
    const device = new Device(world);
    const ada = await world.person("ada");
    const guest = await device.open();
    await world.online(guest.chat);
    expect(await guest.identities.table.all()).toHaveLength(1);
    const { code, person } = await linkOf(world, ada);
    expect(await world.does(followLink(guest.identities, device.ports, code, person))).toEqual({ ok: true });
    await device.leave(guest);
    const page = await device.open();
    expect(page.chat.me.value.name).toBe("ada");
    expect(await page.identities.others()).toEqual([]);
    expect(device.erased).toEqual([device.name]);
    await world.does(page.chat.stop());
  });

  test.each<readonly [string, (device: Device) => void]>([
    ["another page is open as them", (device) => void device.inUse.add(device.name)],
    ["a page could only jot down what they typed", (device) => (device.notes = [{ room: LOBBY, text: "half a thought", at: 1, after: 0, leaving: [] }])],
  ])("stays, with the store, while %s", async (_what, act) => {
    const world = new World();
    const device = new Device(world);
    const guest = await device.open();
    await world.online(guest.chat);
    await guest.identities.begin();
    act(device);
    await device.leave(guest);
    expect([device.erased, (await guest.identities.table.all()).map(({ store }) => store)]).toEqual([[], [device.name, `${device.name} 1`]]);
  });

  test("stays, with the store, while the next page is theirs", async () => {
    const world = new World();
    const device = new Device(world);
    const guest = await device.open();
    await world.online(guest.chat);
    await device.leave(guest);
    expect([device.erased, (await guest.identities.table.all()).map(({ store }) => store)]).toEqual([[], [device.name]]);
  });

  test.each<readonly [string, (chat: ChatClient, world: World, room: number) => Promise<unknown>]>([
    ["a name", (chat, world) => world.does(chat.setName("gus"))],
    ["a message that waits", (chat, world) => {
      world.server.kill();
      void chat.say(LOBBY, "later");
      return world.clock.until(() => chat.connection.value.waiting === 1, "the outbox");
    }],
    ["a message that was said", (chat, world) => world.does(chat.say(LOBBY, "hello"))],
    ["a draft", (chat) => Promise.resolve(chat.setDraft({ room: LOBBY }, "half a thought"))],
    ["a room", (chat, world, room) => world.does(chat.join(room))],
  ])("stays with %s", async (_what, act) => {
    const world = new World();
    const device = new Device(world);
    const ada = await world.person("ada");
    const made = await world.does(ada.create("public", "Bread"));
    const guest = await device.open();
    await world.online(guest.chat);
    await act(guest.chat, world, made.ok ? made.room : 0);
    const own = guest.chat.me.value;
    await guest.identities.begin();
    await device.leave(guest);
    const page = await device.open();
    expect((await page.identities.others()).map(({ user }) => user)).toEqual([own.user]);
    await world.does(page.chat.stop());
  });
});

describe("somebody of another device who did nothing on this one", () => {
  test("stays, for their name", async () => {
    const world = new World();
    const device = new Device(world);
    const ada = await world.person("ada");
    const guest = await device.open();
    await world.online(guest.chat);
    const { code, person } = await linkOf(world, ada);
    await world.does(followLink(guest.identities, device.ports, code, person));
    await device.leave(guest);
    const page = await device.open();
    await page.identities.begin();
    await device.leave(page);
    const next = await device.open();
    expect((await next.identities.others()).map(({ name }) => name)).toEqual(["ada"]);
    await world.does(next.chat.stop());
  });
});

describe("a store of the version before there were several people", () => {
  test("is opened as it was: with its token, its rooms, its drafts and its outbox", async () => {
    const world = new World();
    const device = new Device(world);
    const bob = await world.person("bob");
    await world.does(bob.stop());
    const user = bob.me.value.user ?? "";
    await writeOldStore(device.name, user, `token of server 1: ${user}`);
    const { chat, identities } = await device.open();
    expect(chat.me.value).toEqual({ user, name: "bob", owner: false });
    expect(texts(chat.open(LOBBY))).toEqual(["waiting since before"]);
    expect(chat.draft({ room: LOBBY })).toBe("half a thought");
    await world.online(chat);
    await world.clock.until(() => chat.connection.value.waiting === 0, "the answer");
    expect(said(world)).toEqual(["bob: waiting since before"]);
    expect(chat.me.value).toEqual({ user, name: "bob", owner: false, server: "server 1" });
    expect(await identities.others()).toEqual([]);
    await world.does(chat.stop());
  });
});

/** As the first version of the schema had it. */
async function writeOldStore(name: string, user: string, token: string): Promise<void> {
  const device = "5f0c1d2e3b4a59687766554433221100";
  const lobby = { room: 1, kind: "public", name: "lobby", topic: "", joined: true, members: 1, rev: 0, seq: 0, floor: 1, read: 0, applied: 0, appliedSeq: 0, held: [] };
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => {
    const database = request.result;
    for (const table of ["cursor", "session", "device", "drafts"]) database.createObjectStore(table);
    database.createObjectStore("outbox", { keyPath: "id" }).put({ id: 1, device, n: 1, command: { event: "say", room: 1, text: "waiting since before" }, at: 1 });
    database.createObjectStore("rooms", { keyPath: "room" }).put(lobby);
    database.createObjectStore("messages", { keyPath: ["room", "seq"] });
    database.createObjectStore("notices", { keyPath: ["room", "rev"] });
    database.createObjectStore("people", { keyPath: "user" }).put({ user, name: "bob" });
    const tx = request.transaction;
    tx?.objectStore("session").put({ user, name: "bob", owner: false, token }, "session");
    tx?.objectStore("device").put({ id: device, next: 2, lastRow: 1 }, "device");
    tx?.objectStore("drafts").put("half a thought", 1);
  };
  await new Promise<void>((resolve, reject) => {
    request.onsuccess = () => resolve(request.result.close());
    request.onerror = () => reject(new Error("the old store cannot be written"));
  });
}
