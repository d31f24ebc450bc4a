// Goal: a leader that hangs silences nobody; whatever it does when it wakes, nothing of it is kept, shown or lost.

import { describe, expect, test } from "vitest";
import { createChat, type ChatOptions } from "../../src/core/chat.ts";
import type { ChatClient } from "../../src/core/facade.ts";
import type { SetTimer } from "../../src/core/ports.ts";
import { MemoryDisk, MemoryStore } from "../../src/core/store-memory.ts";
import { NoTabs, TabHub, type TabMessage } from "../../src/core/tabs.ts";
import { FailingStore, type Operation } from "./failing-store.ts";
import { Life } from "./mortal.ts";
import { LOBBY, recorded, rowsOf, texts, World } from "./people.ts";
import { SlowStore } from "./slow-store.ts";

class Tab {
  isWatched = true;
  readonly life = new Life();
  chat!: ChatClient;
}

class Browser {
  readonly disk = new MemoryDisk();
  readonly hub = new TabHub();

  constructor(readonly world: World) {}

  async open({ isWatched = true, ...options }: Partial<Omit<ChatOptions, "isWatched">> & { readonly isWatched?: boolean } = {}): Promise<Tab> {
    const tab = new Tab();
    tab.isWatched = isWatched;
    const all = { store: new MemoryStore(this.disk), tabs: this.hub.join(), isWatched: () => tab.isWatched, ...options };
    tab.chat = await this.world.does(createChat(tab.life.options(this.world.options(all))));
    await this.world.online(tab.chat);
    return tab;
  }

  /** How many connections the person has. */
  connections(): number {
    const { user } = this.disk.session ?? {};
    return [...this.world.server.sessions].filter((session) => session.user === user).length;
  }
}

const said = (world: World): readonly string[] => (world.server.state.rooms.get(LOBBY)?.messages ?? []).map(({ text }) => text);

describe("a leader that hangs", () => {
  test("is replaced within three seconds by a tab that somebody looks at, which talks and hears", async () => {
    const world = new World();
    const browser = new Browser(world);
    const bob = await world.person("bob");
    const [first, second] = [await browser.open(), await browser.open()];
    const view = second.chat.open(LOBBY);
    await world.clock.pass(5_000);
    first.life.freeze();
    const saying = second.chat.say(LOBBY, "from the second");
    void bob.say(LOBBY, "from bob");
    let isSaid = false;
    void saying.then(() => (isSaid = true));
    await world.clock.until(() => isSaid && texts(view).length === 2, "the takeover", 3_100);
    expect([...said(world)].sort()).toEqual(["from bob", "from the second"]);
    expect(second.chat.connection.value.state).toBe("online");
  });

  test("is left alone while nobody looks at another tab, and replaced when somebody does", async () => {
    const world = new World();
    const browser = new Browser(world);
    const [first, second] = [await browser.open(), await browser.open({ isWatched: false })];
    first.life.freeze();
    await world.clock.pass(60_000);
    expect(browser.disk.leader).toBe(1);
    second.isWatched = true;
    await world.clock.until(() => browser.disk.leader === 2, "the takeover", 3_000);
  });

  test("writes nothing when it wakes, moves no cursor, closes its connection and follows", async () => {
    const world = new World();
    const browser = new Browser(world);
    const bob = await world.person("bob");
    const [first, second] = [await browser.open(), await browser.open()];
    const [old, view] = [first.chat.open(LOBBY), second.chat.open(LOBBY)];
    await world.does(bob.say(LOBBY, "one"));
    await world.clock.pass(100);
    first.life.freeze();
    // They wait for the old leader, and come to it when it wakes.
    await world.does(bob.say(LOBBY, "two"));
    await world.does(bob.edit(LOBBY, 1, "one, changed"));
    await world.clock.until(() => texts(view).length === 2, "the takeover", 4_000);
    await world.does(bob.say(LOBBY, "three"));
    await world.clock.pass(1_000);
    const { cursor, leader } = browser.disk;
    await first.life.thaw();
    expect(browser.disk.cursor).toBe(cursor);
    await world.clock.pass(3_000);
    expect([browser.disk.cursor, browser.disk.leader]).toEqual([cursor, leader]);
    for (const each of [old, view]) expect(texts(each)).toEqual(["one, changed", "two", "three"]);
    expect(browser.connections()).toBe(1);
    expect(first.chat.connection.value.state).toBe("online");
    expect((await world.does(first.chat.say(LOBBY, "as a follower"))).ok).toBe(true);
    expect(texts(view).at(-1)).toBe("as a follower");
  });

  test("may lead again when the new leader is gone", async () => {
    const world = new World();
    const browser = new Browser(world);
    const [first, second] = [await browser.open(), await browser.open()];
    first.life.freeze();
    await world.clock.pass(4_000);
    await first.life.thaw();
    await world.clock.pass(1_000);
    second.life.end();
    await world.clock.until(() => browser.disk.leader === 3, "the old leader", 3_000);
    await world.online(first.chat);
    expect((await world.does(first.chat.say(LOBBY, "again"))).ok).toBe(true);
    expect(said(world)).toEqual(["again"]);
  });

  test("tells others nothing that is out of date, though it was kept before it hung", async () => {
    const world = new World();
    const browser = new Browser(world);
    const bob = await world.person("bob");
    const slow = new SlowStore(new MemoryStore(browser.disk), world.clock.setTimer, () => 20);
    const first = await browser.open({ store: slow });
    const second = await browser.open();
    const view = second.chat.open(LOBBY);
    await world.clock.pass(1_000);
    void bob.say(LOBBY, "draft");
    // It is in the store, and the leader does not know that yet.
    await world.clock.until(() => browser.disk.messages.size === 1, "the message");
    first.life.freeze();
    await world.clock.until(() => browser.disk.leader === 2, "the takeover", 4_000);
    await world.online(second.chat);
    await world.does(bob.edit(LOBBY, 1, "final"));
    await world.clock.until(() => texts(view)[0] === "final", "the change");
    await first.life.thaw();
    await world.clock.pass(2_000);
    expect(texts(view)).toEqual(["final"]);
    expect([...browser.disk.messages.values()].map(({ text }) => text)).toEqual(["final"]);
  });

  test("does not move what is unsent to another device when it wakes", async () => {
    const world = new World();
    const browser = new Browser(world);
    const first = await browser.open();
    const second = await browser.open();
    await world.does(first.chat.say(LOBBY, "before"));
    const device = browser.disk.device?.id;
    // The answer that would make it move waits for it.
    world.server.kill();
    void first.chat.say(LOBBY, "unsent");
    await world.clock.pass(50);
    first.life.freeze();
    world.server.start();
    await world.clock.pass(5_000);
    await first.life.thaw();
    await world.clock.pass(5_000);
    expect(browser.disk.device?.id).toBe(device);
    expect(said(world)).toEqual(["before", "unsent"]);
    expect(second.chat.connection.value.waiting).toBe(0);
  });
});

describe("a leader that is well", () => {
  test("keeps the lead in the background, though its timers are slow", async () => {
    const world = new World();
    const browser = new Browser(world);
    // Browsers wake the timers of a page that nobody sees once a second.
    const slow: SetTimer = (milliseconds, due) => {
      const at = Math.ceil((world.clock.now() + milliseconds) / 1_000) * 1_000;
      return world.clock.setTimer(at - world.clock.now(), due);
    };
    await browser.open({ isWatched: false, setTimer: slow });
    await browser.open();
    await world.clock.pass(120_000);
    expect(browser.disk.leader).toBe(1);
  });

  test("is not replaced by a tab that was asleep itself", async () => {
    const world = new World();
    const browser = new Browser(world);
    await browser.open();
    const second = await browser.open();
    for (let times = 0; times < 5; times += 1) {
      second.life.freeze();
      await world.clock.pass(20_000);
      await second.life.thaw();
      await world.clock.pass(5_000);
    }
    expect(browser.disk.leader).toBe(1);
  });

  test("and that nobody looks at is chosen only for want of another", async () => {
    const world = new World();
    const browser = new Browser(world);
    const first = await browser.open();
    await browser.open({ isWatched: false });
    const third = await browser.open();
    first.life.end();
    await world.clock.pass(1_000);
    expect(browser.connections()).toBe(1);
    third.life.freeze();
    const { leader } = browser.disk;
    await world.clock.pass(10_000);
    // The one that is looked at leads: it was frozen, and the other does not take the lead by itself.
    expect(browser.disk.leader).toBe(leader);
  });
});

describe("leaders to which the store gives no number", () => {
  const isWrite = (operation: Operation): boolean => ["lead", "commit", "changeOutbox", "bind"].includes(operation);

  /** Of a browser whose disk takes nothing as long as `isFull` says so. */
  const store = (browser: Browser, isFull: () => boolean): FailingStore =>
    new FailingStore(new MemoryStore(browser.disk), (operation) => (isFull() && isWrite(operation) ? "rejected" : "passes"));

  test("are told apart: what an earlier one still says changes nothing in the later one, nor in those that follow", async () => {
    const world = new World();
    const browser = new Browser(world);
    const bob = await world.person("bob");
    (await browser.open()).life.end();
    const told: TabMessage[] = [];
    const stranger = browser.hub.join();
    stranger.listen((message) => told.push(message));
    const full = { store: store(browser, () => true) };
    const first = await browser.open(full);
    await world.does(bob.say(LOBBY, "early"));
    await world.clock.pass(1_000);
    const late = told.findLast((message) => message.kind === "kept");
    first.life.freeze();
    const second = await browser.open(full);
    const third = await browser.open({ ...full, isWatched: false });
    for (const text of ["late", "later"]) await world.does(bob.say(LOBBY, text));
    await world.clock.pass(1_000);
    const views = [second, third].map(({ chat }) => chat.open(LOBBY));
    const shown: string[] = [];
    for (const view of views) view.rows.subscribe(() => shown.push([...texts(view), ...rowsOf(view, "hole").map(() => "a hole")].join(" ")));
    // It has told more often than the second.
    if (late?.kind === "kept") stranger.post({ ...late, revision: (late.revision ?? 0) + 0.5 });
    await world.does(bob.say(LOBBY, "last"));
    await world.clock.pass(1_000);
    expect(new Set(shown)).toEqual(new Set(["early late later", "early late later last"]));
    expect(views.map((view) => texts(view).length)).toEqual([4, 4]);
  });

  test.each(["with", "without"])("are heard by tabs that followed one %s a number before", async (before) => {
    const world = new World();
    const browser = new Browser(world);
    const bob = await world.person("bob");
    let isFull = before === "without";
    const own = (): FailingStore => store(browser, () => isFull);
    const [first, second, third] = [await browser.open({ store: own() }), await browser.open({ store: own() }), await browser.open({ store: own(), isWatched: false })];
    isFull = true;
    first.life.end();
    await world.clock.pass(5_000);
    await world.does(bob.say(LOBBY, "to the second"));
    await world.clock.pass(1_000);
    expect(texts(third.chat.open(LOBBY))).toEqual(["to the second"]);
    // Nobody tells a new tab who leads.
    second.life.freeze();
    const fourth = await browser.open({ store: own() });
    await world.does(bob.say(LOBBY, "to the fourth"));
    await world.clock.pass(1_000);
    for (const { chat } of [third, fourth]) expect(texts(chat.open(LOBBY)).at(-1)).toBe("to the fourth");
  });

  test("do not take the lead from each other all the time, and leave it to a tab that can write", async () => {
    const world = new World();
    const browser = new Browser(world);
    const tabs = [await browser.open({ store: store(browser, () => true) }), await browser.open({ store: store(browser, () => true) })];
    await world.clock.pass(10_000);
    let changes = 0;
    for (const { chat } of tabs) chat.connection.subscribe(() => (changes += 1));
    changes = 0;
    await world.clock.pass(20_000);
    expect(changes).toBe(0);
    const able = await browser.open();
    await world.clock.until(() => browser.disk.leader === 1, "a leader with a number", 3_500);
    for (const { chat } of [...tabs, able]) await world.online(chat);
    expect(browser.connections()).toBe(1);
  });

  test("leave it to one with a number to move what is unsent to another device", async () => {
    const world = new World();
    const browser = new Browser(world);
    const first = await browser.open();
    const backup = world.server.backup();
    await world.does(first.chat.say(LOBBY, "before"));
    await world.clock.pass(1_000);
    first.life.end();
    const numberless = new FailingStore(new MemoryStore(browser.disk), (operation) => (operation === "lead" ? "rejected" : "passes"));
    const second = await browser.open({ store: numberless });
    // It expects the number of what was said before.
    world.server.kill();
    world.server.start(backup);
    const device = browser.disk.device?.id;
    void second.chat.say(LOBBY, "unsent");
    await world.clock.pass(10_000);
    expect([browser.disk.device?.id, said(world)]).toEqual([device, []]);
    await browser.open();
    await world.clock.until(() => second.chat.connection.value.waiting === 0, "its answer");
    expect(browser.disk.device?.id).not.toBe(device);
    expect(said(world)).toEqual(["unsent"]);
  });

  test("have one connection, though they began once more before they had read the store", async () => {
    const world = new World();
    const browser = new Browser(world);
    let reads = 0;
    let isBroken = false;
    const broken = new FailingStore(new MemoryStore(browser.disk), (operation) => {
      if (operation === "load") reads += 1;
      return operation === "lead" || (isBroken && operation === "load") ? "rejected" : "passes";
    });
    let opened = 0;
    const counted = (): ReturnType<typeof recorded> => {
      opened += 1;
      return recorded(world.server.transport(), () => undefined);
    };
    const tabs = browser.hub.join();
    const first = await browser.open({ store: broken, tabs, transport: counted });
    isBroken = true;
    const stranger = browser.hub.join();
    stranger.lead(() => undefined, () => undefined);
    // Twice the lead goes to and fro.
    for (let times = 0; times < 2; times += 1) {
      stranger.takeOver();
      await world.clock.pass(100);
      tabs.takeOver();
      await world.clock.pass(100);
    }
    isBroken = false;
    opened = 0;
    await world.online(first.chat);
    await world.clock.pass(10_000);
    expect(reads).toBeGreaterThan(2);
    expect(opened).toBe(1);
    expect(browser.connections()).toBe(1);
  });
});

test("of tabs that take over at the same time one leads in the end", async () => {
  const world = new World();
  const browser = new Browser(world);
  const first = await browser.open();
  const others = [await browser.open(), await browser.open(), await browser.open()];
  first.life.freeze();
  await world.clock.pass(6_000);
  await first.life.thaw();
  await world.clock.pass(6_000);
  expect(browser.connections()).toBe(1);
  const { leader } = browser.disk;
  await world.clock.pass(60_000);
  expect(browser.disk.leader).toBe(leader);
  for (const { chat } of [first, ...others]) {
    expect(chat.connection.value.state).toBe("online");
    expect((await world.does(chat.say(LOBBY, "well"))).ok).toBe(true);
  }
});

test("tabs that cannot know of each other lead side by side, and none is refused", async () => {
  const world = new World();
  const disk = new MemoryDisk();
  const chats: ChatClient[] = [];
  for (let tab = 0; tab < 2; tab += 1) {
    const chat = await world.chat({ store: new MemoryStore(disk), tabs: new NoTabs() });
    await world.online(chat);
    chats.push(chat);
  }
  const saying = chats.map((chat, index) => chat.say(LOBBY, `tab ${index}`));
  for (const one of saying) expect((await world.does(one)).ok).toBe(true);
  await world.clock.pass(10_000);
  for (const chat of chats) {
    expect(chat.connection.value.state).toBe("online");
    expect([...texts(chat.open(LOBBY))].sort()).toEqual(["tab 0", "tab 1"]);
  }
});

test("a message of an old leader changes nothing, a message of a new one ends the lead", async () => {
  const world = new World();
  const browser = new Browser(world);
  const tab = await browser.open();
  const stranger = browser.hub.join();
  const heard: TabMessage[] = [];
  stranger.listen((message) => heard.push(message));
  stranger.post({ kind: "connection", leader: 0, state: "offline", since: 0, reason: "" });
  await world.clock.pass(100);
  expect(tab.chat.connection.value.state).toBe("online");
  stranger.post({ kind: "beat", leader: 9 });
  await world.clock.pass(100);
  expect(browser.connections()).toBe(0);
  expect(heard.some(({ kind }) => kind === "hello")).toBe(true);
});

test("a leader that is told once more that it leads goes on with the connection and the number that it has", async () => {
  const world = new World();
  const browser = new Browser(world);
  const tabs = browser.hub.join();
  let tell = (): void => undefined;
  await browser.open({
    tabs: {
      areExclusive: true,
      lead: (begin, end) => tabs.lead((tell = begin), end),
      takeOver: () => tabs.takeOver(),
      post: (message) => tabs.post(message),
      listen: (heard) => tabs.listen(heard),
      close: () => tabs.close(),
    },
  });
  tell();
  await world.clock.pass(5_000);
  expect([browser.disk.leader, browser.connections()]).toEqual([1, 1]);
});
