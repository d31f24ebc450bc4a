// Goal: what can no longer be sent is offered once, and nothing that has a place of its own is.

import { describe, expect, test } from "vitest";
import { unknownRoom } from "../../src/core/effects.ts";
import { unsentIn } from "../../src/core/forget.ts";
import { Model } from "../../src/core/model.ts";
import type { DraftRecord, OutboxRow, Snapshot } from "../../src/core/store.ts";
import { alike, straysOf } from "../../src/core/strays.ts";
import { isUnused } from "../../src/core/unused.ts";
import type { Command } from "../../src/core/wire.ts";

const row = (id: number, command: Command, change: Partial<OutboxRow> = {}): OutboxRow => ({ id, device: "mine", n: id, at: id, command, refused: "not_found", ...change });
const draft = (room: number, text: string | null, change: Partial<DraftRecord> = {}): DraftRecord => ({ room, text, at: 50 + room, after: 0, ...change });

/** Somebody who is in room 7, and was in room 8. */
function model(rows: readonly OutboxRow[], drafts: readonly DraftRecord[] = []): Model {
  const made = new Model();
  made.apply({ kind: "room", room: { ...unknownRoom(7), joined: true, seq: 2 } });
  for (const seq of [1, 2]) made.apply({ kind: "message", message: { room: 7, seq, rev: seq, at: seq, from: {}, text: "", edited: false, deleted: seq === 2, asOf: 2 } });
  made.apply({ kind: "cursor", cursor: "c" });
  made.setOutbox({ device: null, rows, drafts: new Map(drafts.map((one, index) => [`${index}`, one])) });
  return made;
}

describe("a stray", () => {
  test("is what was refused in a room that is gone", () => {
    const rows = [
      row(2, { event: "say", room: 8, text: "late" }),
      row(1, { event: "edit", room: 8, seq: 3, text: "changed" }),
      row(3, { event: "say", room: 7, text: "here" }),
      row(4, { event: "delete", room: 8, seq: 3 }),
      row(5, { event: "name", name: "Ada" }),
      { id: 6, device: "mine", n: 6, at: 6, command: { event: "say", room: 8, text: "on its way" } } as const,
    ];
    expect(straysOf(model(rows), 0)).toEqual([
      { key: "row 1", text: "changed", at: 1, n: 1, place: { room: 8, seq: 3 } },
      { key: "row 2", text: "late", at: 2, n: 2, place: { room: 8 } },
    ]);
  });

  test("is what was typed in a room that is gone, for a message that is deleted, or put aside by another tab", () => {
    const drafts = [draft(8, "lost"), draft(7, "here"), draft(7, "to a deleted one", { seq: 2 }), draft(7, "to one that stands", { seq: 1 }), draft(8, null), draft(8, " \n"), draft(7, "of another tab", { aside: 0.25 }), draft(7, "of this tab", { aside: 0.5 })];
    expect(straysOf(model([], drafts), 0.5)).toEqual([
      { key: "draft 7/2", text: "to a deleted one", at: 57, place: { room: 7, seq: 2 } },
      { key: "draft 7 0.25", text: "of another tab", at: 57, place: { room: 7, aside: 0.25 } },
      { key: "draft 8", text: "lost", at: 58, place: { room: 8 } },
    ]);
  });

  test("is nothing before the server has said which rooms there are", () => {
    const made = model([row(1, { event: "say", room: 8, text: "late" })], [draft(8, "lost")]);
    made.apply({ kind: "forget all" });
    expect(straysOf(made, 0)).toEqual([]);
  });

  test("is alike by what it is and says", () => {
    const one = { key: "row 1", text: "late", at: 1, place: { room: 8 } };
    expect([alike([], []), alike([one], [{ ...one, at: 2 }])]).toEqual([true, true]);
    expect([alike([one], []), alike([], [one]), alike([one], [{ ...one, key: "row 2" }]), alike([one], [{ ...one, text: "" }]), alike([one, one], [one, { ...one, text: "" }])]).toEqual([false, false, false, false, false]);
  });
});

describe("somebody who has done nothing", () => {
  const blank: Snapshot = { leader: 1, revision: 0, session: null, cursor: null, outbox: { device: null, rows: [], drafts: new Map(), version: 0, count: 0 }, rooms: [], lost: [], messages: [], notices: [], people: [] };
  const session = { user: "ada", name: null, owner: false, token: "" };
  const joined = (room: number): Snapshot => ({ ...blank, rooms: [{ ...unknownRoom(room), joined: true }] });

  test("has no name, owns nothing, has joined nothing, and has said and typed nothing", () => {
    expect([blank, { ...blank, session }, joined(0), joined(1), { ...blank, rooms: [{ ...unknownRoom(7) }] }].map((snapshot) => isUnused(snapshot, []))).toEqual([true, true, true, true, true]);
    const used: readonly Snapshot[] = [
      { ...blank, session: { ...session, name: "ada" } },
      { ...blank, session: { ...session, owner: true } },
      joined(7),
      { ...blank, outbox: { ...blank.outbox, device: { id: "mine", next: 2, lastRow: 1 } } },
      { ...blank, outbox: { ...blank.outbox, drafts: new Map([["7", draft(7, "typed")]]) } },
    ];
    expect(used.map((snapshot) => isUnused(snapshot, []))).toEqual([false, false, false, false, false]);
    expect(isUnused({ ...blank, outbox: { ...blank.outbox, device: { id: "mine", next: 1, lastRow: 0 } } }, [])).toBe(true);
    expect(isUnused(blank, [{ ...draft(7, "jotted down"), leaving: [] }])).toBe(false);
  });

  test("loses what was typed and what waits, but for what was taken back", () => {
    const say: Command = { event: "say", room: 7, text: "hello" };
    const outbox = { device: null, rows: [row(1, say), row(2, say, { withdrawn: true })], drafts: new Map([["7", draft(7, "typed")], ["8", draft(8, null)], ["9", draft(9, " ")]]) };
    expect(unsentIn({ outbox }, [])).toBe(2);
    expect(unsentIn({ outbox }, [{ ...draft(7, null, { at: 99 }), leaving: [] }, { ...draft(9, "noted", { at: 99 }), leaving: [] }])).toBe(2);
  });
});
