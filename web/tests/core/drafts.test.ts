// Goal: what somebody typed has one owner, the store; all tabs show it, and nothing of it goes in silence.

import { describe, expect, test } from "vitest";
import { createChat, type ChatOptions } from "../../src/core/chat.ts";
import type { ChatClient, DraftPlace, RoomId } from "../../src/core/facade.ts";
import { ROWS_MAX } from "../../src/core/numbering.ts";
import { MemoryDisk, MemoryStore } from "../../src/core/store-memory.ts";
import type { Changed, Durability, Look, OutboxChange, OutboxPart, Store } from "../../src/core/store.ts";
import { TabHub, type Tabs } from "../../src/core/tabs.ts";
import { Life } from "./mortal.ts";
import { Paper } from "./paper.ts";
import { LOBBY, rowsOf, texts, World } from "./people.ts";
import { SlowStore, UnheardStore, WaitingStore } from "./slow-store.ts";
import { terse } from "./witness.ts";

const HERE: DraftPlace = { room: LOBBY };

/** What was left unsent. */
const textsOf = (chat: ChatClient): readonly string[] => chat.strays.value.map(({ text }) => text);

/** A browser whose tabs share what it keeps. */
class Browser {
  readonly disk = new MemoryDisk();
  readonly paper = new Paper();
  readonly world: World;
  readonly #hub = new TabHub();
  readonly #tell: (tabs: Tabs) => Tabs;

  constructor(world: World, tell: (tabs: Tabs) => Tabs = (tabs) => tabs) {
    this.world = world;
    this.#tell = tell;
  }

  async open(options: Partial<ChatOptions> = {}, life = new Life()): Promise<ChatClient> {
    const store = new MemoryStore(this.disk);
    const all = this.world.options({ store, tabs: this.#tell(this.#hub.join()), notepad: this.paper.pad(), ...options });
    return this.world.does(createChat(life.options(all)));
  }

  async ada(): Promise<ChatClient> {
    const chat = await this.open();
    await this.world.online(chat);
    await this.world.does(chat.setName("ada"));
    return chat;
  }

  drafts(): readonly (string | null)[] {
    return [...this.disk.drafts.values()].map(({ text }) => text);
  }
}

/** A store that keeps nothing more from some moment on. */
class FullStore extends MemoryStore {
  isFull = false;

  override changeOutbox<T>(look: Look, change: (part: OutboxPart) => OutboxChange<T>, _durability?: Durability): Promise<Changed<T>> {
    return this.isFull ? Promise.reject(new Error("no room")) : super.changeOutbox(look, change);
  }
}

async function roomOf(world: World, host: ChatClient, kind: "public" | "private", name: string, guest?: ChatClient): Promise<RoomId> {
  const created = await world.does(host.create(kind, name));
  if (!created.ok) throw new Error(created.code);
  if (guest !== undefined) await world.does(host.add(created.room, guest.me.value.user ?? ""));
  await world.clock.pass(1_000);
  return created.room;
}

describe("a draft", () => {
  test("of each room and of each change of a message is found again where it was typed", async () => {
    const world = new World();
    const browser = new Browser(world);
    const ada = await browser.ada();
    const garden = await roomOf(world, ada, "public", "garden");
    await world.does(ada.say(LOBBY, "helo"));
    ada.setDraft(HERE, "to all");
    ada.setDraft({ room: garden }, "to gardeners");
    ada.setDraft({ room: LOBBY, seq: 1 }, "hello");
    await world.does(ada.stop());
    const again = await browser.open();
    expect(again.draft(HERE)).toBe("to all");
    expect(again.draft({ room: garden })).toBe("to gardeners");
    expect(again.draft({ room: LOBBY, seq: 1 })).toBe("hello");
    expect(again.draft({ room: garden, seq: 1 })).toBeNull();
    expect(rowsOf(again.open(LOBBY), "message").map(({ draft }) => draft)).toEqual([true]);
    expect(again.rooms.value.map(({ draft }) => draft)).toEqual(["to all", "to gardeners"]);
    again.setDraft(HERE, "");
    again.setDraft({ room: LOBBY, seq: 1 }, null);
    await world.clock.pass(1_000);
    expect(rowsOf(again.open(LOBBY), "message").map(({ draft }) => draft)).toEqual([undefined]);
    expect(again.rooms.value.map(({ draft }) => draft)).toEqual(["", "to gardeners"]);
  });

  test("of a change may be an empty text, which is not the same as none", async () => {
    const world = new World();
    const browser = new Browser(world);
    const ada = await browser.ada();
    await world.does(ada.say(LOBBY, "hello"));
    ada.setDraft({ room: LOBBY, seq: 1 }, "");
    await world.does(ada.stop());
    expect((await browser.open()).draft({ room: LOBBY, seq: 1 })).toBe("");
  });

  test("is lost with a crash for at most the last moment", async () => {
    const world = new World();
    const browser = new Browser(world);
    await browser.ada().then((ada) => ada.stop());
    const life = new Life();
    const ada = await browser.open({}, life);
    const written = "all that she has typed without a pause";
    for (let length = 1; length <= written.length; length += 1) {
      ada.setDraft(HERE, written.slice(0, length));
      await world.clock.pass(10);
    }
    life.end();
    const kept = (await browser.open()).draft(HERE) ?? "";
    expect(written.startsWith(kept)).toBe(true);
    expect(written.length - kept.length).toBeLessThanOrEqual(31);
  });

  test("of the last moment outlives a page that is left, though its store does nothing any more", async () => {
    const world = new World();
    const browser = new Browser(world);
    await browser.ada().then((ada) => ada.stop());
    const life = new Life();
    let hide = (): void => undefined;
    const slow = new SlowStore(new MemoryStore(browser.disk), (ms, due) => world.clock.setTimer(ms, () => life.isOver || due()), () => 1);
    const ada = await browser.open({ store: slow, onHide: (hidden) => ((hide = hidden), () => undefined) }, life);
    ada.setDraft(HERE, "typed and");
    await world.clock.pass(1_000);
    ada.setDraft(HERE, "typed and gone");
    hide();
    life.end();
    await world.clock.pass(1_000);
    expect(browser.drafts()).toEqual(["typed and"]);
    const again = await browser.open();
    expect(again.draft(HERE)).toBe("typed and gone");
    expect(browser.drafts()).toEqual(["typed and gone"]);
    expect(browser.paper.notes).toEqual([]);
  });

  test("that was jotted down does not come back after it was sent elsewhere", async () => {
    const world = new World();
    const browser = new Browser(world);
    const ada = await browser.ada();
    const life = new Life();
    let hide = (): void => undefined;
    const other = await browser.open({ onHide: (hidden) => ((hide = hidden), () => undefined) }, life);
    other.setDraft(HERE, "once");
    await world.clock.pass(1_000);
    other.setDraft(HERE, "once.");
    hide();
    // It is kept all the same, and what was jotted down is not needed then.
    await world.clock.pass(1_000);
    expect(browser.paper.notes).toEqual([]);
    other.setDraft(HERE, "once!");
    hide();
    const [note] = browser.paper.notes;
    await world.clock.pass(1_000);
    await world.does(ada.send(HERE, "once!"));
    life.end();
    if (note === undefined) throw new Error("nothing was jotted down");
    browser.paper.pad().write([note]);
    expect((await browser.open()).draft(HERE)).toBeNull();
  });
});

/** Two tabs, of which the second has a store of its own kind; "hello" was typed there and is seen in the first. */
async function typedInSecond<S extends Store>(storeOf: (disk: MemoryDisk) => S): Promise<{ readonly world: World; readonly bob: ChatClient; readonly first: ChatClient; readonly second: ChatClient; readonly store: S }> {
  const world = new World();
  const browser = new Browser(world);
  const first = await browser.ada();
  const store = storeOf(browser.disk);
  const second = await browser.open({ store });
  const bob = await world.person("bob");
  second.setDraft(HERE, "hello");
  await world.clock.pass(1_000);
  expect(first.draft(HERE)).toBe("hello");
  return { world, bob, first, second, store };
}

describe("tabs", () => {
  test("show at once what is typed and what is sent in another one", async () => {
    const world = new World();
    const browser = new Browser(world);
    const [one, other] = [await browser.ada(), await browser.open()];
    one.setDraft(HERE, "h");
    await world.clock.pass(10);
    expect(other.draft(HERE)).toBe("h");
    one.setDraft(HERE, "hello");
    await world.clock.pass(310);
    expect(other.draft(HERE)).toBe("hello");
    await world.does(one.send(HERE, "hello"));
    expect(other.draft(HERE)).toBeNull();
    other.setDraft(HERE, "x");
    await world.clock.pass(1_000);
    for (const tab of [one, other, await browser.open()]) expect(tab.draft(HERE)).toBe("x");
  });

  describe("one of which hangs or ends right after it has kept what it sends", () => {
    const scene = async (): Promise<{ readonly world: World; readonly bob: ChatClient; readonly first: ChatClient; readonly second: ChatClient }> => {
      const { world, bob, first, second, store } = await typedInSecond((disk) => new UnheardStore(disk));
      store.isUnheard = true;
      void second.send(HERE, "hello");
      await world.clock.pass(0);
      return { world, bob, first, second };
    };

    test("send it from the one that leads, and empty the field there", async () => {
      const { world, bob, first } = await scene();
      await world.clock.pass(1_500);
      expect(first.draft(HERE)).toBeNull();
      expect(texts(bob.open(LOBBY))).toEqual(["hello"]);
    });

    test("do not send the same version once more", async () => {
      const { world, bob, first, second } = await scene();
      expect(first.draft(HERE), "it has not been told").toBe("hello");
      expect(await world.does(first.send(HERE, "hello"))).toEqual({ ok: true, room: LOBBY });
      await world.clock.pass(5_000);
      expect(texts(bob.open(LOBBY))).toEqual(["hello"]);
      expect([first.draft(HERE), second.draft(HERE)]).toEqual([null, null]);
    });

    test("send what was typed anew, though it is the same", async () => {
      const { world, bob, first } = await scene();
      first.setDraft(HERE, "hell");
      first.setDraft(HERE, "hello");
      await world.does(first.send(HERE, "hello"));
      await world.clock.pass(5_000);
      expect(texts(bob.open(LOBBY))).toEqual(["hello", "hello"]);
    });
  });

  describe("of which a slow one has not kept what it sends", () => {
    const scene = async (): Promise<{ readonly world: World; readonly bob: ChatClient; readonly quick: ChatClient; readonly slow: ChatClient; readonly go: () => void }> => {
      const { world, bob, first: quick, second: slow, store } = await typedInSecond((disk) => new WaitingStore(disk));
      let go = (): void => undefined;
      store.turn = new Promise((resolve) => (go = resolve));
      void slow.send(HERE, "hello");
      return { world, bob, quick, slow, go };
    };

    test("send both its text and what another one has written over it", async () => {
      const { world, bob, quick, slow, go } = await scene();
      quick.setDraft(HERE, "something else");
      await world.does(quick.send(HERE, "something else"));
      go();
      await world.clock.pass(1_000);
      expect(texts(bob.open(LOBBY))).toEqual(["something else", "hello"]);
      for (const tab of [quick, slow]) expect(tab.draft(HERE)).toBeNull();
    });

    test("send its text though another one has emptied the field", async () => {
      const { world, bob, quick, go } = await scene();
      quick.setDraft(HERE, null);
      await world.clock.pass(1_000);
      go();
      await world.clock.pass(1_000);
      expect(texts(bob.open(LOBBY))).toEqual(["hello"]);
    });

    test("send a text once that another one has sent too, and then a later one", async () => {
      const { world, bob, quick, go } = await scene();
      await world.does(quick.send(HERE, "hello"));
      quick.setDraft(HERE, "and more");
      await world.does(quick.send(HERE, "and more"));
      go();
      await world.clock.pass(1_000);
      expect(texts(bob.open(LOBBY))).toEqual(["hello", "and more"]);
    });
  });

  test("never offer a text again that was sent from another one, however recently it was typed", async () => {
    const world = new World();
    const browser = new Browser(world);
    const [one, other] = [await browser.ada(), await browser.open()];
    one.setDraft(HERE, "hello");
    await world.clock.pass(50);
    void other.send(HERE, "hello");
    await world.clock.pass(50);
    for (const tab of [one, other]) expect(tab.draft(HERE)).toBeNull();
    await world.clock.pass(5_000);
    for (const tab of [one, other, await browser.open()]) expect(tab.draft(HERE)).toBeNull();
    expect(world.server.state.rooms.get(LOBBY)?.messages.map(({ text }) => text)).toEqual(["hello"]);
  });

  test("in which somebody types at the same time keep their texts, and the last one has the place", async () => {
    const world = new World();
    const browser = new Browser(world);
    const [one, other] = [await browser.ada(), await browser.open()];
    for (let i = 1; i <= 20; i += 1) {
      one.setDraft(HERE, `one ${i}`);
      other.setDraft(HERE, `other ${i}`);
      await world.clock.pass(97);
      expect([one.draft(HERE), other.draft(HERE)]).toEqual([`one ${i}`, `other ${i}`]);
    }
    await world.clock.pass(1);
    one.setDraft(HERE, "the last word");
    await world.clock.pass(5_000);
    expect([one.draft(HERE), other.draft(HERE)]).toEqual(["the last word", "other 20"]);
    const later = await browser.open();
    expect([later.draft(HERE), textsOf(later)]).toEqual(["the last word", ["other 20"]]);
    // Whoever goes on from a text takes it out of what is put aside.
    other.setDraft(HERE, "other 21");
    await world.clock.pass(1_000);
    expect([one, other, later].map((tab) => [tab.draft(HERE), textsOf(tab)])).toEqual([
      ["the last word", []],
      ["other 21", ["the last word"]],
      ["other 21", ["the last word"]],
    ]);
  });
});

describe("five tabs in which somebody types within milliseconds", () => {
  const NAMES = ["one", "two", "three", "four", "five"];

  async function five(pause: number) {
    const world = new World();
    const browser = new Browser(world);
    const tabs = [await browser.ada()];
    while (tabs.length < NAMES.length) tabs.push(await browser.open());
    for (let round = 1; round <= 3; round += 1) {
      for (const [index, tab] of tabs.entries()) {
        tab.setDraft(HERE, `${NAMES[index]} ${round}`);
        await world.clock.pass(pause);
      }
    }
    return { world, browser, tabs };
  }

  const all = (tab: ChatClient): readonly (string | null)[] => [tab.draft(HERE), ...textsOf(tab)].toSorted();
  const LAST = NAMES.map((name) => `${name} 3`).toSorted();

  test.each([0, 1, 7])("keep what was typed in each, and a page of later finds all of it (%i ms)", async (pause) => {
    const { world, browser, tabs } = await five(pause);
    await world.clock.pass(10_000);
    expect(tabs.map((tab) => tab.draft(HERE))).toEqual(NAMES.map((name) => `${name} 3`));
    for (const tab of tabs) await world.does(tab.stop());
    const later = await browser.open();
    expect(all(later)).toEqual(LAST);
    for (const stray of later.strays.value) later.setDraft(stray.place, null);
    await world.clock.pass(1_000);
    expect([textsOf(later), textsOf(await browser.open())]).toEqual([[], []]);
  });

  test("that are closed before their store has done anything leave all of it behind, too", async () => {
    const world = new World();
    const browser = new Browser(world);
    await world.does((await browser.ada()).stop());
    const lives = NAMES.map(() => new Life());
    const tabs = await Promise.all(lives.map((life) => browser.open({}, life)));
    for (const [index, tab] of tabs.entries()) tab.setDraft(HERE, `${NAMES[index]} 1`);
    await world.clock.pass(1_000);
    for (const [index, tab] of tabs.entries()) tab.setDraft(HERE, `${NAMES[index]} 3`);
    for (const tab of tabs) void tab.stop();
    await world.clock.pass(1_000);
    expect(all(await browser.open())).toEqual(LAST);
  });

  test("send each its own text, and take no other away", async () => {
    const { world, browser, tabs } = await five(1);
    await world.clock.pass(1_000);
    const [first, second] = tabs;
    if (first === undefined || second === undefined) throw new Error("no tabs");
    await world.does(first.send(HERE, "one 3"));
    await world.clock.pass(5_000);
    expect(second.draft(HERE)).toBe("two 3");
    await world.does(second.send(HERE, "two 3"));
    expect(world.server.state.rooms.get(LOBBY)?.messages.map(({ text }) => text)).toEqual(["one 3", "two 3"]);
    for (const tab of tabs) await world.does(tab.stop());
    const later = await browser.open();
    expect([later.draft(HERE), ...textsOf(later)].filter((text) => text !== null).toSorted()).toEqual(LAST.filter((text) => !/^(one|two)/.test(text)));
  });
});

/** What a tab that slept gets of the changes meanwhile. */
const TOLD = [
  ["hears of each", (tabs: Tabs): Tabs => tabs],
  ["reads the last alone", terse],
] as const;

test.each(TOLD)("a tab that slept while two others went on from its text, one after the other, and %s, follows them", async (_, tell) => {
  const world = new World();
  const browser = new Browser(world, tell);
  await world.does((await browser.ada()).stop());
  const life = new Life();
  const [two, three, one] = [await browser.open(), await browser.open(), await browser.open({}, life)];
  one.setDraft(HERE, "a");
  await world.clock.pass(1_000);
  life.freeze();
  two.setDraft(HERE, "ab");
  await world.clock.pass(1_000);
  three.setDraft(HERE, "abc");
  await world.clock.pass(1_000);
  expect([one.draft(HERE), two.draft(HERE)]).toEqual(["a", "abc"]);
  await life.thaw();
  await world.clock.pass(1_000);
  expect([one, two, three].map((tab) => [tab.draft(HERE), textsOf(tab)])).toEqual([["abc", []], ["abc", []], ["abc", []]]);
  await world.does(three.send(HERE, "abc"));
  expect([one, two, three].map((tab) => tab.draft(HERE))).toEqual([null, null, null]);
});

test.each(TOLD)("what another tab has taken away is not shown again by a tab that slept and %s, whoever has written there since", async (_, tell) => {
  const world = new World();
  const browser = new Browser(world, tell);
  await browser.ada();
  const lives = [new Life(), new Life()] as const;
  const [first, second, third] = [await browser.open({}, lives[0]), await browser.open({}, lives[1]), await browser.open()];
  first.setDraft(HERE, "one");
  await world.clock.pass(1_000);
  first.setDraft(HERE, "one more");
  lives[0].freeze();
  second.setDraft(HERE, "two");
  await world.clock.pass(1_000);
  lives[1].freeze();
  expect(third.draft(HERE)).toBe("two");
  third.setDraft(HERE, null);
  await world.clock.pass(1_000);
  await lives[0].thaw();
  await world.clock.pass(1_000);
  for (const text of ["one more, and", "one more, and on"]) {
    first.setDraft(HERE, text);
    await world.clock.pass(1_000);
  }
  await lives[1].thaw();
  await world.clock.pass(1_000);
  for (const tab of [first, second, third]) expect([tab.draft(HERE), textsOf(tab)]).toEqual(["one more, and on", []]);
});

describe("sending", () => {
  test("takes the draft away in the step that keeps the message", async () => {
    const world = new World();
    const browser = new Browser(world);
    const ada = await browser.ada();
    world.server.kill();
    await world.clock.pass(100);
    ada.setDraft(HERE, "later");
    await world.clock.pass(1_000);
    void ada.send(HERE, "later");
    expect(ada.draft(HERE)).toBeNull();
    await world.clock.pass(0);
    expect([...browser.disk.rows.values()].map(({ command }) => command)).toEqual([{ event: "say", room: LOBBY, text: "later" }]);
    expect(browser.drafts()).toEqual([null]);
  });

  test("a change takes the draft of the change away, and nothing else", async () => {
    const world = new World();
    const ada = await new Browser(world).ada();
    await world.does(ada.say(LOBBY, "helo"));
    ada.setDraft(HERE, "next");
    ada.setDraft({ room: LOBBY, seq: 1 }, "hello");
    expect(await world.does(ada.send({ room: LOBBY, seq: 1 }, "hello"))).toEqual({ ok: true, room: LOBBY });
    expect(ada.draft({ room: LOBBY, seq: 1 })).toBeNull();
    expect(ada.draft(HERE)).toBe("next");
    await world.clock.pass(100);
    expect(world.server.state.rooms.get(LOBBY)?.messages[0]).toMatchObject({ text: "hello", edited: true });
  });

  test("leaves what the browser cannot keep in the draft, before what was typed since", async () => {
    const world = new World();
    const browser = new Browser(world);
    const ada = await browser.ada();
    await world.does(ada.stop());
    const store = new FullStore(browser.disk);
    const again = await browser.open({ store });
    store.isFull = true;
    again.setDraft(HERE, "first");
    const sent = again.send(HERE, "first");
    again.setDraft(HERE, "second");
    expect(await world.does(sent)).toEqual({ ok: false, code: "not_kept" });
    expect(again.draft(HERE)).toBe("first\nsecond");
    store.isFull = false;
    await world.clock.pass(10_000);
    expect(browser.drafts()).toEqual(["first\nsecond"]);
  });

  test("says that nothing was sent when the browser cannot keep a command", async () => {
    const world = new World();
    const store = new FullStore(new MemoryDisk());
    const ada = await world.person("ada", { store });
    store.isFull = true;
    expect(await world.does(ada.say(LOBBY, "hello"))).toEqual({ ok: false, code: "not_kept" });
    expect(world.server.state.rooms.get(LOBBY)?.seq).toBe(0);
  });

  test("leaves in the draft what a full outbox does not take", async () => {
    const world = new World();
    const browser = new Browser(world);
    const ada = await browser.ada();
    world.server.kill();
    await world.clock.pass(100);
    for (let i = 0; i < ROWS_MAX; i += 1) void ada.say(LOBBY, `${i}`);
    await world.clock.pass(100);
    expect(await world.does(ada.send(HERE, "one more"))).toEqual({ ok: false, code: "full" });
    expect(ada.draft(HERE)).toBe("one more");
    expect(browser.disk.rows.size).toBe(ROWS_MAX);
  });

  test("is done or not when the page goes in the middle, and the text is in one place", async () => {
    for (const latency of [1, 50]) {
      const world = new World();
      const browser = new Browser(world);
      await browser.ada().then((ada) => ada.stop());
      world.server.kill();
      const life = new Life();
      let hide = (): void => undefined;
      const slow = new SlowStore(new MemoryStore(browser.disk), (ms, due) => world.clock.setTimer(ms, () => life.isOver || due()), () => latency);
      const ada = await browser.open({ store: slow, onHide: (hidden) => ((hide = hidden), () => undefined) }, life);
      ada.setDraft(HERE, "hello");
      await world.clock.pass(1_000);
      void ada.send(HERE, "hello");
      ada.setDraft(HERE, "next");
      hide();
      await world.clock.pass(10);
      life.end();
      const again = await browser.open();
      const sent = [...browser.disk.rows.values()].flatMap(({ command }) => ("text" in command ? [command.text] : []));
      expect([sent, again.draft(HERE)]).toEqual(latency === 1 ? [["hello"], "next"] : [[], "hello\nnext"]);
    }
  });

  test("what was refused becomes a draft again, before what is typed there, and at once for all tabs", async () => {
    const world = new World();
    const browser = new Browser(world);
    const [ada, other] = [await browser.ada(), await browser.open()];
    expect(await world.does(ada.send(HERE, " "))).toEqual({ ok: false, code: "empty" });
    const [row] = rowsOf(ada.open(LOBBY), "pending");
    ada.setDraft(HERE, "next");
    expect(await world.does(ada.takeBack(row?.n ?? 0))).toEqual(expect.objectContaining({ room: LOBBY }));
    await world.clock.pass(100);
    for (const tab of [ada, other]) {
      expect(tab.draft(HERE)).toBe(" \nnext");
      expect(rowsOf(tab.open(LOBBY), "pending")).toEqual([]);
    }
    expect(browser.drafts()).toEqual([" \nnext"]);
  });
});

describe("what was written where it cannot be sent any more", () => {
  test("is offered in one place, of all rooms, after a reload too, until it is discarded", async () => {
    const world = new World();
    const browser = new Browser(world);
    const [ada, bob] = [await browser.ada(), await world.person("bob")];
    const [den, attic] = [await roomOf(world, bob, "private", "den", ada), await roomOf(world, bob, "private", "attic", ada)];
    await world.does(ada.say(den, "an old one"));
    ada.setDraft({ room: attic }, "half a thought");
    ada.setDraft({ room: attic, seq: 7 }, "half a change");
    ada.setDraft(HERE, "not gone");
    await world.clock.pass(1_000);
    await world.does(ada.stop());
    world.server.kill();
    const offline = await browser.open();
    void offline.send({ room: den }, "long thought");
    void offline.send({ room: den, seq: 1 }, "a better one");
    await world.clock.pass(100);
    await world.does(offline.stop());
    world.server.start();
    await world.online(bob);
    for (const room of [den, attic]) await world.does(bob.remove(room, ada.me.value.user ?? ""));
    const again = await browser.open();
    expect(again.strays.value).toEqual([]);
    await world.online(again);
    await world.clock.until(() => again.connection.value.waiting === 0, "the answers");
    await world.clock.pass(100);
    const wanted = ["half a change", "half a thought", "a better one", "long thought"];
    for (const tab of [again, await browser.open()]) expect(tab.strays.value.map(({ text }) => text).sort()).toEqual(wanted.sort());
    for (const { n, place } of again.strays.value) {
      if (n === undefined) again.setDraft(place, null);
      else await world.does(again.discard(n));
    }
    await world.clock.pass(1_000);
    for (const tab of [again, await browser.open()]) expect(tab.strays.value).toEqual([]);
    expect(again.draft(HERE)).toBe("not gone");
  });
});

describe("what can be found where it was written", () => {
  test("is not offered elsewhere: a refused message in its room, the draft of a change on its message", async () => {
    const world = new World();
    const ada = await new Browser(world).ada();
    await world.does(ada.say(LOBBY, "helo"));
    await world.does(ada.send(HERE, " "));
    ada.setDraft({ room: LOBBY, seq: 1 }, "hello");
    await world.clock.pass(1_000);
    expect(ada.strays.value).toEqual([]);
    await world.does(ada.delete(LOBBY, 1));
    await world.clock.pass(1_000);
    expect(ada.strays.value.map(({ text }) => text)).toEqual(["hello"]);
    expect(rowsOf(ada.open(LOBBY), "message").map(({ draft }) => draft)).toEqual([undefined]);
  });
});
