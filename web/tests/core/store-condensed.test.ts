// Goal: what is kept of a batch of changes has the effect of the whole batch, wherever it is applied.

import { expect, test } from "vitest";
import { unknownRoom } from "../../src/core/effects.ts";
import { Model } from "../../src/core/model.ts";
import { MemoryDisk, MemoryStore } from "../../src/core/store-memory.ts";
import { condensed, type Change } from "../../src/core/store.ts";
import { Chance } from "./virtual-clock.ts";

const room = (id: number, seq: number): Change => ({ kind: "room", room: { ...unknownRoom(id), seq } });

function randomChange(chance: Chance): Change {
  const id = 1 + chance.below(2);
  const seq = 1 + chance.below(4);
  const changes: readonly (() => Change)[] = [
    () => room(id, chance.below(100)),
    () => ({ kind: "message", message: { room: id, seq, rev: seq, at: chance.below(100), from: { user: "bob" }, text: "", edited: false, deleted: false, asOf: seq } }),
    () => ({ kind: "notice", notice: { room: id, rev: seq, after: 0, at: 0, notice: { what: "left", from: { user: "bob" } } } }),
    () => ({ kind: "person", person: { user: `${seq}`, name: `${chance.below(100)}` } }),
    () => ({ kind: "cursor", cursor: `${chance.below(100)}` }),
    () => ({ kind: "forget room", room: id }),
    () => ({ kind: "forget messages", room: id, from: seq, to: seq + 1 }),
    () => (chance.is(0.5) ? { kind: "forget all" } : { kind: "forget people" }),
  ];
  return chance.pick(changes)();
}

const known = (model: Model): unknown => [model.rooms, model.people, model.cursor, model.session];

test("a batch and what is left of it have the same effect, in a tab and in the store", async () => {
  for (let seed = 1; seed <= 500; seed += 1) {
    const chance = new Chance(seed);
    const changes = Array.from({ length: 12 }, () => randomChange(chance));
    const [one, other] = [new Model(), new Model()];
    const [disk, otherDisk] = [new MemoryDisk(), new MemoryDisk()];
    for (const change of changes) one.apply(change);
    for (const change of condensed(changes)) other.apply(change);
    expect(known(other), `seed ${seed}`).toEqual(known(one));
    await new MemoryStore(disk).commit(changes, null);
    await new MemoryStore(otherDisk).commit(condensed(changes), null);
    expect(otherDisk, `seed ${seed}`).toEqual(disk);
  }
});

test("of one room the last state is left", () => {
  expect(condensed([room(1, 1), room(2, 1), room(1, 2), room(1, 3)])).toEqual([room(1, 3), room(2, 1)]);
});

const cursor = (at: string): Change => ({ kind: "cursor", cursor: at });
const person = (user: string, name: string): Change => ({ kind: "person", person: { user, name } });
const session = (user: string, token: string): Change => ({ kind: "session", session: { user, name: null, owner: false, token } });

test("of what has only one state the last one is left: the cursor, and of each person the name and the session", () => {
  expect(condensed([cursor("1"), person("ada", "a"), person("bob", "b"), person("ada", "Ada"), cursor("2")])).toEqual([cursor("2"), person("ada", "Ada"), person("bob", "b")]);
  expect(condensed([session("ada", "1"), session("eve", "2"), session("ada", "3")])).toEqual([session("ada", "3"), session("eve", "2")]);
});

test.each<Change>([{ kind: "forget all" }, { kind: "forget people" }, { kind: "forget room", room: 1 }])("what comes after %o is not put before it", (forget) => {
  const changes = [room(1, 1), person("ada", "a"), cursor("1"), forget, room(1, 2), person("ada", "Ada"), cursor("2")];
  expect(condensed(changes)).toEqual(changes);
});

test("what stands for itself is left as it is, however often it comes", () => {
  const message = (text: string): Change => ({ kind: "message", message: { room: 1, seq: 1, rev: 1, at: 1, from: { user: "bob" }, text, edited: false, deleted: false, asOf: 1 } });
  const changes: readonly Change[] = [
    message("a"),
    { kind: "notice", notice: { room: 1, rev: 1, after: 0, at: 0, notice: { what: "left", from: { user: "bob" } } } },
    { kind: "lost", room: 1, lost: null },
    { kind: "forget messages", room: 1, from: 1, to: 2 },
    { kind: "forget notices", room: 1, to: 1 },
    { kind: "settled", id: 1 },
    { kind: "refused", id: 2, code: "empty" },
    { kind: "forget room", room: 1 },
    { kind: "forget people" },
    { kind: "forget all" },
  ];
  const twice = changes.flatMap((change) => [change, change]);
  expect(condensed(twice)).toEqual(twice);
});
