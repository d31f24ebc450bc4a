// Goal: in whatever phase a connection fails or falls silent, the client is there again soon, and never storms a server.

import { describe, expect, test } from "vitest";
import type { ChatClient } from "../../src/core/facade.ts";
import { Connector } from "../../src/core/connector.ts";
import type { LineEvents, Way } from "../../src/core/ports.ts";
import { FAIR_WEATHER, type Weather } from "./model-server.ts";
import { LOBBY, World } from "./people.ts";
import { Stubborn } from "./stubborn.ts";
import { VirtualClock } from "./virtual-clock.ts";

const weather = (change: Partial<Weather>): Weather => ({ ...FAIR_WEATHER, ...change });
const at = (name: string, fate: "cut" | "lost"): Weather => weather({ fate: (_, other) => (other === name ? fate : "arrives") });

const TROUBLES: Readonly<Record<string, Weather>> = {
  "a line that is cut before anybody answers": weather({ step: (step) => (step === "open" ? "cut" : "passes") }),
  "a line that is cut before it has joined": weather({ step: (step) => (step === "join" ? "cut" : "passes") }),
  "a server that is not available": weather({ step: (step) => (step === "open" ? "refused" : "passes") }),
  "a CONNECT that is refused": weather({ step: (step) => (step === "join" ? "refused" : "passes") }),
  "a connection that is cut before its welcome": at("welcome", "cut"),
  "a welcome that never comes": at("welcome", "lost"),
  "a connection that ends right after its welcome": at("who", "cut"),
  "a connection that answers nothing": weather({ fate: (direction, name) => (direction === "up" || name === "ack" ? "lost" : "arrives") }),
  "a line that stays silent": weather({ step: (step) => (step === "open" ? "silent" : "passes") }),
  "a CONNECT without an answer": weather({ step: (step) => (step === "join" ? "silent" : "passes") }),
};

/** Somebody who can be woken. */
async function somebody(world: World): Promise<{ readonly chat: ChatClient; readonly wake: () => void }> {
  let wake = (): void => undefined;
  const chat = await world.chat({
    onWake: (woken) => {
      wake = woken;
      return () => undefined;
    },
  });
  await world.online(chat);
  return { chat, wake: () => wake() };
}

describe.each(Object.entries(TROUBLES))("%s", (_, trouble) => {
  test.each(["in silence", "with somebody who hurries"])("is tried at most six times in the first minute %s", async (how) => {
    const world = new World();
    const { wake } = await somebody(world);
    await world.clock.pass(15_000);
    world.server.weather = trouble;
    world.server.tries.length = 0;
    world.server.cutAll();
    for (let second = 0; second < 60; second += 1) {
      await world.clock.pass(1_000);
      if (how !== "in silence") wake();
    }
    expect(world.server.tries.length).toBeGreaterThanOrEqual(3);
    expect(world.server.tries.length).toBeLessThanOrEqual(6);
  });

  test("is over within ten seconds when it happened once", async () => {
    const world = new World();
    const { chat } = await somebody(world);
    await world.clock.pass(15_000);
    world.server.weather = trouble;
    world.server.tries.length = 0;
    world.server.cutAll();
    await world.clock.until(() => world.server.tries.length > 0, "a try");
    await world.clock.pass(20);
    world.server.weather = FAIR_WEATHER;
    const said = chat.say(LOBBY, "here again");
    let isSaid = false;
    void said.then(() => (isSaid = true));
    await world.clock.until(() => isSaid, "the answer", 10_000);
    expect(chat.connection.value.state).toBe("online");
  });
});

test("after one clean restart of the server everybody is back within two seconds", async () => {
  const world = new World();
  const people = await Promise.all(["ada", "bob", "cleo"].map(() => somebody(world)));
  await world.clock.pass(15_000);
  world.server.kill();
  await world.clock.pass(500);
  world.server.start();
  for (const { chat } of people) await world.clock.until(() => chat.connection.value.state === "online", "the connection", 2_000);
});

test("a welcome alone does not make a connection good", async () => {
  const world = new World();
  await somebody(world);
  world.server.tries.length = 0;
  for (let second = 0; second < 60; second += 5) {
    await world.clock.pass(5_000);
    world.server.cutAll();
  }
  expect(world.server.tries.length).toBeLessThanOrEqual(6);
});

test("nothing of a line that was discarded is heard, and it is told to end", async () => {
  const world = new Stubborn();
  await world.connect();
  const [old] = world.lines;
  world.connector.interrupt();
  expect(old?.isDiscarded).toBe(true);
  await world.clock.pass(1_000);
  expect(world.lines.length).toBe(2);
  world.heard.length = 0;
  old?.events.event("message", {});
  old?.events.connected();
  old?.events.upgrading();
  old?.events.upgraded();
  old?.events.ended({ kind: "refused", code: "bad_token" });
  expect(world.heard).toEqual([]);
  await world.connect();
  expect(world.heard).toEqual(["connected", "welcome"]);
  expect(world.lines.length).toBe(2);
});

test("an answer that comes after its line is over is not heard", async () => {
  const clock = new VirtualClock();
  let answer = (_: unknown): void => undefined;
  let events: LineEvents | null = null;
  const connector = new Connector(
    (_way, _auth, given) => {
      events = given;
      return { medium: "websocket", emit: (_name, _payload, answered = () => undefined) => void (answer = answered), discard: () => undefined };
    },
    { now: clock.now, setTimer: clock.setTimer, random: () => 0, isWatched: () => true },
  );
  const nothing = (): void => undefined;
  connector.open({ connected: nothing, disconnected: nothing, refused: nothing, event: nothing, moved: nothing }, () => Promise.resolve({ v: 1 }));
  (events as LineEvents | null)?.connected();
  connector.welcomed();
  const heard: unknown[] = [];
  connector.emit("say", {}, (value) => heard.push(value));
  connector.interrupt();
  answer("late");
  expect(heard).toEqual([]);
});

test("a nudge ends a pause that is over, and no other", async () => {
  const world = new Stubborn();
  world.late = 60_000;
  world.last.events.ended({ kind: "unreachable" });
  await world.clock.pass(299);
  world.connector.nudge();
  await world.clock.pass(0);
  expect(world.lines.length).toBe(1);
  await world.clock.pass(1);
  world.late = 0;
  world.connector.nudge();
  await world.clock.pass(0);
  expect(world.lines.length).toBe(2);
  await world.clock.pass(120_000);
  world.connector.close();
  const tries = world.lines.length;
  world.connector.nudge();
  await world.clock.pass(60_000);
  expect(world.lines.length).toBe(tries);
});

test("an upgrade that hangs ends the line, and the next one does not try it", async () => {
  const world = new Stubborn();
  world.medium = "polling";
  await world.connect();
  world.last.events.upgrading();
  await world.clock.pass(5_000);
  expect(world.lines.map(({ way, isDiscarded }) => [way, isDiscarded])).toEqual([
    ["websocket first", true],
    ["polling only", false],
  ]);
});

test("an upgrade that is done has to prove itself", async () => {
  const world = new Stubborn();
  await world.connect();
  world.last.events.upgrading();
  world.last.events.upgraded();
  await world.clock.pass(20_000);
  expect(world.heard).toEqual(["connected", "welcome", "moved"]);
  expect(world.lines.length).toBe(1);
});

test("the way on which nothing came is tried second, and a way that works stays", async () => {
  const world = new Stubborn();
  await world.clock.pass(4_500);
  world.medium = "polling";
  await world.connect();
  await world.clock.pass(15_000);
  world.last.events.ended({ kind: "broken" });
  await world.clock.pass(1_000);
  await world.clock.pass(5_000);
  expect(world.lines.map(({ way }) => way)).toEqual(["websocket first", "polling first", "polling first", "websocket first"]);
});

test("a store that does not answer when asked who is there ends the try", async () => {
  const clock = new VirtualClock();
  const dialled: Way[] = [];
  const connector = new Connector(
    (way, auth) => {
      dialled.push(way);
      void auth();
      return { medium: "websocket", emit: () => undefined, discard: () => undefined };
    },
    { now: clock.now, setTimer: clock.setTimer, random: () => 0, isWatched: () => true },
  );
  const nothing = (): void => undefined;
  connector.open({ connected: nothing, disconnected: nothing, refused: nothing, event: nothing, moved: nothing }, () => new Promise(() => undefined));
  await clock.pass(5_000);
  expect(dialled.length).toBe(2);
  connector.close();
  await clock.pass(100_000);
  expect(dialled.length).toBe(2);
});
