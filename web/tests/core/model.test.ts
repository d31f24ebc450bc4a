// Goal: the model is what its changes say, tells which rooms have changed, and keeps messages and notices in their order.

import { describe, expect, test } from "vitest";
import { unknownRoom } from "../../src/core/effects.ts";
import { lowerBound, Model, sendName } from "../../src/core/model.ts";
import type { Change, DraftRecord, MessageRecord, NoticeRecord, OutboxRow, RoomRecord, Snapshot } from "../../src/core/store.ts";
import type { Command } from "../../src/core/wire.ts";

const ROOM = 7;
const record = (room = ROOM, change: Partial<RoomRecord> = {}): RoomRecord => ({ ...unknownRoom(room), joined: true, ...change });
const message = (seq: number, change: Partial<MessageRecord> = {}): MessageRecord => ({ room: ROOM, seq, rev: seq, at: seq, from: { user: "bob" }, text: `text ${seq}`, edited: false, deleted: false, asOf: seq, ...change });
const notice = (rev: number, at = rev): NoticeRecord => ({ room: ROOM, rev, after: 0, at, notice: { what: "renamed", from: { user: "bob" }, text: "den" } });
const row = (id: number, change: Partial<OutboxRow> = {}, command: Command = { event: "say", room: ROOM, text: `${id}` }): OutboxRow => ({ id, device: "mine", n: id, command, at: 0, ...change });
const draft = (room: number, at: number, text = `at ${at}`): [string, DraftRecord] => [`${room}`, { room, text, at, after: 0 }];

function model(...changes: readonly Change[]): Model {
  const made = new Model();
  for (const change of [{ kind: "room", room: record() }, ...changes] as const) made.apply(change);
  made.takeTouched();
  return made;
}

/** Which rooms a change touches. */
function touched(made: Model, change: Change): readonly number[] {
  made.takeTouched();
  made.apply(change);
  return [...made.takeTouched()].sort((a, b) => a - b);
}

const seqs = (made: Model): readonly number[] | undefined => made.rooms.get(ROOM)?.messages.map(({ seq }) => seq);
const revs = (made: Model): readonly number[] | undefined => made.rooms.get(ROOM)?.notices.map(({ rev }) => rev);
const sends = (made: Model): readonly string[] => [...(made.rooms.get(ROOM)?.sends ?? [])];
const told = (made: Model, ...messages: readonly MessageRecord[]): Model => {
  for (const one of messages) made.apply({ kind: "message", message: one });
  return made;
};

describe("the messages of a room", () => {
  test("stand in order, each once, whatever order they come in", () => {
    const made = told(model(), message(3), message(1), message(2), message(3, { text: "changed" }));
    expect(seqs(made)).toEqual([1, 2, 3]);
    expect([made.message(ROOM, 3)?.text, made.message(ROOM, 4), made.message(8, 1)]).toEqual(["changed", null, null]);
    expect(made.message(ROOM, 2)?.seq).toBe(2);
  });

  test("are forgotten from one to another, with the names of own sends", () => {
    const made = told(model(), message(1, { device: "mine", n: 1 }), message(2, { device: "mine", n: 2 }), message(3, { device: "mine", n: 3 }), message(4));
    expect(sends(made)).toEqual([sendName("mine", 1), sendName("mine", 2), sendName("mine", 3)]);
    expect(touched(made, { kind: "forget messages", room: ROOM, from: 2, to: 3 })).toEqual([ROOM]);
    expect([seqs(made), sends(made)]).toEqual([[1, 4], [sendName("mine", 1)]]);
    expect(touched(made, { kind: "forget messages", room: 8, from: 0, to: 9 })).toEqual([]);
  });

  test("have a name as a send only with a device and a number", () => {
    expect(sends(told(model(), message(1, { device: "mine" }), message(2, { n: 2 })))).toEqual([]);
    const made = told(model(), message(1, { device: "undefined", n: 1 }), message(2, { device: "undefined" }));
    made.apply({ kind: "forget messages", room: ROOM, from: 2, to: 2 });
    expect(sends(made)).toEqual(["undefined/1"]);
  });

  test("of a room that is not known are passed over", () => {
    const made = model();
    expect(touched(made, { kind: "message", message: message(1, { room: 8 }) })).toEqual([]);
    expect(touched(made, { kind: "notice", notice: { ...notice(1), room: 8 } })).toEqual([]);
    expect(made.rooms.has(8)).toBe(false);
  });
});

describe("notices", () => {
  test("stand in order, each once, and go up to a revision", () => {
    const made = model();
    for (const one of [notice(3), notice(1), notice(2), notice(2, 9)]) expect(touched(made, { kind: "notice", notice: one })).toEqual([ROOM]);
    expect([revs(made), made.rooms.get(ROOM)?.notices[1]?.at]).toEqual([[1, 2, 3], 9]);
    expect(touched(made, { kind: "forget notices", room: ROOM, to: 2 })).toEqual([ROOM]);
    expect(revs(made)).toEqual([3]);
    made.apply({ kind: "forget notices", room: 8, to: 2 });
    expect(made.rooms.size).toBe(1);
  });
});

describe("rooms", () => {
  test("keep what is in them when their facts change, and go with it", () => {
    const made = told(model(), message(1));
    const state = made.rooms.get(ROOM);
    expect(touched(made, { kind: "room", room: record(ROOM, { name: "den" }) })).toEqual([ROOM]);
    expect([made.rooms.get(ROOM) === state, made.record(ROOM)?.name, seqs(made)]).toEqual([true, "den", [1]]);
    expect(touched(made, { kind: "forget room", room: ROOM })).toEqual([ROOM]);
    expect([made.record(ROOM), made.rooms.size]).toEqual([null, 0]);
  });

  test("that were lost have a name until they are joined again", () => {
    const made = model();
    const lost = { room: 8, kind: "private", name: "attic" } as const;
    const before = made.lost;
    made.apply({ kind: "lost", room: 8, lost });
    made.apply({ kind: "lost", room: 9, lost: { ...lost, room: 9 } });
    expect([[...before], [...made.lost.keys()]]).toEqual([[], [8, 9]]);
    made.apply({ kind: "room", room: record(8, { joined: false }) });
    expect([...made.lost.keys()]).toEqual([8, 9]);
    const known = made.lost;
    made.apply({ kind: "room", room: record(ROOM) });
    expect(made.lost).toBe(known);
    made.apply({ kind: "room", room: record(8) });
    expect([...made.lost.keys()]).toEqual([9]);
    made.apply({ kind: "lost", room: 9, lost: null });
    expect(made.lost.size).toBe(0);
  });
});

describe("people", () => {
  test("touch the lobby and the conversations with them", () => {
    const others = { kind: "room", room: record(9, { with: [{ user: "cleo" }] }) } as const;
    const made = model({ kind: "room", room: record(8, { with: [{ user: "bob" }, { user: "cleo" }] }) }, others);
    const version = made.peopleVersion;
    expect(touched(made, { kind: "person", person: { user: "bob", name: "Bob" } })).toEqual([1, 8]);
    expect([made.peopleVersion, made.learned.get("bob"), made.people.get("bob")]).toEqual([version + 1, version + 1, { user: "bob", name: "Bob" }]);
    made.apply({ kind: "forget people" });
    expect([made.people.size, made.peopleVersion]).toEqual([0, version + 2]);
  });
});

describe("the outbox", () => {
  const filled = (...rows: readonly OutboxRow[]): Model => {
    const made = model();
    made.setOutbox({ device: null, rows, drafts: new Map() });
    made.takeTouched();
    return made;
  };
  const ids = (made: Model): readonly number[] => made.outbox.rows.map(({ id }) => id);

  test("has the row of an own send, as long as that is not refused", () => {
    const made = filled(row(1), row(2, { refused: "empty" }), row(3, { device: "another" }));
    expect([made.rowOf("mine", 1)?.id, made.rowOf("mine", 2), made.rowOf("mine", 3), made.rowOf("another", 3)?.id]).toEqual([1, null, null, 3]);
    expect([made.rowOf(undefined, 1), made.rowOf("mine", undefined), made.rowOf(undefined, undefined)]).toEqual([null, null, null]);
  });

  test("loses what is settled for good, also where an older state of it is read again", () => {
    const made = filled(row(1), row(2));
    expect(touched(made, { kind: "settled", id: 1 })).toEqual([ROOM]);
    expect(ids(made)).toEqual([2]);
    made.setOutbox({ device: null, rows: [row(1), row(2)], drafts: new Map() });
    expect(ids(made)).toEqual([2]);
  });

  test("shows what was refused, unless it was taken back", () => {
    const made = filled(row(1), row(2, { withdrawn: true }));
    for (const id of [1, 2]) made.apply({ kind: "refused", id, code: "empty" });
    expect(made.outbox.rows).toEqual([row(1, { refused: "empty" })]);
  });

  test("follows a difference, in the order of ids, and touches the rooms of what came and went", () => {
    const made = filled(row(1, {}, { event: "leave", room: 3 }), row(2), row(4, {}, { event: "name", name: "Ada" }));
    const device = { id: "mine", next: 9, lastRow: 8 };
    made.changeOutbox({ version: 1, before: null, device, put: [row(4, { n: 7 }), row(3, {}, { event: "join", room: 5 })], drop: [1], drafts: new Map([draft(6, 10)]) });
    expect([ids(made), made.outbox.rows[2]?.n, made.outbox.device, made.outbox.drafts.get("6")?.at]).toEqual([[2, 3, 4], 7, device, 10]);
    expect([...made.takeTouched()].sort((a, b) => a - b)).toEqual([3, 5, 6, ROOM]);
  });

  test("keeps the later version of a draft", () => {
    const made = model();
    const read = (...drafts: readonly [string, DraftRecord][]): void => made.setOutbox({ device: null, rows: [], drafts: new Map(drafts) });
    read(draft(6, 10));
    read(draft(6, 9), draft(5, 1));
    read(draft(6, 10, "the same version"));
    expect([...made.drafts.values()].map(({ room, at, text }) => [room, at, text])).toEqual([[6, 10, "at 10"], [5, 1, "at 1"]]);
    read(draft(6, 11));
    expect(made.drafts.get("6")?.at).toBe(11);
    expect(made.outbox.drafts).toBe(made.drafts);
  });
});

describe("a copy of the store", () => {
  const snapshot: Snapshot = {
    leader: 1, revision: 3,
    session: { user: "ada", name: "ada", owner: false, token: "t" },
    cursor: "c",
    outbox: { device: null, rows: [row(1)], drafts: new Map([draft(8, 5)]), version: 1, count: 1 },
    rooms: [record(8), record(4)],
    lost: [{ room: 4, kind: "private", name: "attic" }, { room: 5, kind: "private", name: "hut" }],
    messages: [message(2, { room: 8 }), message(1, { room: 8 })],
    notices: [{ ...notice(1), room: 8 }],
    people: [{ user: "cleo", name: "Cleo" }],
  };

  test("takes the place of everything, and touches all rooms that were or are there", () => {
    const made = model({ kind: "person", person: { user: "bob", name: "Bob" } }, { kind: "settled", id: 1 });
    made.setOutbox({ device: null, rows: [], drafts: new Map([draft(6, 10)]) });
    made.takeTouched();
    const version = made.peopleVersion;
    made.load(snapshot);
    expect([...made.rooms.keys()]).toEqual([8, 4]);
    expect([...made.people.values()]).toEqual(snapshot.people);
    expect([...made.drafts.keys()]).toEqual(["8"]);
    // A room that was lost and is there was joined again.
    expect([...made.lost.keys()]).toEqual([5]);
    expect([made.session, made.cursor, made.peopleVersion]).toEqual([snapshot.session, "c", version + 1]);
    expect([made.rooms.get(8)?.messages.map(({ seq }) => seq), made.rooms.get(8)?.notices.length]).toEqual([[1, 2], 1]);
    expect(made.outbox.rows.map(({ id }) => id)).toEqual([1]);
    expect([...made.takeTouched()].sort((a, b) => a - b)).toEqual([4, ROOM, 8]);
    expect(made.takeTouched().size).toBe(0);
  });

  test("is forgotten, but for the outbox, the drafts and who one is", () => {
    const made = new Model();
    made.load(snapshot);
    const version = made.peopleVersion;
    expect(touched(made, { kind: "forget all" })).toEqual([4, 8]);
    expect([made.rooms.size, made.lost.size, made.people.size, made.cursor]).toEqual([0, 0, 0, null]);
    expect([made.session?.user, made.outbox.rows.length, made.drafts.size, made.peopleVersion]).toEqual(["ada", 1, 1, version + 1]);
  });
});

test("a place is the first one for which it is not before", () => {
  for (let length = 0; length < 9; length += 1) {
    const items = Array.from({ length }, (_, index) => index);
    for (let bound = 0; bound <= length; bound += 1) expect(lowerBound(items, (item) => item < bound)).toBe(bound);
  }
});
