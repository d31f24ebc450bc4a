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
