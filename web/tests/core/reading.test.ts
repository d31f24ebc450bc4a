// Goal: a room opens where its reader stopped, and a message counts as read only after it was on the screen.
//
// Bob is the reader. He reads what was said before, goes away, and comes back to what ada has said meanwhile.

import { describe, expect, test } from "vitest";
import type { ChatClient, RoomView, Row } from "../../src/core/facade.ts";
import { MemoryDisk, MemoryStore } from "../../src/core/store-memory.ts";
import { TabHub } from "../../src/core/tabs.ts";
import { LOBBY, rowsOf, World } from "./people.ts";

const BEFORE = 120;

interface Scene {
  readonly world: World;
  readonly disk: MemoryDisk;
  readonly ada: ChatClient;
  readonly phone: ChatClient;
}

async function talk(world: World, ada: ChatClient, count: number): Promise<void> {
  const room = () => world.server.state.rooms.get(LOBBY)?.seq ?? 0;
  for (let left = count; left > 0; left -= 400) {
    const end = room() + Math.min(400, left);
    for (let i = 0; i < Math.min(400, left); i += 1) void ada.say(LOBBY, `line ${i}`);
    await world.clock.until(() => room() === end && ada.connection.value.waiting === 0, "the talk");
  }
  await world.clock.pass(1_000);
}

/** Bob has read everything, has gone, and ada has said so much since. His phone is on. */
async function scene(unread: number): Promise<Scene> {
  const world = new World(1, undefined, 50);
  const disk = new MemoryDisk();
  const ada = await world.person("ada");
  const bob = await world.person("bob", { store: new MemoryStore(disk) });
  const link = await world.does(bob.link());
  const phone = await world.device(link.ok ? link.code : "");
  await world.online(phone);
  await talk(world, ada, BEFORE);
  const view = bob.open(LOBBY);
  await world.clock.pass(1_000);
  view.passOver();
  await world.clock.pass(1_000);
  expect(pointer(world, bob)).toBe(BEFORE);
  await world.does(bob.stop());
  await talk(world, ada, unread);
  return { world, disk, ada, phone };
}

const again = ({ world, disk }: Scene): Promise<ChatClient> => world.chat({ store: new MemoryStore(disk) });

async function opened(the: Scene): Promise<{ readonly bob: ChatClient; readonly view: RoomView }> {
  const bob = await again(the);
  await the.world.online(bob);
  const view = bob.open(LOBBY);
  await the.world.clock.pass(1_000);
  return { bob, view };
}

const pointer = (world: World, chat: ChatClient): number => world.server.state.rooms.get(LOBBY)?.reads.get(chat.me.value.user ?? "") ?? 0;
const unreadOf = (chat: ChatClient): string => {
  const { unread, unreadCapped } = chat.rooms.value[0] ?? { unread: 0, unreadCapped: false };
  return `${unread}${unreadCapped ? "+" : ""}`;
};
const seqs = (view: RoomView): number[] => rowsOf(view, "message").map(({ seq }) => seq);
const from = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, index) => first + index);
const holes = (view: RoomView): (readonly [number, number])[] => rowsOf(view, "hole").map((hole) => [hole.from, hole.to]);
/** All that is there is on the screen of somebody who looks. */
const readOn = (view: RoomView): void => view.shown(seqs(view));
const kinds = (view: RoomView): Row["kind"][] => [...new Set(view.rows.value.map(({ kind }) => kind))];

describe("a room opens where its reader stopped", () => {
  const places = [
    { unread: 1, first: 42, last: 121, isEnd: true, counted: "1" },
    { unread: 80, first: 101, last: 200, isEnd: true, counted: "80" },
    { unread: 81, first: 101, last: 200, isEnd: false, counted: "81" },
    { unread: 250, first: 101, last: 200, isEnd: false, counted: "100+" },
    { unread: 10_000, first: 101, last: 200, isEnd: false, counted: "100+" },
  ];
  test.each(places)("with $unread unread messages", async ({ unread, first, last, isEnd, counted }) => {
    const the = await scene(unread);
    const { bob, view } = await opened(the);
    expect(seqs(view)).toEqual(from(first, last));
    expect(holes(view)).toEqual([]);
    expect([view.first.value, view.last.value]).toEqual([false, isEnd]);
    expect(view.newFrom.value).toBe(BEFORE + 1);
    expect(view.unseen()).toBe(BEFORE + 1);
    // Nothing was on a screen yet.
    expect(view.read.value).toBe(BEFORE);
    expect(pointer(the.world, bob)).toBe(BEFORE);
    expect([unreadOf(bob), unreadOf(the.phone)]).toEqual([counted, counted]);

    view.shown([119, 120, 121]);
    await the.world.clock.pass(1_000);
    expect([view.read.value, pointer(the.world, bob)]).toEqual([121, 121]);
    const left = unread - 1;
    const remains = left > 100 ? "100+" : `${left}`;
    expect([unreadOf(bob), unreadOf(the.phone)]).toEqual([remains, remains]);
    // The line stays where it is.
    expect(view.newFrom.value).toBe(BEFORE + 1);
  }, 240_000);

  test("and is read to its end page by page, without a hole", async () => {
    const the = await scene(250);
    const { bob, view } = await opened(the);
    const seen = new Set<number>();
    for (;;) {
      for (const seq of seqs(view)) seen.add(seq);
      readOn(view);
      if (view.last.value) break;
      await the.world.does(view.newer());
      expect(holes(view)).toEqual([]);
    }
    await the.world.clock.pass(1_000);
    expect([...seen]).toEqual(from(101, 370));
    expect([view.read.value, pointer(the.world, bob)]).toEqual([370, 370]);
    expect([unreadOf(bob), unreadOf(the.phone)]).toEqual(["0", "0"]);
  });

  test("at its end when nothing is unread", async () => {
    const the = await scene(0);
    const { view } = await opened(the);
    expect(seqs(view)).toEqual(from(41, 120));
    expect([view.newFrom.value, view.last.value]).toEqual([null, true]);
  });

  test("at its end for somebody new, who has missed nothing", async () => {
    const the = await scene(250);
    const cleo = await the.world.person("cleo");
    const view = cleo.open(LOBBY);
    await the.world.clock.pass(1_000);
    expect(seqs(view)).toEqual(from(291, 370));
    expect([view.newFrom.value, view.last.value]).toEqual([null, true]);
    expect([unreadOf(cleo), pointer(the.world, cleo)]).toEqual(["0", 370]);
  });

  test("at the first message of all for who was there before anything was said", async () => {
    const world = new World();
    const [ada, bob] = [await world.person("ada"), await world.person("bob")];
    await talk(world, ada, 250);
    const view = bob.open(LOBBY);
    await world.clock.pass(1_000);
    expect(seqs(view)).toEqual(from(1, 100));
    expect([view.newFrom.value, view.first.value, view.last.value]).toEqual([1, true, false]);
  });

  test("the line stands above the first message of somebody else that is not deleted", async () => {
    const the = await scene(0);
    void the.phone.say(LOBBY, "of my own");
    await the.world.clock.pass(1_000);
    await talk(the.world, the.ada, 200);
    await the.world.does(the.ada.delete(LOBBY, 122));
    const { view } = await opened(the);
    expect(view.newFrom.value).toBe(123);
    view.shown([123]);
    await the.world.clock.pass(1_000);
    expect(view.read.value).toBe(123);
  });

  test("only one's own messages since: at the end, without a line", async () => {
    const the = await scene(0);
    for (let i = 0; i < 150; i += 1) void the.phone.say(LOBBY, `own ${i}`);
    await the.world.clock.pass(10_000);
    const { view } = await opened(the);
    expect(view.newFrom.value).toBe(null);
    expect([seqs(view).at(-1), view.last.value]).toEqual([270, true]);
  });
});

describe("a room that is opened before the server has spoken", () => {
  test("goes to the first unread message as soon as it is known", async () => {
    const the = await scene(250);
    const bob = await again(the);
    const view = bob.open(LOBBY);
    await the.world.clock.pass(0);
    expect([seqs(view).at(-1), view.newFrom.value]).toEqual([BEFORE, null]);
    const before = view.placed.value;
    await the.world.clock.pass(3_000);
    expect(view.newFrom.value).toBe(BEFORE + 1);
    expect(seqs(view)).toEqual(from(101, 200));
    expect(view.placed.value).toBeGreaterThan(before);
    expect(pointer(the.world, bob)).toBe(BEFORE);
  });

  test("goes to the end when another device has read it meanwhile", async () => {
    const the = await scene(250);
    const first = await opened(the);
    await the.world.does(first.bob.stop());
    const hers = the.phone.open(LOBBY);
    await the.world.clock.pass(1_000);
    hers.passOver();
    await the.world.clock.pass(1_000);
    const bob = await again(the);
    const view = bob.open(LOBBY);
    await the.world.clock.pass(0);
    expect(view.newFrom.value).toBe(BEFORE + 1);
    await the.world.clock.pass(3_000);
    expect([view.newFrom.value, view.last.value, seqs(view).at(-1)]).toEqual([null, true, 370]);
  });

  test("shows what is here, a hole for the rest, and stays with a reader who reads on", async () => {
    const the = await scene(250);
    const first = await opened(the);
    await the.world.does(first.bob.stop());
    the.world.server.kill();
    const bob = await again(the);
    const view = bob.open(LOBBY);
    await the.world.clock.pass(3_000);
    expect([seqs(view), holes(view), view.newFrom.value]).toEqual([from(101, 200), [], BEFORE + 1]);
    await the.world.does(view.newer());
    expect([seqs(view), holes(view)]).toEqual([from(101, 200), [[201, 250]]]);
    readOn(view);
    await the.world.clock.pass(1_000);
    // What is not here was not read.
    expect(view.read.value).toBe(200);
    const placed = view.placed.value;
    the.world.server.start();
    await the.world.online(bob);
    await the.world.clock.pass(3_000);
    expect([view.newFrom.value, view.placed.value]).toEqual([BEFORE + 1, placed]);
    expect([pointer(the.world, bob), unreadOf(the.phone)]).toEqual([200, "100+"]);
  });

  test("nothing of the new is here and there is no network: the line, then the hole, then what is here", async () => {
    const the = await scene(250);
    const first = await opened(the);
    await the.world.does(first.view.latest());
    await the.world.does(first.bob.stop());
    the.world.server.kill();
    const bob = await again(the);
    const view = bob.open(LOBBY);
    await the.world.clock.pass(3_000);
    while (!view.last.value) await the.world.does(view.newer());
    expect(holes(view)).toEqual([[201, 290]]);
    expect(seqs(view)).toEqual([...from(101, 200), ...from(291, 370)]);
    readOn(view);
    await the.world.clock.pass(1_000);
    expect(view.read.value).toBe(200);
  });
});

describe("a room that stays open", () => {
  test("does not count as read what nobody looked at, and keeps its place in the window", async () => {
    const the = await scene(1);
    const { bob, view } = await opened(the);
    readOn(view);
    await the.world.clock.pass(1_000);
    await talk(the.world, the.ada, 500);
    // The window has grown up to its bound, and not past the first message that is still to be read.
    expect([seqs(view)[0], view.rows.value.length <= 300, view.last.value]).toEqual([42, true, false]);
    expect(seqs(view)).toContain(122);
    expect([view.read.value, pointer(the.world, bob), unreadOf(the.phone)]).toEqual([121, 121, "100+"]);
    view.renewLine();
    expect(view.newFrom.value).toBe(122);
  });

  test("keeps its place also where nothing of it was ever looked at", async () => {
    const the = await scene(1);
    const { view } = await opened(the);
    await talk(the.world, the.ada, 500);
    expect([seqs(view).includes(121), view.unseen(), view.last.value]).toEqual([true, 121, false]);
  });

  test("follows a reader who looks, and cuts at the other end", async () => {
    const the = await scene(1);
    const { view } = await opened(the);
    for (let i = 0; i < 50; i += 1) {
      view.shown(seqs(view).slice(-20));
      await talk(the.world, the.ada, 10);
    }
    expect([seqs(view).at(-1), view.last.value]).toEqual([621, true]);
    expect(seqs(view).length).toBeLessThanOrEqual(300);
    expect(view.read.value).toBe(611);
  });

  test("is not cut under the eyes of a reader who has gone up", async () => {
    const the = await scene(1);
    const { view } = await opened(the);
    readOn(view);
    view.shown(from(50, 70));
    await talk(the.world, the.ada, 500);
    expect(seqs(view)).toContain(50);
  });

  test("does not jump to the end over what was missed while the connection was gone", async () => {
    const the = await scene(1);
    const { bob, view } = await opened(the);
    readOn(view);
    await the.world.clock.pass(1_000);
    bob.open(LOBBY);
    const sessions = [...the.world.server.sessions].filter(({ user }) => user === bob.me.value.user);
    for (const session of sessions) session.cut();
    await talk(the.world, the.ada, 250);
    await the.world.online(bob);
    await the.world.clock.pass(3_000);
    expect(seqs(view)).toContain(122);
    expect([view.unseen(), view.read.value, view.newFrom.value]).toEqual([122, 121, 122]);
  });

  test("a link to a message reads nothing before it", async () => {
    const the = await scene(250);
    const { bob, view } = await opened(the);
    await the.world.does(view.around(300));
    expect(view.newFrom.value).toBe(BEFORE + 1);
    view.shown(from(290, 310));
    await the.world.clock.pass(1_000);
    expect([view.read.value, pointer(the.world, bob)]).toEqual([BEFORE, BEFORE]);
    expect(view.skipped()).toBe(BEFORE + 1);
  });

  test("a message of one's own at the end reads nothing above it", async () => {
    const the = await scene(250);
    const { bob, view } = await opened(the);
    await the.world.does(bob.say(LOBBY, "and I say"));
    await the.world.does(view.latest());
    view.shown(seqs(view).slice(-10));
    await the.world.clock.pass(1_000);
    expect([seqs(view).at(-1), view.read.value]).toEqual([371, BEFORE]);
    expect([unreadOf(bob), unreadOf(the.phone)]).toEqual(["100+", "100+"]);
  });

  test("a jump to the end that was asked for reads everything, and what was skipped can be gone back to", async () => {
    const the = await scene(250);
    const { bob, view } = await opened(the);
    view.shown(from(115, 130));
    await the.world.does(view.latest());
    view.passOver();
    view.shown(from(355, 370));
    await the.world.clock.pass(1_000);
    expect([view.read.value, pointer(the.world, bob), unreadOf(the.phone)]).toEqual([370, 370, "0"]);
    expect([view.newFrom.value, view.unseen(), view.skipped()]).toEqual([BEFORE + 1, null, 131]);
    await the.world.does(view.around(131));
    view.shown(from(131, 354));
    expect(view.skipped()).toBe(null);
  });

  test("opened anew goes to what is unread by then", async () => {
    const the = await scene(250);
    const { view } = await opened(the);
    view.shown(from(115, 130));
    await the.world.clock.pass(1_000);
    await the.world.does(view.around(300));
    const { value } = view.placed;
    await the.world.does(view.reopen());
    expect([view.newFrom.value, view.placed.value > value]).toEqual([131, true]);
    expect(seqs(view)).toContain(131);
    view.passOver();
    await the.world.clock.pass(1_000);
    await the.world.does(view.reopen());
    expect([view.newFrom.value, view.last.value, seqs(view).at(-1)]).toEqual([null, true, 370]);
  });
});

describe("a link beyond the messages", () => {
  test.each([99_999, Number.MAX_SAFE_INTEGER, 0])("to %d ends at what there is", async (seq) => {
    const the = await scene(0);
    const { bob, view } = await opened(the);
    await the.world.does(view.around(seq));
    expect(kinds(view)).toContain("message");
    expect(seqs(view)).toContain(seq === 0 ? 1 : BEFORE);
    await the.world.does(bob.say(LOBBY, "shown"));
    await the.world.does(view.latest());
    expect(rowsOf(view, "message").at(-1)?.text).toBe("shown");
  });

  test("finds a message that this device has not heard of", async () => {
    const the = await scene(0);
    const { bob, view } = await opened(the);
    // The message is there, its event is still on the way.
    the.world.server.weather = { ...the.world.server.weather, fate: (direction, name) => (direction === "down" && name === "message" ? "lost" : "arrives") };
    void the.ada.say(LOBBY, "unheard");
    await the.world.clock.pass(100);
    await the.world.does(view.around(BEFORE + 1));
    expect(seqs(view)).toContain(BEFORE + 1);
    expect(bob.connection.value.state).toBe("online");
  });
});

describe("read pointers", () => {
  test("of a tab that listens go through the tab that leads", async () => {
    const the = await scene(100);
    const hub = new TabHub();
    const tab = () => the.world.chat({ store: new MemoryStore(the.disk), tabs: hub.join() });
    const [leader, follower] = [await tab(), await tab()];
    await the.world.online(follower);
    const view = follower.open(LOBBY);
    await the.world.clock.pass(1_000);
    view.shown(from(115, 140));
    await the.world.clock.pass(1_000);
    expect([view.read.value, pointer(the.world, leader), unreadOf(leader), unreadOf(the.phone)]).toEqual([140, 140, "80", "80"]);
  });

  test("go no further than there are messages", async () => {
    const the = await scene(3);
    const { bob, view } = await opened(the);
    view.markRead(Number.MAX_SAFE_INTEGER);
    await the.world.clock.pass(1_000);
    expect([view.read.value, pointer(the.world, bob)]).toEqual([123, 123]);
    await talk(the.world, the.ada, 2);
    expect([unreadOf(bob), unreadOf(the.phone)]).toEqual(["2", "2"]);
  });

  test("of another device are taken although the messages are still on the way", async () => {
    const the = await scene(0);
    const { bob } = await opened(the);
    const late = { ...the.world.server.weather };
    the.world.server.weather = { ...late, fate: (direction, name) => (direction === "down" && name === "message" ? "lost" : "arrives") };
    void the.ada.say(LOBBY, "read elsewhere");
    await the.world.clock.pass(100);
    the.world.server.weather = late;
    const [phone] = [...the.world.server.sessions].filter(({ user }) => user === bob.me.value.user);
    if (phone === undefined) throw new Error("the phone is not there");
    the.world.server.read(phone, LOBBY, 121);
    await the.world.clock.pass(1_000);
    await talk(the.world, the.ada, 1);
    await the.world.clock.pass(10_000);
    expect([seqs(bob.open(LOBBY)).at(-1), unreadOf(bob)]).toEqual([122, "1"]);
  });
});
