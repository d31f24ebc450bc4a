// Goal: what the list of rooms says of a room, and where the unread messages of it begin.

import { describe, expect, test } from "vitest";
import { unknownRoom } from "../../src/core/effects.ts";
import { Model, type RoomState } from "../../src/core/model.ts";
import { HOUSE } from "../../src/core/rooms.ts";
import type { DraftRecord, RoomRecord } from "../../src/core/store.ts";
import { countsAsUnread, firstUnread, Summaries, summaryOf, summaryOfListed, unreadOfRoom } from "../../src/core/summary.ts";
import type { Room } from "../../src/core/wire.ts";

/** Ada's room with so many messages; each is bob's unless it is named otherwise. */
function room(size: number, change: Partial<RoomRecord> = {}, others: Readonly<Record<number, "ada" | "deleted" | "absent">> = {}): { readonly model: Model; readonly state: RoomState } {
  const model = new Model();
  model.apply({ kind: "session", session: { user: "ada", name: "ada", owner: false, token: "" } });
  const { strange: _, ...blank } = unknownRoom(7);
  model.apply({ kind: "room", room: { ...blank, joined: true, seq: size, held: size === 0 ? [] : [[1, size]], ...change } });
  for (let seq = 1; seq <= size; seq += 1) {
    if (others[seq] === "absent") continue;
    model.apply({ kind: "message", message: { room: 7, seq, rev: seq, at: seq, from: { user: others[seq] === "ada" ? "ada" : "bob" }, text: "", edited: false, deleted: others[seq] === "deleted", asOf: seq } });
  }
  const state = model.rooms.get(7);
  if (state === undefined) throw new Error("no room");
  return { model, state };
}

describe("the unread messages of a room begin", () => {
  const first = (...facts: Parameters<typeof room>): number | null => {
    const { model, state } = room(...facts);
    return firstUnread(model, state);
  };

  test("with the first one after the pointer that is somebody else's and not deleted", () => {
    expect(first(5, { read: 2 })).toBe(3);
    expect(first(5, { read: 1 }, { 2: "ada", 3: "deleted" })).toBe(4);
    expect(first(5, { read: 4 })).toBe(5);
  });

  test("nowhere when all is read, or only own ones are left", () => {
    expect([first(5, { read: 5 }), first(0), first(5, { read: 3 }, { 4: "ada", 5: "deleted" }), first(5, { joined: false })]).toEqual([null, null, null, null]);
  });

  test("with what is not here, as long as it is not known", () => {
    expect(first(5, { read: 1, held: [[1, 1], [4, 5]] }, { 2: "absent", 3: "absent" })).toBe(2);
    const away = { read: 1, mark: 5, count: 0, capped: false };
    expect(first(5, { read: 1, held: [], away }, { 2: "absent", 3: "absent", 4: "absent", 5: "absent" })).toBeNull();
    expect(first(5, { read: 1, held: [], away: { ...away, count: 1 } }, { 2: "absent", 3: "absent", 4: "absent", 5: "absent" })).toBe(2);
    expect(first(5, { read: 1, held: [], away: { ...away, mark: 3 } }, { 2: "ada", 3: "ada", 4: "ada", 5: "ada" })).toBeNull();
  });
});

describe("a message", () => {
  test("counts for everybody but its author, and for nobody once it is deleted", () => {
    const { model, state } = room(3, {}, { 1: "ada", 2: "deleted" });
    expect(state.messages.map((message) => countsAsUnread(model, message))).toEqual([false, false, true]);
    const nobody = new Model();
    const [, , guest] = state.messages;
    if (guest === undefined) throw new Error("no message");
    expect(countsAsUnread(nobody, { ...guest, from: {} })).toBe(true);
    expect(unreadOfRoom(model, state)).toEqual({ count: 1, capped: false, exact: true });
  });
});

describe("a room in the list", () => {
  const draft = (text: string | null, change: Partial<DraftRecord> = {}): DraftRecord => ({ room: 7, text, at: 1, after: 0, ...change });

  test("is what is known of it", () => {
    const { model, state } = room(3, { kind: "direct", name: "n", topic: "t", host: "bob", members: 4, with: [{ user: "bob", name: "bob" }] });
    model.apply({ kind: "person", person: { user: "bob", name: "Rob" } });
    const known = { room: 7, kind: "direct", name: "n", topic: "t", joined: true, unread: 3, unreadCapped: false, with: [{ user: "bob", name: "Rob" }], host: "bob", members: 4, changes: 0, draft: "", pending: 0 };
    expect(summaryOf(model, state)).toEqual(known);
    const { model: other, state: bare } = room(3, { joined: false });
    expect(summaryOf(other, bare)).toStrictEqual({ room: 7, kind: "private", name: "", topic: "", joined: false, unread: 0, unreadCapped: false, members: 0, changes: 0, draft: "", pending: 0 });
    const { model: busy, state: full } = room(150);
    expect(summaryOf(busy, full)).toMatchObject({ unread: 100, unreadCapped: true });
  });

  test("shows the first text that was typed there and is not put aside", () => {
    const shown = (...drafts: readonly DraftRecord[]): string => {
      const { model, state } = room(0);
      model.setOutbox({ device: null, rows: [], drafts: new Map(drafts.map((one, index) => [`${index}`, one])) });
      return summaryOf(model, state).draft;
    };
    expect([shown(), shown(draft(null)), shown(draft("aside", { aside: 0.5 })), shown(draft("elsewhere", { room: 8 }))]).toEqual(["", "", "", ""]);
    expect([shown(draft("")), shown(draft("", { seq: 1 }), draft("typed")), shown(draft("typed"), draft("more", { seq: 1 }))]).toEqual(["", "typed", "typed"]);
  });

  test("counts in the lobby whoever is known by name, if the server has counted fewer", () => {
    const { model } = room(0);
    for (const user of ["bob", "cleo"]) model.apply({ kind: "person", person: { user, name: user } });
    const members = (id: number, count: number): number => {
      model.apply({ kind: "room", room: { ...unknownRoom(id), members: count } });
      const state = model.rooms.get(id);
      return state === undefined ? -1 : summaryOf(model, state).members;
    };
    expect([members(1, 1), members(1, 5), members(9, 1)]).toEqual([2, 5, 1]);
  });

  test("that only the server lists is not known here, unless one is in it", () => {
    const { model } = room(3);
    const listed: Room = { room: 9, kind: "public", name: "hall", topic: "", seq: 4, rev: 4, read: 2, joined: false, members: 3 };
    expect(summaryOfListed(model, listed)).toStrictEqual({ room: 9, kind: "public", name: "hall", topic: "", joined: false, members: 3, unread: 0, unreadCapped: false, changes: 0, draft: "", pending: 0 });
    expect(summaryOfListed(model, { ...listed, room: 7 })).toMatchObject({ room: 7, name: "", unread: 3 });
    model.apply({ kind: "room", room: { ...unknownRoom(9), name: "old" } });
    expect(summaryOfListed(model, listed).name).toBe("hall");
  });

  test("is made anew when it was touched, and stands in the order of rooms", () => {
    const { model } = room(1);
    for (const id of [9, 8, HOUSE]) model.apply({ kind: "room", room: { ...unknownRoom(id) } });
    const summaries = new Summaries();
    const [first, second] = [summaries.update(model, new Set([9, 7, 8, HOUSE])), summaries.update(model, new Set([8]))];
    expect(first.map(({ room: id }) => id)).toEqual([7, 8, 9]);
    expect(second.map((one, index) => one === first[index])).toEqual([true, false, true]);
    model.apply({ kind: "forget room", room: 8 });
    expect(summaries.update(model, new Set([8])).map(({ room: id }) => id)).toEqual([7, 9]);
  });
});
