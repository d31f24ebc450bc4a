// Goal: an entry changes what is older than itself and nothing else, however often and from wherever it comes.

import { describe, expect, test } from "vitest";
import { described, effectsOf, historyEffects, missedChange, unknownRoom } from "../../src/core/effects.ts";
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

test("a deleted message stays deleted, whatever edit comes after it", () => {
  const model = known(5);
  expect(after(model, [{ ...head(6), event: "deleted", seq: 1 }, edited(7, "back again")], effectsOf)).toBe("");
  expect(model.message(ROOM, 1)?.deleted).toBe(true);
});

test("a page of the history changes no message that is newer than the page", () => {
  const page = (asOf: number): string | undefined => {
    const model = known(5);
    const messages = [{ room: ROOM, seq: 1, rev: 1, at: 1, from: { user: "bob" }, text: "of the page", edited: false, deleted: false }];
    const answer = { messages, first: true, last: true, seq: 1, rev: 5 };
    for (const change of historyEffects(model, ROOM, { before: 2 }, answer, asOf)) model.apply(change);
    return model.message(ROOM, 1)?.text;
  };
  expect([page(4), page(5)]).toEqual(["as it is", "of the page"]);
});

describe("a page of the history that is ahead of the events", () => {
  const page = (text: string, deleted: boolean): Model => {
    const model = known(5);
    const messages = [{ room: ROOM, seq: 1, rev: 1, at: 1, from: { user: "bob" }, text, edited: true, deleted }];
    for (const change of historyEffects(model, ROOM, { before: 2 }, { messages, first: true, last: true, seq: 1, rev: 5 }, 5)) model.apply(change);
    return model;
  };

  test("ends with the last edit when all of them have come", () => {
    const model = page("second edit", false);
    expect(model.message(ROOM, 1)?.text).toBe("second edit");
    expect(after(model, [edited(6, "first edit"), edited(7, "second edit")], effectsOf)).toBe("second edit");
    expect(model.record(ROOM)?.applied).toBe(7);
  });

  test("shows no text again of a message that it has seen deleted", () => {
    const model = page("", true);
    expect(after(model, [edited(6, "first edit")], effectsOf)).toBe("");
    expect(after(model, [{ ...head(7), event: "deleted", seq: 1 }], effectsOf)).toBe("");
  });
});

describe("the facts of a room", () => {
  const told = (rev: number): Model => {
    const model = known(5);
    const record = model.record(ROOM);
    if (record === null) throw new Error("no room");
    model.apply({ kind: "room", room: { ...record, rev, name: "garden", members: 3 } });
    return model;
  };
  const facts = (model: Model, entry: Entry) => {
    for (const change of effectsOf(model, entry)) model.apply(change);
    const { name, members, applied, rev } = model.record(ROOM) ?? unknownRoom(ROOM);
    return { name, members, applied, rev };
  };

  test("change with the next entry", () => {
    expect(facts(told(5), { ...head(6), event: "room renamed", name: "yard" })).toEqual({ name: "yard", members: 3, applied: 6, rev: 6 });
    expect(facts(told(5), { ...head(6), event: "joined", who: { user: "cleo" } })).toEqual({ name: "garden", members: 4, applied: 6, rev: 6 });
    expect(facts(told(5), { ...head(6), event: "left", who: { user: "cleo" } })).toEqual({ name: "garden", members: 2, applied: 6, rev: 6 });
  });

  test("do not go back with an entry that is older than they are, while its timeline goes on", () => {
    expect(facts(told(9), { ...head(6), event: "room renamed", name: "yard" })).toEqual({ name: "garden", members: 3, applied: 6, rev: 9 });
  });

  test("as the server tells them leave what was read here", () => {
    const room = { room: ROOM, kind: "public" as const, name: "garden", topic: "", joined: true, members: 3, rev: 7, seq: 9, read: 4 };
    expect(described({ ...unknownRoom(ROOM), read: 6 }, room).read).toBe(6);
    expect(described({ ...unknownRoom(ROOM), read: 2 }, room).read).toBe(4);
    expect(described(null, room)).toMatchObject({ read: 4, seq: 9, members: 3 });
  });
});

test("a count of unread messages from elsewhere is void when a message is deleted that it may have counted", () => {
  for (const isHere of [false, true]) {
    const isKept = (seq: number): boolean => {
      const model = new Model();
      const room = { ...unknownRoom(ROOM), joined: true, applied: 20, rev: 20, seq: 12, read: 4, away: { read: 4, mark: 9, count: 5, capped: false } };
      model.apply({ kind: "room", room: { ...room, held: isHere ? [[1, 12]] : [] } });
      for (const change of effectsOf(model, { ...head(21), event: "deleted", seq })) model.apply(change);
      return model.record(ROOM)?.away !== undefined;
    };
    const counted = Array.from({ length: 12 }, (_, index) => index + 1).filter((seq) => !isKept(seq));
    expect(counted).toEqual([5, 6, 7, 8, 9]);
  }
});
