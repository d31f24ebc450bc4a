// Coming back to /v1: nothing is missing after a cut, a restart, kill -9; and a past that is no more is noticed.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { TRANSPORTS } from "../harness/client.mjs";
import { LOBBY, newDevice, otherDevice, V1Person } from "../harness/person.mjs";
import { Proxy } from "../harness/proxy.mjs";
import { run, Server, temporaryFolder } from "../harness/server.mjs";
import { settled } from "../harness/settled.mjs";

/** Adds what bob missed, judges what he got: everything once, in the order of the log. */
function assertWhole(person, room, from = 1) {
  const revs = person.entries.filter((entry) => entry.room === room).map(({ rev }) => rev);
  assert.deepEqual(revs, revs.map((_, index) => from + index), "dense, in order, nothing twice");
}

for (const [way, transports] of Object.entries(TRANSPORTS)) {
  describe(`who comes back ${way}`, () => {
    test("gets what was missed, in order and once, and is told so", async (t) => {
      const server = await Server.start(t);
      const proxy = await Proxy.start(t, server.port);
      const ada = await V1Person.connect(t, server.url, { name: "ada" });
      const bob = await V1Person.connect(t, proxy.url, { name: "bob", ...transports });
      const { room } = await ada.must("create", { kind: "private", name: "Plans" });
      await ada.must("add", { room, user: bob.user });
      await ada.say("before");
      await bob.sees("before");
      for (let round = 0; round < 3; round += 1) {
        await settled(bob);
        await bob.reconnects(async () => {
          proxy.refuse();
          await bob.until(() => !bob.socket.connected, "the cut");
          await ada.say(`missed ${round}`);
          await ada.say(`missed in private ${round}`, room);
          proxy.allow();
        });
        assert.deepEqual([bob.welcome.resumed, bob.welcome.reset], [true, false]);
        await bob.sees(`missed in private ${round}`, room);
      }
      await bob.caughtUp(ada);
      assertWhole(bob, LOBBY);
      assertWhole(bob, room, 2);
    });

    test("after a restart and after kill -9 goes on right after the cursor", async (t) => {
      const server = await Server.start(t);
      const ada = await V1Person.connect(t, server.url, { name: "ada", ...transports });
      const bob = await V1Person.connect(t, server.url, { name: "bob", ...transports });
      const both = (action) => bob.reconnects(() => ada.reconnects(action));
      await ada.say("one");
      await bob.sees("one");
      await settled(ada);
      await settled(bob);
      await both(() => server.restart());
      assert.equal(bob.welcome.resumed, true);
      await ada.say("two");
      await bob.sees("two");
      await settled(ada);
      await settled(bob);
      await both(async () => {
        await server.kill();
        await server.startAgain();
      });
      assert.deepEqual([bob.welcome.resumed, bob.welcome.reset], [true, false]);
      await ada.say("three");
      await bob.sees("three");
      assertWhole(bob, LOBBY);
    });
  });
}

describe("a cursor", () => {
  test("is not too old because of what others say in a private room", async (t) => {
    const server = await Server.start(t, { args: ["--limit", "resume-entries=500"] });
    const proxy = await Proxy.start(t, server.port);
    const ada = await V1Person.connect(t, server.url, { name: "ada" });
    const mallory = await V1Person.connect(t, server.url, { name: "mallory" });
    const bob = await V1Person.connect(t, proxy.url, { name: "bob" });
    const { room } = await mallory.must("create", { kind: "private", name: "Noise" });
    await settled(bob);
    await bob.reconnects(async () => {
      proxy.refuse();
      await bob.until(() => !bob.socket.connected, "the cut");
      await Promise.all(Array.from({ length: 501 }, () => mallory.say("noise", room)));
      await ada.say("for everybody");
      proxy.allow();
    });
    assert.equal(bob.welcome.resumed, true);
    await bob.sees("for everybody");
    // What mallory could have seen is too much to be resumed.
    const { cursor } = bob.welcome;
    const again = await otherDevice(t, server.url, mallory, { auth: { cursor } });
    assert.equal(again.welcome.resumed, false);
  });

  test("that is missing starts with now, and the rooms tell what there is", async (t) => {
    const server = await Server.start(t);
    const ada = await V1Person.connect(t, server.url, { name: "ada" });
    await ada.say("before");
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    assert.deepEqual([bob.welcome.resumed, bob.welcome.reset], [false, false]);
    assert.deepEqual([bob.welcome.rooms[0].seq, bob.welcome.rooms[0].rev], [1, 1]);
    await ada.say("after");
    await bob.sees("after");
    assert.deepEqual(bob.texts(), ["after"]);
  });

  test("of too long ago starts with now", async (t) => {
    const server = await Server.start(t);
    const ada = await V1Person.connect(t, server.url, { name: "ada" });
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    const cursor = bob.cursor;
    bob.leave();
    for (let from = 0; from < 5_100; from += 300) {
      await Promise.all(Array.from({ length: 300 }, (_, index) => ada.say(`${from + index}`)));
    }
    const late = await otherDevice(t, server.url, bob, { auth: { cursor } });
    assert.deepEqual([late.welcome.resumed, late.welcome.reset], [false, false]);
    await ada.say("now");
    await late.sees("now");
    assert.deepEqual(late.texts(), ["now"]);
  });

  test("of another server, or of none, is a reset", async (t) => {
    const server = await Server.start(t);
    const other = await Server.start(t);
    const stranger = await V1Person.connect(t, other.url, { name: "ada" });
    for (const cursor of [stranger.cursor, "1.1.1", "nonsense", "", "1.1.zzzzzzzzzzzzzzz"]) {
      const ada = await V1Person.connect(t, server.url, { auth: { cursor } });
      assert.deepEqual([ada.welcome.resumed, ada.welcome.reset], [false, true], cursor);
    }
  });

  test("of a past that a restored backup does not have is a reset, and a new device sends again", async (t) => {
    const data = join(temporaryFolder(), "data");
    const server = await Server.start(t, { data });
    const ada = await V1Person.connect(t, server.url, { name: "ada" });
    await ada.say("kept");
    const file = join(temporaryFolder(), "backup.db");
    assert.equal((await run(["backup", file, "--data", data])).code, 0);
    const early = ada.cursor;
    await ada.say("lost");
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    await bob.say("lost, too");
    await ada.sees("lost, too");
    await ada.reconnects(async () => {
      await server.stop();
      rmSync(data, { recursive: true });
      assert.equal((await run(["restore", file, "--data", data])).code, 0);
      await server.startAgain();
    });
    assert.deepEqual([ada.welcome.resumed, ada.welcome.reset], [false, true]);
    assert.equal(ada.welcome.user.name, "ada", "the token is signed by a key that backups have");
    const resent = await otherDevice(t, server.url, ada, { device: newDevice(), auth: { cursor: undefined } });
    assert.equal((await resent.say("lost")).n, 1);
    const { messages } = await resent.ask("history", { room: LOBBY });
    assert.deepEqual(messages.map(({ text }) => text), ["kept", "lost"]);
    assert.deepEqual((await ada.ask("say", { n: ada.n, room: LOBBY, text: "lost" })).ok, true, "its number is free again");
    const before = await otherDevice(t, server.url, ada, { auth: { cursor: early } });
    assert.equal(before.welcome.reset, false, "a cursor from before the backup is still good");
  });
});

describe("a slow connection", () => {
  test("catches up by itself with nothing missing, while others are not held up", async (t) => {
    const server = await Server.start(t);
    const proxy = await Proxy.start(t, server.port);
    const ada = await V1Person.connect(t, server.url, { name: "ada" });
    const bob = await V1Person.connect(t, proxy.url, { name: "bob" });
    const cleo = await V1Person.connect(t, server.url, { name: "cleo" });
    const { room } = await ada.must("create", { kind: "private", name: "Plans" });
    await ada.must("add", { room, user: bob.user });
    await bob.seesEvent("joined");
    proxy.stall();
    const big = "x".repeat(8_000);
    for (let round = 0; round < 10; round += 1) {
      await Promise.all(Array.from({ length: 60 }, () => ada.say(big, round % 2 === 0 ? LOBBY : room)));
    }
    // Bob is behind by now; what he may see ends here, although he has not got that far.
    await ada.must("remove", { room, user: bob.user });
    await ada.say("behind his back", room);
    await ada.say("the end");
    await cleo.sees("the end");
    proxy.resume();
    await bob.sees("the end");
    assertWhole(bob, LOBBY);
    assert.equal(bob.texts(room).includes("behind his back"), false);
    assert.equal(bob.entries.filter((entry) => entry.room === room).at(-1).event, "removed");
  });
});
