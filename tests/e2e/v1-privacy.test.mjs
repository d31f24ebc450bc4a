// Goal: who is not a member of a private room can neither read it, list it, resume into it, nor learn that it is there
// or active. Method: an outsider tries every command and request of the protocol on it, and every answer has to be the
// one about a room that was never made; all the while, nothing of the room reaches any of the outsider's connections.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { LOBBY, newDevice, otherDevice, V1Person } from "../harness/person.mjs";
import { Server } from "../harness/server.mjs";

const NEVER_MADE = 4_000;
const SECRET = "the secret is a squid";
const EXAMPLES = new URL("../../docs/protocol/", import.meta.url);

/** One example of every event that goes up and names a room. */
function eventsAboutRooms() {
  const examples = readdirSync(EXAMPLES).map((file) => JSON.parse(readFileSync(new URL(file, EXAMPLES), "utf8")));
  const up = examples.filter(({ direction, args: [fields], ack }) => {
    return direction === "up" && typeof fields.room === "number" && ack !== undefined;
  });
  return [...new Map(up.map((example) => [example.event, example])).values()];
}

/** Asks the same about both rooms, each from a fresh device, and gives both answers. */
async function compared(t, url, who, { event, args: [fields] }, room, changes = {}) {
  const answers = [];
  for (const asked of [room, NEVER_MADE]) {
    const device = await otherDevice(t, url, who, { device: newDevice() });
    const numbered = fields.n === undefined ? {} : { n: 1 };
    answers.push(await device.ask(event, { ...fields, ...changes, room: asked, ...numbered }));
    device.leave();
  }
  return answers;
}

async function setting(t) {
  const server = await Server.start(t);
  const ada = await V1Person.connect(t, server.url, { name: "ada" });
  const bob = await V1Person.connect(t, server.url, { name: "bob" });
  const eve = await V1Person.connect(t, server.url, { name: "eve" });
  const cursor = eve.cursor;
  const { room: plans } = await ada.must("create", { kind: "private", name: "Plans", topic: SECRET });
  await ada.must("add", { room: plans, user: bob.user });
  const { room: direct } = await ada.must("direct", { with: [bob.user] });
  for (const room of [plans, direct]) {
    await ada.say(SECRET, room);
    await bob.say(SECRET, room);
    await bob.say("x", room);
    await bob.must("edit", { room, seq: 2, text: `${SECRET}!` });
  }
  await ada.must("rename", { room: plans, name: "Secret plans" });
  return { server, ada, bob, eve, cursor, rooms: [plans, direct] };
}

/** What an outsider got may not contain anything about the rooms but the answers to their own questions. */
function assertNothingOf(rooms, person) {
  const about = person.events.filter(({ room, rooms: listed }) => {
    return rooms.includes(room) || (listed ?? []).some((entry) => rooms.includes(entry.room));
  });
  assert.deepEqual(about, []);
  assert.equal(JSON.stringify(person.events).includes("squid"), false);
}

describe("somebody who is not a member of a private room", () => {
  test("gets to every event about it the answer about a room that was never made", async (t) => {
    const { server, ada, bob, eve, rooms } = await setting(t);
    const events = eventsAboutRooms();
    const names = events.map(({ event }) => event).sort();
    assert.deepEqual(names, [
      "add", "changes", "delete", "edit", "history", "invite", "join", "leave", "members", "read", "remove", "rename",
      "say", "set topic",
    ]);
    for (const room of rooms) {
      for (const example of events) {
        for (const changes of [{}, { seq: 1 }, { seq: 2 }, { user: ada.user }, { user: eve.user }]) {
          const relevant = Object.keys(changes).every((field) => field in example.args[0]);
          if (!relevant) continue;
          const [real, made] = await compared(t, server.url, eve, example, room, changes);
          const about = `${example.event} ${JSON.stringify(changes)}`;
          // A read pointer of a room that one does not see is nobody's business: it is taken and does nothing.
          assert.deepEqual(JSON.parse(JSON.stringify(real).replaceAll(room, NEVER_MADE)), made, about);
          if (example.event !== "read") assert.equal(real.code, "not_found", about);
        }
      }
      assert.deepEqual((await eve.ask("unread", { rooms: [room, NEVER_MADE, LOBBY] })).unread, {
        [LOBBY]: { count: 0, capped: false, mark: 0 },
      });
    }
    await eve.caughtUp(bob);
    assertNothingOf(rooms, eve);
    const { messages } = await ada.ask("history", { room: rooms[0] });
    assert.equal(messages.length, 3, "and nothing has come of it");
    const { members } = await ada.ask("members", { room: rooms[0] });
    assert.deepEqual(members.map(({ name }) => name).sort(), ["ada", "bob"]);
  });

  test("finds it in no list, no welcome and no count", async (t) => {
    const { server, eve, rooms } = await setting(t);
    const late = await otherDevice(t, server.url, eve);
    const listed = await late.ask("rooms", { limit: 100 });
    assert.deepEqual(listed.rooms.map(({ room }) => room), [LOBBY]);
    assert.deepEqual(late.welcome.rooms.map(({ room }) => room), [LOBBY]);
    const { entries } = await late.ask("changes", { room: 0, after: 0 });
    assert.deepEqual([...new Set(entries.map(({ event }) => event))], ["named"]);
    assertNothingOf(rooms, late);
  });

  test("cannot resume into it: not from a cursor before it was made, not from a member's", async (t) => {
    const { server, ada, bob, eve, cursor, rooms } = await setting(t);
    await bob.sees(SECRET, rooms[0]);
    for (const from of [cursor, ada.cursor, bob.events.find(({ room }) => room === rooms[0]).cursor]) {
      const late = await otherDevice(t, server.url, eve, { auth: { cursor: from } });
      assert.equal(late.welcome.resumed, true);
      await late.caughtUp(ada);
      assertNothingOf(rooms, late);
      const guest = await V1Person.connect(t, server.url, { auth: { cursor: from } });
      await guest.caughtUp(ada);
      assertNothingOf(rooms, guest);
    }
    // After a restart the same is read from the disk.
    await eve.reconnects(() => ada.reconnects(() => server.restart()));
    const late = await otherDevice(t, server.url, eve, { auth: { cursor } });
    await late.caughtUp(ada);
    assertNothingOf(rooms, late);
  });

  test("does not notice that it is active: neither typing nor reading nor its entries leave a mark but a cursor", async (t) => {
    const { ada, bob, eve, rooms } = await setting(t);
    await eve.caughtUp(ada);
    const before = eve.events.length;
    for (const room of rooms) {
      ada.socket.emit("typing", { room });
      await bob.ask("read", { room, seq: 2 });
      await ada.say("more", room);
      await bob.must("delete", { room, seq: 2 });
      await ada.ask("history", { room });
    }
    await eve.caughtUp(ada);
    const during = eve.events.slice(before).filter(({ event }) => event !== "presence");
    assert.deepEqual(during.map(({ event, room }) => [event, room]), [["message", LOBBY]], "the fence alone");
  });

  test("cannot guess or forge an invite", async (t) => {
    const { server, ada, eve, rooms } = await setting(t);
    const other = await Server.start(t);
    const mallory = await V1Person.connect(t, other.url, { name: "mallory" });
    let room;
    // The other server has a room of the same number and generation, and signs invites to that.
    while (room === undefined || room < rooms[0]) ({ room } = await mallory.must("create", { kind: "private", name: "Plans" }));
    assert.equal(room, rooms[0]);
    const { code: foreign } = await mallory.ask("invite", { room });
    const { code } = await ada.ask("invite", { room: rooms[0] });
    const flipped = code.replace(/.$/, (last) => (last === "A" ? "Q" : "A"));
    for (const invite of [foreign, flipped, "", code.slice(1), eve.token]) {
      assert.equal((await eve.do("join", { invite })).code, "bad_code", invite);
    }
    await eve.caughtUp(ada);
    assertNothingOf(rooms, eve);
    await server.stop();
  });
});

describe("a removal", () => {
  test("takes effect at once on every open connection, and on resuming ones", async (t) => {
    const { server, ada, bob, rooms } = await setting(t);
    const [room] = rooms;
    const phone = await otherDevice(t, server.url, bob);
    await phone.caughtUp(ada);
    const { cursor } = phone;
    await ada.say("while he was here", room);
    const commands = [ada.do("remove", { room, user: bob.user })];
    for (let index = 0; index < 50; index += 1) commands.push(ada.do("say", { room, text: `behind his back ${index}` }));
    await Promise.all(commands);
    for (const connection of [bob, phone]) {
      await connection.caughtUp(ada);
      const about = connection.entries.filter((entry) => entry.room === room);
      assert.equal(about.at(-1).event, "removed");
      assert.equal(JSON.stringify(connection.events).includes("behind his back"), false);
    }
    const late = await otherDevice(t, server.url, bob, { auth: { cursor } });
    assert.equal(late.welcome.resumed, true);
    await late.caughtUp(ada);
    assert.deepEqual(
      late.entries.filter((entry) => entry.room === room).map(({ event }) => event),
      ["removed"],
      "that it happened, and nothing else, not even from before",
    );
    assert.deepEqual(late.welcome.rooms.map((known) => known.room).includes(room), false);
    for (const [event, fields] of [
      ["history", { room }],
      ["changes", { room, after: 0 }],
      ["members", { room }],
      ["invite", { room }],
    ]) {
      assert.deepEqual(await late.ask(event, fields), { ok: false, code: "not_found" }, event);
    }
    assert.equal((await bob.do("say", { room, text: "let me in" })).code, "not_found");
    ada.socket.emit("typing", { room });
    await late.caughtUp(ada);
    assert.deepEqual([...bob.of("typing"), ...late.of("typing")].filter((seen) => seen.room === room), []);
  });
});
