// Connections that are cut, stalled or frozen at every single frame of connecting and upgrading: within ten seconds the
// core talks again. The proxy acts at the n-th frame; how many there are is counted first.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { CorePerson, loadCore } from "../harness/core.mjs";
import { ACTIONS, FrameProxy } from "../harness/frame-proxy.mjs";
import { Server } from "../harness/server.mjs";

const LOBBY = 1;
/** From the moment of the fault; the machine may be busy. */
const TALKING_MS = 10_000;
const AT_ONCE = 10;
let core;
before(async () => (core = await loadCore(after)));

const setTimer = (milliseconds, due) => {
  const timer = setTimeout(due, milliseconds);
  return () => clearTimeout(timer);
};

/** Ways to connect: as the page does, by polling alone, and as clients that upgrade do. */
const WAYS = {
  "WebSocket first": (way) => way,
  "polling alone": () => "polling only",
  "an upgrade from polling": (way) => (way === "websocket first" ? "polling first" : way),
};

function transport(url, choose) {
  const dial = core.socketDial({ url, setTimer });
  const world = { now: Date.now, setTimer, random: Math.random, isWatched: () => true };
  return () => new core.Connector((way, ...others) => dial(choose(way), ...others), world);
}

const isUpgraded = ({ frames }) => frames.some((frame) => frame === "up frame 5");

/** The frames of connecting, up to the first answer to a command. */
async function framesOf(t, server, choose) {
  const proxy = await FrameProxy.start(t, server.port);
  const ada = await CorePerson.open(t, core, proxy.url, { transport: transport(proxy.url, choose) });
  await ada.online();
  if (choose === WAYS["an upgrade from polling"]) await proxy.until(isUpgraded, "the upgrade");
  const { length } = proxy.frames;
  await ada.say(LOBBY, "counted");
  await ada.chat.stop();
  return { length, frames: proxy.frames.slice(0, length) };
}

/** How long it takes until somebody talks, both ways, after a fault at one frame. */
async function recovers(t, server, bob, choose, at, act) {
  const label = `${act} at frame ${at}`;
  const proxy = await FrameProxy.start(t, server.port, { at, act });
  const ada = await CorePerson.open(t, core, proxy.url, { transport: transport(proxy.url, choose) });
  ada.view(LOBBY);
  await proxy.until(({ hasActed }) => hasActed, label);
  const began = performance.now();
  const [said] = await Promise.all([ada.say(LOBBY, `from ada: ${label}`), bob.say(LOBBY, `from bob: ${label}`)]);
  assert.equal(said.ok, true, label);
  await ada.sees(LOBBY, `from bob: ${label}`);
  const took = performance.now() - began;
  assert.deepEqual(ada.faults, []);
  await ada.chat.stop();
  return { label, frame: proxy.frames[at], took };
}

describe("a fault at every frame of connecting by", () => {
  for (const [name, choose] of Object.entries(WAYS)) {
    test(name, { timeout: 170_000 }, async (t) => {
      const server = await Server.start(t);
      const { length, frames } = await framesOf(t, server, choose);
      assert.ok(length >= 6, frames.join("\n"));
      const bob = await CorePerson.open(t, core, server.url, { name: "bob" });
      const cases = Object.keys(ACTIONS).flatMap((act) => Array.from({ length }, (_, at) => [at, act]));
      const outcomes = [];
      while (cases.length > 0) {
        const some = cases.splice(0, AT_ONCE).map(([at, act]) => recovers(t, server, bob, choose, at, act));
        outcomes.push(...(await Promise.all(some)));
      }
      const worst = outcomes.toSorted((a, b) => b.took - a.took);
      t.diagnostic(`${outcomes.length} faults; the slowest: ${worst[0].label} (${worst[0].frame}) after ${Math.round(worst[0].took)} ms`);
      assert.deepEqual(worst.filter(({ took }) => took > TALKING_MS), []);
    });
  }
});

describe("a network without WebSockets", () => {
  for (const answers of [400, 403, 502, "nothing"]) {
    test(`that answers ${answers} to them leaves polling, also after a restart`, async (t) => {
      const server = await Server.start(t);
      const proxy = await FrameProxy.start(t, server.port, { answers });
      const began = performance.now();
      const ada = await CorePerson.open(t, core, proxy.url);
      await ada.online();
      const first = performance.now() - began;
      assert.equal((await ada.say(LOBBY, "by polling")).ok, true);
      assert.ok(first < (answers === "nothing" ? 7_000 : 2_000), `connected after ${first} ms`);
      await server.kill();
      await ada.until(({ chat }) => chat.connection.value.state !== "online", "the end of the connection");
      await server.startAgain();
      const cut = performance.now();
      await ada.online();
      const again = performance.now() - cut;
      t.diagnostic(`connected after ${Math.round(first)} ms, after a restart again after ${Math.round(again)} ms`);
      assert.ok(again < 3_000, `connected again after ${again} ms`);
      assert.equal((await ada.say(LOBBY, "still by polling")).ok, true);
    });
  }
});

for (const [status, message, state] of [
  [403, "the origin is not allowed: start with --origin", "refused"],
  [421, "this host is not served here", "refused"],
  [503, "later", "unavailable"],
]) {
  test(`a server that answers ${status} is not taken for one that is not there`, async (t) => {
    const server = createServer((_, response) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ code: 3, message })));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.closeAllConnections());
    t.after(() => server.close());
    const ada = await CorePerson.open(t, core, `http://127.0.0.1:${server.address().port}`);
    await ada.until(({ chat }) => chat.connection.value.state === state, state);
    assert.equal(ada.chat.connection.value.reason, state === "refused" ? message : undefined);
  });
}

test("a network with WebSockets sees one of them, and no poll", async (t) => {
  const server = await Server.start(t);
  const proxy = await FrameProxy.start(t, server.port);
  const ada = await CorePerson.open(t, core, proxy.url, { name: "ada" });
  assert.equal(proxy.upgrades, 1);
  assert.equal(proxy.frames.filter((frame) => /^up (GET|POST)/u.test(frame)).length, 1, proxy.frames.join("\n"));
  await ada.chat.stop();
});

test("a line that hangs ends with all its sockets, also where the client waits for ever", async (t) => {
  const server = await Server.start(t);
  const dialed = async (options) => {
    const proxy = await FrameProxy.start(t, server.port, options);
    const auth = () => Promise.resolve({ v: 1, device: "0".repeat(32) });
    let isOver = false;
    const events = { connected() {}, event() {}, upgrading() {}, upgraded() {}, ended: () => (isOver = true) };
    return { proxy, line: core.socketDial({ url: proxy.url, setTimer })("polling first", auth, events), isOver: () => isOver };
  };
  const stalled = async (at) => {
    const { proxy, line, isOver } = await dialed({ at, act: "stall" });
    await proxy.until((state) => state.hasActed || isUpgraded(state), `frame ${at}`);
    line.discard();
    assert.equal(isOver(), false);
    await proxy.until(({ hanging }) => hanging === 0, `the end of the socket after a stall at frame ${at}`);
    return proxy.hasActed;
  };
  const whole = await dialed({});
  await whole.proxy.until(isUpgraded, "the upgrade");
  const { length } = whole.proxy.frames;
  whole.line.discard();
  const outcomes = await Promise.all(Array.from({ length }, (_, at) => stalled(at)));
  // What the server says by itself comes before the upgrade or after it, so a run may be some frames shorter.
  assert.ok(outcomes.slice(0, -3).every((hasActed) => hasActed), outcomes.join());
});

test("when every WebSocket opens and ends, a page tries six times in the first minute at most", { timeout: 90_000 }, async (t) => {
  const server = await Server.start(t);
  const proxy = await FrameProxy.start(t, server.port);
  const ada = await CorePerson.open(t, core, proxy.url);
  await ada.online();
  const tries = [];
  proxy.on("changed", () => {
    const last = proxy.frames.at(-1);
    if (/^down (200|frame) 0\{/u.test(last)) tries.push(performance.now());
    // It opened, it is welcome, and it ends.
    if (last.includes('["welcome"')) setImmediate(() => proxy.cut());
  });
  const began = performance.now();
  proxy.cut();
  await ada.until(() => performance.now() - began > 60_000, "the end of the minute", 62_000).catch(() => undefined);
  const inMinute = tries.filter((at) => at - began < 60_000).length;
  assert.ok(inMinute >= 3 && inMinute <= 6, `${inMinute} tries`);
});

test("a refusal is told with its code, whatever way the line goes", async (t) => {
  const server = await Server.start(t);
  for (const way of ["websocket first", "polling first", "polling only"]) {
    for (let round = 0; round < 3; round += 1) {
      const ended = await new Promise((resolve) => {
        const events = { connected() {}, event() {}, upgrading() {}, upgraded() {}, ended: resolve };
        core.socketDial({ url: server.url, setTimer })(way, () => Promise.resolve({ v: 1, token: "nobody's" }), events);
      });
      assert.deepEqual(ended, { kind: "refused", code: "bad_token" }, way);
    }
  }
});
