// Goal: an entry changes what is older than itself and nothing else, however often and from wherever it comes.

import { describe, expect, test } from "vitest";
import { effectsOf, missedChange, unknownRoom } from "../../src/core/effects.ts";
import { Model } from "../../src/core/model.ts";
import type { Entry } from "../../src/core/wire.ts";

const ROOM = 7;
const head = (rev: number) => ({ cursor: `${rev}`, room: ROOM, rev, at: rev, from: { user: "bob" } });
const edited = (rev: number, text: string): Entry => ({ ...head(rev), event: "edited", seq: 1, text });

/** One message, as it is after this revision. */
function known(asOf: number): Model {
  const model = new Model();
  model.apply({ kind: "room", room: { ...unknownRoom(ROOM), joined: true, applied: asOf, rev: asOf, seq: 1, held: [[1, 1]] } });
  model.apply({ kind: "message", message: { room: ROOM, seq: 1, rev: 1, at: 1, from: { user: "bob" }, text: "as it is", edited: true, deleted: false, asOf } });
  return model;
}

function after(model: Model, entries: readonly Entry[], how: (model: Model, entry: Entry) => ReturnType<typeof effectsOf>): string | undefined {
  for (const entry of entries) for (const change of how(model, entry)) model.apply(change);
  return model.message(ROOM, 1)?.text;
}

describe("a change of a message", () => {
  test("that comes next is made, and one that is known already is not made again", () => {
    expect(after(known(5), [edited(6, "newer")], effectsOf)).toBe("newer");
    expect(after(known(5), [edited(5, "the same"), edited(4, "older")], effectsOf)).toBe("as it is");
  });

  test("that a page of the history has missed is made unless the message is newer", () => {
    expect(after(known(5), [edited(6, "missed")], missedChange)).toBe("missed");
    expect(after(known(5), [edited(4, "older")], missedChange)).toBe("as it is");
    expect(after(known(5), [{ ...head(4), event: "deleted", seq: 1 }], missedChange)).toBe("as it is");
  });
});
