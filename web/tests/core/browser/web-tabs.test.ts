// Goal: of the tabs of a browser one leads, the next one follows when it closes, and all of them hear each other.

import { afterEach, describe, expect, test } from "vitest";
import { ASKED, leaderLock, useOf, webTabs } from "../../../src/core/browser/web-tabs.ts";
import type { TabMessage, Tabs } from "../../../src/core/tabs.ts";
import { give, giveLocks, giveNoLocks, quiet } from "./a-browser.ts";

const opened: Tabs[] = [];
afterEach(() => {
  for (const tabs of opened.splice(0)) tabs.close();
});

/** A tab, and what becomes of its wish to lead. */
function tab(name = "store") {
  const tabs = webTabs(name);
  opened.push(tabs);
  const led: string[] = [];
  return { tabs, led, lead: () => tabs.lead(() => led.push("begin"), () => led.push("end")) };
}

const beat = (leader: number): TabMessage => ({ kind: "beat", leader });

describe("tabs", () => {
  test("lead one after the other, in the order of asking", async () => {
    giveLocks();
    const [one, two, three] = [tab(), tab(), tab()];
    for (const { lead } of [one, two, three]) lead();
    await quiet();
    expect([one.led, two.led, three.led]).toEqual([["begin"], [], []]);
    one.tabs.close();
    await quiet();
    expect([one.led, two.led, three.led]).toEqual([["begin"], ["begin"], []]);
    expect(one.tabs.areExclusive).toBe(true);
  });

  test("of different stores lead each for itself", async () => {
    giveLocks();
    const [one, other] = [tab(), tab("of eve")];
    for (const { lead } of [one, other]) lead();
    await quiet();
    expect([one.led, other.led]).toEqual([["begin"], ["begin"]]);
  });

  test("that close before it is their turn never lead, and keep nobody from it", async () => {
    giveLocks();
    const [one, two, three] = [tab(), tab(), tab()];
    one.lead();
    one.tabs.close();
    await quiet();
    three.lead();
    two.lead();
    await quiet();
    two.tabs.close();
    three.tabs.close();
    await quiet();
    expect([one.led, two.led, three.led]).toEqual([[], [], ["begin"]]);
    expect(await navigator.locks.request(leaderLock("store"), { ifAvailable: true }, (lock) => lock !== null)).toBe(true);
  });

  test("take over from one that hangs, which hears that it leads no more", async () => {
    giveLocks();
    const [one, two, three] = [tab(), tab(), tab()];
    for (const { lead } of [one, two, three]) lead();
    await quiet();
    two.tabs.takeOver();
    await quiet();
    expect([one.led, two.led, three.led]).toEqual([["begin", "end"], ["begin"], []]);
    // It leads already.
    two.tabs.takeOver();
    await quiet();
    expect(two.led).toEqual(["begin"]);
    // It has left the queue: the next one follows.
    two.tabs.close();
    await quiet();
    expect([one.led, two.led, three.led]).toEqual([["begin", "end"], ["begin"], ["begin"]]);
    // Who was deposed may take over again.
    one.tabs.takeOver();
    await quiet();
    expect([one.led, three.led]).toEqual([["begin", "end", "begin"], ["begin", "end"]]);
  });

  test("that are closed hear nothing of the end of their time", async () => {
    giveLocks();
    const [one, two] = [tab(), tab()];
    for (const { lead } of [one, two]) lead();
    await quiet();
    one.tabs.close();
    two.tabs.takeOver();
    await quiet();
    expect([one.led, two.led]).toEqual([["begin"], ["begin"]]);
  });

  test("that close as soon as they take over keep nobody from leading", async () => {
    giveLocks();
    const [one, two] = [tab(), tab()];
    one.tabs.takeOver();
    one.tabs.close();
    two.lead();
    await quiet();
    expect(two.led).toEqual(["begin"]);
  });

  test("without another name are those of the first person of a device", async () => {
    giveLocks();
    const tabs = webTabs();
    opened.push(tabs);
    const heard: TabMessage[] = [];
    tab("tidings").tabs.listen((message) => heard.push(message));
    tabs.post(beat(1));
    await quiet();
    expect(heard).toEqual([beat(1)]);
  });

  test("take over without having asked to lead, and close without either", async () => {
    giveLocks();
    const [one, two] = [tab(), tab()];
    one.tabs.takeOver();
    await quiet();
    two.lead();
    one.tabs.close();
    tab().tabs.close();
    await quiet();
    expect([one.led, two.led]).toEqual([[], ["begin"]]);
  });

  test("hear what the others post, until they are closed", async () => {
    giveLocks();
    const [one, two, other] = [tab(), tab(), tab("of eve")];
    const heard: (readonly [string, TabMessage])[] = [];
    for (const [name, { tabs }] of [["one", one], ["two", two], ["other", other]] as const) tabs.listen((message) => heard.push([name, message]));
    one.tabs.post(beat(1));
    await quiet();
    expect(heard).toEqual([["two", beat(1)]]);
    one.tabs.close();
    one.tabs.post(beat(2));
    two.tabs.post(beat(3));
    await quiet();
    expect(heard).toHaveLength(1);
  });
});

describe("a browser without locks", () => {
  test("has tabs that each lead themselves, and that tell whoever asks that they are there", async () => {
    giveNoLocks();
    const [one, two] = [tab(), tab()];
    for (const { lead } of [one, two]) lead();
    await quiet();
    expect([one.led, two.led, one.tabs.areExclusive]).toEqual([["begin"], ["begin"], false]);
    two.tabs.close();
    const answers: unknown[] = [];
    const channel = useOf("store");
    channel.onmessage = ({ data }) => answers.push(data);
    channel.postMessage(ASKED);
    await quiet();
    channel.postMessage("something else");
    // A store that nobody has open.
    const another = useOf("of eve");
    another.onmessage = ({ data }) => answers.push(data);
    another.postMessage(ASKED);
    await quiet();
    another.close();
    expect(answers).toEqual([""]);
    one.tabs.close();
    channel.postMessage(ASKED);
    await quiet();
    expect(answers).toEqual([""]);
    channel.close();
  });

  test("and without channels has tabs that lead themselves too", async () => {
    for (const locks of [giveLocks, giveNoLocks]) {
      locks();
      give("BroadcastChannel", undefined);
      const { tabs, led, lead } = tab();
      lead();
      await quiet();
      expect([led, tabs.areExclusive]).toEqual([["begin"], false]);
    }
  });
});
