// Goal: what other tabs tell is heard in its order, and not before what it relies on is read.

import { effect, signal } from "@preact/signals-core";
import { expect, test } from "vitest";
import { Hearing } from "../../src/core/hearing.ts";
import type { TabMessage } from "../../src/core/tabs.ts";

const kept = (revision: number): TabMessage => ({ kind: "kept", leader: 1, revision, changes: [] });

/** A tab that reads the outbox whenever it has changed. */
function tab(): { readonly hearing: Hearing; readonly heard: string[]; readonly hear: (...messages: readonly TabMessage[]) => void } {
  const heard: string[] = [];
  const hearing = new Hearing((message) => {
    heard.push(message.kind === "kept" ? `kept ${message.revision}` : message.kind);
    if (message.kind === "outbox") hearing.begin();
  });
  return { hearing, heard, hear: (...messages) => messages.forEach((message) => hearing.hear(message)) };
}

test("a tab hears nothing while the store is read, and then all in the order of telling", () => {
  const { hearing, heard, hear } = tab();
  hearing.begin();
  hearing.begin();
  hear(kept(1), { kind: "hello" });
  hearing.end();
  expect(heard).toEqual([]);
  hearing.end();
  hear(kept(2));
  expect(heard).toEqual(["kept 1", "hello", "kept 2"]);
});

test("a tab reads the outbox before it hears what was told after a change of it, and once for all changes that it knows of", () => {
  const { hearing, heard, hear } = tab();
  hear({ kind: "outbox" }, kept(1), { kind: "outbox" }, kept(2), { kind: "outbox" }, kept(3));
  expect(heard).toEqual(["outbox"]);
  hearing.end();
  expect(heard).toEqual(["outbox", "kept 1", "outbox"]);
  hear({ kind: "outbox" }, kept(4));
  hearing.end();
  expect(heard).toEqual(["outbox", "kept 1", "outbox", "kept 2", "kept 3", "outbox"]);
  hearing.end();
  expect(heard.slice(6)).toEqual(["kept 4"]);
});

test("a tab hears each change of the outbox that is told with what it is", () => {
  const { hearing, heard, hear } = tab();
  const difference = { version: 1, before: null, device: null, put: [], drop: [], drafts: new Map() };
  hearing.begin();
  hear({ kind: "outbox" }, { kind: "outbox", difference }, { kind: "outbox" }, { kind: "outbox", difference });
  for (let reads = 0; reads < 4; reads += 1) hearing.end();
  expect(heard).toEqual(["outbox", "outbox", "outbox"]);
});

test("nothing is shown of what waited before all of it is heard, since what was read may be newer", () => {
  const last = signal("nothing");
  const shown: string[] = [];
  const hearing = new Hearing((message) => (last.value = message.kind));
  effect(() => void shown.push(last.value));
  hearing.begin();
  for (const kind of ["hello", "hurry"] as const) hearing.hear({ kind });
  hearing.end();
  expect(shown).toEqual(["nothing", "hurry"]);
});

test("what is to be done afterwards is done when all that was told before is heard, though something else is still read", () => {
  const { hearing, heard, hear } = tab();
  hearing.begin();
  hearing.begin();
  hear({ kind: "hello" });
  hearing.end();
  hearing.afterwards(() => heard.push("afterwards"));
  hear({ kind: "hurry" });
  expect(heard).toEqual([]);
  hearing.end();
  expect(heard).toEqual(["hello", "afterwards", "hurry"]);
  hearing.afterwards(() => heard.push("at once"));
  expect(heard.at(-1)).toBe("at once");
});
