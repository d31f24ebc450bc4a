// Goal: a store belongs to one person of one server. Whatever a server says, nobody else sends its outbox, and nothing of
// it is lost.

import { describe, expect, test } from "vitest";
import { redeem } from "../../src/core/redeem.ts";
import { MemoryDisk, MemoryStore } from "../../src/core/store-memory.ts";
import { firstState } from "./model-state.ts";
import { LOBBY, texts, World } from "./people.ts";

/** Who said what, in the lobby. */
const said = (world: World): readonly string[] => {
  const { rooms, users } = world.server.state;
  return (rooms.get(LOBBY)?.messages ?? []).map(({ user, text }) => `${users.get(user)?.name ?? "somebody"}: ${text}`);
};

/** Ada, with a message of hers in the log and one that waits for a connection. */
async function offline() {
  const world = new World();
  const disk = new MemoryDisk();
  const ada = await world.person("ada", { store: new MemoryStore(disk) });
  await world.does(ada.say(LOBBY, "before"));
  await world.clock.pass(100);
  world.server.kill();
  await world.clock.pass(100);
  void ada.say(LOBBY, "waiting");
  await world.clock.pass(100);
  const { session } = disk;
  if (session === null) throw new Error("ada is somebody");
  return { world, disk, ada, session };
}

describe("a server that does not know the token", () => {
  test("gets nothing, and ada is herself again as soon as it knows her", async () => {
    const { world, disk, ada, session } = await offline();
    world.server.isForgetful = true;
    world.server.start();
    await world.clock.until(() => ada.connection.value.state === "unknown", "the refusal");
    await world.clock.pass(5_000);
    expect(disk.session).toEqual(session);
    expect(ada.me.value).toMatchObject({ user: session.user, name: "ada" });
    expect(texts(ada.open(LOBBY))).toEqual(["before", "waiting"]);
    expect(said(world)).toEqual(["ada: before"]);
    expect(world.server.state.users.size).toBe(1);
    world.server.isForgetful = false;
    await world.online(ada);
    await world.clock.pass(1_000);
    expect(said(world)).toEqual(["ada: before", "ada: waiting"]);
  });

  test("because it is another one, learns nothing and changes nothing, though it has the same people and rooms by number", async () => {
    const { world, disk, ada, session } = await offline();
    const own = world.server.backup();
    world.server.start(firstState("server 2"));
    const bob = await world.person("bob");
    await world.does(bob.say(LOBBY, "elsewhere"));
    expect(bob.me.value.user).toBe(session.user);
    await world.clock.pass(5_000);
    expect(ada.connection.value.state).toBe("unknown");
    expect(said(world)).toEqual(["bob: elsewhere"]);
    expect(disk.session).toEqual(session);
    expect(texts(ada.open(LOBBY))).toEqual(["before", "waiting"]);
    await world.does(bob.stop());
    world.server.kill();
    world.server.start(own);
    await world.online(ada);
    await world.clock.pass(1_000);
    expect(said(world)).toEqual(["ada: before", "ada: waiting"]);
    expect(texts(ada.open(LOBBY))).toEqual(["before", "waiting"]);
  });

  test("is not asked anew by a hurry that finds it as it was, and is by one that finds it knowing again", async () => {
    const { world, ada } = await offline();
    world.server.isForgetful = true;
    world.server.start();
    await world.clock.until(() => ada.connection.value.state === "unknown", "the refusal");
    world.server.isForgetful = false;
    ada.hurry();
    await world.clock.pass(20);
    expect(ada.connection.value.state).toBe("online");
  });
});

describe("a welcome for somebody else", () => {
  test.each(["server", "user"] as const)("is not taken: another %s", async (what) => {
    const { world, disk, ada, session } = await offline();
    await world.does(ada.stop());
    disk.session = { ...session, [what]: "another" };
    const again = await world.chat({ store: new MemoryStore(disk) });
    world.server.start();
    await world.clock.until(() => again.connection.value.state === "unknown", "the welcome");
    await world.clock.pass(20_000);
    expect(again.connection.value.state).toBe("unknown");
    expect(said(world)).toEqual(["ada: before"]);
    expect(disk.session).toEqual({ ...session, [what]: "another" });
    expect(again.connection.value.waiting).toBe(1);
  });

  test("is no such thing where the store is from before servers had an id: it learns it", async () => {
    const { world, disk, ada, session } = await offline();
    await world.does(ada.stop());
    const { server: _, ...old } = session;
    disk.session = old;
    const again = await world.chat({ store: new MemoryStore(disk) });
    world.server.start();
    await world.online(again);
    await world.clock.pass(1_000);
    expect(disk.session).toEqual(session);
    expect(again.me.value.server).toBe("server 1");
    expect(said(world)).toEqual(["ada: before", "ada: waiting"]);
  });
});

describe("two tabs that lead because the browser has no locks", () => {
  test("become one new person, who says what was written in both", async () => {
    const world = new World();
    const disk = new MemoryDisk();
    world.server.kill();
    const tabs = [await world.chat({ store: new MemoryStore(disk) }), await world.chat({ store: new MemoryStore(disk) })];
    for (const [index, tab] of tabs.entries()) void tab.say(LOBBY, `in tab ${index}`);
    world.server.start();
    for (const tab of tabs) await world.online(tab);
    await world.clock.pass(20_000);
    expect(new Set(tabs.map(({ me }) => me.value.user))).toEqual(new Set([disk.session?.user]));
    const log = world.server.state.rooms.get(LOBBY)?.messages ?? [];
    expect(log.map(({ user, text }) => `${user} ${text}`).sort()).toEqual([0, 1].map((index) => `${disk.session?.user} in tab ${index}`));
  });

  test("give up a person that another tab was quicker to keep", async () => {
    const world = new World();
    const disk = new MemoryDisk();
    const store = new MemoryStore(disk);
    const quicker = { user: "00000000000000aa", name: null, owner: false, token: "token of server 1: 00000000000000aa" };
    const bind = store.bind.bind(store);
    store.bind = async (session) => {
      await bind(quicker);
      return bind(session);
    };
    const ada = await world.chat({ store });
    void ada.say(LOBBY, "once");
    await world.online(ada);
    await world.clock.pass(1_000);
    expect(ada.me.value.user).toBe(quicker.user);
    expect(world.server.state.rooms.get(LOBBY)?.messages.map(({ user }) => user)).toEqual([quicker.user]);
  });
});

describe("a first welcome", () => {
  test.each(["ada herself", "somebody else"])("sends nothing until the store says whose it is: %s", async (owner) => {
    const world = new World();
    const disk = new MemoryDisk();
    const store = new MemoryStore(disk);
    const quicker = { user: "00000000000000aa", name: null, owner: false, token: "token of server 1: 00000000000000aa" };
    const bind = store.bind.bind(store);
    let isBroken = true;
    store.bind = async (session) => {
      if (owner === "somebody else") await bind(quicker);
      if (isBroken) throw new Error("no answer");
      return bind(session);
    };
    const bob = await world.person("bob");
    const ada = await world.chat({ store });
    await world.online(ada);
    void ada.say(LOBBY, "once");
    await world.does(bob.say(LOBBY, "early"));
    const den = await world.does(bob.create("private", "den"));
    if (den.ok) await world.does(bob.add(den.room, ada.me.value.user ?? ""));
    await world.clock.pass(5_000);
    // Whoever it will be, they can read.
    expect(texts(ada.open(LOBBY))).toEqual(["early", "once"]);
    expect(said(world)).toEqual(["bob: early"]);
    world.server.cutAll();
    await world.clock.pass(5_000);
    expect(said(world)).toEqual(["bob: early"]);
    isBroken = false;
    await world.clock.pass(5_000);
    expect(ada.connection.value).toMatchObject({ state: "online", waiting: 0 });
    expect(ada.me.value.user).toBe(disk.session?.user);
    expect(ada.me.value.user === quicker.user).toBe(owner === "somebody else");
    expect(texts(ada.open(LOBBY))).toEqual(["early", "once"]);
    expect(ada.rooms.value.map(({ name }) => name).sort()).toEqual(owner === "somebody else" ? ["Lobby"] : ["Lobby", "den"]);
    expect(ada.lost.value.size).toBe(0);
    const log = world.server.state.rooms.get(LOBBY)?.messages ?? [];
    expect(log.map(({ user, text }) => `${user} ${text}`)).toEqual([`${bob.me.value.user} early`, `${disk.session?.user} once`]);
  });

  test("loses nothing of what comes while it is being kept whose store this is", async () => {
    const world = new World();
    const bob = await world.person("bob");
    const store = new MemoryStore(new MemoryDisk());
    const bind = store.bind.bind(store);
    store.bind = async (session) => {
      await new Promise<void>((resolve) => world.clock.setTimer(500, resolve));
      return bind(session);
    };
    const ada = await world.chat({ store });
    await world.clock.pass(100);
    await world.does(bob.say(LOBBY, "early"));
    expect(ada.connection.value.state).toBe("connecting");
    await world.online(ada);
    await world.clock.pass(10);
    expect(texts(ada.open(LOBBY))).toEqual(["early"]);
  });
});

describe("a one-time link", () => {
  test("is told of without being used up, and works once", async () => {
    const world = new World();
    const [ada, bob] = [await world.person("ada"), await world.person("bob")];
    const link = await world.does(ada.link());
    if (!link.ok) throw new Error(link.code);
    const who = { user: ada.me.value.user, name: "ada" };
    for (const _ of [1, 2]) expect(await world.does(bob.meaning(link.code))).toEqual({ ok: true, meaning: { kind: "link", who } });
    const use = () => world.does(redeem(link.code, world.server.transport(), world.clock.setTimer));
    expect(await use()).toMatchObject({ ok: true, session: { ...who, owner: false, server: "server 1" } });
    expect(await use()).toEqual({ ok: false, code: "bad_link" });
    expect(await world.does(bob.meaning(link.code))).toEqual({ ok: false, code: "bad_code" });
    expect(bob.me.value).toMatchObject({ name: "bob" });
  });

  test("of a server that is not there is given up after a while", async () => {
    const world = new World();
    world.server.kill();
    expect(await world.does(redeem("link-1", world.server.transport(), world.clock.setTimer))).toEqual({ ok: false, code: "offline" });
  });
});
