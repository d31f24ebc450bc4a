// Goal: the tabs of one browser share one connection and one outbox, and tell the same story.

import { expect, test } from "vitest";
import type { ChatClient } from "../../src/core/facade.ts";
import { MemoryDisk, MemoryStore } from "../../src/core/store-memory.ts";
import type { Store } from "../../src/core/store.ts";
import { TabHub } from "../../src/core/tabs.ts";
import { Life } from "./mortal.ts";
import { LOBBY, rowsOf, texts, World } from "./people.ts";
import { SlowStore } from "./slow-store.ts";
import { createChat } from "../../src/core/chat.ts";

class Tabs {
  readonly disk = new MemoryDisk();
  readonly hub = new TabHub();
  readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  async open(life = new Life(), store: Store = new MemoryStore(this.disk)): Promise<ChatClient> {
    const chat = await this.world.does(createChat(life.options(this.world.options({ store, tabs: this.hub.join() }))));
    await this.world.online(chat);
    return chat;
  }
}

test("ten tabs have one connection, and all see and say", async () => {
  const world = new World();
  const browser = new Tabs(world);
  const bob = await world.person("bob");
  const chats: ChatClient[] = [];
  for (let i = 0; i < 10; i += 1) chats.push(await browser.open());
  expect(world.server.sessions.size).toBe(2);
  const views = chats.map((chat) => chat.open(LOBBY));
  const saying = chats.map((chat, index) => chat.say(LOBBY, `tab ${index}`));
  for (const said of saying) expect(await world.does(said)).toEqual({ ok: true, room: LOBBY });
  await world.does(bob.say(LOBBY, "so many"));
  await world.clock.pass(100);
  const wanted = [...chats.map((_, index) => `tab ${index}`), "so many"];
  for (const view of views) expect(texts(view)).toEqual(wanted);
  expect(world.server.state.devices.size).toBe(2);
});

test("a tab that only listens pages, types, asks and marks read through the leader", async () => {
  const world = new World();
  const browser = new Tabs(world);
  const bob = await world.person("bob");
  const his = bob.open(LOBBY);
  for (let i = 1; i <= 200; i += 1) void bob.say(LOBBY, `line ${i}`);
  await world.clock.pass(20_000);
  await browser.open();
  const second = await browser.open();
  await world.does(second.setName("ada"));
  const view = second.open(LOBBY);
  await world.clock.pass(1_000);
  expect(rowsOf(view, "message").length).toBe(80);
  await world.does(view.older());
  expect(rowsOf(view, "message").length).toBe(130);
  second.typing(LOBBY);
  await world.clock.pass(100);
  expect(his.typing.value).toMatchObject([{ name: "ada" }]);
  expect((await world.does(second.members(LOBBY))).ok).toBe(true);
  view.markRead(195);
  await world.clock.pass(1_000);
  expect(second.rooms.value[0]?.unread).toBe(5);
});

test("a tab that only listens sees a new room as the leader does, though all of it was kept at once", async () => {
  const world = new World();
  const browser = new Tabs(world);
  const bob = await world.person("bob");
  const first = await browser.open(new Life(), new SlowStore(new MemoryStore(browser.disk), world.clock.setTimer, () => 100));
  const second = await browser.open();
  await world.does(second.setName("ada"));
  const den = await world.does(bob.create("private", "den"));
  if (!den.ok) throw new Error(den.code);
  // The store is busy with this one while the rest comes.
  void bob.say(LOBBY, "wait");
  void bob.add(den.room, second.me.value.user ?? "");
  for (const text of ["welcome", "to", "the den"]) void bob.say(den.room, text);
  await world.clock.pass(5_000);
  for (const tab of [first, second]) {
    const view = tab.open(den.room);
    expect(texts(view)).toEqual(["welcome", "to", "the den"]);
    expect(rowsOf(view, "notice").map(({ notice }) => notice.what)).toEqual(["joined"]);
  }
});

test("when the leader dies another tab goes on, with what was not answered", async () => {
  const world = new World();
  const browser = new Tabs(world);
  const life = new Life();
  await browser.open(life);
  const second = await browser.open();
  const view = second.open(LOBBY);
  const page = second.members(LOBBY);
  const said = second.say(LOBBY, "heard by whom?");
  life.end();
  expect(world.server.sessions.size).toBe(0);
  expect(await world.does(said)).toEqual({ ok: true, room: LOBBY });
  expect((await world.does(page)).ok || second.connection.value.state === "online").toBe(true);
  await world.clock.pass(1_000);
  expect(texts(view)).toEqual(["heard by whom?"]);
  expect(second.connection.value.state).toBe("online");
});

test("the result of a command whose leader died after storing it is not lost with it", async () => {
  const world = new World();
  const browser = new Tabs(world);
  const life = new Life();
  await browser.open(life);
  const second = await browser.open();
  const said = second.say(LOBBY, "stored");
  await world.clock.until(() => world.server.state.rooms.get(LOBBY)?.seq === 1, "the message");
  life.end();
  expect((await world.does(said)).ok).toBe(true);
  await world.clock.pass(1_000);
  expect(world.server.state.rooms.get(LOBBY)?.seq).toBe(1);
});
