// Goal: what a person does with the core in fair weather, end to end against the model server.

import { describe, expect, test } from "vitest";
import { MemoryDisk, MemoryStore } from "../../src/core/store-memory.ts";
import { FAIR_WEATHER } from "./model-server.ts";
import { TabHub } from "../../src/core/tabs.ts";
import { LOBBY, rowsOf, texts, World } from "./people.ts";
import { SlowStore } from "./slow-store.ts";

describe("talking", () => {
  test("what ada says is seen by bob and stands once with ada", async () => {
    const world = new World();
    const [ada, bob] = [await world.person("ada"), await world.person("bob")];
    const [hers, his] = [ada.open(LOBBY), bob.open(LOBBY)];
    await world.clock.pass(100);
    const said = ada.say(LOBBY, "hello");
    await world.clock.pass(0);
    expect(rowsOf(hers, "pending").map(({ text }) => text)).toEqual(["hello"]);
    const key = rowsOf(hers, "pending")[0]?.key;
    expect(await world.does(said)).toEqual({ ok: true, room: LOBBY });
    await world.clock.pass(100);
    expect(texts(hers)).toEqual(["hello"]);
    expect(texts(his)).toEqual(["hello"]);
    const [row] = rowsOf(hers, "message");
    expect(row).toMatchObject({ seq: 1, own: true, from: { name: "ada" }, key });
    expect(rowsOf(his, "message")[0]).toMatchObject({ seq: 1, own: false, from: { name: "ada" } });
  });

  test("a message that shows nothing is refused, and what is no text is replaced before it is sent", async () => {
    const world = new World();
    const ada = await world.person("ada");
    const view = ada.open(LOBBY);
    expect(await world.does(ada.say(LOBBY, "\u200b\u00a0"))).toEqual({ ok: false, code: "empty" });
    await world.does(ada.say(LOBBY, "\u001b[31mred\r\nblue"));
    const said = rowsOf(view, "message").map(({ text }) => text);
    expect(said).toEqual(["\ufffd[31mred\nblue"]);
  });

  test("a refused message stays with its reason, and can be sent again or taken away", async () => {
    const world = new World();
    const ada = await world.person("ada");
    const view = ada.open(LOBBY);
    expect(await world.does(ada.say(LOBBY, " "))).toEqual({ ok: false, code: "empty" });
    const [row] = rowsOf(view, "pending");
    expect(row?.state).toEqual({ refused: "empty" });
    await world.does(ada.retry(row?.n ?? 0));
    await world.clock.pass(100);
    const [again] = rowsOf(view, "pending");
    expect(again?.state).toEqual({ refused: "empty" });
    expect(again?.n).not.toBe(row?.n);
    expect(await world.does(ada.discard(again?.n ?? 0))).toBe(" ");
    await world.does(ada.say(LOBBY, "better"));
    expect(texts(view)).toEqual(["better"]);
  });

  test("edits and deletions reach everybody, and show at once where they were made", async () => {
    const world = new World();
    const [ada, bob] = [await world.person("ada"), await world.person("bob")];
    const [hers, his] = [ada.open(LOBBY), bob.open(LOBBY)];
    await world.does(ada.say(LOBBY, "helo"));
    const edited = ada.edit(LOBBY, 1, "hello");
    await world.clock.pass(0);
    expect(rowsOf(hers, "message")[0]).toMatchObject({ text: "hello", change: "editing" });
    await world.does(edited);
    await world.clock.pass(100);
    expect(rowsOf(his, "message")[0]).toMatchObject({ text: "hello", edited: true });
    await world.does(ada.delete(LOBBY, 1));
    await world.clock.pass(100);
    for (const view of [hers, his]) expect(rowsOf(view, "message")[0]).toMatchObject({ text: "", deleted: true });
  });

  test("what is written offline waits, survives a reload and is sent in order", async () => {
    const world = new World();
    const disk = new MemoryDisk();
    const ada = await world.person("ada", { store: new MemoryStore(disk) });
    await world.does(ada.say(LOBBY, "before"));
    world.server.kill();
    await world.clock.pass(100);
    expect(ada.connection.value.state).toBe("offline");
    void ada.say(LOBBY, "one");
    void ada.say(LOBBY, "two");
    await world.clock.pass(100);
    expect(ada.connection.value.waiting).toBe(2);
    await world.does(ada.stop());

    const again = await world.chat({ store: new MemoryStore(disk) });
    const view = again.open(LOBBY);
    await world.clock.pass(100);
    expect(texts(view)).toEqual(["before", "one", "two"]);
    expect(rowsOf(view, "pending").map(({ state }) => state)).toEqual(["waiting", "waiting"]);
    expect(again.me.value.name).toBe("ada");
    world.server.start();
    await world.online(again);
    await world.clock.pass(1_000);
    expect(rowsOf(view, "message").map(({ text }) => text)).toEqual(["before", "one", "two"]);
    expect(world.server.state.rooms.get(LOBBY)?.messages.map(({ text }) => text)).toEqual(["before", "one", "two"]);
  });
});

describe("rooms", () => {
  test("a private room by invite: facts, history from then on, and nothing after a removal", async () => {
    const world = new World();
    const [ada, bob] = [await world.person("ada"), await world.person("bob")];
    const created = await world.does(ada.create("private", "den", "quiet"));
    if (!created.ok) throw new Error(created.code);
    await world.does(ada.say(created.room, "before bob"));
    const invite = await world.does(ada.invite(created.room));
    if (!invite.ok) throw new Error(invite.code);
    const joined = await world.does(bob.joinByInvite(invite.code));
    expect(joined).toEqual({ ok: true, room: created.room });
    await world.clock.pass(2_000);
    await world.does(ada.say(created.room, "welcome bob"));
    const view = bob.open(created.room);
    await world.clock.pass(1_000);
    expect(texts(view)).toEqual(["welcome bob"]);
    expect(view.first.value).toBe(true);
    expect(bob.rooms.value.find(({ room }) => room === created.room)).toMatchObject({ name: "den", topic: "quiet", joined: true });
    const user = bob.me.value.user ?? "";
    await world.does(ada.remove(created.room, user));
    await world.clock.pass(100);
    expect(bob.rooms.value.map(({ room }) => room)).toEqual([LOBBY]);
    expect(texts(view)).toEqual([]);
  });

  test("a public room is read without joining, and flows after", async () => {
    const world = new World();
    const [ada, bob] = [await world.person("ada"), await world.person("bob")];
    const created = await world.does(ada.create("public", "garden"));
    if (!created.ok) throw new Error(created.code);
    for (const text of ["a", "b", "c"]) await world.does(ada.say(created.room, text));
    const view = bob.open(created.room);
    await world.clock.pass(1_000);
    expect(texts(view)).toEqual(["a", "b", "c"]);
    await world.does(bob.join(created.room));
    await world.clock.pass(1_000);
    await world.does(ada.say(created.room, "d"));
    await world.clock.pass(1_000);
    expect(bob.rooms.value.find(({ room }) => room === created.room)).toMatchObject({ name: "garden", joined: true });
    await world.does(view.latest());
    expect(texts(view)).toEqual(["a", "b", "c", "d"]);
    expect(rowsOf(view, "hole")).toEqual([]);
  });

  test("a direct conversation is found again", async () => {
    const world = new World();
    const [ada, bob] = [await world.person("ada"), await world.person("bob")];
    const user = bob.me.value.user ?? "";
    const first = await world.does(ada.direct([user]));
    const second = await world.does(ada.direct([user]));
    expect(second).toEqual(first);
    await world.clock.pass(100);
    expect(bob.rooms.value.find(({ kind }) => kind === "direct")?.with).toMatchObject([{ name: "ada" }]);
  });
});

describe("presence", () => {
  test("knows somebody who came while the server was being asked who is there", async () => {
    const world = new World();
    world.server.weather = { ...FAIR_WEATHER, thinks: () => 2_000 };
    const ada = await world.chat();
    await world.online(ada);
    await world.clock.pass(100);
    const bob = await world.chat();
    await world.online(bob);
    await world.clock.pass(5_000);
    expect(ada.online.value.people.map(({ user }) => user).sort()).toEqual([ada, bob].map(({ me }) => me.value.user).sort());
    expect(ada.online.value.count).toBe(2);
  });
});

describe("reading", () => {
  test("unread messages are counted on every device of a person", async () => {
    const world = new World();
    const [ada, bob] = [await world.person("ada"), await world.person("bob")];
    const link = await world.does(bob.link());
    if (!link.ok) throw new Error(link.code);
    const phone = await world.device(link.code);
    await world.online(phone);
    expect(phone.me.value).toEqual(bob.me.value);
    for (let i = 0; i < 5; i += 1) await world.does(ada.say(LOBBY, `line ${i}`));
    await world.clock.pass(1_000);
    const unread = () => [bob, phone].map(({ rooms }) => rooms.value[0]?.unread);
    expect(unread()).toEqual([5, 5]);
    await world.does(ada.delete(LOBBY, 5));
    await world.clock.pass(1_000);
    expect(unread()).toEqual([4, 4]);
    const view = bob.open(LOBBY);
    view.markRead(3);
    await world.clock.pass(1_000);
    expect(unread()).toEqual([1, 1]);
  });

  test("history is fetched in both directions and around, holes are rows", async () => {
    const world = new World();
    const ada = await world.person("ada");
    for (let i = 1; i <= 500; i += 1) void ada.say(LOBBY, `line ${i}`);
    await world.clock.pass(60_000);
    const bob = await world.person("bob");
    const view = bob.open(LOBBY);
    await world.clock.pass(1_000);
    expect(view.last.value).toBe(true);
    expect(rowsOf(view, "message").at(-1)?.seq).toBe(500);
    expect(rowsOf(view, "message").length).toBe(80);
    await world.does(view.older());
    expect(rowsOf(view, "message")[0]?.seq).toBe(371);
    await world.does(view.around(100));
    expect(view.last.value).toBe(false);
    const seqs = rowsOf(view, "message").map(({ seq }) => seq);
    expect(seqs).toContain(100);
    for (const hole of rowsOf(view, "hole")) await world.does(view.fill(hole));
    expect(rowsOf(view, "hole")).toEqual([]);
    while (!view.first.value) await world.does(view.older());
    expect(rowsOf(view, "message")[0]?.seq).toBe(1);
    while (!view.last.value) await world.does(view.newer());
    expect(rowsOf(view, "message").at(-1)?.seq).toBe(500);
    expect(view.rows.value.length).toBeLessThanOrEqual(400);
    await world.does(view.latest());
    expect(rowsOf(view, "message").length).toBe(80);
  });

  test("a move of the window ends when it is shown, however busy the store is", async () => {
    const world = new World();
    const ada = await world.person("ada");
    for (let i = 1; i <= 300; i += 1) void ada.say(LOBBY, `line ${i}`);
    await world.clock.pass(60_000);
    const bob = await world.does(world.person("bob", { store: new SlowStore(new MemoryStore(new MemoryDisk()), world.clock.setTimer, () => 20) }));
    const view = bob.open(LOBBY);
    await world.clock.pass(5_000);
    // Something is kept at any time.
    const talk = (): unknown => world.clock.setTimer(15, () => (void ada.say(LOBBY, "meanwhile"), talk()));
    talk();
    await world.clock.pass(100);
    for (const move of [view.older, view.older, () => view.around(100), view.latest, view.older]) {
      const before = view.rows.value[0];
      let shown: typeof before;
      await world.does(move.call(view).then(() => (shown = view.rows.value[0])));
      expect(shown).not.toEqual(before);
    }
  });

  test("typing is shown for five seconds, or until the message comes", async () => {
    const world = new World();
    const [ada, bob] = [await world.person("ada"), await world.person("bob")];
    const view = bob.open(LOBBY);
    ada.typing(LOBBY);
    await world.clock.pass(100);
    expect(view.typing.value).toMatchObject([{ name: "ada" }]);
    await world.clock.pass(5_000);
    expect(view.typing.value).toEqual([]);
    ada.typing(LOBBY);
    await world.clock.pass(100);
    expect(view.typing.value.length).toBe(1);
    await world.does(ada.say(LOBBY, "done"));
    await world.clock.pass(100);
    expect(view.typing.value).toEqual([]);
  });

  test("typing is shown no longer once somebody has stopped", async () => {
    const world = new World();
    const [ada, bob] = [await world.person("ada"), await world.person("bob")];
    const view = bob.open(LOBBY);
    ada.typing(LOBBY);
    await world.clock.pass(100);
    expect(view.typing.value).toMatchObject([{ name: "ada" }]);
    ada.typingStopped(LOBBY);
    await world.clock.pass(100);
    expect(view.typing.value).toEqual([]);
  });

  test("people who come and go are listed, and are no rows of the room", async () => {
    const world = new World();
    const bob = await world.person("bob");
    const view = bob.open(LOBBY);
    const others = [await world.person("ada"), await world.person("cleo")];
    await world.clock.pass(10_000);
    expect(bob.online.value.count).toBe(3);
    expect(bob.online.value.people.map(({ name }) => name).sort()).toEqual(["ada", "bob", "cleo"]);
    for (const other of others) await world.does(other.stop());
    await world.clock.pass(10_000);
    expect(bob.online.value.count).toBe(1);
    expect(bob.online.value.people.map(({ name }) => name)).toEqual(["bob"]);
    expect(view.rows.value).toEqual([]);
  });

  test("a conversation of two begins with its first message", async () => {
    const world = new World();
    const [ada, bob] = [await world.person("ada"), await world.person("bob")];
    const made = await world.does(ada.direct([bob.me.value.user ?? ""]));
    const room = made.ok ? made.room : 0;
    await world.does(ada.send({ room }, "hello"));
    await world.clock.pass(1_000);
    for (const person of [ada, bob]) expect(person.open(room).rows.value).toMatchObject([{ kind: "message", text: "hello" }]);
  });

  test("drafts are kept", async () => {
    const world = new World();
    const disk = new MemoryDisk();
    const ada = await world.person("ada", { store: new MemoryStore(disk) });
    ada.setDraft({ room: LOBBY }, "half a thou");
    expect(ada.draft({ room: LOBBY })).toBe("half a thou");
    await world.does(ada.stop());
    const again = await world.chat({ store: new MemoryStore(disk) });
    expect(again.draft({ room: LOBBY })).toBe("half a thou");
    expect(again.rooms.value[0]?.draft).toBe("half a thou");
  });
});

describe("a conversation that one is taken out of", () => {
  async function plans(behindMax?: number) {
    const world = new World(1, undefined, behindMax);
    const disk = new MemoryDisk();
    const [ada, bob] = [await world.person("ada"), await world.person("bob", { store: new MemoryStore(disk) })];
    const created = await world.does(ada.create("private", "secret plans"));
    if (!created.ok) throw new Error(created.code);
    const { room } = created;
    const user = bob.me.value.user ?? "";
    await world.does(ada.add(room, user));
    await world.clock.pass(1_000);
    return { world, disk, ada, bob, room, user };
  }

  test("is named, with who did it, until one is in it again", async () => {
    const { world, ada, bob, room, user } = await plans();
    const view = bob.open(room);
    expect(bob.lost.value.size).toBe(0);
    await world.does(ada.remove(room, user));
    await world.clock.pass(100);
    expect([...bob.lost.value.values()]).toEqual([{ room, kind: "private", name: "secret plans", by: { user: ada.me.value.user, name: "ada" } }]);
    expect([texts(view), view.first.value, view.last.value]).toEqual([[], true, true]);
    await world.does(ada.add(room, user));
    await world.clock.pass(1_000);
    expect(bob.lost.value.size).toBe(0);
  });

  test("is named after a reload without a network as before, and is there again when one is added", async () => {
    const { world, disk, ada, bob, room, user } = await plans();
    await world.does(ada.remove(room, user));
    await world.clock.pass(100);
    const before = bob.lost.value.get(room);
    expect(before).toEqual({ room, kind: "private", name: "secret plans", by: { user: ada.me.value.user, name: "ada" } });
    await world.does(bob.stop());
    world.server.kill();
    const away = await world.chat({ store: new MemoryStore(disk) });
    await world.clock.pass(5_000);
    expect([away.lost.value.get(room), away.connection.value.state]).toEqual([before, "offline"]);
    world.server.start();
    await world.online(away);
    expect(away.lost.value.get(room)).toEqual(before);
    await world.online(ada);
    await world.does(ada.add(room, user));
    await world.clock.pass(1_000);
    await world.does(away.stop());
    const again = await world.chat({ store: new MemoryStore(disk) });
    expect([again.lost.value.size, again.rooms.value.map(({ name }) => name)]).toEqual([0, ["Lobby", "secret plans"]]);
  });

  test("and that is public is described without a network as it was last", async () => {
    const { world, disk, ada, bob } = await plans();
    const created = await world.does(ada.create("public", "Bread", "of all kinds"));
    if (!created.ok) throw new Error(created.code);
    const { room } = created;
    await world.does(ada.say(room, "rye"));
    await world.does(bob.join(room));
    await world.does(bob.leave(room));
    bob.open(room);
    await world.clock.pass(1_000);
    expect(bob.outside.value).toMatchObject([{ room, name: "Bread", topic: "of all kinds", joined: false, unread: 0, members: 1 }]);
    await world.does(bob.stop());
    world.server.kill();
    const away = await world.chat({ store: new MemoryStore(disk) });
    await world.clock.pass(5_000);
    expect(away.outside.value).toMatchObject([{ room, name: "Bread", topic: "of all kinds", joined: false, unread: 0, members: 1 }]);
    expect(texts(away.open(room))).toEqual(["rye"]);
    expect(away.rooms.value.map(({ name }) => name)).toEqual(["Lobby", "secret plans"]);
  });

  test("is named in every tab", async () => {
    const { world, disk, ada, bob, room, user } = await plans();
    await world.does(bob.stop());
    const hub = new TabHub();
    const [first, second] = [await world.chat({ store: new MemoryStore(disk), tabs: hub.join() }), await world.chat({ store: new MemoryStore(disk), tabs: hub.join() })];
    await world.online(second);
    await world.does(ada.remove(room, user));
    await world.clock.pass(100);
    for (const tab of [first, second]) expect(tab.lost.value.get(room)).toMatchObject({ name: "secret plans", by: { name: "ada" } });
  });

  test("is named when it happened while one was away for long", async () => {
    const { world, disk, ada, bob, room, user } = await plans(20);
    await world.does(bob.stop());
    await world.does(ada.remove(room, user));
    // The log has gone on too far to be resumed, so nobody tells who did it.
    for (let i = 0; i < 30; i += 1) await world.does(ada.say(LOBBY, "on and on"));
    const again = await world.chat({ store: new MemoryStore(disk) });
    await world.online(again);
    await world.clock.pass(1_000);
    expect(again.lost.value.get(room)).toEqual({ room, kind: "private", name: "secret plans" });
    expect(again.rooms.value.map((other) => other.room)).toEqual([LOBBY]);
  });
});

test("somebody who is offline and has said nothing is known by name once the members are asked for, in all tabs and after a reload", async () => {
  const world = new World();
  const cleo = await world.person("cleo");
  const { user } = cleo.me.value;
  if (user === null) throw new Error("cleo is nobody");
  await world.does(cleo.stop());
  const [hub, disk] = [new TabHub(), new MemoryDisk()];
  const tab = () => world.chat({ tabs: hub.join(), store: new MemoryStore(disk) });
  const ada = await tab();
  await world.online(ada);
  const follower = await tab();
  await world.online(follower);
  expect(ada.people.value.has(user)).toBe(false);
  expect((await world.does(follower.members(LOBBY))).ok).toBe(true);
  await world.clock.pass(1_000);
  for (const chat of [ada, follower]) expect(chat.people.value.get(user)).toEqual({ user, name: "cleo" });
  await world.does(Promise.all([ada.stop(), follower.stop()]));
  world.server.kill();
  expect((await world.chat({ store: new MemoryStore(disk) })).people.value.get(user)?.name).toBe("cleo");
});

test("the owner hears in all tabs of a proxy that is not trusted, until it is, and nobody else does", async () => {
  const world = new World();
  const [hub, disk] = [new TabHub(), new MemoryDisk()];
  const tab = () => world.chat({ tabs: hub.join(), store: new MemoryStore(disk) });
  const [leader, follower, bob] = [await tab(), await tab(), await world.person("bob")];
  const told = () => [leader, follower, bob].map(({ untrusted }) => untrusted.value);
  await world.online(leader);
  expect((await world.does(leader.claim("setup"))).ok).toBe(true);
  for (const untrusted of ["10.0.0.5", undefined]) {
    world.server.untrusted = untrusted;
    world.server.cutAll();
    await world.clock.pass(10_000);
    for (const chat of [leader, bob]) await world.online(chat);
    expect(told()).toEqual([untrusted ?? "", untrusted ?? "", ""]);
  }
});

test("a tab whose leader does not answer is told that there is no answer", async () => {
  const world = new World();
  const hub = new TabHub();
  // A tab that leads and hangs.
  hub.join().lead(() => undefined, () => undefined);
  // Nobody looks at this one, so it does not take over.
  const bob = await world.chat({ tabs: hub.join(), isWatched: () => false });
  const asked = bob.members(LOBBY);
  const view = bob.open(LOBBY);
  expect(await world.does(asked)).toEqual({ ok: false, code: "offline" });
  await world.does(view.latest());
  expect(view.rows.value).toEqual([]);
});

const DAY_MS = 24 * 60 * 60 * 1000;

test.each([0, 30_000, 3 * DAY_MS, -400 * DAY_MS])("what waits is dated by the server's clock where that of the device is %d ms off", async (off) => {
  const world = new World();
  const disk = new MemoryDisk();
  const options = () => ({ store: new MemoryStore(disk), now: () => world.clock.now() + off });
  const ada = await world.person("ada", options());
  const isOff = Math.abs(off) > 60_000;
  expect(Math.abs(ada.ahead.value + (isOff ? off : 0))).toBeLessThan(100);
  await world.does(ada.stop());
  world.server.kill();
  // Also where there is no network to ask.
  const again = await world.chat(options());
  const view = again.open(LOBBY);
  void again.say(LOBBY, "waits");
  await world.clock.pass(100);
  const at = rowsOf(view, "pending")[0]?.at ?? 0;
  expect(Math.abs(at - world.clock.now())).toBeLessThanOrEqual(isOff ? 200 : Math.abs(off) + 200);
});
