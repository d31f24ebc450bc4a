// Goal: a tab does its part and no more: the leader has the connection and tells the others, a follower applies what it is told,
// and one that has stopped does nothing. Method: the test listens to all that a tab tells, and tells it things itself.

import { describe, expect, test } from "vitest";
import { createChat, type ChatOptions } from "../../src/core/chat.ts";
import type { ChatClient, Person } from "../../src/core/facade.ts";
import { enqueue } from "../../src/core/numbering.ts";
import type { Transport } from "../../src/core/ports.ts";
import { MemoryDisk, MemoryStore } from "../../src/core/store-memory.ts";
import type { Change, Changed, Durability, Generation, Look, OutboxChange, OutboxPart } from "../../src/core/store.ts";
import { TabHub, type TabMessage, type Tabs } from "../../src/core/tabs.ts";
import { FailingStore, type Fate, type Operation } from "./failing-store.ts";
import { LOBBY, rowsOf, texts, World } from "./people.ts";
import { BusyStore } from "./slow-store.ts";

/** Counts what it is asked for. */
class CountedStore extends MemoryStore {
  readonly asked: string[] = [];
  readonly durabilities = new Set<Durability | undefined>();
  closed = 0;

  override load(): ReturnType<MemoryStore["load"]> {
    this.asked.push("load");
    return super.load();
  }

  override outbox(): ReturnType<MemoryStore["outbox"]> {
    this.asked.push("outbox");
    return super.outbox();
  }

  override outboxVersion(): Promise<number> {
    this.asked.push("version");
    return super.outboxVersion();
  }

  override changeOutbox<T>(look: Look, change: (part: OutboxPart) => OutboxChange<T>, durability?: Durability, leader?: Generation | null): Promise<Changed<T>> {
    this.durabilities.add(durability);
    return super.changeOutbox(look, change, durability, leader);
  }

  override close(): void {
    this.closed += 1;
  }
}

class Tab {
  readonly told: TabMessage[] = [];
  readonly states: string[] = [];
  readonly store: CountedStore;
  readonly transport: string[] = [];
  /** Says something to it, as another tab would. */
  hear: (message: TabMessage) => void = () => undefined;
  isWatched = true;
  chat!: ChatClient;

  constructor(readonly browser: Browser) {
    this.store = new CountedStore(browser.disk);
  }

  tabs(tabs: Tabs): Tabs {
    return {
      areExclusive: true,
      lead: (begin, end) => tabs.lead(begin, end),
      takeOver: () => tabs.takeOver(),
      post: (message) => {
        this.told.push(message);
        tabs.post(message);
      },
      listen: (heard) => {
        this.hear = heard;
        tabs.listen(heard);
      },
      close: () => tabs.close(),
    };
  }

  connect(transport: Transport): Transport {
    const note = (name: "hurry" | "nudge") => (): void => {
      this.transport.push(name);
      transport[name]();
    };
    return {
      open: (events, auth) => transport.open(events, auth),
      emit: (event, payload, answered) => {
        this.transport.push(event);
        transport.emit(event, payload, answered);
      },
      welcomed: () => transport.welcomed(),
      interrupt: () => transport.interrupt(),
      hurry: note("hurry"),
      nudge: note("nudge"),
      close: () => transport.close(),
    };
  }

  /** How often it has told something of this kind. */
  count(kind: TabMessage["kind"]): number {
    return this.told.filter((message) => message.kind === kind).length;
  }

  get online(): readonly (string | undefined)[] {
    return this.chat.online.value.people.map(({ name }) => name);
  }
}

class Browser {
  readonly world = new World();
  readonly disk = new MemoryDisk();
  readonly hub = new TabHub();

  async open(options: Partial<ChatOptions> = {}, tabs: Tabs = this.hub.join()): Promise<Tab> {
    const tab = new Tab(this);
    const { world } = this;
    const transport = (): Transport => tab.connect(world.server.transport());
    const all = world.options({ store: tab.store, tabs: tab.tabs(tabs), transport, isWatched: () => tab.isWatched, ...options });
    tab.chat = await world.does(createChat(all));
    await world.online(tab.chat);
    tab.chat.connection.subscribe(({ state }) => tab.states.push(state));
    tab.told.length = tab.states.length = tab.store.asked.length = tab.transport.length = 0;
    return tab;
  }

  /** Another page takes the number of a leader, and tells nobody. */
  async depose(): Promise<void> {
    await new MemoryStore(this.disk).lead(() => true);
  }

  /** Another page says something, and tells nobody. */
  async beside(text: string): Promise<void> {
    await new MemoryStore(this.disk).changeOutbox({}, (part) => enqueue(part, { event: "say", room: LOBBY, text }, 1, "d"));
  }

  get connections(): number {
    return [...this.world.server.sessions].filter(({ user }) => user === this.disk.session?.user).length;
  }
}

const named = (user: string, name: string): Person & { readonly user: string } => ({ user, name });
const learns = (user: string): readonly Change[] => [{ kind: "person", person: named(user, user) }];

describe("a leader", () => {
  test("tells others that it is alive, who is online, and each state once", async () => {
    const browser = new Browser();
    const { world } = browser;
    const [leader, follower] = [await browser.open(), await browser.open()];
    leader.told.length = 0;
    await world.clock.pass(3_000);
    expect(leader.count("beat")).toBe(3);
    await world.person("bob");
    await world.clock.pass(500);
    expect(follower.online).toContain("bob");
    world.server.kill();
    await world.clock.pass(100);
    world.server.start();
    await world.online(leader.chat);
    const states = leader.told.flatMap((message) => (message.kind === "connection" ? [message.state] : []));
    expect(states).toEqual(["offline", "online"]);
    expect(follower.told.filter(({ kind }) => kind === "connection" || kind === "beat")).toEqual([]);
  });

  test("that stops is no state of the others", async () => {
    const browser = new Browser();
    const [leader, follower] = [await browser.open(), await browser.open()];
    leader.told.length = 0;
    await browser.world.does(leader.chat.stop());
    await browser.world.clock.pass(1_000);
    expect(leader.count("connection")).toBe(0);
    expect(leader.chat.connection.value.state).toBe("stopped");
    await browser.world.online(follower.chat);
    expect(follower.states).not.toContain("stopped");
  });

  test.each(["commits", "connects"])("that another has replaced in the store follows as soon as it %s", async (what) => {
    const browser = new Browser();
    const { world } = browser;
    const bob = await world.person("bob");
    const leader = await browser.open();
    await browser.depose();
    if (what === "commits") await world.does(bob.say(LOBBY, "news"));
    else world.server.cutAll();
    await world.clock.pass(1_000);
    expect(browser.connections).toBe(0);
    expect(leader.states.filter((state) => state !== "offline")).toEqual(["connecting"]);
    expect(leader.chat.connection.value).not.toHaveProperty("reason");
    expect(leader.count("hello")).toBe(1);
  });

  test("whose disk takes no change of the outbox is online all the same", async () => {
    const browser = new Browser();
    const fate = (operation: Operation): Fate => (operation === "changeOutbox" ? "rejected" : "passes");
    await browser.open({ store: new FailingStore(new MemoryStore(browser.disk), fate) });
    expect(browser.connections).toBe(1);
  });

  test("makes a device of its own in one step that a power cut does not take back", async () => {
    const browser = new Browser();
    const { store } = await browser.open();
    expect([...store.durabilities]).toEqual(["strict"]);
  });

  test("reads no outbox for what it has settled itself, and reads it for what another page has done", async () => {
    const browser = new Browser();
    const { world } = browser;
    const bob = await world.person("bob");
    const { chat, store } = await browser.open();
    const view = chat.open(LOBBY);
    await world.does(chat.say(LOBBY, "mine"));
    expect(store.asked).not.toContain("outbox");
    // No heartbeat may come between.
    void chat.say(LOBBY, "mine, too");
    await browser.beside("beside");
    await world.does(bob.say(LOBBY, "news"));
    await world.clock.pass(500);
    expect(store.asked).toContain("outbox");
    expect([...texts(view)].sort()).toEqual(["beside", "mine", "mine, too", "news"]);
  });

  test("shows nothing before it is kept", async () => {
    const browser = new Browser();
    const { world } = browser;
    const bob = await world.person("bob");
    const store = new BusyStore(browser.disk);
    const { chat } = await browser.open({ store });
    const view = chat.open(LOBBY);
    await world.clock.pass(1_000);
    const letGo = store.hold();
    await world.does(bob.say(LOBBY, "news"));
    await world.clock.until(() => store.isAsked, "the commit");
    view.markRead(0);
    await world.does(bob.setName("Bob"));
    expect([texts(view), chat.rooms.value[0]?.unread]).toEqual([[], 0]);
    letGo();
    await world.clock.pass(100);
    expect(texts(view)).toEqual(["news"]);
  });

  test("that is replaced leaves the answers to the next one", async () => {
    const browser = new Browser();
    const { world } = browser;
    const [leader, follower] = [await browser.open(), await browser.open()];
    world.server.weather = { ...world.server.weather, thinks: () => 1_000 };
    void follower.chat.browse();
    await world.clock.pass(200);
    leader.hear({ kind: "beat", leader: 2 });
    await world.clock.pass(1_000);
    expect(leader.count("answer")).toBe(0);
  });

  test("that is replaced before it has read the store says hello to the next one", async () => {
    const browser = new Browser();
    const { world } = browser;
    let isBroken = false;
    const broken = new FailingStore(new MemoryStore(browser.disk), (operation) => (isBroken && operation === "load" ? "rejected" : "passes"));
    const port = browser.hub.join();
    const first = await browser.open();
    const second = await browser.open({ store: broken }, port);
    isBroken = true;
    port.takeOver();
    await world.clock.pass(100);
    isBroken = false;
    second.hear({ kind: "beat", leader: 9 });
    await world.clock.pass(4_000);
    expect(second.count("hello")).toBe(1);
    expect(first.chat.connection.value.state).not.toBe("stopped");
  });
});

describe("a follower", () => {
  test("does nothing that only a leader can do, and has the leader do it", async () => {
    const browser = new Browser();
    const { world } = browser;
    const [leader, follower] = [await browser.open(), await browser.open()];
    for (const message of [{ kind: "hurry" }, { kind: "nudge" }, { kind: "hello" }] as const) follower.hear(message);
    for (const kind of ["typing", "typing stopped"] as const) follower.hear({ kind, room: LOBBY });
    follower.hear({ kind: "read", room: LOBBY, seq: 1 });
    follower.hear({ kind: "question", id: "q", question: { ask: "visit", room: LOBBY } });
    await world.clock.pass(100);
    expect([follower.told, leader.transport]).toEqual([[], []]);
    follower.chat.typing(LOBBY);
    follower.chat.typingStopped(LOBBY);
    follower.chat.hurry();
    await world.clock.pass(100);
    expect(leader.transport).toEqual(["typing", "typing stopped", "unread"]);
    expect(follower.transport).toEqual([]);
  });

  test("that waits for the connection nudges the leader every three seconds, until there is one or it leads itself", async () => {
    const browser = new Browser();
    const { world } = browser;
    const [leader, follower] = [await browser.open(), await browser.open()];
    const at = (state: "offline" | "online"): TabMessage => ({ kind: "connection", leader: 1, state, since: 0, reason: "" });
    follower.hear(at("offline"));
    follower.hear(at("offline"));
    await world.clock.pass(2_999);
    expect(follower.count("nudge")).toBe(0);
    await world.clock.pass(3_001);
    expect(follower.count("nudge")).toBe(2);
    expect(leader.transport.filter((name) => name === "nudge").length).toBe(2);
    follower.hear(at("online"));
    await world.clock.pass(10_000);
    expect(follower.count("nudge")).toBe(2);
    world.server.kill();
    await world.clock.pass(100);
    await world.does(leader.chat.stop());
    await world.clock.pass(10_000);
    expect(follower.count("nudge")).toBeLessThanOrEqual(3);
  });

  test("looks after the outbox with each heartbeat, if somebody looks at it and the leader counts", async () => {
    const browser = new Browser();
    const { world } = browser;
    const follower = (await browser.open(), await browser.open());
    world.server.kill();
    const beats = (leader: number): readonly string[] => {
      follower.store.asked.length = 0;
      follower.hear({ kind: "beat", leader });
      return [...follower.store.asked];
    };
    expect(beats(1)).toEqual(["version"]);
    await world.clock.pass(10);
    expect(beats(0)).toEqual([]);
    follower.isWatched = false;
    expect(beats(1)).toEqual([]);
    follower.isWatched = true;
    await browser.beside("beside");
    beats(1);
    await world.clock.pass(10);
    expect(rowsOf(follower.chat.open(LOBBY), "pending").map(({ text }) => text)).toEqual(["beside"]);
    await world.does(follower.chat.stop());
    expect(beats(1)).toEqual([]);
  });

  test("applies what follows on what it knows, leaves out what it knows, and reads all if it missed something", async () => {
    const browser = new Browser();
    const { world } = browser;
    const follower = (await browser.open(), await browser.open());
    const { revision } = browser.disk;
    const knows = (): readonly string[] => ["one", "two", "half", "old", "early", "late"].filter((user) => follower.chat.people.value.has(user));
    const hears = (user: string, at: number | null): readonly string[] => {
      follower.hear({ kind: "kept", leader: 1, revision: at, changes: learns(user) });
      return follower.store.asked;
    };
    expect(hears("old", revision)).toEqual([]);
    expect(hears("one", revision + 1)).toEqual([]);
    expect(hears("half", revision + 1.5)).toEqual([]);
    expect(hears("two", revision + 2.5)).toEqual([]);
    // Earlier releases tell no revision of what could not be kept.
    expect(hears("early", null)).toEqual([]);
    expect(knows()).toEqual(["one", "two", "half", "early"]);
    const asked = hears("late", revision + 3.6);
    await world.clock.pass(100);
    expect(asked).toEqual(["load"]);
    // It is told once more then, and does not count: the store has less.
    expect(knows()).not.toContain("late");
  });

  test("hears an answer that the leader could not tell any more", async () => {
    const browser = new Browser();
    const { world } = browser;
    const mute = browser.hub.join();
    const { post } = mute;
    mute.post = (message) => message.kind === "result" || post.call(mute, message);
    const [leader, follower] = [await browser.open({}, mute), await browser.open()];
    let answer: unknown = null;
    void follower.chat.say(LOBBY, "hello").then((result) => (answer = result));
    await world.clock.pass(1_000);
    expect([browser.disk.rows.size, answer]).toEqual([0, null]);
    await world.does(leader.chat.stop());
    await world.clock.pass(1_000);
    expect(answer).toEqual({ ok: true, room: LOBBY });
  });
});

describe("a tab that has stopped", () => {
  test("stops once, asks and reads nothing more, and answers that there is no connection", async () => {
    const browser = new Browser();
    const { world } = browser;
    const [leader, follower] = [await browser.open(), await browser.open()];
    for (const tab of [follower, leader]) {
      await world.does(tab.chat.stop());
      await tab.chat.stop();
      expect(tab.store.closed).toBe(1);
      tab.store.asked.length = tab.told.length = 0;
      let answer: unknown = null;
      void tab.chat.browse().then((answered) => (answer = answered));
      tab.hear({ kind: "leading", leader: 9, isWatched: true });
      await world.clock.pass(1);
      expect(answer).toEqual({ ok: false, code: "offline" });
      expect([tab.store.asked, tab.told]).toEqual([[], []]);
    }
  });

  test("while it waits for a disk that cannot be read asks it no more", async () => {
    const browser = new Browser();
    const { world } = browser;
    let [isBroken, reads] = [false, 0];
    const fate = (operation: Operation): Fate => {
      if (operation === "load") reads += 1;
      return isBroken && operation === "load" ? "rejected" : "passes";
    };
    await browser.open();
    const follower = await browser.open({ store: new FailingStore(new MemoryStore(browser.disk), fate) });
    isBroken = true;
    follower.hear({ kind: "leading", leader: 2, isWatched: true });
    await world.clock.pass(4_000);
    await world.does(follower.chat.stop());
    follower.told.length = 0;
    const before = reads;
    await world.clock.pass(10_000);
    expect(reads - before).toBeLessThanOrEqual(2);
    expect(follower.told).toEqual([]);
  });
});
