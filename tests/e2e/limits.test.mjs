// What is limited for one person and for one address, with people elsewhere who notice nothing.
//
// A trusted proxy says where a client is. No rate applies to clients on the machine of the server, and the proxy has to say so.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { io } from "socket.io-client";
import { LOBBY, newDevice, otherDevice, V1Person } from "../harness/person.mjs";
import { Server } from "../harness/server.mjs";
import { within, PATIENCE_MS } from "../harness/waiting.mjs";
import { request, Wire } from "../harness/wire.mjs";

const at = (address) => ({ extraHeaders: { "x-forwarded-for": address } });
const LOCAL = at("127.0.0.3");

function serve(t, limits = []) {
  const args = ["--trusted-proxy", "127.0.0.1", ...limits.flatMap((limit) => ["--limit", limit])];
  return Server.start(t, { args });
}

/** Puts so many messages of ten thousand bytes into the lobby. */
async function fill(t, server, count) {
  const filler = await V1Person.connect(t, server.url, { name: "filler", ...LOCAL });
  await Promise.all(Array.from({ length: count }, (_, number) => filler.say(`${number} ${"x".repeat(10_000)}`)));
}

/** The refusal of a connection with a link. */
function refusedLink(t, server, address, link) {
  return refusal(t, `${server.url}/v1`, { auth: { v: 1, link }, ...at(address) });
}

const wireAt = (t, server, address) => Wire.open(t, server.url, undefined, { headers: at(address).extraHeaders });

/** What the server answers to a CONNECT for /v1. */
async function joinsV1(wire, auth) {
  wire.received = wire.received.filter((frame) => !frame.includes("/v1,"));
  wire.send(`40/v1,${JSON.stringify({ v: 1, ...auth })}`);
  const answer = () => wire.received.find((frame) => /^4[04]\/v1,/.test(frame));
  await wire.until(() => answer() !== undefined, "an answer to CONNECT");
  return answer();
}

/** Leaves /v1, and is in / from then on. */
async function leavesV1(wire) {
  // The first time, it is not in / yet.
  if (!wire.received.some((frame) => frame.startsWith("40{"))) {
    wire.send("40");
    await wire.receives("40{");
  }
  wire.received.length = 0;
  // It is done when what comes after it is answered.
  for (const packet of ["41/v1,", "41", "40"]) wire.send(packet);
  await wire.receives("40{");
}

/** The code with which a connection is refused. */
function refusal(t, url, options) {
  const socket = io(url, { forceNew: true, reconnection: false, transports: ["websocket"], ...options });
  t.after(() => socket.disconnect());
  const refused = new Promise((resolve, reject) => {
    socket.on("connect_error", (err) => resolve(err.data?.code ?? err.message));
    socket.on("connect", () => reject(new Error("it was let in")));
  });
  return within(refused, PATIENCE_MS, "a refusal");
}

describe("codes that lead nowhere", () => {
  test("are told five times for one address, whoever asks there, and good ones always work", async (t) => {
    const server = await serve(t);
    const ada = await V1Person.connect(t, server.url, { name: "ada", ...at("192.0.2.2") });
    const { room } = await ada.must("create", { kind: "private", name: "plans" });
    const { code } = await ada.ask("invite", { room });
    const mallory = await V1Person.connect(t, server.url, { name: "mallory", ...at("192.0.2.1") });
    const guess = () => mallory.ask("code", { code: "0000-0000-0000-0000" });
    const answers = await Promise.all(Array.from({ length: 15 }, guess));
    assert.deepEqual(answers.map((answer) => answer.code).toSorted(), [...Array(5).fill("bad_code"), ...Array(10).fill("busy")]);
    // Not more under another name, or as a command or a link.
    const again = await V1Person.connect(t, server.url, { name: "mallory 2", ...at("192.0.2.1") });
    assert.equal((await again.ask("code", { code: "0000-0000-0000-0000" })).code, "busy");
    assert.deepEqual(await again.ask("join", { n: again.n + 1, invite: "?" }), { ok: false, code: "busy" });
    assert.equal(await refusedLink(t, server, "192.0.2.1", "0000-0000-0000-0000"), "busy");
    // What others at the address can use is not theirs.
    const { code: link } = await ada.ask("link");
    const desk = await V1Person.connect(t, server.url, { auth: { link }, ...at("192.0.2.1") });
    assert.equal(desk.user, ada.user);
    const cleo = await V1Person.connect(t, server.url, { name: "cleo", ...at("192.0.2.1") });
    assert.equal((await cleo.ask("code", { code })).ok, true);
    await cleo.must("join", { invite: code });
    assert.equal((await mallory.ask("code", { code: "0000-0000-0000-0000" })).code, "busy");
    const bob = await V1Person.connect(t, server.url, { name: "bob", ...at("192.0.2.3") });
    for (let round = 0; round < 20; round += 1) assert.equal((await bob.ask("code", { code })).ok, true);
    await bob.must("join", { invite: code });
    const links = [];
    for (let round = 0; round < 7; round += 1) links.push(await refusedLink(t, server, "192.0.2.4", "0000-0000-0000-0000"));
    assert.deepEqual(links, [...Array(5).fill("bad_link"), ...Array(2).fill("busy")]);
    const lines = (await server.log()).split("\n").filter((line) => line.includes("codes that lead nowhere"));
    const of = (address) => lines.filter((line) => line.includes(address)).length;
    assert.deepEqual([of("192.0.2.1"), of("192.0.2.3"), of("192.0.2.4")], [1, 0, 1], lines.join("\n"));
  });
});

describe("the past", () => {
  test("is answered later to a person who has read too much of it, and to nobody else", async (t) => {
    const server = await serve(t, ["read-bytes-per-person=100000/100000"]);
    await fill(t, server, 30);
    const ada = await V1Person.connect(t, server.url, { name: "ada", ...at("192.0.2.2") });
    const mallory = await V1Person.connect(t, server.url, { name: "mallory", ...at("192.0.2.1") });
    const order = [];
    const read = async () => order.push((await mallory.ask("history", { room: LOBBY })).ok);
    const reads = [];
    // The next is sent when the one before is answered; the one that is sent in debt is answered, and then there is a pause.
    for (let round = 0; round < 2; round += 1) await read();
    reads.push(read());
    for (let line = 0; line < 10; line += 1) {
      assert.equal((await ada.ask("history", { room: LOBBY, limit: 1 })).ok, true);
      order.push("ada");
    }
    await Promise.all(reads);
    assert.deepEqual(order, [true, true, ...Array(10).fill("ada"), true]);
  });

  test("is replayed later to an address that has read too much of it, whole and in order", async (t) => {
    const server = await serve(t, ["read-bytes-per-address=300000/100000"]);
    const count = 60;
    await fill(t, server, count);
    const finished = [];
    const replay = (name, options) => {
      const socket = io(server.url, { forceNew: true, transports: ["websocket"], auth: { serverOffset: 0 }, ...options });
      t.after(() => socket.disconnect());
      const numbers = [];
      const whole = new Promise((resolve) => {
        socket.on("chat message", (text) => {
          numbers.push(Number(text.split(" ")[0]));
          if (numbers.length === count) resolve(finished.push(name));
        });
      });
      return within(whole, PATIENCE_MS, `the replay of ${name}`).then(() => assert.deepEqual(numbers, Array.from({ length: count }, (_, number) => number)));
    };
    await Promise.all([replay("rated", at("192.0.2.1")), replay("local", LOCAL)]);
    assert.deepEqual(finished, ["local", "rated"]);
  });
});

describe("welcomes", () => {
  test("come later to a person who joins again and again, and to nobody else", async (t) => {
    const server = await serve(t, ["read-bytes-per-person=1000/1000"]);
    const ada = await V1Person.connect(t, server.url, { name: "ada", ...LOCAL });
    const { token } = await V1Person.connect(t, server.url, at("192.0.2.1"));
    const wire = await wireAt(t, server, "192.0.2.1");
    const order = [];
    const flood = async () => {
      for (let time = 0; time < 8; time += 1) {
        assert.match(await joinsV1(wire, { token }), /^40/);
        await leavesV1(wire);
      }
      order.push("mallory");
    };
    const flooding = flood();
    for (let round = 0; round < 50; round += 1) assert.equal((await ada.ask("history", { room: LOBBY, limit: 1 })).ok, true);
    order.push("ada");
    await within(flooding, PATIENCE_MS, "all welcomes");
    assert.deepEqual(order, ["ada", "mallory"]);
  });
});

describe("durable commands", () => {
  test("of one person are read later beyond a burst", async (t) => {
    const server = await serve(t, ["commands-per-guest=50/30"]);
    const ada = await V1Person.connect(t, server.url, { name: "ada", ...at("192.0.2.2") });
    const mallory = await V1Person.connect(t, server.url, { name: "mallory", ...at("192.0.2.1") });
    let isLate = true;
    const flood = Promise.all(Array.from({ length: 130 }, () => mallory.say("noise"))).then(() => (isLate = false));
    for (let line = 0; line < 5; line += 1) await ada.say(`line ${line}`);
    assert.ok(isLate, "all of it was done before five of somebody else's");
    await flood;
  });
});

describe("notices", () => {
  /** How often a limit was reached. */
  const hits = async (server, limit) => {
    const [, url] = /^metrics on (\S+)$/m.exec(server.output.stdout);
    const { text } = await request(url);
    return Number(new RegExp(`tidings_limit_hits_total\\{limit="${limit}"\\} (\\d+)`).exec(text)[1]);
  };
  const start = (t, limits) => Server.start(t, { args: ["--trusted-proxy", "127.0.0.1", "--metrics", "0", "--limit", limits] });

  test("that somebody types are dropped beyond the rate, and the same connection writes and stays", async (t) => {
    const server = await start(t, "typing=2/2");
    const bob = await V1Person.connect(t, server.url, { name: "bob", ...LOCAL });
    const mallory = await V1Person.connect(t, server.url, { name: "mallory", ...at("192.0.2.1") });
    for (let key = 0; key < 500; key += 1) mallory.socket.emit("typing", { room: LOBBY });
    await mallory.say("finished");
    await bob.sees("finished");
    assert.ok((await hits(server, "typing")) > 400);
    assert.equal(mallory.welcomes.length, 1);
    // On the machine of the server, no rate applies.
    for (let key = 0; key < 20; key += 1) bob.socket.emit("typing", { room: LOBBY });
    const before = await hits(server, "typing");
    await bob.say("me too");
    assert.equal(await hits(server, "typing"), before);
  });

  test("that somebody types are not renewed by joining again on the same connection", async (t) => {
    const server = await start(t, "typing=1/1");
    const { token } = await V1Person.connect(t, server.url, { name: "mallory", ...at("192.0.2.1") });
    const wire = await wireAt(t, server, "192.0.2.1");
    const before = await hits(server, "typing");
    for (let time = 0; time < 30; time += 1) {
      assert.match(await joinsV1(wire, { token, device: newDevice() }), /^40/);
      wire.send(`42/v1,${JSON.stringify(["typing", { room: LOBBY }])}`);
    }
    await leavesV1(wire);
    assert.ok((await hits(server, "typing")) > before);
  });

  test("that somebody reads wait beyond the rate, and the last one of each room arrives", async (t) => {
    const server = await start(t, "reads=1/2");
    const home = at("192.0.2.1");
    const ada = await V1Person.connect(t, server.url, { name: "ada", ...home });
    const rooms = [];
    for (const name of ["one", "two", "three"]) rooms.push((await ada.must("create", { kind: "private", name })).room);
    const count = 6;
    const said = rooms.flatMap((room) => Array.from({ length: count }, (_, number) => ada.must("say", { room, text: `${number}` })));
    await Promise.all(said);
    const other = await otherDevice(t, server.url, ada, home);
    const acks = [];
    for (let seq = 1; seq <= count; seq += 1) for (const room of rooms) acks.push(ada.ask("read", { room, seq }));
    await ada.say("in between");
    for (const ack of await Promise.all(acks)) assert.deepEqual(ack, { ok: true });
    for (const room of rooms) await other.seesEvent("read", (moved) => moved.room === room && moved.seq === count);
    const moves = other.of("read");
    assert.ok(moves.length <= 2 + 2 * rooms.length, `${moves.length} of ${acks.length} pointers were sent`);
    assert.ok((await hits(server, "reads")) > 10);
    assert.equal(ada.welcomes.length, 1);
  });

  test("that somebody reads arrive although the connection is gone", async (t) => {
    const server = await start(t, "reads=1/1");
    const home = at("192.0.2.1");
    const ada = await V1Person.connect(t, server.url, { name: "ada", ...home });
    for (let line = 0; line < 5; line += 1) await ada.say(`${line}`);
    const other = await otherDevice(t, server.url, ada, home);
    for (let seq = 1; seq <= 5; seq += 1) ada.socket.emit("read", { room: LOBBY, seq });
    // All of it has come when this is answered.
    await ada.ask("unread", { rooms: [] });
    ada.socket.disconnect();
    await other.seesEvent("read", ({ seq }) => seq === 5);
  });
});

/** The codes of the refusals among the answers to so many commands at once. */
const codes = async (count, command) => (await Promise.all(Array.from({ length: count }, (_, number) => command(number)))).map((ack) => ack.code ?? "ok");

describe("new people", () => {
  test("come to an address as often as they may, and those who were there before always", async (t) => {
    const server = await serve(t, ["newcomers-per-address=60/hour/2"]);
    const home = at("192.0.2.1");
    const [ada, bob] = await Promise.all(["ada", "bob"].map((name) => V1Person.connect(t, server.url, { name, ...home })));
    await assert.rejects(V1Person.connect(t, server.url, home), /"busy"/);
    await otherDevice(t, server.url, ada, home);
    const { code } = await bob.ask("link");
    await V1Person.connect(t, server.url, { auth: { link: code }, ...home });
    const cleo = await V1Person.connect(t, server.url, { name: "cleo", ...at("192.0.2.2") });
    await cleo.say("undisturbed");
    await V1Person.connect(t, server.url, LOCAL);
  });
});

describe("connections", () => {
  test("of one person are so many on all devices, and a place that is left is free", async (t) => {
    const server = await serve(t, ["connections-per-person=3"]);
    const ada = await V1Person.connect(t, server.url, { name: "ada", ...at("192.0.2.1") });
    const again = (address) => otherDevice(t, server.url, ada, at(address));
    const devices = [await again("192.0.2.2"), await again("192.0.2.3")];
    await assert.rejects(again("192.0.2.4"), /"busy"/);
    const bob = await V1Person.connect(t, server.url, { name: "bob", ...at("192.0.2.1") });
    await bob.say("undisturbed");
    devices.pop().leave();
    const place = async () => {
      for (;;) {
        try {
          return await again("192.0.2.4");
        } catch (err) {
          assert.match(err.message, /"busy"/);
        }
      }
    };
    await within(place(), PATIENCE_MS, "a free place");
  });

  test("count for their person until they close, also when they have left /v1", async (t) => {
    const server = await serve(t, ["connections-per-person=2"]);
    const { token } = await V1Person.connect(t, server.url, { name: "ada", ...at("192.0.2.1") });
    const wire = await wireAt(t, server, "192.0.2.2");
    for (let time = 0; time < 3; time += 1) {
      assert.match(await joinsV1(wire, { token }), /^40/, "it keeps its place");
      await leavesV1(wire);
    }
    assert.match(await joinsV1(await wireAt(t, server, "192.0.2.3"), { token }), /"busy"/);
  });

  test("of members who show their pass do not wait behind strangers at the same address", async (t) => {
    const server = await serve(t, ["sessions-per-address=1/3"]);
    const home = at("192.0.2.1");
    const owner = await V1Person.connect(t, server.url, { name: "olga", ...home });
    assert.equal(owner.welcome.pass, undefined, "she is a guest");
    await owner.must("claim", { code: /#setup=(\S+)/.exec(server.output.stdout)[1] });
    const { welcome } = await otherDevice(t, server.url, owner, home);
    const open = (query) => request(`${server.url}/socket.io/?EIO=4&transport=polling${query}`, { headers: home.extraHeaders });
    // The line of the address is full: the next one would wait for longer than anybody may.
    const crowd = Array.from({ length: 30 }, () => open(""));
    const turnedAway = (answers) => answers.filter(({ status }) => status === 503).length;
    const fast = (count, query) => Promise.all(Array.from({ length: count }, () => open(query)));
    const forged = welcome.pass.replace(/^.{4}/, "AAAA");
    for (const query of ["", "&pass=", `&pass=${forged}`, `&pass=${owner.token}`]) {
      // A place becomes free each second, so not all of so many find one, however slow the machine is.
      assert.ok(turnedAway(await fast(12, query)) > 0, query);
    }
    assert.equal(turnedAway(await fast(3, `&pass=${welcome.pass}`)), 0);
    await within(Promise.all(crowd), PATIENCE_MS, "those who wait");
  });

  test("of one address wait when many come at once, and those of others do not", async (t) => {
    const server = await serve(t, ["sessions-per-address=1/2"]);
    const late = [];
    const crowd = Array.from({ length: 3 }, (_, number) => V1Person.connect(t, server.url, { name: `m ${number}`, ...at("192.0.2.1") }));
    const all = Promise.all(crowd).then(() => late.push("crowd"));
    for (const address of ["192.0.2.2", "192.0.2.3"]) await V1Person.connect(t, server.url, at(address));
    late.push("others");
    await within(all, PATIENCE_MS, "the whole crowd");
    assert.deepEqual(late, ["others", "crowd"]);
  });
});

describe("quotas", () => {
  const creates = (person) => (number) => person.do("create", { kind: "public", name: `${person.user} ${number}-${person.n}` });

  test("of rooms are those of a person on all devices and of an address, and nobody elsewhere notices", async (t) => {
    const server = await serve(t, ["rooms-created-per-person=3/day", "rooms-created-per-address=5/day", "commands-per-guest=0"]);
    const ada = await V1Person.connect(t, server.url, { name: "ada", ...at("192.0.2.2") });
    const mallory = await V1Person.connect(t, server.url, { name: "mallory", ...at("192.0.2.1") });
    assert.deepEqual(await codes(6, creates(mallory)), ["ok", "ok", "ok", "quota", "quota", "quota"]);
    const again = await otherDevice(t, server.url, mallory, at("192.0.2.9"));
    assert.deepEqual(await codes(2, creates(again)), ["quota", "quota"]);
    // A repeat gets its first answer, and what is not stored has cost nothing.
    assert.equal((await mallory.ask("create", { n: 2, kind: "public", name: `${mallory.user} 0-1` })).ok, true);
    const second = await V1Person.connect(t, server.url, { name: "mallory 2", ...at("192.0.2.1") });
    assert.deepEqual(await codes(3, () => second.do("create", { kind: "public", name: "Lobby" })), ["name_taken", "name_taken", "name_taken"]);
    assert.deepEqual(await codes(4, creates(second)), ["ok", "ok", "quota", "quota"]);
    assert.equal((await second.do("direct", { with: [ada.user, mallory.user] })).code, "quota");
    await second.must("direct", { with: [ada.user] });
    assert.deepEqual(await codes(3, creates(ada)), ["ok", "ok", "ok"]);
    const local = await V1Person.connect(t, server.url, { name: "local", ...LOCAL });
    assert.deepEqual(new Set(await codes(30, creates(local))), new Set(["ok"]));
  });

  test("of joins are those of a person and of an address, and leaving gives none back", async (t) => {
    const server = await serve(t, ["joins-per-person=2/day", "joins-per-address=3/day", "commands-per-guest=0"]);
    const ada = await V1Person.connect(t, server.url, { name: "ada", ...LOCAL });
    const rooms = [];
    for (let number = 0; number < 4; number += 1) rooms.push((await ada.must("create", { kind: "public", name: `room ${number}` })).room);
    const joins = (person) => (number) => person.do("join", { room: rooms[number] });
    const bob = await V1Person.connect(t, server.url, { name: "bob", ...at("192.0.2.1") });
    assert.deepEqual(await codes(4, joins(bob)), ["ok", "ok", "quota", "quota"]);
    await bob.must("leave", { room: rooms[0] });
    assert.equal((await bob.do("join", { room: rooms[0] })).code, "quota");
    const cleo = await V1Person.connect(t, server.url, { name: "cleo", ...at("192.0.2.1") });
    assert.deepEqual(await codes(4, joins(cleo)), ["ok", "quota", "quota", "quota"]);
    const dora = await V1Person.connect(t, server.url, { name: "dora", ...at("192.0.2.2") });
    assert.deepEqual(await codes(2, joins(dora)), ["ok", "ok"]);
  });

  test("of names let a person take a first one and change it three times in an hour", async (t) => {
    const server = await serve(t, ["commands-per-guest=0"]);
    const ada = await V1Person.connect(t, server.url, at("192.0.2.2"));
    await ada.must("name", { name: "ada" });
    assert.deepEqual(await codes(6, (number) => ada.do("name", { name: `ada ${number}` })), ["ok", "ok", "ok", "quota", "quota", "quota"]);
    assert.equal((await ada.do("name", { name: "ada 2" })).ok, true, "the name that they have");
  });
});

describe("members", () => {
  /** An owner, and somebody whom they have let in. */
  async function ownerAndMember(t, server) {
    const owner = await V1Person.connect(t, server.url, { name: "olga", ...at("192.0.2.3") });
    await owner.must("claim", { code: /#setup=(\S+)/.exec(server.output.stdout)[1] });
    const bob = await V1Person.connect(t, server.url, { name: "bob", ...at("192.0.2.1") });
    const { room } = await owner.must("create", { kind: "private", name: "tea" });
    const { code } = await owner.ask("invite", { room });
    await bob.must("join", { invite: code });
    return { owner, bob };
  }

  test("are in touch with more new people than guests, and those with whom they are count once", async (t) => {
    const server = await serve(t, ["contacts-per-guest=2/hour", "contacts-per-member=4/hour", "commands-per-guest=0"]);
    const { bob } = await ownerAndMember(t, server);
    const mallory = await V1Person.connect(t, server.url, { name: "mallory", ...at("192.0.2.1") });
    const people = await Promise.all(Array.from({ length: 5 }, (_, number) => V1Person.connect(t, server.url, { name: `p ${number}`, ...LOCAL })));
    const meet = (person, others) => codes(others.length, (number) => person.do("direct", { with: [others[number].user] }));
    assert.deepEqual(await meet(mallory, people), ["ok", "ok", "quota", "quota", "quota"]);
    const { room } = await mallory.must("create", { kind: "private", name: "trap" });
    const adds = await codes(3, (number) => mallory.do("add", { room, user: people[number].user }));
    assert.deepEqual(adds, ["ok", "ok", "quota"]);
    await mallory.must("direct", { with: [people[0].user, people[1].user] });
    assert.deepEqual(await meet(bob, people), ["ok", "ok", "ok", "ok", "quota"]);
    assert.deepEqual(await meet(people[4], [mallory, bob]), ["ok", "ok"], "who is met pays nothing");
  });

  test("and guests who know each other from a room pay for each conversation of two, and so does their address", async (t) => {
    const server = await serve(t, ["contacts-per-guest=3/hour", "contacts-per-address=4/day", "commands-per-guest=0"]);
    const names = ["mallory", "mallory 2", "p 1", "p 2", "p 3"];
    const [mallory, second, ...people] = await Promise.all(names.map((name) => V1Person.connect(t, server.url, { name, ...at("192.0.2.5") })));
    const tea = await mallory.must("create", { kind: "private", name: "tea" });
    const { code } = await mallory.ask("invite", { room: tea.room });
    for (const person of [second, ...people]) await person.must("join", { invite: code });
    const meet = (person, others) => codes(others.length, (number) => person.do("direct", { with: [others[number].user] }));
    assert.deepEqual(await meet(mallory, [...people, second]), ["ok", "ok", "ok", "quota"]);
    assert.deepEqual(await meet(mallory, people), ["ok", "ok", "ok"], "they are there already");
    assert.deepEqual(await meet(second, people), ["ok", "quota", "quota"]);
    assert.deepEqual(await meet(people[0], [second]), ["ok"], "it is there already");
    const elsewhere = await V1Person.connect(t, server.url, { name: "eve", ...at("192.0.2.6") });
    assert.deepEqual(await meet(elsewhere, people), ["ok", "ok", "ok"]);
  });

  test("have a part of the rooms that guests cannot fill", async (t) => {
    const server = await serve(t, ["rooms=8", "rooms-for-guests-percent=50"]);
    const { owner, bob } = await ownerAndMember(t, server);
    const mallory = await V1Person.connect(t, server.url, { name: "mallory", ...at("192.0.2.5") });
    const create = (person, count) => codes(count, (number) => person.do("create", { kind: "private", name: `room ${number}` }));
    // The lobby is one, and the owner's room another.
    assert.deepEqual(await create(mallory, 3), ["ok", "ok", "limit"]);
    assert.equal((await mallory.do("direct", { with: [bob.user] })).code, "limit");
    assert.deepEqual(await create(bob, 2), ["ok", "ok"]);
    await owner.must("direct", { with: [mallory.user] });
    assert.deepEqual(await create(owner, 2), ["ok", "limit"]);
  });

  test("of one address have limits of their own, which are wider", async (t) => {
    const server = await serve(t, ["rooms-created-per-address=2/day", "member-address-factor=2", "commands-per-guest=0"]);
    const { owner, bob } = await ownerAndMember(t, server);
    const create = (person) => codes(3, (number) => person.do("create", { kind: "private", name: `room ${number}` }));
    const cleo = await V1Person.connect(t, server.url, { name: "cleo", ...at("192.0.2.1") });
    const { room } = await owner.must("create", { kind: "private", name: "cake" });
    await owner.must("add", { room, user: cleo.user });
    assert.deepEqual(await create(bob), ["ok", "ok", "ok"]);
    assert.deepEqual(await create(cleo), ["ok", "quota", "quota"]);
    const mallory = await V1Person.connect(t, server.url, { name: "mallory", ...at("192.0.2.1") });
    assert.deepEqual(await create(mallory), ["ok", "ok", "quota"]);
  });

  test("come in when there are as many guests at their address as may be", async (t) => {
    const server = await serve(t, ["connections-per-address=2"]);
    const { bob } = await ownerAndMember(t, server);
    // As long as he was a guest when he connected, he counts.
    await bob.cut();
    const home = at("192.0.2.1");
    const guests = [await V1Person.connect(t, server.url, home), await V1Person.connect(t, server.url, home)];
    await assert.rejects(V1Person.connect(t, server.url, home), /"busy"/);
    assert.equal(await refusal(t, server.url, home), "busy");
    await otherDevice(t, server.url, bob, home);
    const cleo = await V1Person.connect(t, server.url, { name: "cleo", ...at("192.0.2.2") });
    for (const person of [bob, cleo]) await person.say("undisturbed");
    for (const guest of guests) assert.equal((await guest.ask("history", { room: LOBBY })).ok, true);
  });

  test("do not pay for what guests at their address do", async (t) => {
    const server = await serve(t, ["rooms-created-per-address=2/day", "bad-codes-per-address=2/60", "commands-per-guest=0"]);
    const { bob } = await ownerAndMember(t, server);
    const mallory = await V1Person.connect(t, server.url, { name: "mallory", ...at("192.0.2.1") });
    const create = (person) => codes(3, (number) => person.do("create", { kind: "private", name: `room ${number}` }));
    assert.deepEqual(await create(mallory), ["ok", "ok", "quota"]);
    assert.deepEqual(await create(bob), ["ok", "ok", "ok"]);
    const guess = (person) => codes(3, () => person.ask("code", { code: "0000-0000-0000-0000" }));
    assert.deepEqual((await guess(mallory)).toSorted(), ["bad_code", "bad_code", "busy"]);
    assert.deepEqual(await guess(bob), ["bad_code", "bad_code", "bad_code"]);
  });

  test("store more bytes in a day than guests", async (t) => {
    const limits = ["bytes-stored-per-guest=25000/day", "bytes-stored-per-member=45000/day", "bytes-stored-per-address=60000/day"];
    const server = await serve(t, [...limits, "commands-per-guest=0"]);
    const { owner, bob } = await ownerAndMember(t, server);
    const [mallory, second] = await Promise.all(["mallory", "second"].map((name) => V1Person.connect(t, server.url, { name, ...at("192.0.2.1") })));
    const fill = (person) => codes(5, () => person.do("say", { room: LOBBY, text: "x".repeat(10_000) }));
    assert.deepEqual(await fill(mallory), ["ok", "ok", "quota", "quota", "quota"]);
    assert.deepEqual(await fill(bob), ["ok", "ok", "ok", "ok", "quota"]);
    assert.deepEqual(await fill(second), ["ok", "ok", "quota", "quota", "quota"]);
    // The address has one more text left, for clients of the tutorial too.
    const page = io(server.url, { forceNew: true, transports: ["websocket"], ...at("192.0.2.1") });
    t.after(() => page.disconnect());
    const send = (text) => within(new Promise((resolve) => page.emit("chat message", text, resolve)), PATIENCE_MS, "the ack of a page");
    const told = [];
    for (let round = 0; round < 3; round += 1) told.push(await send("x".repeat(9_000)));
    assert.deepEqual(told.map((ack) => ack?.code ?? "ok"), ["ok", "quota", "quota"]);
    await owner.say("undisturbed");
    assert.equal((await mallory.ask("history", { room: LOBBY })).ok, true, "reading goes on");
  });

  test("pay for what they send without asking for an answer", async (t) => {
    const server = await serve(t, ["bytes-stored-per-guest=25000/day", "bytes-stored-per-address=60000/day", "commands-per-guest=0"]);
    const { owner } = await ownerAndMember(t, server);
    const page = io(server.url, { forceNew: true, transports: ["websocket"], ...at("192.0.2.3") });
    t.after(() => page.disconnect());
    for (let round = 0; round < 8; round += 1) page.emit("chat message", `page ${round} ${"x".repeat(9_000)}`);
    const ack = await within(new Promise((resolve) => page.emit("chat message", "x".repeat(9_000), resolve)), PATIENCE_MS, "the ack of a page");
    assert.equal(ack?.code, "quota");
    const { messages } = await owner.ask("history", { room: LOBBY });
    assert.equal(messages.filter(({ text }) => text.startsWith("page ")).length, 6, "an address stores 60 kB, by pages too");
  });
});

describe("rooms", () => {
  test("that everybody has left take no place, and their names are free", async (t) => {
    const server = await serve(t, ["rooms=5"]);
    const [ada, mallory] = await Promise.all(["ada", "mallory"].map((name) => V1Person.connect(t, server.url, { name, ...LOCAL })));
    for (let round = 0; round < 20; round += 1) {
      const kind = round % 2 === 0 ? "public" : "private";
      const { room } = await mallory.must("create", { kind, name: "squat" });
      await mallory.must("leave", { room });
      assert.deepEqual(await ada.ask("history", { room }), { ok: false, code: "not_found" });
    }
    const { room } = await ada.must("create", { kind: "public", name: "squat" });
    const { rooms } = await mallory.ask("rooms", {});
    assert.deepEqual(rooms.map(({ room }) => room), [LOBBY, room]);
    await ada.reconnects(() => server.restart());
    assert.deepEqual(ada.welcome.rooms.map(({ room }) => room), [LOBBY, room]);
    assert.equal((await ada.do("create", { kind: "public", name: "another" })).ok, true);
  });

  test("into which others bring a person do not keep the person from joining rooms", async (t) => {
    const server = await serve(t, ["rooms-joined=3"]);
    const mallories = await Promise.all(Array.from({ length: 4 }, (_, number) => V1Person.connect(t, server.url, { name: `mallory ${number}`, ...LOCAL })));
    const [ada, victim] = await Promise.all(["ada", "victim"].map((name) => V1Person.connect(t, server.url, { name, ...LOCAL })));
    for (const mallory of mallories) {
      await mallory.must("direct", { with: [victim.user] });
      for (const name of ["plot", "plan"]) {
        const { room } = await mallory.must("create", { kind: "private", name });
        await mallory.must("add", { room, user: victim.user });
      }
      assert.equal((await mallory.do("create", { kind: "private", name: "more" })).code, "limit");
    }
    const { room } = await ada.must("create", { kind: "public", name: "garden" });
    await victim.must("join", { room });
    await ada.must("direct", { with: [victim.user] });
    await victim.must("create", { kind: "private", name: "own" });
    await victim.must("direct", { with: [mallories[0].user, ada.user] });
    assert.equal((await victim.do("create", { kind: "private", name: "more" })).code, "limit");
  });
});
