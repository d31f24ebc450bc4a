// Goal: the single faults that the storm mixes, each by itself and easy to read.

import { expect, test } from "vitest";
import { MemoryDisk, MemoryStore } from "../../src/core/store-memory.ts";
import { FAIR_WEATHER, type Weather } from "./model-server.ts";
import { attentive, LOBBY, rowsOf, texts, World } from "./people.ts";
import { BusyStore } from "./slow-store.ts";

const weather = (change: Partial<Weather>): Weather => ({ ...FAIR_WEATHER, ...change });

const logOf = (world: World): readonly string[] => (world.server.state.rooms.get(LOBBY)?.messages ?? []).map(({ text }) => text);

test("a message whose ack is lost is stored once and shown once", async () => {
  const world = new World();
  const ada = await world.person("ada");
  const view = ada.open(LOBBY);
  world.server.weather = weather({ fate: (direction, name) => (direction === "down" && name === "ack" ? "cut" : "arrives") });
  const said = ada.say(LOBBY, "once");
  await world.clock.until(() => logOf(world).length > 0, "the message");
  await world.clock.pass(1_000);
  world.server.weather = FAIR_WEATHER;
  expect(await world.does(said)).toEqual({ ok: true, room: LOBBY });
  await world.clock.pass(5_000);
  expect(logOf(world)).toEqual(["once"]);
  expect(texts(view)).toEqual(["once"]);
});

test("an own message that comes as an event before its ack is shown once", async () => {
  const world = new World();
  const ada = await world.person("ada");
  const view = ada.open(LOBBY);
  let isCut = false;
  world.server.weather = weather({
    fate: (direction, name) => {
      if (direction !== "down" || name !== "ack" || isCut) return "arrives";
      isCut = true;
      return "cut";
    },
    // Commands wait for long on the second connection, so the stream is there first.
    delay: () => (isCut ? 50 : 1),
  });
  const said = ada.say(LOBBY, "once");
  expect((await world.does(said)).ok).toBe(true);
  await world.clock.pass(1_000);
  expect(rowsOf(view, "message").length).toBe(1);
  expect(rowsOf(view, "pending")).toEqual([]);
});

test("a command that cannot be stored for now is repeated in order until it is", async () => {
  const world = new World();
  const ada = await world.person("ada");
  let refusals = 7;
  world.server.weather = weather({ stores: () => (refusals -= 1) < 0 });
  const said = ["one", "two", "three"].map((text) => ada.say(LOBBY, text));
  for (const one of said) expect((await world.does(one)).ok).toBe(true);
  expect(logOf(world)).toEqual(["one", "two", "three"]);
});

test("a lost event is noticed by the next one and asked for", async () => {
  const world = new World();
  const [ada, bob] = [await world.person("ada"), await world.person("bob")];
  const view = bob.open(LOBBY);
  world.server.weather = weather({ fate: (direction, name) => (direction === "down" && name === "message" ? "lost" : "arrives") });
  await world.does(ada.say(LOBBY, "lost"));
  world.server.weather = FAIR_WEATHER;
  await world.does(ada.say(LOBBY, "found"));
  await world.clock.pass(1_000);
  expect(texts(view)).toEqual(["lost", "found"]);
});

test("a restored server is noticed: what it forgot goes, what was waiting is sent as a new device", async () => {
  const world = new World();
  const disk = new MemoryDisk();
  const [ada, bob] = [await world.person("ada", { store: new MemoryStore(disk) }), await world.person("bob")];
  const views = [ada.open(LOBBY), bob.open(LOBBY)];
  await world.does(ada.say(LOBBY, "kept"));
  const backup = world.server.backup();
  await world.does(ada.say(LOBBY, "forgotten"));
  await world.does(bob.say(LOBBY, "forgotten too"));
  await world.clock.pass(100);
  const device = disk.device?.id;
  world.server.kill();
  void ada.say(LOBBY, "waiting");
  await world.clock.pass(100);
  world.server.start(backup);
  await world.clock.pass(10_000);
  expect(logOf(world)).toEqual(["kept", "waiting"]);
  for (const view of views) expect(texts(view)).toEqual(["kept", "waiting"]);
  expect(disk.device?.id).not.toBe(device);
});

test("a restored server whose log has grown again behind a good cursor is noticed all the same", async () => {
  const world = new World();
  const [ada, bob] = [await world.person("ada"), await world.person("bob")];
  const view = ada.open(LOBBY);
  await world.does(bob.say(LOBBY, "kept"));
  await world.clock.pass(100);
  const backup = world.server.backup();
  // Her cursor stands at bob's message: an ack does not move it.
  await world.does(ada.say(LOBBY, "forgotten"));
  world.server.kill();
  world.server.start(backup);
  world.server.weather = weather({ slice: () => 1 });
  const cleo = await world.chat();
  await world.clock.until(() => cleo.connection.value.state === "online", "cleo");
  void cleo.say(LOBBY, "in its place");
  void cleo.say(LOBBY, "and more");
  await world.clock.pass(10_000);
  expect(logOf(world)).toEqual(["kept", "in its place", "and more"]);
  expect(texts(view)).toEqual(["kept", "in its place", "and more"]);
});

test("own messages that a restored server forgot go, though the cursor is good and nothing has grown since", async () => {
  const world = new World();
  const [ada, bob] = [await world.person("ada"), await world.person("bob")];
  const view = ada.open(LOBBY);
  await world.does(bob.say(LOBBY, "kept"));
  await world.clock.pass(100);
  const backup = world.server.backup();
  await world.does(ada.say(LOBBY, "forgotten"));
  world.server.kill();
  world.server.start(backup);
  await world.clock.pass(10_000);
  expect(texts(view)).toEqual(["kept"]);
});

test("an own change that a restored server forgot is noticed by what stands in its place", async () => {
  const world = new World();
  const [ada, bob] = [await world.person("ada"), await world.person("bob")];
  await world.does(ada.say(LOBBY, "first"));
  await world.does(bob.say(LOBBY, "second"));
  await world.clock.pass(100);
  const view = ada.open(LOBBY);
  const backup = world.server.backup();
  await world.does(ada.edit(LOBBY, 1, "forgotten"));
  expect(texts(view)).toEqual(["forgotten", "second"]);
  world.server.kill();
  world.server.start(backup);
  world.server.weather = weather({ delay: () => 50 });
  const cleo = await world.chat();
  await world.does(cleo.say(LOBBY, "in its place"));
  await world.clock.pass(10_000);
  expect(texts(view)).toEqual(["first", "second", "in its place"]);
});

test("a page of the history from a log that was set back since goes with it", async () => {
  const world = new World();
  const disk = new MemoryDisk();
  const bob = await world.person("bob");
  const ada = await world.person("ada", { store: new MemoryStore(disk) });
  await world.does(ada.stop());
  await world.does(bob.say(LOBBY, "first"));
  const backup = world.server.backup();
  await world.does(bob.edit(LOBBY, 1, "forgotten"));
  // She never catches up, so only the page tells of it.
  world.server.weather = weather({ slice: () => 0 });
  const again = await world.chat({ store: new MemoryStore(disk) });
  await world.online(again);
  const view = again.open(LOBBY);
  await world.clock.pass(1_000);
  expect(texts(view)).toEqual(["forgotten"]);
  world.server.kill();
  world.server.start(backup);
  world.server.weather = weather({ delay: () => 20 });
  const cleo = await world.chat();
  await world.does(cleo.setTopic(LOBBY, "in its place"));
  await world.clock.pass(10_000);
  expect(texts(view)).toEqual(["first"]);
});

test("the cursor does not pass a gap, though other rooms go on", async () => {
  const world = new World();
  const disk = new MemoryDisk();
  const [ada, bob] = [await world.person("ada"), await world.person("bob", { store: new MemoryStore(disk) })];
  const garden = await world.does(ada.create("public", "garden"));
  if (!garden.ok) throw new Error(garden.code);
  await world.does(bob.join(garden.room));
  await world.clock.pass(1_000);
  const lose = (names: readonly string[]) => weather({ fate: (_, name) => (names.includes(name) ? "lost" : "arrives") });
  world.server.weather = lose(["message", "changes", "typing", "presence"]);
  await world.does(ada.say(LOBBY, "lost"));
  world.server.weather = lose(["changes", "typing", "presence"]);
  await world.does(ada.say(LOBBY, "shows the gap"));
  const before = disk.cursor;
  await world.does(ada.say(garden.room, "elsewhere"));
  await world.clock.pass(1_000);
  expect(disk.rooms.get(garden.room)?.seq).toBe(1);
  expect(disk.cursor).toBe(before);
  world.server.weather = FAIR_WEATHER;
  await world.clock.pass(60_000);
  expect(texts(bob.open(LOBBY))).toEqual(["lost", "shows the gap"]);
  expect(disk.cursor).not.toBe(before);
});

test("a lost event behind the cursor is found at the next connection", async () => {
  const world = new World();
  const [ada, bob] = [await world.person("ada"), await world.person("bob")];
  const garden = await world.does(ada.create("public", "garden"));
  if (!garden.ok) throw new Error(garden.code);
  await world.does(bob.join(garden.room));
  await world.does(ada.say(LOBBY, "first"));
  await world.clock.pass(1_000);
  const view = bob.open(LOBBY);
  world.server.weather = weather({ fate: (direction, name) => (direction === "down" && name === "edited" ? "lost" : "arrives") });
  await world.does(ada.edit(LOBBY, 1, "changed"));
  world.server.weather = FAIR_WEATHER;
  await world.does(ada.say(garden.room, "elsewhere"));
  await world.clock.pass(5_000);
  expect(texts(view)).toEqual(["first"]);
  world.server.cutAll();
  await world.clock.pass(10_000);
  expect(texts(view)).toEqual(["changed"]);
});

test("a page of the history that is older than the stream by the time it comes changes nothing back", async () => {
  const world = new World();
  const disk = new MemoryDisk();
  const [ada, bob] = [await world.person("ada"), await world.person("bob", { store: new MemoryStore(disk) })];
  for (const text of ["one", "two", "three"]) await world.does(ada.say(LOBBY, text));
  await world.clock.pass(100);
  world.server.weather = weather({ thinks: () => 2_000 });
  // He asks for what he has, and for what he has not.
  const chat = await world.chat();
  await world.online(chat);
  const views = [bob.open(LOBBY), chat.open(LOBBY)];
  const asked = views[0]?.around(2);
  await world.clock.pass(500);
  await world.does(ada.edit(LOBBY, 1, "one, changed"));
  await world.does(ada.delete(LOBBY, 2));
  await asked;
  await world.clock.pass(10_000);
  for (const view of views) expect(texts(view)).toEqual(["one, changed", "", "three"]);
});

test("a device whose numbers somebody else used moves on without losing or doubling", async () => {
  const world = new World();
  const disk = new MemoryDisk();
  const ada = await world.person("ada", { store: new MemoryStore(disk) });
  await world.does(ada.say(LOBBY, "before"));
  await world.does(ada.stop());
  // A copy of the profile, as a crash of the machine or a restored home folder makes it.
  const copy = new MemoryDisk();
  Object.assign(copy, { session: disk.session, device: disk.device });
  const other = await world.chat({ store: new MemoryStore(copy) });
  await world.online(other);
  await world.does(other.say(LOBBY, "of the copy"));
  await world.does(other.stop());
  const again = await world.chat({ store: new MemoryStore(disk) });
  await world.online(again);
  const said = ["one", "two"].map((text) => again.say(LOBBY, text));
  for (const one of said) expect((await world.does(one)).ok).toBe(true);
  // The second number was free, so it may come first; nothing is lost and nothing doubled.
  expect([...logOf(world)].sort()).toEqual(["before", "of the copy", "one", "two"]);
});

test("what is taken back offline is not sent, and what was sent already is shown", async () => {
  const world = new World();
  const ada = await world.person("ada");
  const view = ada.open(LOBBY);
  world.server.kill();
  await world.clock.pass(100);
  const taken = ada.say(LOBBY, "better not");
  void ada.say(LOBBY, "this one");
  await world.clock.pass(0);
  const [row] = rowsOf(view, "pending");
  expect(await world.does(ada.discard(row?.n ?? 0))).toBe("better not");
  expect(await taken).toEqual({ ok: false, code: "discarded" });
  expect(texts(view)).toEqual(["this one"]);
  world.server.start();
  await world.clock.pass(5_000);
  expect(logOf(world)).toEqual(["this one"]);

  world.server.weather = weather({ fate: (direction, name) => (direction === "down" && name === "ack" ? "cut" : "arrives") });
  void ada.say(LOBBY, "too late");
  await world.clock.until(() => logOf(world).length === 2, "the message");
  world.server.kill();
  const late = rowsOf(view, "pending")[0];
  await world.does(ada.discard(late?.n ?? 0));
  world.server.weather = FAIR_WEATHER;
  world.server.start();
  await world.clock.pass(5_000);
  expect(texts(view)).toEqual(["this one", "too late"]);
  expect(ada.connection.value.waiting).toBe(0);
});

test("who is too far behind comes back to where they stopped, and the rest is fetched on the way", async () => {
  const world = new World(1, FAIR_WEATHER, 50);
  const disk = new MemoryDisk();
  const bob = await world.person("bob");
  const ada = await world.person("ada", { store: new MemoryStore(disk) });
  await world.does(bob.say(LOBBY, "line 0"));
  await world.clock.pass(100);
  await world.does(ada.stop());
  await world.does(bob.edit(LOBBY, 1, "line 0, changed"));
  for (let i = 1; i <= 300; i += 1) void bob.say(LOBBY, `line ${i}`);
  await world.clock.pass(20_000);
  const again = await world.chat({ store: new MemoryStore(disk) });
  await world.online(again);
  const view = again.open(LOBBY);
  await world.clock.pass(1_000);
  const lines = Array.from({ length: 300 }, (_, index) => `line ${index + 1}`);
  expect(texts(view)).toEqual(["line 0, changed", ...lines.slice(0, 99)]);
  expect(view.last.value).toBe(false);
  expect(again.rooms.value[0]).toMatchObject({ unread: 100, unreadCapped: true });
  while (!view.last.value) await world.does(view.newer());
  for (const hole of rowsOf(view, "hole")) await world.does(view.fill(hole));
  expect(texts(view)).toEqual(lines.slice(-view.rows.value.length));
});

test("a connection that ends while its welcome is being kept is none: nothing is sent on it, and nobody is told of it", async () => {
  const world = new World();
  const store = new BusyStore(new MemoryDisk());
  const lost: string[] = [];
  const ada = await world.person("ada", { store, transport: () => attentive(world.server.transport(), (event) => lost.push(event)) });
  world.server.cutAll();
  const keep = store.hold();
  await world.clock.until(() => store.isAsked, "the next welcome");
  world.server.kill();
  await world.clock.until(() => ada.connection.value.state === "offline", "the end of the connection");
  const states: string[] = [];
  const unwatch = ada.connection.subscribe(({ state }) => states.push(state));
  keep();
  await world.clock.pass(5_000);
  unwatch();
  expect(new Set(states)).toEqual(new Set(["offline"]));
  expect(lost).toEqual([]);
  world.server.start();
  await world.online(ada);
});

test("a hurry ends the pause before the next try", async () => {
  const world = new World();
  let wake = (): void => undefined;
  const ada = await world.person("ada", {
    onWake: (woken) => {
      wake = woken;
      return () => undefined;
    },
  });
  world.server.kill();
  await world.clock.pass(10);
  world.server.start();
  wake();
  await world.clock.pass(20);
  expect(ada.connection.value.state).toBe("online");
});
