// Goal: the connector passes on what comes of the line that counts, in the phases in which it counts, and gives each phase its time.

import { describe, expect, test } from "vitest";
import { Stubborn } from "./stubborn.ts";

const DEADLINE_MS = 4_000;
const PAUSE_MS = 300;

/** The line ends on time, and not a moment earlier. */
async function endsAt(world: Stubborn, milliseconds: number): Promise<void> {
  const line = world.last;
  await world.clock.pass(milliseconds - 1);
  expect(line.isDiscarded).toBe(false);
  await world.clock.pass(1);
  expect(line.isDiscarded).toBe(true);
}

describe("a line", () => {
  const PHASES: readonly (readonly [string, (world: Stubborn) => Promise<void>])[] = [
    ["before anybody answers", () => Promise.resolve()],
    ["while it is asked who this is", (world) => world.last.auth().then(() => undefined)],
    ["before it is welcome", (world) => world.last.auth().then(() => world.last.events.connected())],
    ["while it changes its way", async (world) => {
      await world.connect();
      world.last.events.upgrading();
      world.last.events.upgrading();
    }],
  ];

  test.each(PHASES)("has four seconds %s", async (name, begin) => {
    const world = new Stubborn();
    // Each phase has its own, however long the one before took.
    const taken = name === "before anybody answers" ? 0 : 3_000;
    await world.clock.pass(taken);
    await begin(world);
    await endsAt(world, DEADLINE_MS);
    expect(world.heard.at(-1)).toBe("disconnected");
    await world.clock.pass(PAUSE_MS - 1);
    expect(world.lines.length).toBe(1);
    await world.clock.pass(1);
    expect(world.lines.length).toBe(2);
  });

  test("that stands, and one that has changed its way, has all the time", async () => {
    const world = new Stubborn();
    await world.connect();
    world.last.events.upgrading();
    await world.clock.pass(3_000);
    world.last.events.upgraded();
    await world.clock.pass(100_000);
    expect([world.lines.length, world.heard]).toEqual([1, ["connected", "welcome", "moved"]]);
  });

  test("that changes its way before it is welcome says nothing of that", async () => {
    const world = new Stubborn();
    await world.last.auth();
    world.last.events.upgrading();
    world.last.events.upgraded();
    expect(world.heard).toEqual([]);
  });

  test("has events and takes them from the moment on in which it is connected", async () => {
    const world = new Stubborn();
    world.last.events.event("early", {});
    world.connector.emit("early", {});
    await world.last.auth();
    world.connector.emit("early", {});
    world.last.events.connected();
    world.last.events.event("welcome", {});
    const answers: unknown[] = [];
    world.connector.emit("in between", {}, (answer) => answers.push(answer));
    world.connector.emit("unanswered", {});
    world.connector.welcomed();
    world.connector.emit("late", {});
    expect([world.heard, world.emitted, answers]).toEqual([["connected", "welcome"], ["in between", "unanswered", "late"], ["in between"]]);
    world.connector.interrupt();
    world.connector.emit("too late", {});
    expect(world.emitted).not.toContain("too late");
  });

  test("is good only when it was welcome as one that is connected", async () => {
    const world = new Stubborn();
    world.connector.welcomed();
    await world.clock.pass(DEADLINE_MS);
    expect(world.lines[0]?.isDiscarded).toBe(true);
  });

  test("that is refused says so, with what the server says, after it has ended", async () => {
    const world = new Stubborn();
    world.last.events.ended({ kind: "refused", code: "full", reason: "too many" });
    expect(world.heard).toEqual(["disconnected", "refused full: too many"]);
    expect(world.last.isDiscarded).toBe(true);
    await world.clock.pass(PAUSE_MS);
    world.last.events.ended({ kind: "unreachable" });
    expect(world.heard).toEqual(["disconnected", "refused full: too many", "disconnected"]);
  });

  test("that another has replaced is not asked who this is", async () => {
    const world = new Stubborn();
    const old = world.last;
    let isTold = false;
    const early = old.auth().then(() => (isTold = true));
    world.connector.interrupt();
    void early;
    void old.auth().then(() => (isTold = true));
    await world.clock.pass(PAUSE_MS);
    expect([world.lines.length, isTold]).toEqual([2, false]);
    // The new one has its own time.
    await world.clock.pass(DEADLINE_MS - 1);
    expect(world.last.isDiscarded).toBe(false);
  });
});

describe("the way that is tried next", () => {
  const ways = (world: Stubborn): readonly string[] => world.lines.map(({ way }) => way);

  test("is the same after a line that nobody answered at once, and after a good one", async () => {
    const world = new Stubborn();
    world.last.events.ended({ kind: "unreachable" });
    await world.clock.pass(PAUSE_MS);
    await world.connect();
    await world.clock.pass(1_000);
    world.last.events.ended({ kind: "broken" });
    await world.clock.pass(10_000);
    expect(ways(world).slice(0, 3)).toEqual(["websocket first", "websocket first", "websocket first"]);
  });

  test.each([["websocket", "polling first"], ["polling", "websocket first"]] as const)("is the other one after a line by %s that broke before it was welcome", async (medium, next) => {
    const world = new Stubborn();
    world.connector.interrupt();
    world.medium = medium;
    await world.clock.pass(PAUSE_MS);
    await world.last.auth();
    world.last.events.ended({ kind: "broken" });
    await world.clock.pass(5_000);
    expect(ways(world)[2]).toBe(next);
  });

  test("is polling alone after a change of the way that broke", async () => {
    const world = new Stubborn();
    world.medium = "polling";
    await world.connect();
    world.last.events.upgrading();
    world.last.events.ended({ kind: "broken" });
    await world.clock.pass(PAUSE_MS);
    expect(ways(world)).toEqual(["websocket first", "polling only"]);
  });
});

describe("a pause", () => {
  test("is ended by who hurries, and a try that is under way is not", async () => {
    const world = new Stubborn();
    world.connector.hurry();
    world.connector.nudge();
    await world.clock.pass(10);
    expect(world.lines.length).toBe(1);
    world.last.events.ended({ kind: "unreachable" });
    await world.clock.pass(10);
    world.connector.hurry();
    await world.clock.pass(0);
    expect(world.lines.length).toBe(2);
    // The pause that it has ended does not begin a third one.
    await world.clock.pass(1_000);
    expect(world.lines.length).toBe(2);
  });

  test("is the last thing of a connector that is closed", async () => {
    const world = new Stubborn();
    world.last.events.ended({ kind: "unreachable" });
    world.connector.close();
    world.connector.hurry();
    await world.clock.pass(100_000);
    expect([world.lines.length, world.heard]).toEqual([1, ["disconnected"]]);
  });

  test("does not come of an interrupt without a line", async () => {
    const world = new Stubborn();
    world.last.events.ended({ kind: "unreachable" });
    world.connector.interrupt();
    world.connector.interrupt();
    expect(world.heard).toEqual(["disconnected"]);
    await world.clock.pass(PAUSE_MS);
    expect(world.lines.length).toBe(2);
  });
});

test("a connector that is closed leaves its line, and hears nothing of it", async () => {
  const world = new Stubborn();
  await world.connect();
  world.connector.close();
  world.last.events.event("message", {});
  world.connector.emit("say", {});
  expect([world.last.isDiscarded, world.heard, world.emitted]).toEqual([true, ["connected", "welcome"], []]);
  await world.clock.pass(100_000);
  expect(world.lines.length).toBe(1);
});
