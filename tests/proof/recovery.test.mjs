// The recovery matrix, with the official client: when it is told `recovered`, and that nothing is missing either way.

import assert from "node:assert/strict";
import { cpSync, rmSync } from "node:fs";
import { describe, test } from "node:test";
import { Proxy } from "../harness/proxy.mjs";
import { Server, temporaryFolder } from "../harness/server.mjs";
import { join } from "node:path";
import { Recorder } from "./support/recorder.mjs";
import { settled } from "../harness/settled.mjs";
import { note, tally } from "./support/scale.mjs";

/** ada beside the proxy, bob behind it. */
async function scene(t, options = {}) {
  const server = await Server.start(t);
  const proxy = await Proxy.start(t, server.port);
  const recorder = new Recorder(t);
  const ada = await recorder.join(server.url, "ada", { transports: ["websocket"] });
  const bob = await recorder.join(proxy.url, "bob", options);
  return { server, proxy, recorder, ada, bob };
}

/** bob is away while `action` takes place. */
async function away({ proxy, bob }, action) {
  await settled(bob);
  proxy.refuse();
  await bob.until(() => !bob.socket.connected, "the end of bob's connection");
  await action();
  await bob.reconnects(() => proxy.allow());
}

async function finish(t, { recorder, server, bob }, recovered) {
  const verdict = await recorder.judge(server.url, { about: t.name });
  assert.deepEqual(bob.connects, recovered);
  note(t, "recovery", { recovered: bob.connects.slice(1), lines: bob.lines.length, checks: tally(verdict) });
}

describe("recovery", () => {
  test("the first event is missed", async (t) => {
    const all = await scene(t);
    await away(all, () => all.recorder.say(all.ada, "missed"));
    await finish(t, all, [false, true]);
  });

  test("nothing is missed and nothing was ever heard", async (t) => {
    const all = await scene(t);
    await away(all, () => undefined);
    await all.recorder.say(all.ada, "live");
    await finish(t, all, [false, true]);
  });

  test("five times in a row", async (t) => {
    const all = await scene(t);
    for (const round of [1, 2, 3, 4, 5]) {
      await away(all, () => all.recorder.say(all.ada, `missed ${round}`));
      await all.recorder.say(all.ada, `live ${round}`);
    }
    await finish(t, all, [false, true, true, true, true, true]);
  });

  test("at once, from a cut that the server has not noticed, again and again", async (t) => {
    const all = await scene(t, { transports: ["websocket"], reconnectionDelay: 1, reconnectionDelayMax: 50 });
    const { proxy, recorder, ada, bob } = all;
    await recorder.say(ada, "before");
    await bob.sees("before");
    const { id } = bob.socket;
    for (const round of [1, 2, 3]) {
      proxy.freeze();
      await recorder.say(ada, `swallowed ${round}`);
      // The client gives up its link; the server still holds the old one, as nobody told it.
      await bob.cut();
      await recorder.say(ada, `live ${round}`);
      await bob.sees(`swallowed ${round}`, `live ${round}`);
      assert.equal(bob.socket.id, id);
    }
    await finish(t, all, [false, true, true, true]);
  });

  test("10,000 events later: not recovered, nothing lost", async (t) => {
    const all = await scene(t);
    const { recorder, ada } = all;
    await recorder.say(ada, "before");
    await all.bob.sees("before");
    const writers = await recorder.joinAll(all.server.url, Array.from({ length: 40 }, (_, index) => `writer ${index}`), {
      transports: ["websocket"],
    });
    await away(all, () => Promise.all(writers.map((writer) => recorder.sayAll(writer, 250))));
    await all.bob.seesCount(10_001);
    await finish(t, all, [false, false]);
  });

  test("after many events that it has seen, a short cut is recovered", async (t) => {
    const all = await scene(t);
    const { recorder, bob } = all;
    const writers = await recorder.joinAll(all.server.url, Array.from({ length: 20 }, (_, index) => `writer ${index}`), {
      transports: ["websocket"],
    });
    await Promise.all(writers.map((writer) => recorder.sayAll(writer, 150)));
    await bob.seesCount(3_000);
    await away(all, () => recorder.say(all.ada, "missed"));
    await finish(t, all, [false, true]);
  });

  for (const [how, end] of [["a graceful restart", "stop"], ["kill -9", "kill"]]) {
    test(`after ${how}, also before the first event and with some missed`, async (t) => {
      const all = await scene(t);
      const { server, recorder, ada, bob } = all;
      for (const round of [1, 2]) {
        await Promise.all([ada, bob].map(settled));
        all.proxy.refuse();
        await bob.until(() => !bob.socket.connected, "the end of bob's connection");
        await recorder.say(ada, `before end ${round}`);
        await server[end]();
        const back = ada.reconnects(() => server.startAgain());
        await back;
        await recorder.say(ada, `after end ${round}`);
        await bob.reconnects(() => all.proxy.allow());
        await bob.sees(`before end ${round}`, `after end ${round}`);
      }
      assert.deepEqual(ada.connects, [false, true, true], "ada, who missed nothing");
      await finish(t, all, [false, true, true]);
    });
  }

  test("a forged private id is worth nothing", async (t) => {
    const all = await scene(t);
    const { recorder, ada, bob } = all;
    await recorder.say(ada, "before");
    await bob.sees("before");
    const real = bob.socket._pid;
    const half = Math.floor(real.length / 2);
    const forgeries = [
      swap(real, 0), swap(real, half), swap(real, real.length - 1), real.slice(0, -1), `${real}A`, "", "A".repeat(real.length),
      "__proto__", "\u0000", "A".repeat(10_000), ada.socket._pid.slice(0, half) + real.slice(half),
    ];
    for (const [index, forgery] of forgeries.entries()) {
      await settled(bob);
      bob.socket._pid = forgery;
      const { id } = bob.socket;
      await bob.cut();
      assert.equal(bob.socket.recovered, false, `forgery ${index}`);
      assert.notEqual(bob.socket.id, id);
    }
    await recorder.say(ada, "after");
    await finish(t, all, [false, ...forgeries.map(() => false)]);
  });

  test("a private id of another type than text is worth nothing", async (t) => {
    const all = await scene(t);
    const oddities = [42, null, true, {}, [], { toString: "" }];
    for (const oddity of oddities) {
      await settled(all.bob);
      all.bob.socket._pid = oddity;
      await all.bob.cut();
      assert.equal(all.bob.socket.recovered, false);
    }
    await all.recorder.say(all.ada, "after");
    await finish(t, all, [false, ...oddities.map(() => false)]);
  });

  test("a stolen private id, used twice at once: one socket has it, and whoever comes back misses nothing", async (t) => {
    const all = await scene(t);
    const { server, recorder, ada, bob } = all;
    await recorder.say(ada, "before");
    await bob.sees("before");
    await settled(bob);
    const pid = bob.socket._pid;
    const offset = bob.socket._lastOffset;
    const { id } = bob.socket;
    // Two thieves say at the same time who they are not. Each is a ghost to the other; the last one stays.
    const thieves = ["thief 1", "thief 2"].map((name) => recorder.join(server.url, name, {
      auth: { serverOffset: 1, pid, offset }, reconnection: false, transports: ["websocket"],
    }));
    const [one, two] = await Promise.all(thieves);
    // bob's transport was closed for a ghost's; he takes his place back by himself.
    await bob.until(() => bob.connects.length > 1, "bob to come back");
    await recorder.say(ada, "after");
    await bob.sees("after");
    assert.equal(bob.socket.id, id);
    const holders = [one, two, bob].filter((person) => person.socket.connected && person.socket.id === id);
    assert.deepEqual(holders.map((person) => person.name), ["bob"], "nobody else has this id");
    for (const thief of [one, two]) recorder.witnesses.splice(recorder.witnesses.indexOf(thief), 1);
    assert.ok(bob.connects.slice(1).every(Boolean));
    await finish(t, all, bob.connects);
  });

  const OFFSETS = {
    "with one letter changed": (offset) => offset.replace(/~./, (found) => (found === "~A" ? "~B" : "~A")),
    "from an epoch that never was": () => "1.1.zzzz",
    "of another log": (offset) => offset.replace(/^[^~]+/, "zz"),
    "that is none": () => "bob",
    "that is empty": () => "",
    "that is much too large": () => "0.1.zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
  };
  for (const [which, change] of Object.entries(OFFSETS)) {
    test(`an offset ${which} leads to an explicit answer, never to a hole`, async (t) => {
      const all = await scene(t);
      const { recorder, ada, bob } = all;
      for (const text of ["one", "two", "three"]) await recorder.say(ada, text);
      await bob.sees("three");
      bob.socket._lastOffset = change(bob.socket._lastOffset);
      const before = bob.steps.length;
      await away(all, () => recorder.say(ada, "missed"));
      await bob.sees("missed");
      const resynced = bob.steps.slice(before).some((step) => step.offset === 1);
      if (resynced) bob.steps.find((step, index) => index >= before && step.connect !== undefined).connect.resync = true;
      // An id that comes with an offset of nowhere is not recovered; without an offset it stands for itself.
      const recovered = bob.socket.recovered;
      if (!which.startsWith("that is empty")) assert.equal(recovered, false);
      await recorder.say(ada, "live");
      await bob.sees("live");
      await finish(t, all, [false, recovered]);
    });
  }

  for (const [when, busy] of [["", false], [" and busy again before they are back", true]]) {
    test(`a database restored by copying an older file${when}: everybody is told, nobody keeps a hole`, async (t) => {
      await restoreOlderCopy(t, busy);
    });
  }
});

async function restoreOlderCopy(t, busy) {
  const server = await Server.start(t);
  const recorder = new Recorder(t);
  const proxy = await Proxy.start(t, server.port);
  const [ada, bob] = await recorder.joinAll(proxy.url, ["ada", "bob"]);
  await recorder.sayAll(ada, 5);
  await Promise.all([ada, bob].map(settled));
  await server.stop();
  const copy = join(temporaryFolder(), "copy");
  cpSync(server.data, copy, { recursive: true });
  await returning([ada, bob], () => server.startAgain());
  await recorder.sayAll(bob, 5, (index) => `lost ${index}`);
  await Promise.all([ada, bob].map((person) => person.sees("lost 4")));
  await Promise.all([ada, bob].map(settled));
  await server.stop();
  rmSync(server.data, { recursive: true });
  cpSync(copy, server.data, { recursive: true });
  if (busy) proxy.refuse();
  await returning([ada, bob], async () => {
    await server.startAgain();
    if (!busy) return;
    // By the time that they are back, the numbers they know stand for other messages.
    const cleo = await recorder.join(server.url, "cleo");
    await recorder.sayAll(cleo, 12);
    proxy.allow();
  });
  assert.deepEqual([ada, bob].map((person) => person.socket.recovered), [false, false]);
  await recorder.sayAll(ada, 5, (index) => `anew ${index}`);
  await Promise.all([ada, bob].map((person) => person.sees("anew 4")));
  // What the copy does not know was acked once; that is what restoring an old copy means.
  const gone = (send) => send.text.startsWith("lost");
  recorder.acked = recorder.acked.filter((send) => !gone(send));
  for (const person of [ada, bob]) person.steps.findLast((step) => step.connect !== undefined).connect.resync = true;
  const verdict = await recorder.judge(server.url, { about: t.name });
  note(t, "recovery", { recovered: ada.connects.slice(1), forgotten: 5, checks: tally(verdict) });
}

/** `action` brings the server back, and everybody with it. */
async function returning(people, action) {
  const counts = people.map((person) => person.connects.length);
  await action();
  await Promise.all(people.map((person, index) => person.until(() => person.connects.length > counts[index], "a reconnect")));
}

const swap = (text, at) => `${text.slice(0, at)}${text[at] === "A" ? "B" : "A"}${text.slice(at + 1)}`;
