// Goal: an answer takes back nothing that was told before its turn, also when the store is so busy that both have to wait.

import { expect, test } from "vitest";
import { unknownRoom } from "../../src/core/effects.ts";
import type { Change, MessageRecord, RoomRecord } from "../../src/core/store.ts";
import { ADA, Bench, quiet } from "./session-bench.ts";
import { BusyStore } from "./slow-store.ts";
import { settled } from "./virtual-clock.ts";

const ROOM = 7;
const BOB = { user: "bob", name: "bob" };
const { strange: _, ...UNKNOWN } = unknownRoom(ROOM);
const GARDEN: RoomRecord = { ...UNKNOWN, kind: "public", name: "garden", joined: true, applied: 5, rev: 5, seq: 2, appliedSeq: 2 };
const message = (seq: number) => ({ room: ROOM, seq, rev: seq, at: seq, from: { user: "bob" }, text: `text ${seq}` });
const kept = (seq: number): Change => ({ kind: "message", message: { ...(message(seq) as MessageRecord), edited: false, deleted: false, asOf: seq } });
const head = { room: ROOM, rev: 6, at: 6, from: BOB, cursor: "c" };
const page = { ok: true, messages: [message(1), message(2)], first: false, last: true, seq: 2, rev: 5 };

interface Case {
  /** What is asked, and what the server answers: it stands as it was before the event. */
  readonly ask: (bench: Bench) => unknown;
  readonly answer: readonly [name: string, answer: object];
  readonly event: readonly [name: string, payload: object];
  /** What there is to see once all have had their turns. */
  readonly shown: (bench: Bench) => unknown;
  readonly told: unknown;
  readonly before?: readonly Change[];
}

const history = { ask: (bench: Bench) => bench.session.history(ROOM, {}, 50), answer: ["history", page] } as const;
const nameOf = (bench: Bench): unknown => bench.model.people.get("bob")?.name;
const renamed = ["named", { ...head, room: 0, who: { user: "bob", name: "robert" } }] as const;

const CASES: Readonly<Record<string, Case>> = {
  "a page of the history, and an edit": {
    ...history,
    event: ["edited", { ...head, seq: 1, text: "changed" }],
    shown: (bench) => bench.model.message(ROOM, 1)?.text,
    told: "changed",
  },
  "a page of the history, and a deletion": {
    ...history,
    event: ["deleted", { ...head, seq: 2 }],
    shown: (bench) => [bench.model.message(ROOM, 2)?.text, bench.model.message(ROOM, 2)?.deleted],
    told: ["", true],
  },
  "a page of the history, and a new name": {
    ...history,
    answer: ["history", { ...page, messages: [{ ...message(1), from: BOB }] }],
    event: renamed,
    shown: nameOf,
    told: "robert",
  },
  "a page of the history, and the removal of its reader": {
    ...history,
    event: ["removed", { ...head, who: ADA }],
    shown: (bench) => [bench.model.message(ROOM, 1), bench.model.record(ROOM)],
    told: [null, null],
    before: [{ kind: "room", room: { ...GARDEN, kind: "private" } }],
  },
  "the members of a room, and a new name": {
    ask: (bench) => bench.session.request("members", { room: ROOM }),
    answer: ["members", { ok: true, members: [{ ...BOB, online: true }], count: 1, more: false }],
    event: renamed,
    shown: nameOf,
    told: "robert",
  },
  "a count of unread messages, and a deletion": {
    ask: (bench) => bench.clock.pass(200),
    answer: ["unread", { ok: true, unread: { [ROOM]: { count: 2, mark: 2 } } }],
    event: ["deleted", { ...head, seq: 2 }],
    shown: (bench) => bench.model.record(ROOM)?.away,
    told: undefined,
  },
  "a description of a room, and its joining": {
    ask: (bench) => bench.session.visit(ROOM),
    answer: ["rooms", { ok: true, rooms: [{ ...GARDEN, joined: false, members: 3 }] }],
    event: ["joined", { ...head, from: ADA, who: ADA }],
    shown: (bench) => bench.model.record(ROOM)?.joined,
    told: true,
    before: [{ kind: "room", room: { ...GARDEN, joined: false, applied: null } }, kept(1)],
  },
};

test.each(Object.keys(CASES))("%s", async (name) => {
  const { ask, answer, event, shown, told, before = [{ kind: "room", room: GARDEN }, { kind: "person", person: BOB }] } = CASES[name] as Case;
  const store = new BusyStore();
  const bench = await new Bench(store).online(quiet);
  await bench.apply(...before);
  const asked = ask(bench);
  await settled();
  const letGo = store.hold();
  void bench.apply({ kind: "cursor", cursor: "c0" });
  await settled();
  await bench.hear(...event);
  bench.answer(...answer);
  await settled();
  letGo();
  await asked;
  await bench.ledger.idle();
  expect(shown(bench)).toEqual(told);
});
