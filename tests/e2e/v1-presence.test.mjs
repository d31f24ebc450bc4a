// Who is online and who writes: debounced, condensed, and never more than a notice a second.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, test } from "node:test";
import { setTimeout as after } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { LOBBY, otherDevice, V1Person } from "../harness/person.mjs";
import { Server } from "../harness/server.mjs";

const CLIENT_ROOT = fileURLToPath(new URL("..", import.meta.url));

/** A client in a process of its own, which can be killed; it prints its user when it is welcome. */
async function startClient(t, url) {
  const program = `
    import { io } from "socket.io-client";
    const socket = io(${JSON.stringify(`${url}/v1`)}, { auth: { v: 1 }, transports: ["websocket"] });
    socket.on("welcome", ({ user }) => console.log(user.user));
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    cwd: CLIENT_ROOT,
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  const [line] = await once(child.stdout.setEncoding("utf8"), "data");
  return { child, user: line.trim() };
}

const notices = (person) => person.of("presence");

describe("presence", () => {
  test("tells of arrivals, and within five seconds of departures by kill -9", async (t) => {
    const server = await Server.start(t);
    const ada = await V1Person.connect(t, server.url, { name: "ada" });
    const { child, user } = await startClient(t, server.url);
    const came = await ada.seesEvent("presence", ({ online }) => online.some((person) => person.user === user));
    assert.equal(came.count, 2);
    const killed = Date.now();
    child.kill("SIGKILL");
    const went = await ada.seesEvent("presence", ({ offline }) => offline.includes(user));
    assert.ok(Date.now() - killed < 5_000, `it took ${Date.now() - killed} ms`);
    assert.equal(went.count, 1);
    const { online, count } = await ada.ask("who", {});
    assert.deepEqual([online.map((person) => person.name), count], [["ada"], 1]);
  });

  test("says nothing of people who return at once, nor of further devices", async (t) => {
    const server = await Server.start(t);
    const ada = await V1Person.connect(t, server.url, { name: "ada" });
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    const named = (notice) => notice.online.some((person) => person.user === bob.user) || notice.offline.includes(bob.user);
    await ada.seesEvent("presence", named);
    await bob.cut();
    const phone = await otherDevice(t, server.url, bob);
    await bob.cut();
    phone.leave();
    // Somebody else comes and goes: whatever there was to be told of bob would have been told by then.
    const cleo = await V1Person.connect(t, server.url, { name: "cleo" });
    await ada.seesEvent("presence", ({ online }) => online.some((person) => person.user === cleo.user));
    cleo.leave();
    await ada.seesEvent("presence", ({ offline }) => offline.includes(cleo.user));
    assert.equal(notices(ada).filter(named).length, 1);
    const { members } = await ada.ask("members", { room: LOBBY });
    assert.deepEqual(members.map(({ name, online }) => [name, online]).sort(), [
      ["ada", true],
      ["bob", true],
      ["cleo", false],
    ]);
  });

  test("of a crowd is a number and at most a hundred names", async (t) => {
    const server = await Server.start(t);
    const ada = await V1Person.connect(t, server.url, { name: "ada" });
    await ada.seesEvent("presence");
    const crowd = Array.from({ length: 150 }, () => new V1Person(server.url));
    t.after(() => crowd.forEach((person) => person.leave()));
    await Promise.all(crowd.map((person) => person.welcomed()));
    await ada.seesEvent("presence", ({ count }) => count === 151);
    for (const { online, offline } of notices(ada)) assert.ok(online.length + offline.length <= 100);
    // All come back at once, within the grace: not a word of it.
    const before = notices(ada).length;
    await Promise.all(crowd.map((person) => person.cut()));
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    await ada.seesEvent("presence", ({ online }) => online.some((person) => person.user === bob.user));
    assert.equal(notices(ada).length, before + 1);
    const first = await ada.ask("who", {});
    const second = await ada.ask("who", { after: first.online.at(-1).user });
    assert.deepEqual([first.online.length, first.more, second.online.length, second.more], [100, true, 52, false]);
    assert.deepEqual([first.count, second.count], [152, 152]);
  });
});

describe("typing", () => {
  test("is seen by the others in the room, once a second, and by nobody else", async (t) => {
    const server = await Server.start(t);
    const ada = await V1Person.connect(t, server.url, { name: "ada" });
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    const cleo = await V1Person.connect(t, server.url, { name: "cleo" });
    const phone = await otherDevice(t, server.url, ada);
    const { room } = await ada.must("create", { kind: "private", name: "Plans" });
    await ada.must("add", { room, user: bob.user });
    await bob.seesEvent("joined");
    for (let key = 0; key < 20; key += 1) ada.socket.emit("typing", { room });
    const typing = await bob.seesEvent("typing");
    assert.deepEqual([typing.room, typing.who.name, typeof typing.cursor], [room, "ada", "string"]);
    // Who is not there does not write there.
    cleo.socket.emit("typing", { room });
    cleo.socket.emit("typing", { room: 999 });
    await cleo.say("(fence)");
    for (const person of [bob, cleo, phone]) await person.caughtUp(ada);
    assert.equal(bob.of("typing").length, 1);
    assert.deepEqual([ada, cleo, phone].flatMap((person) => person.of("typing")), []);
    await after(1_000); // What is tested is the pace itself.
    ada.socket.emit("typing", { room: LOBBY });
    await cleo.seesEvent("typing", (seen) => seen.room === LOBBY);
  });

  test("that was stopped is no longer seen, by those who saw it", async (t) => {
    const server = await Server.start(t);
    const ada = await V1Person.connect(t, server.url, { name: "ada" });
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    const cleo = await V1Person.connect(t, server.url, { name: "cleo" });
    const phone = await otherDevice(t, server.url, ada);
    const { room } = await ada.must("create", { kind: "private", name: "Plans" });
    await ada.must("add", { room, user: bob.user });
    await bob.seesEvent("joined");
    ada.socket.emit("typing stopped", { room });
    ada.socket.emit("typing", { room });
    cleo.socket.emit("typing stopped", { room });
    for (let time = 0; time < 3; time += 1) ada.socket.emit("typing stopped", { room });
    const stopped = await bob.seesEvent("typing stopped");
    assert.deepEqual([stopped.room, stopped.who.name, typeof stopped.cursor], [room, "ada", "string"]);
    await cleo.say("(fence)");
    for (const person of [bob, cleo, phone]) await person.caughtUp(ada);
    assert.deepEqual([bob.of("typing").length, bob.of("typing stopped").length], [1, 1]);
    assert.deepEqual([ada, cleo, phone].flatMap((person) => person.of("typing stopped")), []);
  });
});
