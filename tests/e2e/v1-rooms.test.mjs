// Rooms of /v1: public, private and direct; who may do what; history, changes and unread messages.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LOBBY, otherDevice, V1Person } from "../harness/person.mjs";
import { Server } from "../harness/server.mjs";

async function people(t, url, ...names) {
  return Promise.all(names.map((name) => V1Person.connect(t, url, { name })));
}

describe("a public room", () => {
  test("is told to everybody, read by everybody, and heard by its members", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await people(t, server.url, "ada", "bob");
    const { room } = await ada.must("create", { kind: "public", name: "Bread", topic: "flour" });
    const created = await bob.seesEvent("room created");
    assert.deepEqual(
      [created.room, created.kind, created.name, created.topic, created.host, created.rev],
      [room, "public", "Bread", "flour", ada.user, 1],
    );
    await ada.say("before bob", room);
    const { messages, first, last } = await bob.ask("history", { room });
    assert.deepEqual([messages.map(({ text }) => text), first, last], [["before bob"], true, true]);
    assert.equal((await bob.do("say", { room, text: "from outside" })).code, "forbidden");
    await bob.caughtUp(ada);
    assert.deepEqual(bob.texts(room), [], "who is not a member does not hear it");
    const joined = await bob.must("join", { room });
    assert.equal(joined.room, room);
    assert.equal((await ada.seesEvent("joined")).who.name, "bob");
    await ada.say("welcome", room);
    await bob.sees("welcome", room);
    await bob.say("thanks", room);
    await ada.sees("thanks", room);
    await bob.must("leave", { room });
    assert.equal((await ada.seesEvent("left")).who.name, "bob");
    await ada.say("gone?", room);
    await bob.caughtUp(ada);
    assert.deepEqual(bob.texts(room), ["welcome"]);
    assert.deepEqual(await bob.do("leave", { room }), { ok: true, n: bob.n, room }, "who is out is out");
  });

  test("is listed, renamed and given a topic by its host", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await people(t, server.url, "ada", "bob");
    const { room } = await ada.must("create", { kind: "public", name: "Bread" });
    assert.equal((await bob.do("create", { kind: "public", name: "вread" })).ok, true, "other letters that look otherwise");
    assert.equal((await bob.do("create", { kind: "public", name: "BREAD" })).code, "name_taken");
    assert.equal((await bob.do("rename", { room, name: "Bob's" })).code, "forbidden");
    assert.equal((await bob.do("set topic", { room, topic: "bob" })).code, "forbidden");
    await ada.must("rename", { room, name: "Baking" });
    await ada.must("set topic", { room, topic: "bread, cake" });
    assert.equal((await bob.seesEvent("room renamed")).name, "Baking");
    assert.equal((await bob.seesEvent("topic")).topic, "bread, cake");
    const { rooms } = await bob.ask("rooms", {});
    const baking = rooms.find((listed) => listed.room === room);
    assert.deepEqual(
      [baking.name, baking.topic, baking.joined, baking.members, baking.host, baking.rev],
      ["Baking", "bread, cake", false, 1, ada.user, 3],
    );
    const { rooms: page } = await bob.ask("rooms", { after: LOBBY, limit: 1 });
    assert.deepEqual(page.map((listed) => listed.room), [room]);
    assert.equal((await ada.do("set topic", { room, topic: "two\nlines" })).code, "topic_invalid");
  });

  test("is not the house: there, nothing can be done", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await people(t, server.url, "ada", "bob");
    for (const [command, fields] of [
      ["say", { text: "hello?" }],
      ["edit", { seq: 1, text: "hello?" }],
      ["delete", { seq: 1 }],
      ["join", {}],
      ["leave", {}],
      ["rename", { name: "Home" }],
      ["set topic", { topic: "home" }],
      ["add", { user: bob.user }],
      ["remove", { user: bob.user }],
    ]) {
      const { ok, code } = await ada.do(command, { room: 0, ...fields });
      assert.deepEqual([ok, code], [false, "not_found"], command);
    }
    for (const request of ["history", "members", "invite"]) {
      assert.deepEqual(await ada.ask(request, { room: 0 }), { ok: false, code: "not_found" }, request);
    }
  });

  test("cannot be the lobby: nobody leaves it or is removed from it", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await people(t, server.url, "ada", "bob");
    for (const [command, fields] of [
      ["leave", { room: LOBBY }],
      ["remove", { room: LOBBY, user: bob.user }],
      ["rename", { room: LOBBY, name: "Mine" }],
    ]) {
      assert.equal((await ada.do(command, fields)).code, "forbidden", command);
    }
    assert.deepEqual(await ada.do("join", { room: LOBBY }), { ok: true, n: ada.n, room: LOBBY });
  });
});

describe("a private room", () => {
  test("is joined by an invite or by being added, and seen from then on", async (t) => {
    const server = await Server.start(t);
    const [ada, bob, cleo] = await people(t, server.url, "ada", "bob", "cleo");
    const { room } = await ada.must("create", { kind: "private", name: "Plans" });
    await ada.say("before anybody", room);
    const { code } = await ada.ask("invite", { room });
    const joined = await bob.must("join", { invite: code });
    assert.equal(joined.room, room);
    await ada.say("hello bob", room);
    await bob.sees("hello bob", room);
    await bob.must("add", { room, user: cleo.user });
    const added = await cleo.seesEvent("joined");
    assert.deepEqual([added.room, added.who.name, added.from.name], [room, "cleo", "bob"]);
    await ada.say("hello all", room);
    await cleo.sees("hello all", room);
    const { messages, first } = await bob.ask("history", { room });
    assert.deepEqual([messages.map(({ text }) => text), first], [["hello bob", "hello all"], true]);
    const changes = await cleo.ask("changes", { room, after: 0 });
    assert.deepEqual(changes.entries.map(({ event }) => event), ["joined", "message"]);
    await cleo.until(() => cleo.of("presence").at(-1)?.count === 3, "that all three are told as online");
    const { members } = await cleo.ask("members", { room });
    assert.deepEqual(members.map(({ name, host, online }) => [name, host ?? false, online]).sort(), [
      ["ada", true, true],
      ["bob", false, true],
      ["cleo", false, true],
    ]);
    assert.deepEqual(await bob.do("join", { invite: code }), { ok: true, n: bob.n, room }, "who is in is in");
  });

  test("sends a removed member nothing more on any connection, and lets them in by no invite", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await people(t, server.url, "ada", "bob");
    const { room } = await ada.must("create", { kind: "private", name: "Plans" });
    await ada.must("add", { room, user: bob.user });
    const { code } = await ada.ask("invite", { room });
    const phone = await otherDevice(t, server.url, bob);
    await ada.say("while you are here", room);
    await phone.sees("while you are here", room);
    assert.equal((await bob.do("remove", { room, user: ada.user })).code, "forbidden");
    // The commands stand right behind each other: the removal takes effect between the two.
    const removed = ada.do("remove", { room, user: bob.user });
    await ada.say("behind your back", room);
    assert.equal((await removed).ok, true);
    for (const connection of [bob, phone]) {
      const last = await connection.seesEvent("removed");
      assert.deepEqual([last.who.name, last.from.name], ["bob", "ada"]);
      await connection.caughtUp(ada);
      assert.deepEqual(connection.entries.filter((entry) => entry.room === room).at(-1), last);
    }
    const { code: later } = await ada.ask("invite", { room });
    for (const invite of [code, later]) assert.equal((await bob.do("join", { invite })).ok, false);
    assert.equal((await bob.do("join", { room })).code, "not_found");
    assert.equal((await bob.ask("history", { room })).code, "not_found");
    await ada.must("add", { room, user: bob.user });
    await ada.say("welcome back", room);
    await phone.sees("welcome back", room);
    const { messages } = await bob.ask("history", { room });
    assert.deepEqual(messages.map(({ text }) => text), ["welcome back"], "from the latest joining on");
  });
});

describe("a direct conversation", () => {
  test("can be left by each, and those who talk again begin another", async (t) => {
    const server = await Server.start(t, { args: ["--limit", "rooms=3,rooms-for-guests-percent=100"] });
    const [ada, bob] = await Promise.all(["ada", "bob"].map((name) => V1Person.connect(t, server.url, { name })));
    const { room } = await bob.must("direct", { with: [ada.user] });
    await bob.say("buy this", room);
    await ada.must("leave", { room });
    await bob.seesEvent("left", (left) => left.room === room && left.who.user === ada.user);
    assert.equal((await ada.ask("history", { room })).code, "not_found");
    assert.equal((await bob.do("say", { room, text: "are you there?" })).code, "forbidden");
    const listed = async (who) => (await otherDevice(t, server.url, who)).welcome.rooms.find((known) => known.room === room);
    const alone = await listed(bob);
    assert.deepEqual([alone.with.map(({ name }) => name), alone.members], [["ada"], 1]);
    assert.equal(await listed(ada), undefined);
    const again = await ada.must("direct", { with: [bob.user] });
    assert.notEqual(again.room, room);
    // There is room for a third one only when the first has ended.
    const hall = { kind: "public", name: "hall" };
    assert.equal((await bob.do("create", hall)).code, "limit");
    await bob.must("leave", { room });
    assert.equal((await bob.do("create", { ...hall, name: "hall 2" })).ok, true);
  });

  test("of the same people is the same one, whoever opens it", async (t) => {
    const server = await Server.start(t);
    const [ada, bob, cleo] = await people(t, server.url, "ada", "bob", "cleo");
    const { room } = await ada.must("direct", { with: [bob.user] });
    const created = await bob.seesEvent("room created");
    assert.deepEqual(created.members.map(({ name }) => name).sort(), ["ada", "bob"]);
    await ada.say("psst", room);
    await bob.sees("psst", room);
    assert.deepEqual(await bob.do("direct", { with: [ada.user] }), { ok: true, n: bob.n, room });
    const three = await bob.must("direct", { with: [ada.user, cleo.user] });
    assert.notEqual(three.room, room);
    await cleo.seesEvent("room created");
    await cleo.say("hi", three.room);
    await ada.sees("hi", three.room);
    await cleo.caughtUp(ada);
    assert.deepEqual(cleo.texts(room), []);
    for (const [command, fields, code] of [
      ["add", { room, user: cleo.user }, "forbidden"],
      ["remove", { room, user: bob.user }, "forbidden"],
      ["rename", { room, name: "Us" }, "forbidden"],
    ]) {
      assert.equal((await ada.do(command, fields)).code, code, command);
    }
    assert.equal((await ada.ask("invite", { room })).code, "forbidden");
    assert.equal((await ada.do("direct", { with: ["00000000deadbeef"] })).code, "not_found");
    const again = await otherDevice(t, server.url, ada);
    const listed = again.welcome.rooms.find((known) => known.room === room);
    assert.deepEqual([listed.kind, listed.with.map(({ name }) => name), listed.joined], ["direct", ["bob"], true]);
  });
});

describe("history", () => {
  test("is paged in both directions and around a message", async (t) => {
    const server = await Server.start(t);
    const [ada] = await people(t, server.url, "ada");
    await Promise.all(Array.from({ length: 25 }, (_, index) => ada.say(`${index + 1}`)));
    const page = async (fields) => {
      const { messages, first, last } = await ada.ask("history", { room: LOBBY, limit: 10, ...fields });
      return [messages.map(({ text }) => Number(text)), first, last];
    };
    const range = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
    assert.deepEqual(await page({}), [range(16, 25), false, true]);
    assert.deepEqual(await page({ before: 16 }), [range(6, 15), false, false]);
    assert.deepEqual(await page({ before: 6 }), [range(1, 5), true, false]);
    assert.deepEqual(await page({ after: 0 }), [range(1, 10), true, false]);
    assert.deepEqual(await page({ after: 20 }), [range(21, 25), false, true]);
    const [around, first, last] = await page({ around: 12 });
    assert.ok(around.includes(12) && around.length <= 11 && !first && !last, JSON.stringify(around));
    assert.deepEqual(await page({ before: 1 }), [[], true, false]);
    assert.deepEqual(await page({ after: 25 }), [[], false, true]);
  });
});

test("a page of large messages is cut to what a connection can carry, and goes on from there", async (t) => {
  const server = await Server.start(t);
  const [ada] = await people(t, server.url, "ada");
  const large = '"'.repeat(16_000);
  await Promise.all(Array.from({ length: 60 }, () => ada.say(large)));
  const seen = [];
  let before;
  for (let pages = 0; pages < 60; pages += 1) {
    const { messages, first } = await ada.ask("history", { room: LOBBY, limit: 100, before });
    assert.ok(JSON.stringify(messages).length < 300_000 && messages.length > 0);
    seen.unshift(...messages.map(({ seq }) => seq));
    before = seen[0];
    if (first) break;
  }
  assert.deepEqual(seen, Array.from({ length: 60 }, (_, index) => index + 1));
});

describe("unread messages", () => {
  test("are those after the pointer that others said and did not delete, the same on every device", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await people(t, server.url, "ada", "bob");
    const phone = await otherDevice(t, server.url, bob);
    const unread = async (person) => (await person.ask("unread", { rooms: [LOBBY] })).unread[LOBBY];
    const { seq } = await ada.say("one");
    const two = await ada.say("two");
    await bob.say("three");
    await ada.say("four");
    assert.deepEqual(await unread(bob), { count: 3, capped: false, mark: 4 });
    await ada.must("delete", { room: LOBBY, seq: two.seq });
    assert.equal((await unread(bob)).count, 2);
    assert.deepEqual(await bob.ask("read", { room: LOBBY, seq }), { ok: true });
    const moved = await phone.seesEvent("read");
    assert.deepEqual([moved.room, moved.seq], [LOBBY, seq]);
    assert.deepEqual([(await unread(bob)).count, (await unread(phone)).count], [1, 1]);
    await bob.ask("read", { room: LOBBY, seq: 0 });
    assert.equal((await unread(bob)).count, 1, "it never moves back");
    await bob.caughtUp(ada);
    assert.deepEqual(bob.of("read"), [], "who moved it is not told");
    await bob.reconnects(() => server.restart());
    assert.equal(bob.welcome.rooms[0].read, seq, "and it is kept");
  });

  test("end at the last message, however far a pointer is told to go", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await people(t, server.url, "ada", "bob");
    const phone = await otherDevice(t, server.url, bob);
    const unread = async (person) => (await person.ask("unread", { rooms: [LOBBY] })).unread[LOBBY];
    await ada.say("one");
    const { seq } = await ada.say("two");
    assert.deepEqual(await bob.ask("read", { room: LOBBY, seq: Number.MAX_SAFE_INTEGER }), { ok: true });
    const moved = await phone.seesEvent("read");
    assert.deepEqual([moved.room, moved.seq], [LOBBY, seq]);
    await ada.say("three");
    assert.deepEqual([(await unread(bob)).count, (await unread(phone)).count], [1, 1]);
    await bob.reconnects(() => server.restart());
    assert.equal(bob.welcome.rooms[0].read, seq);
  });
});
