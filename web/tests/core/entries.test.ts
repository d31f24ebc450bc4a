// Goal: each kind of entry, each page of the history and each description of a room changes what it says, and nothing else.

import { describe, expect, test } from "vitest";
import { described, effectsOf, ended, historyEffects, learned, lost, missedChange, standingOf, unknownRoom } from "../../src/core/effects.ts";
import { Model } from "../../src/core/model.ts";
import { HOUSE } from "../../src/core/rooms.ts";
import type { Change, MessageRecord, RoomRecord } from "../../src/core/store.ts";
import type { Entry, HistoryAnswer, Page, Room } from "../../src/core/wire.ts";

const ROOM = 7;
const [ADA, BOB, CLEO] = ["ada", "bob", "cleo"].map((user) => ({ user, name: user }));
if (ADA === undefined || BOB === undefined || CLEO === undefined) throw new Error("nobody");

const message = (seq: number, change: Partial<MessageRecord> = {}): MessageRecord => ({ room: ROOM, seq, rev: seq, at: seq, from: BOB, text: `text ${seq}`, edited: false, deleted: false, asOf: 5, ...change });

/** A room of ada's with two messages, whose timeline stands at revision 5. */
const ROOM_RECORD: RoomRecord = {
  room: ROOM,
  kind: "private",
  name: "den",
  topic: "quiet",
  joined: true,
  members: 2,
  rev: 5,
  seq: 2,
  floor: 1,
  read: 1,
  applied: 5,
  appliedSeq: 2,
  held: [[1, 2]],
};

function room(change: Partial<RoomRecord> = {}): Model {
  const model = new Model();
  model.apply({ kind: "session", session: { user: "ada", name: "ada", owner: false, token: "t" } });
  for (const person of [ADA, BOB, CLEO]) model.apply({ kind: "person", person: person as { user: string } });
  model.apply({ kind: "room", room: { ...ROOM_RECORD, ...change } });
  for (const seq of [1, 2]) model.apply({ kind: "message", message: message(seq) });
  return model;
}

const head = (rev: number, from = BOB) => ({ cursor: "c", room: ROOM, rev, at: rev, from });
const facts = (change: Partial<RoomRecord>): Change => ({ kind: "room", room: { ...ROOM_RECORD, ...change } });
const notice = (rev: number, what: object): Change => ({ kind: "notice", notice: { room: ROOM, rev, after: 2, at: rev, notice: what as never } });
const forgotten: Change = { kind: "forget messages", room: ROOM, from: 0, to: Number.MAX_SAFE_INTEGER };

describe("the next entry", () => {
  const cases: readonly (readonly [string, Entry, readonly Change[]])[] = [
    ["edited", { ...head(6), event: "edited", seq: 1, text: "new" }, [facts({ rev: 6, applied: 6 }), { kind: "message", message: message(1, { text: "new", edited: true, asOf: 6 }) }]],
    ["edited, without the text", { ...head(6), event: "edited", seq: 1 }, [facts({ rev: 6, applied: 6 }), { kind: "message", message: message(1, { edited: true, asOf: 6 }) }]],
    ["edited, of a message that is not here", { ...head(6), event: "edited", seq: 9, text: "new" }, [facts({ rev: 6, applied: 6 })]],
    ["deleted", { ...head(6), event: "deleted", seq: 2 }, [facts({ rev: 6, applied: 6 }), { kind: "message", message: message(2, { text: "", deleted: true, asOf: 6 }) }]],
    ["room renamed", { ...head(6), event: "room renamed", name: "attic" }, [facts({ rev: 6, applied: 6, name: "attic" }), notice(6, { what: "renamed", from: BOB, text: "attic" })]],
    ["topic", { ...head(6), event: "topic", topic: "loud" }, [facts({ rev: 6, applied: 6, topic: "loud" }), notice(6, { what: "topic", from: BOB, text: "loud" })]],
    ["joined", { ...head(6), event: "joined", who: CLEO }, [facts({ rev: 6, applied: 6, members: 3 }), notice(6, { what: "joined", from: BOB, who: CLEO })]],
    ["left", { ...head(6, CLEO), event: "left", who: CLEO }, [facts({ rev: 6, applied: 6, members: 1 }), notice(6, { what: "left", from: CLEO, who: CLEO })]],
    ["removed", { ...head(6), event: "removed", who: CLEO }, [facts({ rev: 6, applied: 6, members: 1 }), notice(6, { what: "removed", from: BOB, who: CLEO })]],
    ["named, which is no matter of a room", { ...head(6), event: "named", who: CLEO }, [facts({ rev: 6, applied: 6 })]],
    ["owner, which is none either", { ...head(6), event: "owner", who: CLEO }, [facts({ rev: 6, applied: 6 })]],
    ["unknown", { ...head(6), event: "unknown" }, [facts({ rev: 6, applied: 6 })]],
    [
      "message",
      { ...head(6), event: "message", seq: 3, text: "hello", edited: false, deleted: false },
      [{ kind: "message", message: { room: ROOM, rev: 6, at: 6, from: BOB, seq: 3, text: "hello", edited: false, deleted: false, asOf: 6 } }, facts({ rev: 6, applied: 6, seq: 3, appliedSeq: 3, held: [[1, 3]] })],
    ],
  ];

  test.each(cases)("is made: %s", (_, entry, changes) => {
    expect(effectsOf(room(), entry)).toEqual(changes);
  });

  test.each(cases)("changes nothing once it is known: %s", (_, entry) => {
    expect(effectsOf(room({ applied: 6, rev: 6 }), entry)).toEqual([]);
  });

  test("that tells of a message which a page has brought already changes the room alone", () => {
    const model = room({ held: [[1, 3]], seq: 9, appliedSeq: 2 });
    const entry: Entry = { ...head(6), event: "message", seq: 3, text: "older", edited: false, deleted: false };
    expect(effectsOf(model, entry)).toEqual([facts({ rev: 6, applied: 6, seq: 9, appliedSeq: 3, held: [[1, 3]] })]);
    expect(effectsOf(room({ appliedSeq: 8, held: [[1, 3]] }), entry)).toEqual([facts({ rev: 6, applied: 6, seq: 3, appliedSeq: 8, held: [[1, 3]] })]);
  });

  test("tells facts that are known already no more than once", () => {
    expect(effectsOf(room({ rev: 6, members: 3 }), { ...head(6), event: "joined", who: CLEO })[0]).toEqual(facts({ rev: 6, applied: 6, members: 3 }));
  });

  test.each(["left", "removed"] as const)("makes a room one without a host when the host has %s, and nobody else", (event) => {
    const others: Entry = { ...head(6), event, who: CLEO };
    expect(effectsOf(room({ host: "cleo" }), others)[0]).toEqual(facts({ rev: 6, applied: 6, members: 1 }));
    expect(effectsOf(room({ host: "bob" }), others)[0]).toEqual(facts({ rev: 6, applied: 6, members: 1, host: "bob" }));
    expect(effectsOf(room({ host: "cleo", rev: 8 }), others)[0]).toEqual(facts({ rev: 8, applied: 6, host: "cleo" }));
  });

  test("makes nobody a member by the coming and going of others", () => {
    const open = { kind: "public", joined: false, applied: null } as const;
    expect(effectsOf(room(open), { ...head(6), event: "joined", who: CLEO })).toEqual([facts({ ...open, rev: 6, members: 3 })]);
    expect(effectsOf(room(open), { ...head(6), event: "left", who: CLEO })).toEqual([facts({ ...open, rev: 6, members: 1 })]);
  });

  test("takes no facts back that are newer, and no members below none", () => {
    expect(effectsOf(room({ rev: 8 }), { ...head(6), event: "topic", topic: "loud" })[0]).toEqual(facts({ rev: 8, applied: 6 }));
    expect(effectsOf(room({ members: 0 }), { ...head(6), event: "left", who: CLEO })[0]).toEqual(facts({ rev: 6, applied: 6, members: 0 }));
  });

  test("of a room whose timeline does not flow changes its facts, and of an unknown room nothing", () => {
    expect(effectsOf(room({ applied: null, joined: false }), { ...head(9), event: "topic", topic: "loud" })).toEqual([facts({ rev: 9, applied: null, joined: false, topic: "loud" })]);
    expect(effectsOf(room(), { ...head(6), room: 8, event: "topic", topic: "loud" })).toEqual([]);
  });

  test("ends the row of an own send, also where it is known", () => {
    for (const applied of [5, 6]) {
      const model = room({ applied });
      model.setOutbox({ device: null, rows: [{ id: 4, device: "mine", n: 2, at: 0, command: { event: "say", room: ROOM, text: "hello" } }], drafts: model.drafts });
      const entry: Entry = { ...head(6, ADA), event: "message", seq: 3, text: "hello", edited: false, deleted: false, device: "mine", n: 2 };
      expect(effectsOf(model, entry)[0]).toEqual({ kind: "settled", id: 4 });
      expect(effectsOf(model, { ...entry, n: 3 })).not.toContainEqual({ kind: "settled", id: 4 });
    }
  });

  test("names people", () => {
    const model = room();
    const [dan, eve, fay] = ["dan", "eve", "fay"].map((user) => ({ user, name: user.toUpperCase() }));
    const created: Entry = { ...head(1, dan), room: 9, event: "room created", kind: "public", name: "hall", topic: "", members: [eve, fay, { user: "gil" }] as never };
    expect(effectsOf(model, created)).toEqual([dan, eve, fay].map((person) => ({ kind: "person", person })));
    expect(effectsOf(model, { ...head(6), event: "joined", who: { user: "cleo", name: "Cleo" } })[0]).toEqual({ kind: "person", person: { user: "cleo", name: "Cleo" } });
    expect(learned(model, BOB)).toEqual([]);
    expect(learned(model, { user: "bob" })).toEqual([]);
    expect(learned(model, { name: "bob" })).toEqual([]);
  });
});

test("an entry is known, behind a gap, or neither", () => {
  expect([4, 5, 6, 7].map((rev) => standingOf(room(), { room: ROOM, rev }))).toEqual(["known", "known", null, "gap"]);
  expect([standingOf(room({ applied: null }), { room: ROOM, rev: 9 }), standingOf(room(), { room: 8, rev: 9 })]).toEqual([null, null]);
});

describe("a room begins", () => {
  const about: Room = { room: ROOM, kind: "private", name: "den", topic: "quiet", joined: true, members: 3, rev: 9, seq: 4, read: 4 };

  test("for somebody who is added, as it is described", () => {
    const model = room();
    model.apply({ kind: "forget room", room: ROOM });
    const begun = { ...unknownRoom(ROOM), ...about, applied: 9, appliedSeq: 4 };
    const { strange: _, ...told } = begun;
    const entry: Entry = { ...head(9), event: "joined", who: ADA, about };
    expect(effectsOf(model, entry)).toEqual([forgotten, { kind: "room", room: told }, { kind: "notice", notice: { room: ROOM, rev: 9, after: 4, at: 9, notice: { what: "joined", from: BOB, who: ADA } } }]);
    const { about: __, ...terse } = entry as Entry & { readonly event: "joined" };
    expect(effectsOf(model, terse)[1]).toEqual({ kind: "room", room: { ...unknownRoom(ROOM), joined: true, members: 1, rev: 9, applied: 9, strange: true } });
  });

  test("anew for somebody who comes back, without what was read meanwhile", () => {
    const model = room({ kind: "public", joined: false, applied: null, read: 2 });
    const entry: Entry = { ...head(9, ADA), event: "joined", who: ADA };
    expect(effectsOf(model, entry)).toEqual([
      forgotten,
      facts({ kind: "public", rev: 9, members: 3, read: 2, applied: 9, held: [], strange: true }),
      notice(9, { what: "joined", from: ADA, who: ADA }),
    ]);
  });

  test("for who has made it and for whom it was made with, not for others", () => {
    const created: Entry = { ...head(1), room: 9, event: "room created", kind: "private", name: "hut", topic: "small", members: [ADA, BOB] };
    const { strange: _, ...blank } = unknownRoom(9);
    const hut = { ...blank, kind: "private", name: "hut", topic: "small", joined: true, members: 2, rev: 1, applied: 1 };
    expect(effectsOf(room(), created)).toEqual([{ ...forgotten, room: 9 }, { kind: "room", room: hut }, { kind: "notice", notice: { room: 9, rev: 1, after: 0, at: 1, notice: { what: "created", from: BOB, text: "hut" } } }]);
    expect(effectsOf(room(), { ...created, kind: "direct" })[1]).toEqual({ kind: "room", room: { ...hut, kind: "direct", with: [BOB] } });
    expect(effectsOf(room(), { ...created, kind: "public", members: [], host: "ada" })[1]).toEqual({ kind: "room", room: { ...hut, kind: "public", host: "ada", members: 1 } });
    expect(effectsOf(room(), { ...created, members: [BOB, CLEO], host: "bob" })).toEqual([]);
    const nobody = new Model();
    expect(effectsOf(nobody, { ...created, from: { guest: "" }, members: [{}] })).toEqual([]);
  });

  test("for nobody else: what is told of it to others leaves where they have read, and whether they are in", () => {
    const entry: Entry = { ...head(6), event: "joined", who: CLEO, about: { ...about, rev: 6, read: 9, joined: false } };
    expect(effectsOf(room(), entry)[0]).toEqual(facts({ rev: 6, applied: 6, members: 3, seq: 4 }));
  });
});

describe("a room ends", () => {
  test("for who leaves or is removed, with a name for what was lost", () => {
    const known = { room: ROOM, kind: "private", name: "den" };
    expect(effectsOf(room(), { ...head(6, ADA), event: "left", who: ADA })).toEqual([{ kind: "lost", room: ROOM, lost: known }, { kind: "forget room", room: ROOM }]);
    expect(effectsOf(room(), { ...head(6), event: "removed", who: ADA })).toEqual([{ kind: "lost", room: ROOM, lost: { ...known, by: BOB } }, { kind: "forget room", room: ROOM }]);
    expect(lost({ ...ROOM_RECORD, with: [BOB] as never })).toEqual([{ kind: "lost", room: ROOM, lost: { ...known, with: [BOB] } }]);
  });

  test("and stays to be looked at where it is public", () => {
    const open = { ...ROOM_RECORD, kind: "public" as const };
    expect(ended(open)).toEqual([{ kind: "room", room: { ...open, joined: false, applied: null } }]);
    expect(effectsOf(room({ kind: "public" }), { ...head(6, ADA), event: "left", who: ADA })[1]).toEqual(facts({ kind: "public", joined: false, applied: null, rev: 6, members: 1 }));
  });
});

describe("an entry of the whole house", () => {
  const house = (rev: number, event: "named" | "owner", who = ADA): Entry => ({ ...head(rev, who), room: HOUSE, event, who } as Entry);
  const record = (rev: number): Change => ({ kind: "room", room: { ...unknownRoom(HOUSE), applied: rev, rev } });
  const session = { user: "ada", name: "ada", owner: false, token: "t" };

  test("counts, and changes who one is", () => {
    expect(effectsOf(room(), house(3, "owner"))).toEqual([record(3), { kind: "session", session: { ...session, owner: true } }]);
    const ida = { user: "ada", name: "Ida" };
    expect(effectsOf(room(), { ...house(3, "named", ida), from: {} })).toEqual([{ kind: "person", person: ida }, record(3), { kind: "session", session: { ...session, name: "Ida" } }]);
    expect(effectsOf(room(), house(3, "named", { user: "ada" } as never))).toEqual([record(3), { kind: "session", session: { ...session, name: null } }]);
    for (const event of ["named", "owner"] as const) expect(effectsOf(room(), house(3, event, BOB))).toEqual([record(3)]);
    expect(effectsOf(new Model(), house(3, "owner", {} as never))).toEqual([record(3)]);
  });

  test("counts once", () => {
    const model = room();
    for (const change of effectsOf(model, house(3, "owner", BOB))) model.apply(change);
    expect([2, 3].flatMap((rev) => effectsOf(model, house(rev, "owner")))).toEqual([]);
    expect(effectsOf(model, house(4, "owner", BOB))).toEqual([record(4)]);
  });
});

describe("a page of the history", () => {
  const answer = (change: Partial<HistoryAnswer>): HistoryAnswer => ({ messages: [], first: false, last: false, seq: 2, rev: 5, ...change });
  const page = (model: Model, asked: Page, said: Partial<HistoryAnswer>, asOf = 5): readonly Change[] => historyEffects(model, ROOM, asked, answer(said), asOf);
  const wired = ({ asOf: _, ...rest }: MessageRecord): HistoryAnswer["messages"][number] => rest;
  const room9 = { held: [[1, 2]] as const, seq: 9, toldOf: 5 };

  test("of an unknown room is nothing", () => {
    expect(historyEffects(room(), 8, {}, answer({}), 5)).toEqual([]);
  });

  test("brings its messages, who has written them, and what they tell of the room", () => {
    const dan = { user: "dan", name: "Dan" };
    expect(page(room(), { after: 2 }, { messages: [wired(message(3)), wired(message(4, { from: dan }))], seq: 9, rev: 7 }, 4)).toEqual([
      { kind: "message", message: message(3, { asOf: 4 }) },
      { kind: "message", message: message(4, { from: dan, asOf: 4 }) },
      { kind: "person", person: dan },
      facts({ held: [[1, 4]], seq: 9, toldOf: 7 }),
    ]);
    expect(page(room({ toldOf: 8, seq: 3 }), { after: 3 }, { messages: [wired(message(4))], seq: 2, rev: 7 }).at(-1)).toEqual(facts({ held: [[1, 2], [4, 4]], seq: 4, toldOf: 8 }));
  });

  test("names nobody anew who has got a name since it was asked for", () => {
    const model = room();
    const before = model.peopleVersion;
    model.apply({ kind: "person", person: { user: "bob", name: "rob" } });
    const asked = (names: number): readonly Change[] => historyEffects(model, ROOM, {}, answer({ messages: [wired(message(1))] }), 5, names);
    expect([before, model.peopleVersion].map((names) => asked(names).filter(({ kind }) => kind === "person").length)).toEqual([0, 1]);
  });

  test("that is the first tells where the room begins for its reader", () => {
    const floors = (asked: Page, said: Partial<HistoryAnswer>): unknown => (page(room({ floor: 1, seq: 9 }), asked, { seq: 9, ...said }).at(-1) as { readonly room: RoomRecord }).room.floor;
    expect(floors({ before: 9 }, { first: true, messages: [wired(message(5)), wired(message(6))] })).toBe(5);
    expect(floors({ before: 9 }, { first: false, messages: [wired(message(5))] })).toBe(1);
    expect(floors({ before: 6 }, { first: true })).toBe(6);
    expect(floors({}, { first: true })).toBe(10);
    expect([floors({ after: 4 }, { first: true }), floors({ around: 4 }, { first: true })]).toEqual([1, 1]);
  });

  test("that is empty says nothing of what is here", () => {
    expect(page(room({ seq: 9 }), { after: 9 }, { seq: 3 })).toEqual([facts({ ...room9 })]);
  });
});

test("of an unknown room nothing is known, and that it is so", () => {
  const blank = { kind: "private", name: "", topic: "", joined: false, members: 0, rev: 0, seq: 0, floor: 1, read: 0, applied: null, appliedSeq: 0, held: [], strange: true };
  expect(unknownRoom(ROOM)).toEqual({ room: ROOM, ...blank });
});

describe("the description of a room", () => {
  const told: Room = { room: ROOM, kind: "public", name: "hall", topic: "", joined: false, members: 4, rev: 6, seq: 3, read: 0 };

  test("of one that is not known begins with nothing", () => {
    const { strange: _, ...blank } = unknownRoom(ROOM);
    expect(described(null, told)).toEqual({ ...blank, ...told });
  });

  test("takes the facts, and leaves what this device has", () => {
    const own = { applied: 5, appliedSeq: 2, held: [[1, 2]] as const, floor: 2, read: 1, away: { read: 1, mark: 2, count: 1, capped: false }, trail: [{ rev: 5, at: 5 }], toldOf: 4 };
    expect(described({ ...ROOM_RECORD, ...own }, told)).toEqual({ ...told, ...own, read: 1, seq: 3 });
    expect(described({ ...ROOM_RECORD, ...own, host: "bob", with: [BOB] as never }, told)).toEqual({ ...told, ...own, read: 1, seq: 3 });
    expect(described({ ...ROOM_RECORD, ...own, seq: 8 }, { ...told, read: 3 })).toEqual({ ...told, ...own, read: 3, seq: 8 });
  });

  test("that is older than what is known is passed over, unless it is not known what the room is", () => {
    const known = { ...ROOM_RECORD, rev: 7 };
    expect(described(known, told)).toBe(known);
    expect(described({ ...known, rev: 6 }, told).name).toBe("hall");
    const met = described({ ...known, strange: true }, told);
    expect([met.name, met.strange]).toEqual(["hall", undefined]);
  });
});

describe("a change that a page of the history has missed", () => {
  test("is made on its message alone", () => {
    expect(missedChange(room(), { ...head(6), event: "edited", seq: 1, text: "new" })).toEqual([{ kind: "message", message: message(1, { text: "new", edited: true, asOf: 6 }) }]);
    expect(missedChange(room(), { ...head(6), event: "edited", seq: 1 })).toEqual([{ kind: "message", message: message(1, { edited: true, asOf: 6 }) }]);
    expect(missedChange(room(), { ...head(6), event: "deleted", seq: 1 })).toEqual([{ kind: "message", message: message(1, { text: "", deleted: true, asOf: 6 }) }]);
  });

  test("is none where there is nothing to change", () => {
    const entries: readonly Entry[] = [{ ...head(6), event: "deleted", seq: 9 }, { ...head(6), room: 8, event: "deleted", seq: 1 }, { ...head(6), event: "topic", topic: "loud" }, { ...head(5), event: "edited", seq: 1, text: "same" }];
    expect(entries.flatMap((entry) => missedChange(room(), entry))).toEqual([]);
  });

  test("puts no text into a message that is deleted, and deletes one that was edited", () => {
    const model = room();
    model.apply({ kind: "message", message: message(1, { deleted: true, text: "" }) });
    expect(missedChange(model, { ...head(6), event: "edited", seq: 1, text: "back" })).toEqual([]);
    expect(missedChange(model, { ...head(6), event: "deleted", seq: 1 })).toHaveLength(1);
  });
});

test("a deletion spoils the server's count of what is not here, where it may have been counted", () => {
  const away = { read: 1, mark: 6, count: 5, capped: false };
  const kept = (seq: number): boolean => {
    const [change] = effectsOf(room({ away, seq: 9 }), { ...head(6), event: "deleted", seq });
    return change?.kind === "room" && change.room.away !== undefined;
  };
  expect([1, 2, 6, 7].map(kept)).toEqual([true, false, false, true]);
});
