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

describe("a line that does everything in the very call", () => {
  const second = async (atOnce: Stubborn["atOnce"]): Promise<Stubborn> => {
    const world = new Stubborn();
    world.last.events.ended({ kind: "unreachable" });
    world.atOnce = (events) => {
      world.atOnce = () => undefined;
      atOnce(events);
    };
    await world.clock.pass(PAUSE_MS);
    expect(world.lines.length).toBe(2);
    return world;
  };

  test("and ends there is told to end, and the next one follows", async () => {
    const world = await second((events) => events.ended({ kind: "broken" }));
    expect([world.last.isDiscarded, world.heard]).toEqual([true, ["disconnected", "disconnected"]]);
    await world.clock.pass(PAUSE_MS);
    expect(world.lines.map(({ way }) => way)).toEqual(["websocket first", "websocket first", "polling first"]);
  });

  test("and connects there stands", async () => {
    const world = await second((events) => events.connected());
    world.connector.welcomed();
    await world.clock.pass(60_000);
    expect([world.last.isDiscarded, world.heard]).toEqual([false, ["disconnected", "connected"]]);
  });
});

describe("who this is", () => {
  test("takes its own time to find, in which the line is left alone", async () => {
    const world = new Stubborn();
    world.who = () => new Promise(() => undefined);
    await world.clock.pass(3_000);
    void world.last.auth();
    await endsAt(world, DEADLINE_MS);
    await world.clock.pass(PAUSE_MS);
    expect(world.last.way).toBe("polling first");
    // Somebody was there: the second pause is that of a line that broke.
    void world.last.auth();
    await world.clock.pass(DEADLINE_MS);
    const { length } = world.lines;
    await world.clock.pass(1_499);
    expect(world.lines.length).toBe(length);
    await world.clock.pass(1);
    expect(world.lines.length).toBe(length + 1);
  });

  test("is asked of a line that was given up without taking anything from the next one", async () => {
    const world = new Stubborn();
    const old = world.last;
    world.connector.interrupt();
    await world.clock.pass(PAUSE_MS + 3_000);
    void old.auth();
    await endsAt(world, 1_000);
  });
});

test("lines that nobody answers in time are tried again after the pauses for that, by the other way each time", async () => {
  const world = new Stubborn();
  const begun: number[] = [];
  const start = world.clock.now();
  for (let count = 0; count < 30_000 && world.lines.length < 4; count += 100) {
    if (world.lines.length > begun.length) begun.push(world.clock.now() - start);
    world.medium = world.lines.length % 2 === 1 ? "polling" : "websocket";
    await world.clock.pass(100);
  }
  // The second pause is shorter than that of a line that broke, and the third deadline longer.
  expect(begun).toEqual([0, 4_300, 9_500]);
  expect(world.lines.map(({ way }) => way)).toEqual(["websocket first", "polling first", "websocket first", "polling first"]);
});

test("a line that ends because nobody is there is tried again sooner than one that broke", async () => {
  const pauses = async (kind: "unreachable" | "broken"): Promise<number> => {
    const world = new Stubborn();
    world.last.events.ended({ kind });
    await world.clock.pass(PAUSE_MS);
    world.last.events.ended({ kind });
    const start = world.clock.now();
    await world.clock.until(() => world.lines.length === 3, "the third line");
    return world.clock.now() - start;
  };
  expect([await pauses("unreachable"), await pauses("broken")]).toEqual([1_200, 1_500]);
});

test("a change of the way that was never announced counts as done", async () => {
  const world = new Stubborn();
  await world.connect();
  world.last.events.upgraded();
  expect(world.heard).toEqual(["connected", "welcome", "moved"]);
});

test("a connector that is closed by who hears of the end says nothing more of it", async () => {
  const world = new Stubborn();
  world.atEnd = () => world.connector.close();
  world.last.events.ended({ kind: "refused", code: "full" });
  await world.clock.pass(100_000);
  expect([world.heard, world.lines.length]).toEqual([["disconnected"], 1]);
});

describe("the way that is tried next", () => {
  const ways = (world: Stubborn): readonly string[] => world.lines.map(({ way }) => way);

  test("is the other one after a line that was given up before it was welcome", async () => {
    const world = new Stubborn();
    world.connector.interrupt();
    await world.clock.pass(PAUSE_MS);
    expect(ways(world)).toEqual(["websocket first", "polling first"]);
  });

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
