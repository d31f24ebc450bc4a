// Goal: the tabs of one browser share one connection and one outbox, and tell the same story.

import { expect, test } from "vitest";
import type { ChatClient, RoomId } from "../../src/core/facade.ts";
import { MemoryDisk, MemoryStore } from "../../src/core/store-memory.ts";
import type { Store } from "../../src/core/store.ts";
import { TabHub, type Tabs as Port } from "../../src/core/tabs.ts";
import { LateTabs } from "./late-tabs.ts";
import { Life } from "./mortal.ts";
import { LOBBY, recorded, rowsOf, texts, World } from "./people.ts";
import { SlowStore } from "./slow-store.ts";
import { createChat } from "../../src/core/chat.ts";

class Tabs {
  readonly disk = new MemoryDisk();
  readonly hub = new TabHub();
  readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  async open(life = new Life(), store: Store = new MemoryStore(this.disk), tabs: Port = this.hub.join()): Promise<ChatClient> {
    const chat = await this.world.does(createChat(life.options(this.world.options({ store, tabs }))));
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
  second.typingStopped(LOBBY);
  await world.clock.pass(100);
  expect(his.typing.value).toEqual([]);
  expect((await world.does(second.members(LOBBY))).ok).toBe(true);
  for (let i = 201; i <= 210; i += 1) void bob.say(LOBBY, `line ${i}`);
  await world.clock.pass(1_000);
  view.markRead(205);
  await world.clock.pass(1_000);
  expect(second.rooms.value[0]?.unread).toBe(5);
});

test("a tab shows at once what another one wants to say, and what that takes back", async () => {
  const world = new World();
  const browser = new Tabs(world);
  const [first, second] = [await browser.open(), await browser.open()];
  world.server.kill();
  await world.clock.pass(1_000);
  const views = [first, second].map((tab) => tab.open(LOBBY));
  for (const [text, tab] of [["one", first], ["two", second]] as const) {
    void tab.say(LOBBY, text);
    await world.clock.pass(0);
    for (const view of views) expect(texts(view).at(-1)).toBe(text);
  }
  const [row] = rowsOf(second.open(LOBBY), "pending");
  void second.discard(row?.n ?? 0);
  await world.clock.pass(0);
  for (const view of views) expect(texts(view)).toEqual(["two"]);
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

test("what a tab has asked is asked again of the next leader, be it another one or itself", async () => {
  const world = new World();
  const browser = new Tabs(world);
  const life = new Life();
  await browser.open(life);
  const [second, third] = [await browser.open(), await browser.open()];
  const asked = [second.members(LOBBY), third.members(LOBBY)];
  life.end();
  const begin = world.clock.now();
  for (const page of asked) expect(await world.does(page)).toHaveProperty("ok");
  // Without that, only the deadline of a question ends it.
  expect(world.clock.now() - begin).toBeLessThan(5_000);
  await world.clock.pass(1_000);
  expect(await world.does(third.members(LOBBY))).toMatchObject({ ok: true });
});

test("a tab that is just reading the store misses nothing that is kept meanwhile", async () => {
  const world = new World();
  const browser = new Tabs(world);
  const bob = await world.person("bob");
  await browser.open();
  const slow = new SlowStore(new MemoryStore(browser.disk), world.clock.setTimer, () => 500);
  const opening = browser.open(new Life(), slow);
  // It has read by now what there was, and has not got it yet.
  await world.clock.pass(700);
  await world.does(bob.say(LOBBY, "meanwhile"));
  const late = await opening;
  await world.clock.pass(1_000);
  expect(texts(late.open(LOBBY))).toEqual(["meanwhile"]);
});

test("a tab that comes later learns at once who is there", async () => {
  const world = new World();
  const browser = new Tabs(world);
  await world.person("bob");
  await browser.open();
  await world.clock.pass(10_000);
  const late = await browser.open();
  await world.clock.pass(10);
  expect(late.online.value.count).toBe(2);
  expect(late.online.value.people.map(({ name }) => name)).toContain("bob");
});

test("tabs that wait for a server that is not there ask six times in the first minute", async () => {
  const world = new World();
  const browser = new Tabs(world);
  await browser.open();
  await browser.open();
  await world.clock.pass(15_000);
  world.server.kill();
  world.server.tries.length = 0;
  await world.clock.pass(60_000);
  expect(world.server.tries.length).toBeGreaterThanOrEqual(4);
  expect(world.server.tries.length).toBeLessThanOrEqual(6);
});

test("a tab without a connection keeps its leader awake, until there is one", async () => {
  const world = new World();
  const browser = new Tabs(world);
  await browser.open();
  await browser.open();
  let nudges = 0;
  browser.hub.join().listen(({ kind }) => (nudges += kind === "nudge" ? 1 : 0));
  await world.clock.pass(60_000);
  expect(nudges).toBe(0);
  world.server.kill();
  await world.clock.pass(31_000);
  expect(nudges).toBe(10);
  world.server.start();
  await world.clock.pass(10_000);
  const until = nudges;
  await world.clock.pass(60_000);
  expect(nudges).toBe(until);
});

test("what a tab tells is heard by all others, in order, and not by itself", async () => {
  const hub = new TabHub();
  const heard: string[] = [];
  const [one, other, third] = [hub.join(), hub.join(), hub.join()];
  for (const [name, tab] of [["one", one], ["other", other], ["third", third]] as const) {
    tab.listen((message) => heard.push(`${name} ${message.kind}`));
  }
  one.post({ kind: "hello" });
  one.post({ kind: "hurry" });
  third.close();
  await Promise.resolve();
  expect(heard).toEqual(["other hello", "other hurry"]);
});

/** The first tab of ada, who is not in the garden that bob has made. */
async function besideGarden(): Promise<{ readonly world: World; readonly browser: Tabs; readonly garden: { readonly room: RoomId }; readonly first: ChatClient }> {
  const world = new World();
  const browser = new Tabs(world);
  const bob = await world.person("bob");
  const garden = await world.does(bob.create("public", "garden"));
  if (!garden.ok) throw new Error(garden.code);
  const first = await browser.open();
  await world.does(first.setName("ada"));
  return { world, browser, garden, first };
}

test("a tab that reads slowly never shows a text both as it was refused and as it was said in the end", async () => {
  const { world, browser, garden, first } = await besideGarden();
  const second = await browser.open(new Life(), new SlowStore(new MemoryStore(browser.disk), world.clock.setTimer, () => 500));
  expect(await world.does(first.say(garden.room, "may I?"))).toEqual({ ok: false, code: "forbidden" });
  await world.does(first.join(garden.room));
  await world.clock.pass(5_000);
  const shown: string[] = [];
  const view = second.open(garden.room);
  view.rows.subscribe(() => shown.push(texts(view).join()));
  const [refused] = rowsOf(view, "pending");
  expect(refused?.state).toEqual({ refused: "forbidden" });
  await world.does(first.retry(refused?.n ?? 0));
  await world.clock.pass(5_000);
  expect(rowsOf(view, "message").map(({ text }) => text)).toEqual(["may I?"]);
  expect(shown).not.toContain("may I?,may I?");
});

test("a message is not heard before the change of the outbox that gave it its number, though that is told later or never", async () => {
  const { world, browser, garden, first } = await besideGarden();
  const life = new Life();
  const second = await browser.open(life, new SlowStore(new MemoryStore(browser.disk), world.clock.setTimer, () => 100));
  // Nobody looks at the third tab, so it does not look itself whether it has missed something.
  const unseen = world.options({ store: new MemoryStore(browser.disk), tabs: browser.hub.join(), isWatched: () => false });
  const third = await world.does(createChat(unseen));
  expect(await world.does(first.say(garden.room, "may I?"))).toEqual({ ok: false, code: "forbidden" });
  await world.does(first.join(garden.room));
  const shown: string[] = [];
  const view = third.open(garden.room);
  view.rows.subscribe(() => shown.push(texts(view).join()));
  await world.clock.pass(1_000);
  expect(texts(view)).toEqual(["may I?"]);
  const [id] = [...browser.disk.rows.keys()];
  void second.retry(id ?? 0);
  await world.clock.until(() => !browser.disk.rows.has(id ?? 0), "the second try");
  life.freeze();
  // The leader finds it by itself.
  await world.clock.pass(5_000);
  expect(rowsOf(view, "message").map(({ text }) => text)).toEqual(["may I?"]);
  expect(shown).not.toContain("may I?,may I?");
});

test("what was refused stays so, though the outbox was read just before that was kept", async () => {
  const world = new World();
  const browser = new Tabs(world);
  const sent: string[] = [];
  const transport = () => recorded(world.server.transport(), (event) => sent.push(event));
  const store = new SlowStore(new MemoryStore(browser.disk), world.clock.setTimer, () => 100);
  const chat = await world.does(createChat(world.options({ store, tabs: browser.hub.join(), transport })));
  await world.online(chat);
  await world.clock.pass(2_000);
  const stranger = browser.hub.join();
  const refused = chat.say(99, "to nobody");
  await world.clock.until(() => sent.includes("say"), "the command");
  // It is read from here on, and the answer of the server comes meanwhile.
  stranger.post({ kind: "outbox" });
  expect((await world.does(refused)).ok).toBe(false);
  await world.clock.pass(3_000);
  expect(sent.filter((name) => name === "say").length).toBe(1);
  expect(chat.connection.value.waiting).toBe(0);
});

test("a tab that is told late of what it has read never shows a message as it was before", async () => {
  const world = new World();
  const browser = new Tabs(world);
  const bob = await world.person("bob");
  await browser.open();
  const { setTimer } = world.clock;
  const store = new SlowStore(new MemoryStore(browser.disk), setTimer, () => 400);
  const opening = createChat(world.options({ store, tabs: new LateTabs(browser.hub.join(), setTimer, () => 1_000) }));
  // Both are told before the store is read, and heard when it has been.
  await world.does(bob.say(LOBBY, "helo"));
  await world.does(bob.edit(LOBBY, 1, "hello"));
  const view = (await world.does(opening)).open(LOBBY);
  const shown = new Set<string>();
  view.rows.subscribe(() => shown.add(texts(view).join()));
  await world.clock.pass(10_000);
  expect([...shown]).toEqual(["hello"]);
});
