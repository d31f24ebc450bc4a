// Goal: what is shown of the open room is what is known of it now, whatever was known before.

import fc from "fast-check";
import { expect, test } from "vitest";
import type { RoomSummary } from "../../src/core/facade.ts";
import { factsOf } from "../../src/ui/state/facts.ts";

const counts = fc.record({ unread: fc.nat(3), unreadCapped: fc.boolean(), draft: fc.constantFrom("", "tea?"), pending: fc.nat(2) });
const needed = fc.record({
  room: fc.constantFrom(1, 2),
  kind: fc.constantFrom("public" as const, "private" as const),
  name: fc.constantFrom("tea", "attic"),
  topic: fc.constantFrom("", "quiet"),
  joined: fc.boolean(),
  members: fc.nat(2),
  changes: fc.nat(2),
});
/** Any of these may be missing. */
const optional = fc.record({ host: fc.constantFrom("ada", "bob"), with: fc.constant([{ user: "bob" }]) }, { requiredKeys: [] });
const summary = fc.tuple(counts, needed, optional).map(([one, two, three]): RoomSummary => ({ ...one, ...two, ...three }));

test("facts are those of now, and the same ones as before if nothing but counts has changed", () => {
  fc.assert(
    fc.property(summary, summary, counts, (before, now, other) => {
      const known = factsOf(before, undefined);
      expect(factsOf(now, known)).toStrictEqual(factsOf(now, undefined));
      expect(factsOf({ ...before, ...other }, known)).toBe(known);
    }),
  );
});

test("a host who has left is none", () => {
  const room: RoomSummary = { room: 7, kind: "private", name: "tea", topic: "", joined: true, members: 2, changes: 0, unread: 0, unreadCapped: false, draft: "", pending: 0 };
  const { host } = factsOf(room, factsOf({ ...room, host: "bob" }, undefined)) ?? {};
  expect(host).toBeUndefined();
  expect(factsOf(undefined, factsOf(room, undefined))).toBeUndefined();
});
