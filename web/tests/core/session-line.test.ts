// Goal: what a session says on its connection, and what it makes of each thing that comes, one at a time.

import { describe, expect, test } from "vitest";
import { unknownRoom } from "../../src/core/effects.ts";
import type { Person } from "../../src/core/facade.ts";
import { HOUSE } from "../../src/core/rooms.ts";
import { MemoryStore } from "../../src/core/store-memory.ts";
import type { Change } from "../../src/core/store.ts";
import type { Command } from "../../src/core/wire.ts";
import { ADA, Bench, LOBBY, online, quiet, WELCOME } from "./session-bench.ts";
import { settled } from "./virtual-clock.ts";

describe("who asks to be let in", () => {
  test("says the version and the device, then who one is and how far one has come", async () => {
    const bench = new Bench();
    bench.session.start();
    expect(await bench.auth()).toStrictEqual({ v: 1, device: "mine" });
    await bench.connect(quiet);
    expect(bench.told).toEqual(["connecting", "welcomed", "online"]);
    expect(await bench.auth()).toEqual({ v: 1, device: "mine", token: "token", cursor: "c1" });
    await bench.apply({ kind: "forget all" });
    expect(await bench.auth()).toEqual({ v: 1, device: "mine", token: "token" });
  });

  test("says what the device is called, if it has a name", async () => {
    const bench = new Bench(new MemoryStore(), "Firefox on Linux");
    bench.session.start();
    expect(await bench.auth()).toEqual({ v: 1, device: "mine", label: "Firefox on Linux" });
  });

  test("is told when another device has signed this one out", () => {
    const bench = new Bench();
    bench.session.start();
    bench.refuse("signed_out");
    expect(bench.told).toEqual(["connecting", "unknown (signed_out)"]);
  });

  test("hears of other sign-ins, and takes nothing of that but how far the log has come", async () => {
    const bench = await online();
    for (const [name, cursor] of [["signed in", "c2"], ["signed out", "c3"]] as const) {
      await bench.hear(name, { rev: 9, at: 1, sign_in: "x", label: "Firefox on Linux", cursor });
      expect(bench.model.cursor).toBe(cursor);
    }
    await bench.hear("signed in", { rev: 9, at: 1, sign_in: "x" });
    expect([bench.model.cursor, bench.told, bench.names()]).toEqual(["c3", [], []]);
  });

  test("is told why not", async () => {
    const bench = new Bench();
    bench.session.start();
    bench.refuse("bad_token");
    bench.refuse("refused", "come back later");
    bench.refuse("");
    bench.refuse("unavailable");
    bench.session.stop();
    bench.refuse("bad_token");
    expect(bench.told).toEqual(["connecting", "unknown", "refused (come back later)", "offline", "unavailable", "stopped", "close"]);
  });

  test("is not let in by what is no welcome, and hears nothing before one", async () => {
    const bench = new Bench();
    bench.session.start();
    await bench.connect({ ...quiet, cursor: 7 });
    await bench.hear("typing", { room: 1, who: { user: "bob" }, cursor: "c" });
    expect(bench.told).toEqual(["connecting"]);
    expect(bench.model.session).toBeNull();
  });

  test("learns nothing from the server of somebody else", async () => {
    const bench = await online();
    bench.cut();
    await bench.connect({ ...quiet, user: { user: "eve" }, cursor: "c9" });
    await bench.hear("topic", { room: 1, rev: 4, at: 1, from: {}, topic: "of eve", cursor: "c10" });
    expect(bench.told).toEqual(["offline", "welcomed", "unknown"]);
    expect([bench.model.session?.user, bench.model.cursor, bench.model.record(1)?.topic]).toEqual(["ada", "c1", ""]);
  });
});

describe("a welcome", () => {
  test("of a log that does not go on from here forgets what it does not list, but names it", async () => {
    const bench = await online();
    await bench.apply({ kind: "room", room: { ...unknownRoom(7), name: "den", joined: true, applied: 2, rev: 2 } }, { kind: "room", room: { ...unknownRoom(8), kind: "public", joined: false, name: "garden" } });
    bench.cut();
    await bench.connect({ ...quiet, resumed: true, cursor: "c2" });
    expect([[...bench.model.rooms.keys()].sort(), [...bench.model.lost.values()]]).toEqual([[1, 8], [{ room: 7, kind: "private", name: "den" }]]);
    expect(bench.model.cursor).toBe("c2");
  });

  test("that resets begins with nothing but what it says", async () => {
    const bench = await online();
    await bench.apply({ kind: "room", room: { ...unknownRoom(8), kind: "public", joined: false } });
    bench.cut();
    await bench.connect({ ...quiet, reset: true });
    expect([...bench.model.rooms.keys()]).toEqual([1]);
  });

  test("tells the names of those in conversations, and one's own", async () => {
    const bench = await online();
    bench.cut();
    await bench.connect({ ...quiet, user: { user: "ada", name: "Ida" }, rooms: [...quiet.rooms, { ...LOBBY, room: 4, kind: "direct", name: "", with: [{ user: "bob", name: "Bob" }] }] });
    expect([...bench.model.people.values()]).toEqual([{ user: "ada", name: "Ida" }, { user: "bob", name: "Bob" }]);
    expect(bench.model.session?.name).toBe("Ida");
  });

  test("lets somebody new begin at the end of the lobby, and nobody else", async () => {
    const bench = new Bench();
    bench.session.start();
    await bench.connect(WELCOME);
    expect(bench.model.record(1)?.read).toBe(3);
    const { token: _, ...known } = WELCOME;
    bench.cut();
    await bench.connect({ ...known, rooms: [{ ...LOBBY, seq: 9, rev: 9 }] });
    expect(bench.model.record(1)?.read).toBe(3);
  });

  test("asks for what the cursor stands for and did not come", async () => {
    const bench = await new Bench().online();
    bench.cut();
    await bench.connect({ ...WELCOME, resumed: true, rooms: [{ ...LOBBY, rev: 5 }] });
    await bench.clock.pass(1_900);
    expect(bench.names(["unread", "read"])).toEqual(["who"]);
    await bench.clock.pass(200);
    expect(bench.sent.at(-1)).toMatchObject({ name: "changes", payload: { room: 1, after: 3, limit: 100 } });
  });

  test("that does not go on lets the stream of the house begin anew", async () => {
    const bench = await online();
    await bench.apply({ kind: "room", room: { ...unknownRoom(HOUSE), applied: 4, rev: 4 } });
    bench.cut();
    await bench.connect({ ...quiet, resumed: true });
    expect(bench.model.record(HOUSE)?.applied).toBe(4);
    bench.cut();
    await bench.connect(quiet);
    expect(bench.model.record(HOUSE)?.applied).toBeNull();
  });
});

describe("a connection that may be none", () => {
  test("is tried with a question, and given up after four seconds; each time it gets more, up to sixteen", async () => {
    const bench = await online();
    const patience: number[] = [];
    for (let i = 0; i < 4; i += 1) {
      const start = bench.clock.now();
      bench.session.hurry();
      bench.session.hurry();
      expect(bench.sent.map(({ name, payload }) => [name, payload])).toEqual([["unread", { rooms: [] }]]);
      await bench.clock.until(() => bench.told.includes("interrupt"), "the end");
      patience.push(Math.round((bench.clock.now() - start) / 1_000));
      bench.sent.length = bench.told.length = 0;
    }
    expect(patience).toEqual([4, 8, 16, 16]);
    bench.session.hurry();
    bench.answer("unread", {});
    await bench.clock.pass(60_000);
    expect(bench.told).toEqual([]);
    bench.session.hurry();
    await bench.clock.pass(4_100);
    expect(bench.told).toEqual(["interrupt"]);
  });

  test("is tried when it goes another way, when an answer takes three seconds, and when any answer comes not at all", async () => {
    const bench = await online();
    bench.moved();
    expect(bench.names([])).toEqual(["unread"]);
    bench.answer("unread", {});
    void bench.session.request("members", { room: 1 });
    await bench.clock.pass(2_900);
    expect(bench.names([])).toEqual(["unread", "members"]);
    await bench.clock.pass(200);
    expect(bench.names([])).toEqual(["unread", "members", "unread"]);
    bench.answer("members", { ok: true, members: [], more: false });
    await bench.clock.pass(60_000);
    expect([bench.told, bench.names([])]).toEqual([[], ["unread", "members", "unread"]]);
  });

  test("is not tried while there is none: it is hurried", async () => {
    const bench = await online();
    bench.session.hurry();
    bench.cut();
    bench.session.hurry();
    bench.session.nudge();
    await bench.clock.pass(60_000);
    expect([bench.told, bench.names([])]).toEqual([["offline", "hurry", "nudge"], ["unread"]]);
  });

  test("is nobody's after the stop", async () => {
    const bench = await online();
    const asked = bench.session.request("members", { room: 1 });
    bench.session.stop();
    expect([await asked, bench.told]).toEqual([null, ["stopped", "close"]]);
    bench.cut();
    await bench.clock.pass(60_000);
    expect([bench.told, await bench.session.request("members", { room: 1 })]).toEqual([["stopped", "close"], null]);
  });
});

test("a connection on which a command has no answer is tried after three seconds", async () => {
  const bench = await online();
  await bench.put({ event: "say", room: 1, text: "hello" });
  bench.session.pump();
  await bench.clock.pass(2_900);
  expect(bench.names([])).toEqual(["say"]);
  await bench.clock.pass(200);
  expect(bench.sent.at(-1)).toMatchObject({ name: "unread", payload: { rooms: [] } });
});

describe("a request", () => {
  test("has no answer without a connection, after fifteen seconds, and when the connection ends", async () => {
    const bench = await online();
    const asked = bench.session.request("members", { room: 1 });
    await bench.clock.pass(3_000);
    bench.answer("unread", {});
    await bench.clock.pass(11_900);
    expect(await Promise.race([asked, Promise.resolve("none yet")])).toBe("none yet");
    await bench.clock.pass(200);
    expect(await asked).toBeNull();
    const cut = bench.session.request("members", { room: 1 });
    bench.cut();
    expect([await cut, await bench.session.request("members", { room: 1 })]).toEqual([null, null]);
  });

  test("that finds the server busy is made ten times, a second apart", async () => {
    const bench = await online();
    const busy = { ok: false, code: "busy" };
    const asked = bench.session.request("invite", { room: 1 });
    for (let i = 0; i < 10; i += 1) {
      bench.answer("invite", busy);
      await bench.clock.pass(1_000);
    }
    expect([await asked, bench.times("invite")]).toEqual([busy, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((second) => second * 1_000)]);
  });

  test("that is refused for another reason is made once", async () => {
    const bench = await online();
    const asked = bench.session.request("invite", { room: 1 });
    bench.answer("invite", { ok: false, code: "not_found" });
    expect([await asked, bench.names()]).toEqual([{ ok: false, code: "not_found" }, ["invite"]]);
  });
});

describe("typing", () => {
  test("is told once a second for each room, and its end only where it was told", async () => {
    const bench = await online();
    bench.session.typingStopped(1);
    for (const room of [1, 1, 2]) bench.session.typing(room);
    await bench.clock.pass(999);
    bench.session.typing(1);
    await bench.clock.pass(1);
    bench.session.typing(1);
    bench.session.typingStopped(2);
    const said = bench.sent.map(({ name, payload }) => [name, payload]);
    expect(said).toEqual([["typing", { room: 1 }], ["typing", { room: 2 }], ["typing", { room: 1 }], ["typing stopped", { room: 2 }]]);
    bench.cut();
    await bench.clock.pass(5_000);
    bench.session.typing(1);
    bench.session.typingStopped(1);
    expect(bench.sent.length).toBe(4);
  });

  test("of others is heard, one's own on another device is not", async () => {
    const bench = await online();
    const bob = { room: 1, who: { user: "bob" }, cursor: "c2" };
    await bench.hear("typing", bob);
    await bench.hear("typing stopped", bob);
    for (const name of ["typing", "typing stopped"]) await bench.hear(name, { ...bob, who: ADA });
    await bench.hear("typing", { room: "1" });
    expect(bench.told).toEqual(["bob types in 1", "bob stopped in 1"]);
    expect(bench.model.cursor).toBe("c2");
  });
});

describe("who is there", () => {
  const named = (...users: readonly string[]): readonly Person[] => users.map((user) => ({ user, name: user }));

  test("is asked page by page, three pages at most", async () => {
    const bench = new Bench();
    bench.session.start();
    await bench.connect({ ...quiet, online: 9 });
    for (const user of ["bob", "cleo", "dan"]) {
      bench.answer("who", { ok: true, online: named(user), count: 9, more: true });
      await settled();
    }
    const asked = bench.sent.filter(({ name }) => name === "who").map(({ payload }) => payload);
    expect(asked).toEqual([{}, { after: "bob" }, { after: "cleo" }]);
    expect(bench.presence).toEqual([{ online: { people: named("bob", "cleo", "dan"), count: 9 }, notices: [] }]);
    expect([...bench.model.people.keys()]).toEqual(["ada", "bob", "cleo", "dan"]);
  });

  test("is told when it changes, and asked for again a second after more came than an event names", async () => {
    const bench = await online();
    await bench.hear("presence", { online: named("bob"), offline: [], count: 2, cursor: "c2" });
    await bench.hear("presence", { online: "bob" });
    expect(bench.presence.at(-1)?.online).toEqual({ people: [ADA, ...named("bob")], count: 2 });
    expect(bench.model.people.get("bob")?.name).toBe("bob");
    await bench.clock.pass(2_000);
    expect(bench.names()).toEqual([]);
    for (let i = 0; i < 2; i += 1) await bench.hear("presence", { online: [], offline: [], count: 300, more: true, cursor: "c3" });
    await bench.clock.pass(900);
    expect(bench.names()).toEqual([]);
    await bench.clock.pass(200);
    expect(bench.names()).toEqual(["who"]);
    bench.answer("who", { ok: true, online: named("cleo"), count: 1, more: true });
    await settled();
    bench.answer("who", { ok: true, online: [], count: 1, more: true });
    await settled();
    expect(bench.presence.at(-1)?.online).toEqual({ people: named("cleo"), count: 300 });
  });
});

describe("the outbox", () => {
  const say: Command = { event: "say", room: 1, text: "hello" };
  const leave: Command = { event: "leave", room: 7 };

  test("is sent once one is online, and told how it ended", async () => {
    const bench = await online();
    await bench.put(say);
    bench.session.pump();
    expect(bench.sent.at(-1)).toMatchObject({ name: "say", payload: { n: 1, room: 1, text: "hello" } });
    bench.answer("say", { ok: true, n: 1, room: 1, rev: 4, seq: 1, at: 5 });
    await settled();
    expect([bench.told, bench.model.outbox.rows, bench.model.message(1, 1)?.text]).toEqual([["1: ok in 1"], [], "hello"]);
    await bench.put({ event: "rename", room: 1, name: "Lobby" });
    bench.session.pump();
    bench.answer("rename", { ok: true, n: 2, at: 5 });
    await settled();
    expect(bench.told.at(-1)).toBe("2: ok in 1");
    await bench.put({ event: "name", name: "ada" });
    bench.session.pump();
    bench.answer("name", { ok: true, n: 3, at: 5 });
    await settled();
    expect(bench.told.at(-1)).toBe("3: ok in 0");
  });

  test("tells of a full disk, and of the room after it", async () => {
    const bench = await online();
    await bench.put(say);
    bench.session.pump();
    bench.answer("say", { ok: false, code: "storage_full" });
    await bench.clock.pass(100);
    bench.answer("say", { ok: true, n: 1, room: 1, rev: 4, seq: 1, at: 5 });
    expect(bench.told).toEqual(["online (full)", "online ()"]);
  });

  test("keeps a refused text with its reason, and nothing of another command that was refused", async () => {
    const bench = await online();
    for (const command of [say, leave, { event: "edit", room: 1, seq: 1, text: "" }, { event: "delete", room: 1, seq: 1 }] as const) await bench.put(command);
    bench.session.pump();
    for (const [index, name] of ["say", "leave", "edit", "delete"].entries()) bench.answer(name, { ok: false, code: `code ${index}`, n: index + 1 });
    await settled();
    expect(bench.told).toEqual(["1: code 0", "2: code 1", "3: code 2", "4: code 3"]);
    expect(bench.model.outbox.rows.map(({ id, refused }) => [id, refused])).toEqual([[1, "code 0"], [3, "code 2"], [4, "code 3"]]);
  });

  test("loses refusals that a leader of before could not tell, after ten seconds", async () => {
    const bench = new Bench();
    for (const command of [say, leave]) await bench.put(command);
    await bench.apply({ kind: "refused", id: 1, code: "empty" }, { kind: "refused", id: 2, code: "not_found" });
    bench.session.start();
    await bench.clock.pass(9_900);
    expect(bench.model.outbox.rows.length).toBe(2);
    await bench.clock.pass(200);
    expect(bench.model.outbox.rows.map(({ id }) => id)).toEqual([1]);
  });

  test("is answered by an own message that comes as an event", async () => {
    const bench = await online();
    await bench.put(say);
    await bench.hear("message", { room: 1, rev: 4, at: 5, from: ADA, seq: 1, text: "hello", device: "mine", n: 1, cursor: "c2" });
    expect([bench.told, bench.model.outbox.rows]).toEqual([["1: ok in 1"], []]);
  });
});

test("a session begins with the bounds of what is kept", async () => {
  const bench = new Bench();
  await bench.apply(...Array.from({ length: 30 }, (_, room): Change => ({ kind: "room", room: { ...unknownRoom(room + 10), kind: "public" } })));
  bench.session.start();
  await settled();
  expect(bench.model.rooms.size).toBe(20);
});

test("the read pointer of another device moves this one's, and the cursor with it", async () => {
  const bench = await new Bench().online({ ...WELCOME, token: undefined });
  await bench.hear("read", { room: 1, seq: 2, cursor: "c5" });
  await bench.hear("read", { room: 1, seq: 1, cursor: "c6" });
  await bench.hear("read", { room: "1", seq: 3 });
  expect([bench.model.record(1)?.read, bench.model.cursor]).toEqual([2, "c6"]);
});
