// Goal: the server does what docs/permissions.md says, cell by cell.
// Method: for each row a room is made in which there is somebody in each role. Each of them does what the row says, to a
// message or a person of their own, so that no cell depends on another. For events, somebody causes each of them, and after
// a fence everybody's connection is looked at.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { tables } from "../harness/permissions.mjs";
import { TutorialGuest } from "../harness/guest.mjs";
import { LOBBY, otherDevice, V1Person } from "../harness/person.mjs";
import { Server } from "../harness/server.mjs";

const TABLES = tables();
const PEOPLE = ["stranger", "member", "left", "removed", "back", "host", "owner", "other", "leaver"];
/** One for each column, so that each role has a person to add or to remove. */
const TARGETS = 10;

/** Everybody, each with one connection. */
async function town(t) {
  const server = await Server.start(t);
  const nobody = await V1Person.connect(t, server.url);
  const tutorial = await TutorialGuest.connect(t, server.url);
  const named = await Promise.all(PEOPLE.map((role) => V1Person.connect(t, server.url, { name: `one ${role}` })));
  const people = Object.fromEntries(PEOPLE.map((name, at) => [name, named[at]]));
  const names = Array.from({ length: TARGETS }, (_, at) => `target ${"abcdefghij"[at]}`);
  const targets = await Promise.all(names.map((name) => V1Person.connect(t, server.url, { name })));
  const setup = /#setup=(\S+)/.exec(server.output.stdout)[1];
  return { t, server, setup, tutorial, nobody, targets, ...people };
}

/** Who is in a role. */
function inRole(town, role) {
  if (role === "no name") return town.nobody;
  return role === "owner in it" ? town.owner : town[role];
}

let rooms = 0;

/** A public or private room with somebody in each role. */
async function room(town, kind, { withOwner, prepare }) {
  const { host, member, left, removed, back, other, owner, targets } = town;
  const { room } = await host.must("create", { kind, name: `room ${++rooms}` });
  const add = ({ user }) => host.must("add", { room, user });
  const remove = ({ user }) => host.must("remove", { room, user });
  const { code: old } = await host.ask("invite", { room });
  const members = [member, left, removed, back, other, ...(withOwner ? [owner] : [])];
  await Promise.all(members.map(add));
  const own = new Map();
  await Promise.all([...members, host].map(async (who) => own.set(who, (await who.say("own", room)).seq)));
  await Promise.all([left.must("leave", { room }), remove(removed), remove(back), add(back)]);
  if (prepare === "members" || prepare === "removed") await Promise.all(targets.map(add));
  if (prepare === "removed") await Promise.all(targets.map(remove));
  const others = await Promise.all(targets.map(() => other.say("another's", room)));
  const { code } = await host.ask("invite", { room });
  return { town, room, own, others: others.map(({ seq }) => seq), invites: { old, code } };
}

/** The same, but the host has left and came back. */
async function roomWithoutHost(town, kind, how) {
  const scene = await room(town, kind, how);
  const { host, other } = town;
  await host.must("leave", { room: scene.room });
  const { code: invite } = await other.ask("invite", { room: scene.room });
  await host.must("join", { invite });
  return scene;
}

let conversations = 0;

/** A conversation that somebody has left. Others are in it, so that each is one of its own. */
async function direct(town, { withOwner }) {
  const { member, left, owner, other, targets } = town;
  const one = withOwner ? owner : member;
  const number = ++conversations;
  const more = targets.filter((_, at) => (number >> at) % 2 === 1);
  const { room } = await one.must("direct", { with: [other, left, ...more].map(({ user }) => user) });
  const own = new Map();
  for (const who of [one, left]) own.set(who, (await who.say("own", room)).seq);
  await left.must("leave", { room });
  const others = await Promise.all(targets.map(() => other.say("another's", room)));
  return { town, room, own, others: others.map(({ seq }) => seq) };
}

async function lobby(town) {
  const { nobody, member, owner, other, targets } = town;
  const own = new Map();
  for (const who of [nobody, member, owner]) own.set(who, (await who.say("own")).seq);
  const others = await Promise.all(targets.map(() => other.say("another's")));
  return { town, room: LOBBY, own, others: others.map(({ seq }) => seq) };
}

const command = (name, fields) => async (who, scene, at) => {
  const { ok, code, cursor, skipped } = await who.do(name, fields(scene, at, who));
  if (!ok) return code;
  return cursor !== undefined || skipped ? "yes" : "same";
};

const request = (name, fields) => async (who, scene, at) => {
  const { ok, code } = await who.ask(name, fields(scene, at, who));
  return ok ? "yes" : code;
};

/** A device of somebody with a sign-in of its own. */
async function byLink({ t, server }, who) {
  const { code } = await who.ask("link");
  return V1Person.connect(t, server.url, { auth: { link: code } });
}

/** Whether a member is told. From a new connection, because each is passed on only so often. */
async function typing(who, { town, room }) {
  if (who === town.tutorial) return (await who.ask("typing", { room })).code;
  const device = await otherDevice(town.t, town.server.url, who);
  await device.ask("typing", { room });
  await town.other.caughtUp(device);
  device.leave();
  const told = town.other.of("typing").some((event) => event.room === room && event.who.user === who.user);
  return told ? "yes" : "none";
}

/** The rows about a room: what somebody does, as the column `at`. */
const IN_ROOMS = {
  "`say`": command("say", ({ room }) => ({ room, text: "said" })),
  "`edit` one's own message": command("edit", ({ room, own }, _, who) => ({ room, seq: own.get(who), text: "new" })),
  "`edit` another's message": command("edit", ({ room, others }, at) => ({ room, seq: others[at], text: "new" })),
  "`delete` one's own message": command("delete", ({ room, own }, _, who) => ({ room, seq: own.get(who) })),
  "`delete` another's message": command("delete", ({ room, others }, at) => ({ room, seq: others[at] })),
  "`rename`": command("rename", ({ room }, at) => ({ room, name: `renamed ${room} ${at}` })),
  "`set topic`": command("set topic", ({ room }, at) => ({ room, topic: `topic ${at}` })),
  "`join`": command("join", ({ room }) => ({ room })),
  "`join` with an invite": command("join", ({ invites }) => ({ invite: invites.code })),
  "`join` with an invite from before a removal": command("join", ({ invites }) => ({ invite: invites.old })),
  "`leave`": command("leave", ({ room }) => ({ room })),
  "`add` a person": command("add", ({ room, town }, at) => ({ room, user: town.targets[at].user })),
  "`add` a removed person": command("add", ({ room, town }, at) => ({ room, user: town.targets[at].user })),
  "`remove` a member": command("remove", ({ room, town }, at) => ({ room, user: town.targets[at].user })),
  "`remove` oneself": command("remove", ({ room }, _, who) => ({ room, user: who.user })),
  "`read`": request("read", ({ room }) => ({ room, seq: 1 })),
  "`typing`": typing,
  "`history`": request("history", ({ room }) => ({ room })),
  "`changes`": request("changes", ({ room }) => ({ room, after: 0 })),
  "`members`": request("members", ({ room }) => ({ room })),
  "`unread`": async (who, { room }) => {
    const { unread, code } = await who.ask("unread", { rooms: [room] });
    return code ?? (room in unread ? "yes" : "none");
  },
  "`invite`": request("invite", ({ room }) => ({ room })),
  "`code` of an invite": request("code", ({ invites }) => ({ code: invites.code })),
};

const OUTSIDE = {
  "`create` a public room": command("create", (_, at) => ({ kind: "public", name: `outside ${at}` })),
  "`create` a private room": command("create", (_, at) => ({ kind: "private", name: `outside ${at}` })),
  "`direct` with one person": command("direct", ({ town }) => ({ with: [town.targets[0].user] })),
  "`direct` with a person without a name": command("direct", ({ town }) => ({ with: [town.nobody.user, town.other.user] })),
  "`name`": async (who, { town }, at) => {
    const { t, server } = town;
    const newcomer = who === town.nobody ? await V1Person.connect(t, server.url) : who;
    return (await newcomer.do("name", { name: `renamed ${"abc"[at]}` })).ok ? "yes" : "no";
  },
  "`claim` with the code that made the owner": command("claim", ({ town }) => ({ code: town.setup })),
  "`skip`": command("skip", () => ({})),
  "`rooms`": request("rooms", () => ({})),
  "`who`": request("who", () => ({})),
  "`link`": request("link", () => ({})),
  "`sign ins`": request("sign ins", () => ({})),
  "`sign out` one's own sign-in": async (who, { town }) => {
    const phone = await byLink(town, who);
    return command("sign out", () => ({ sign_in: phone.welcome.sign_in }))(who);
  },
  "`sign out` a sign-in that is not one's own": command("sign out", ({ town }) => ({ sign_in: town.other.welcome.sign_in })),
  "`code` of a link": request("code", ({ link }) => ({ code: link })),
};

/** What has to be so before some of the rows. */
const PREPARED = { "`remove` a member": "members", "`add` a removed person": "removed" };

/** So many rows are done at a time: a connection may have 16 open requests. */
const AT_A_TIME = 6;

/** Does what a row says, and tells which of its cells are not what they should be. */
async function wrongInRow(town, { name, cells }, deeds, scene) {
  const wrong = [];
  const outside = await scene(town, { withOwner: false, prepare: PREPARED[name] });
  const inside = cells.has("owner in it") ? await scene(town, { withOwner: true, prepare: PREPARED[name] }) : undefined;
  for (const [at, [role, cell]] of [...cells].entries()) {
    if (cell === "-") continue;
    const found = await deeds[name](inRole(town, role), role === "owner in it" ? inside : outside, at);
    if (found !== cell) wrong.push(`${name}, ${role}: ${found}, and not ${cell}`);
  }
  return wrong;
}

async function wrongCells(town, heading, deeds, scene) {
  const { rows } = TABLES.get(heading);
  const wrong = [];
  for (let at = 0; at < rows.length; at += AT_A_TIME) {
    const some = rows.slice(at, at + AT_A_TIME);
    wrong.push(...(await Promise.all(some.map((row) => wrongInRow(town, row, deeds, scene)))));
  }
  return wrong.flat();
}

test("what somebody may do stands in the tables of docs/permissions.md", async (t) => {
  const people = await town(t);
  await people.owner.must("claim", { code: people.setup });
  for (const [heading, deeds, scene] of [
    ["Outside of rooms", OUTSIDE, async (town) => ({ town, link: (await town.other.ask("link")).code })],
    ["The lobby", IN_ROOMS, lobby],
    ["Public rooms", IN_ROOMS, (town, how) => room(town, "public", how)],
    ["Private rooms", IN_ROOMS, (town, how) => room(town, "private", how)],
    ["Public rooms that the host has left", IN_ROOMS, (town, how) => roomWithoutHost(town, "public", how)],
    ["Private rooms that the host has left", IN_ROOMS, (town, how) => roomWithoutHost(town, "private", how)],
    ["Direct conversations", IN_ROOMS, direct],
  ]) {
    await t.test(heading, async () => assert.deepEqual(await wrongCells(people, heading, deeds, scene), []));
  }
});

/** Causes every event about a room once. `by` are those who did. */
async function cause(town, room, by) {
  const { other, host, leaver, targets } = town;
  const governor = by.governor;
  const { seq } = await other.say("one", room);
  await other.must("edit", { room, seq, text: "two" });
  await other.must("delete", { room, seq });
  await other.say("last", room);
  await other.ask("read", { room, seq: seq + 1 });
  await other.ask("typing", { room });
  await other.ask("typing stopped", { room });
  if (governor === undefined) return;
  await governor.must("rename", { room, name: `renamed ${room}` });
  await governor.must("set topic", { room, topic: "topic" });
  if (room === LOBBY) return;
  await host.must("add", { room, user: targets[0].user });
  await host.must("remove", { room, user: targets[0].user });
  await leaver.must("leave", { room });
}

/** Whose own device counts for an event. */
const BY_HOST = new Set(["room created", "room renamed", "topic", "joined", "removed", "owner"]);

/** Holds the connections against a table: who got which event of a room. */
function wrongAudience(town, heading, { room, devices, concerned = {}, about = () => ({}) }) {
  const wrong = [];
  for (const { name, cells } of TABLES.get(heading).rows) {
    const event = name.replaceAll("`", "");
    for (const [role, cell] of cells) {
      if (cell === "-") continue;
      let who = inRole(town, role);
      if (role === "own device") who = devices[event] ?? (BY_HOST.has(event) ? devices.governor : devices.other);
      if (role === "concerned") who = concerned[event];
      const matches = { room, ...about(event) };
      const is = (happened) => Object.entries(matches).every(([field, value]) => happened[field] === value);
      const found = (role === "tutorial" ? who.got(event, { said: "last" }) : who.of(event).some(is)) ? "yes" : "no";
      if (found !== cell) wrong.push(`${event}, ${role}: ${found}, and not ${cell}`);
    }
  }
  return wrong;
}

/** Everything that was under way has arrived everywhere. */
async function fence(town, devices) {
  const { nobody, tutorial, targets, t, server, ...people } = town;
  const everybody = [nobody, tutorial, targets[0], ...PEOPLE.map((name) => people[name]), ...Object.values(devices)];
  const mark = `mark ${++rooms}`;
  await town.targets[1].say(mark);
  await Promise.all(everybody.map((who) => who.sees(mark)));
}

async function devicesOf(town, people) {
  const own = Object.entries(people).map(async ([key, who]) => [key, await otherDevice(town.t, town.server.url, who)]);
  return Object.fromEntries(await Promise.all(own));
}

describe("who gets which event", () => {
  for (const kind of ["public", "private"]) {
    test(`of a ${kind} room stands in its table`, async (t) => {
      const people = await town(t);
      const { host, member, left, removed, back, other, leaver, owner, setup, targets } = people;
      await owner.must("claim", { code: setup });
      const devices = await devicesOf(people, { governor: host, other, left: leaver });
      const { room } = await host.must("create", { kind, name: "plans" });
      const add = ({ user }) => host.must("add", { room, user });
      const remove = ({ user }) => host.must("remove", { room, user });
      await Promise.all([member, left, removed, back, other, leaver].map(add));
      await Promise.all([left.must("leave", { room }), remove(removed), remove(back), add(back)]);
      await fence(people, devices);
      // What they got as members until now is not asked about.
      const everybody = [people.nobody, ...targets, ...PEOPLE.map((name) => people[name]), ...Object.values(devices)];
      for (const who of everybody) who.events = who.events.filter(({ event }) => event === "room created");
      await cause(people, room, { governor: host });
      await fence(people, devices);
      const heading = `Events of ${kind} rooms`;
      const concerned = { joined: targets[0], removed: targets[0] };
      assert.deepEqual(wrongAudience(people, heading, { room, devices, concerned }), []);
    });
  }

  test("of a direct conversation stands in its table", async (t) => {
    const people = await town(t);
    const { owner, member, left, leaver, other, setup } = people;
    await owner.must("claim", { code: setup });
    const devices = await devicesOf(people, { governor: other, other, left: leaver });
    const { room } = await other.must("direct", { with: [member.user, left.user, leaver.user] });
    await left.must("leave", { room });
    await fence(people, devices);
    for (const who of [member, left]) who.events = who.events.filter(({ event }) => event === "room created");
    await cause(people, room, {});
    await leaver.must("leave", { room });
    await fence(people, devices);
    assert.deepEqual(wrongAudience(people, "Events of direct conversations", { room, devices }), []);
  });

  test("of the lobby, and about no room, stands in its table", async (t) => {
    const people = await town(t);
    const { owner, other, setup, nobody, member } = people;
    const devices = await devicesOf(people, { governor: owner, other });
    await owner.must("claim", { code: setup });
    await other.must("name", { name: "another" });
    const newcomer = await V1Person.connect(t, people.server.url);
    const came = ({ online }) => online.some(({ user }) => user === newcomer.user);
    await Promise.all([nobody, member, owner].map((who) => who.seesEvent("presence", came)));
    await cause(people, LOBBY, { governor: owner });
    await fence(people, devices);
    // Each has been told of the own one when they took a name.
    for (const who of Object.values(people)) if (who instanceof V1Person) who.events = who.events.filter(({ event }) => event !== "signed in");
    const phone = await byLink(people, other);
    await other.must("sign out", { sign_in: phone.welcome.sign_in });
    await fence(people, devices);
    const ofOne = { "signed in": { room: undefined }, "signed out": { room: undefined } };
    const noRoom = { ...ofOne, named: { room: 0 }, owner: { room: 0 }, presence: { room: undefined } };
    const about = (event) => noRoom[event] ?? {};
    const heading = "Events of the lobby, and about no room";
    assert.deepEqual(wrongAudience(people, heading, { room: LOBBY, devices, about }), []);
  });
});

describe("the page of permissions", () => {
  test("has only rows that are tested, and every row that could be", () => {
    const rows = (headings) => new Set(headings.flatMap((heading) => TABLES.get(heading).rows.map(({ name }) => name)));
    assert.deepEqual([...rows(["Outside of rooms"])], Object.keys(OUTSIDE));
    assert.deepEqual([...rows(["Public rooms", "Private rooms"])], Object.keys(IN_ROOMS));
    assert.equal(TABLES.size, 11);
  });
});
