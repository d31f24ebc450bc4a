// People are called by the names that they have now, and nothing else is made anew.

import { expect, test } from "vitest";
import { allCalled, called, namesAlike, noticeCalled } from "../../src/core/called.ts";
import type { Notice, Person } from "../../src/core/facade.ts";

const ada: Person = { user: "a", name: "ada" };
const names = new Map<string, Person>([
  ["a", { user: "a", name: "ada lovelace" }],
  ["b", { user: "b", name: "bob" }],
]);

test("somebody with another name has it everywhere", () => {
  const notice: Notice = { what: "joined", from: { user: "b", name: "bob" }, who: ada };
  expect(called(names, ada)).toEqual({ user: "a", name: "ada lovelace" });
  expect(called(names, { user: "b" })).toEqual({ user: "b", name: "bob" });
  expect(noticeCalled(names, notice)).toEqual({ ...notice, who: { user: "a", name: "ada lovelace" } });
  expect(namesAlike(notice, noticeCalled(names, notice))).toBe(false);
});

test("what needs no other name stays the same object", () => {
  const people: readonly Person[] = [{ user: "b", name: "bob" }, { user: "c", name: "cleo" }, { guest: "4f2a" }];
  const notice: Notice = { what: "removed", from: { user: "b", name: "bob" }, who: { user: "c", name: "cleo" } };
  expect(allCalled(names, people)).toBe(people);
  expect(noticeCalled(names, notice)).toBe(notice);
  expect(namesAlike(notice, { ...notice })).toBe(true);
});

test("of several people and of both in a notice, one who has another name is enough", () => {
  const bob: Person = { user: "b", name: "bob" };
  expect(allCalled(names, [bob, ada])).toEqual([bob, { user: "a", name: "ada lovelace" }]);
  const made: Notice = { what: "renamed", from: ada, text: "den" };
  expect(noticeCalled(names, made)).toStrictEqual({ ...made, from: { user: "a", name: "ada lovelace" } });
  const [named, unnamed]: Notice[] = [{ what: "joined", from: bob, who: ada }, { what: "joined", from: { user: "b" }, who: { user: "a" } }];
  if (named === undefined || unnamed === undefined) throw new Error("no notice");
  expect([namesAlike(named, unnamed), namesAlike(named, { ...named, from: { user: "b", name: "rob" } }), namesAlike(made, { ...made, from: { user: "a" } })]).toEqual([false, false, false]);
  expect(namesAlike({ ...made, from: {} }, { ...made, from: { name: "" } })).toBe(true);
});
