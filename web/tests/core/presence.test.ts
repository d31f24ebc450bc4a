// Goal: who is here, and who is typing, is what the server said last.

import { describe, expect, test } from "vitest";
import { NOBODY, Presence, type PresenceState } from "../../src/core/presence.ts";
import { Typing } from "../../src/core/typing.ts";
import type { Person } from "../../src/core/facade.ts";
import { VirtualClock } from "./virtual-clock.ts";

const person = (user: string): Person => ({ user, name: user });

function lobby() {
  const told: PresenceState[] = [];
  const presence = new Presence((state) => told.push(state));
  const report = (online: readonly string[], offline: readonly string[], count: number) =>
    presence.report({ online: online.map(person), offline, count, more: false });
  const last = () => told.at(-1)?.online;
  return { presence, report, last, told };
}

describe("presence", () => {
  test("is the answer, and what was told since", () => {
    const { presence, report, last, told } = lobby();
    presence.begin(presence.asking(), 2, [person("bob"), person("cleo")]);
    expect(last()).toEqual({ people: [person("bob"), person("cleo")], count: 2 });
    report(["dan"], ["bob"], 2);
    expect(last()).toEqual({ people: [person("cleo"), person("dan")], count: 2 });
    expect(told.length).toBe(2);
  });

  test("of a new answer knows nobody of before", () => {
    const { presence, report, last } = lobby();
    report(["bob"], [], 1);
    presence.begin(presence.asking(), 1, [person("cleo")]);
    expect(last()).toEqual({ people: [person("cleo")], count: 1 });
  });

  test("is the answer to the last question, with what was told since that was asked", () => {
    const { presence, report, last, told } = lobby();
    const first = presence.asking();
    const second = presence.asking();
    report([], ["bob"], 1);
    presence.begin(first, 2, [person("bob"), person("cleo")]);
    presence.unanswered(first);
    expect(told.length).toBe(1);
    presence.begin(second, 2, [person("bob"), person("cleo")]);
    expect(last()).toEqual({ people: [person("cleo")], count: 1 });
  });

  test("stays as it was told while nobody answers", () => {
    const { presence, report, last } = lobby();
    const question = presence.asking();
    report(["bob"], [], 1);
    presence.unanswered(question);
    presence.begin(question, 7, [person("cleo")]);
    expect(last()).toEqual({ people: [person("bob")], count: 1 });
  });

  test("is the answer once: what is told after it is newer", () => {
    const { presence, report, last } = lobby();
    const question = presence.asking();
    presence.begin(question, 1, [person("bob")]);
    report([], ["bob"], 0);
    presence.begin(question, 1, [person("bob")]);
    expect(last()).toEqual({ people: [], count: 0 });
  });

  test("names nobody without an id, and is nobody at first", () => {
    const { presence, last } = lobby();
    presence.begin(presence.asking(), 3, [{ guest: "a tutorial's client" }, person("bob")]);
    presence.report({ online: [{ guest: "another" }], offline: [], count: 4, more: false });
    expect(last()).toEqual({ people: [person("bob")], count: 4 });
    expect(NOBODY).toEqual({ online: { people: [], count: 0 }, notices: [] });
  });

  test("names five hundred people, and counts all", () => {
    const { presence, last } = lobby();
    presence.begin(presence.asking(), 900, Array.from({ length: 600 }, (_, index) => person(`${index}`)));
    expect([last()?.people.length, last()?.count]).toEqual([500, 900]);
  });
});

describe("typing", () => {
  test("is shown for five seconds after the last key, per room and person", async () => {
    const clock = new VirtualClock();
    const typing = new Typing(clock.setTimer, () => undefined);
    typing.show(1, person("bob"));
    typing.show(2, { guest: "2" });
    await clock.pass(3_000);
    typing.show(1, person("bob"));
    await clock.pass(3_000);
    expect([typing.in(1), typing.in(2)]).toEqual([[person("bob")], []]);
    await clock.pass(2_000);
    expect(typing.in(1)).toEqual([]);
  });

  test("is shown no longer once they have stopped", () => {
    const clock = new VirtualClock();
    const typing = new Typing(clock.setTimer, () => undefined);
    typing.show(1, person("bob"));
    typing.show(1, person("cleo"));
    typing.hide(1, person("bob"));
    expect(typing.in(1)).toEqual([person("cleo")]);
  });
});
