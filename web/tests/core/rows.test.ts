// Goal: rows say what is known of a message and of what happens to it, and stay the same objects as long as that does.

import { describe, expect, test } from "vitest";
import { unknownRoom } from "../../src/core/effects.ts";
import type { Row } from "../../src/core/facade.ts";
import { Model } from "../../src/core/model.ts";
import { Rows } from "../../src/core/rows.ts";
import type { OutboxRow } from "../../src/core/store.ts";
import { Summaries } from "../../src/core/summary.ts";
import { unreadOf } from "../../src/core/unread.ts";

const ROOM = 7;

function room(): Model {
  const model = new Model();
  model.apply({ kind: "session", session: { user: "ada", name: "ada", owner: false, token: "" } });
  model.apply({ kind: "room", room: { ...unknownRoom(ROOM), kind: "public", joined: true, seq: 2, held: [[1, 2]] } });
  for (const [seq, user] of [[1, "ada"], [2, "bob"]] as const) {
    model.apply({ kind: "message", message: { room: ROOM, seq, rev: seq, at: seq, from: { user, name: user }, text: `of ${user}`, edited: false, deleted: false, asOf: seq } });
  }
  return model;
}

function outbox(model: Model, ...rows: readonly Partial<OutboxRow>[]): void {
  const whole = rows.map((row, index): OutboxRow => ({ id: index + 1, device: "mine", n: index + 1, at: 0, command: { event: "say", room: ROOM, text: "next" }, ...row }));
  model.setOutbox({ device: null, rows: whole, drafts: model.drafts });
}

const show = (rows: Rows, model: Model): readonly Row[] => {
  const state = model.rooms.get(ROOM);
  if (state === undefined) throw new Error("no room");
  return rows.of(model, state, { window: { from: 1, to: null }, online: true, loading: new Set() });
};

describe("rows", () => {
  test("stay the same objects as long as nothing of them changes", () => {
    const [model, rows] = [room(), new Rows()];
    outbox(model, {});
    const before = show(rows, model);
    model.apply({ kind: "person", person: { user: "bob", name: "Robert" } });
    const after = show(rows, model);
    expect(after.map((row, index) => row === before[index])).toEqual([true, false, true]);
    expect(after[1]).toMatchObject({ from: { user: "bob", name: "Robert" } });
  });

  test("show a change on its way, a refused one, and none that was taken back", () => {
    const [model, rows] = [room(), new Rows()];
    const edit = { event: "edit", room: ROOM, seq: 1, text: "changed" } as const;
    outbox(model, { command: edit });
    expect(show(rows, model)[0]).toMatchObject({ text: "changed", change: "editing" });
    outbox(model, { command: edit, refused: "not_found" });
    expect(show(rows, model)[0]).toMatchObject({ text: "of ada", change: { refused: "not_found", n: 1 } });
    outbox(model, { command: edit, withdrawn: true });
    expect(show(rows, model)[0]).toMatchObject({ text: "of ada" });
    expect(show(rows, model)[0]).not.toHaveProperty("change");
    outbox(model, { command: { event: "delete", room: ROOM, seq: 1 } });
    expect(show(rows, model)[0]).toMatchObject({ text: "of ada", change: "deleting" });
  });

  test("show what is to be sent, until it was taken back", () => {
    const [model, rows] = [room(), new Rows()];
    outbox(model, {}, { withdrawn: true }, { refused: "empty" }, { command: { event: "say", room: 8, text: "elsewhere" } });
    expect(show(rows, model).slice(2)).toMatchObject([{ kind: "pending", n: 1, state: "sending" }, { kind: "pending", n: 3, state: { refused: "empty" } }]);
  });
});

test("an own message whose row is not finished yet stands there once, under the key that it had", () => {
  const [model, rows] = [room(), new Rows()];
  outbox(model, { n: 4 });
  const pending = show(rows, model).at(-1);
  model.apply({ kind: "message", message: { room: ROOM, seq: 3, rev: 3, at: 3, from: { user: "ada" }, text: "next", edited: false, deleted: false, asOf: 3, device: "mine", n: 4 } });
  const record = model.record(ROOM);
  if (record === null) throw new Error("no room");
  model.apply({ kind: "room", room: { ...record, seq: 3, held: [[1, 3]] } });
  expect(show(rows, model).map(({ kind, key }) => [kind, key])).toEqual([["message", "m1"], ["message", "m2"], ["message", pending?.key]]);
});

describe("the list of rooms", () => {
  test("counts what waits to be sent, not what was refused or taken back", () => {
    const model = room();
    outbox(model, {}, { withdrawn: true }, { refused: "empty" }, { command: { event: "edit", room: ROOM, seq: 1, text: "" } });
    expect(new Summaries().update(model, new Set([ROOM]))[0]).toMatchObject({ pending: 2, unread: 1 });
  });

  test("tells of a room that was left, with nothing unread, until it is forgotten", () => {
    const [model, summaries] = [room(), new Summaries()];
    expect(summaries.update(model, new Set([ROOM]))).toMatchObject([{ joined: true, unread: 1 }]);
    const record = model.record(ROOM);
    if (record === null) throw new Error("no room");
    model.apply({ kind: "room", room: { ...record, joined: false } });
    expect(summaries.update(model, new Set([ROOM]))).toMatchObject([{ joined: false, unread: 0 }]);
    model.apply({ kind: "forget room", room: ROOM });
    expect(summaries.update(model, new Set([ROOM]))).toEqual([]);
  });
});

test("a count of the server's is good for the place that it was asked for, and no other", () => {
  const facts = { read: 5, seq: 9, held: [], messages: [], counts: () => true };
  expect(unreadOf({ ...facts, away: { read: 5, mark: 9, count: 4, capped: false } })).toEqual({ count: 4, capped: false, exact: true });
  expect(unreadOf({ ...facts, away: { read: 3, mark: 9, count: 6, capped: false } })).toEqual({ count: 0, capped: false, exact: false });
});
