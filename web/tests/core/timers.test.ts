// Goal: a named timer runs once for each start, and one that was cancelled or stopped never.

import { describe, expect, test } from "vitest";
import { Timers } from "../../src/core/timers.ts";
import { Typing } from "../../src/core/typing.ts";
import { VirtualClock } from "./virtual-clock.ts";

function bench() {
  const clock = new VirtualClock();
  const timers = new Timers(clock.setTimer);
  const rung: string[] = [];
  const start = (name: string, milliseconds: number) => timers.start(name, milliseconds, () => rung.push(name));
  return { clock, timers, rung, start };
}

describe("a named timer", () => {
  test("is started once until it is due, and then again", async () => {
    const { clock, timers, rung, start } = bench();
    start("tea", 100);
    start("tea", 10);
    expect([timers.has("tea"), timers.has("egg")]).toEqual([true, false]);
    await clock.pass(99);
    expect(rung).toEqual([]);
    await clock.pass(1);
    expect([rung, timers.has("tea")]).toEqual([["tea"], false]);
    start("tea", 10);
    await clock.pass(10);
    expect(rung).toEqual(["tea", "tea"]);
  });

  test("is over when it is cancelled, and can be started again; the others go on", async () => {
    const { clock, timers, rung, start } = bench();
    start("tea", 100);
    start("egg", 100);
    timers.cancel("tea");
    timers.cancel("soup");
    expect([timers.has("tea"), timers.has("egg")]).toEqual([false, true]);
    start("tea", 50);
    await clock.pass(200);
    expect(rung).toEqual(["tea", "egg"]);
  });

  test("that is due may start itself again", async () => {
    const { clock, timers } = bench();
    let times = 0;
    const again = (): void => {
      times += 1;
      timers.start("tea", 10, again);
    };
    again();
    await clock.pass(35);
    expect(times).toBe(4);
  });

  test("is never due after the stop, nor is one that is started then", async () => {
    const { clock, timers, rung, start } = bench();
    start("tea", 100);
    timers.stop();
    start("egg", 10);
    await clock.pass(1_000);
    expect(rung).toEqual([]);
  });
});

describe("who types", () => {
  const guest = (name: string) => ({ guest: name });

  test("is told for each change, and for nothing else", async () => {
    const clock = new VirtualClock();
    const told: number[] = [];
    const typing = new Typing(clock.setTimer, (room) => told.push(room));
    typing.show(1, { user: "bob" });
    typing.hide(1, { user: "cleo" });
    typing.hide(2, { user: "bob" });
    expect(told).toEqual([1]);
    await clock.pass(5_000);
    expect(told).toEqual([1, 1]);
    typing.hide(1, { user: "bob" });
    expect(told).toEqual([1, 1]);
  });

  test("are at most twenty, and one of them may go on", () => {
    const typing = new Typing(new VirtualClock().setTimer, () => undefined);
    for (let i = 0; i < 25; i += 1) typing.show(1, guest(`${i}`));
    typing.show(1, guest("3"));
    typing.show(2, guest("24"));
    expect([typing.in(1).length, typing.in(2)]).toEqual([20, [guest("24")]]);
  });

  test("are told apart by their ids: a guest is no person, and one without a name is one", () => {
    const typing = new Typing(new VirtualClock().setTimer, () => undefined);
    for (const who of [{ user: "bob" }, guest("bob"), {}, guest("")]) typing.show(1, who);
    expect(typing.in(1)).toEqual([{ user: "bob" }, guest("bob"), guest("")]);
  });

  test("is nobody after the stop, and no timer is left", async () => {
    const clock = new VirtualClock();
    const told: number[] = [];
    const typing = new Typing(clock.setTimer, (room) => told.push(room));
    typing.show(1, { user: "bob" });
    typing.stop();
    await clock.pass(10_000);
    expect([typing.in(1), told]).toEqual([[], [1]]);
  });
});
