// What every store promises, whatever it keeps things in: each kind runs these tests.

import { describe, expect, test } from "vitest";
import { unknownRoom } from "../../src/core/effects.ts";
import { enqueue } from "../../src/core/numbering.ts";
import type { Change, DraftRecord, MessageRecord, OutboxPart, Store } from "../../src/core/store.ts";

const ADA = { user: "ada", name: null, owner: false, token: "secret" };

const says = (part: Pick<OutboxPart, "device" | "count">) => enqueue(part, { event: "say", room: 1, text: "hello" }, 0, "device");
const message = (seq: number): MessageRecord => ({ room: 1, seq, rev: seq, at: seq, from: { user: "ada" }, text: "hello", edited: false, deleted: false, asOf: seq });
const person = (user: string): Change => ({ kind: "person", person: { user, name: user } });

export function describeStore(name: string, open: () => Promise<Store>): void {
  describe(name, () => {
    describe("keeps of people here", () => ofPeopleHere(open));
    describe("keeps of the server", () => ofServer(open));
  });
}

function ofPeopleHere(open: () => Promise<Store>): void {
  test("a commit raises the version of the outbox if it ends a row, and says so", async () => {
    const store = await open();
    for (let row = 1; row <= 3; row += 1) await store.changeOutbox({}, says);
    expect(await store.commit([{ kind: "cursor", cursor: "c" }], null)).toEqual({ revision: 1, version: null });
    expect(await store.commit([{ kind: "cursor", cursor: "d" }, { kind: "settled", id: 1 }], null)).toEqual({ revision: 2, version: 4 });
    expect(await store.commit([{ kind: "refused", id: 2, code: "empty" }], null)).toEqual({ revision: 3, version: 5 });
    const { version, rows } = await store.outbox();
    expect([version, await store.outboxVersion(), rows.map(({ id, refused }) => [id, refused])]).toEqual([5, 5, [[2, "empty"], [3, undefined]]]);
    store.close();
  });

  test("a row that is refused and done in the same commit is gone, and one that is not there does not come back", async () => {
    const store = await open();
    for (let row = 1; row <= 2; row += 1) await store.changeOutbox({}, says);
    await store.changeOutbox({ rows: [2] }, ({ rows }) => ({ put: rows.map((row) => ({ ...row, withdrawn: true as const })), result: undefined }));
    await store.commit([{ kind: "settled", id: 1 }, { kind: "refused", id: 1, code: "empty" }, { kind: "refused", id: 2, code: "empty" }, { kind: "refused", id: 2, code: "again" }, { kind: "refused", id: 9, code: "empty" }], null);
    expect((await store.outbox()).rows).toEqual([]);
    store.close();
  });

  test("a draft that is dropped and written in one change is there as it was written", async () => {
    const store = await open();
    const draft = (text: string, at: number): DraftRecord => ({ room: 1, text, at, after: 0 });
    await store.changeOutbox({ drafts: "all" }, () => ({ drafts: [draft("later", 9)], result: undefined }));
    const { difference } = await store.changeOutbox({ drafts: "all" }, () => ({ dropDrafts: ["1"], drafts: [draft("earlier", 2)], result: undefined }));
    expect([(await store.outbox()).drafts.get("1"), difference.drafts.get("1")]).toEqual([draft("earlier", 2), draft("earlier", 2)]);
    store.close();
  });

  test("a change says what it was made from and what it has written", async () => {
    const store = await open();
    const first = await store.changeOutbox({}, says);
    expect(first.difference).toEqual({ version: 1, before: null, device: { id: "device", next: 2, lastRow: 1 }, put: [first.result], drop: [], drafts: new Map() });
    const { difference } = await store.changeOutbox({}, () => ({ drop: [1], result: undefined }));
    expect(difference).toEqual({ version: 2, before: first.difference.device, device: first.difference.device, put: [], drop: [1], drafts: new Map() });
    store.close();
  });

  test("rows stand in the order of their ids, whichever was written last", async () => {
    const store = await open();
    for (let row = 1; row <= 3; row += 1) await store.changeOutbox({}, says);
    await store.changeOutbox({ rows: [1] }, ({ rows }) => ({ drop: [1], result: rows }));
    await store.changeOutbox({ rows: "all" }, ({ rows }) => ({ put: rows.slice(0, 1).map((row) => ({ ...row, id: 1 })), result: undefined }));
    expect((await store.outbox()).rows.map(({ id }) => id)).toEqual([1, 2, 3]);
    store.close();
  });
}

function ofServer(open: () => Promise<Store>): void {
  test("a room that is forgotten takes its own messages and notices along, from the first to the last, and no others", async () => {
    const store = await open();
    const changes = [1, 2, 3].flatMap((room): readonly Change[] => [
      { kind: "room", room: unknownRoom(room) },
      ...[0, 1, 7].map((seq): Change => ({ kind: "message", message: { ...message(seq), room } })),
      ...[0, 1, 7].map((rev): Change => ({ kind: "notice", notice: { room, rev, after: 0, at: 0, notice: { what: "left", from: { guest: "" } } } })),
    ]);
    await store.commit([...changes, { kind: "forget room", room: 2 }, { kind: "forget notices", room: 3, to: 1 }, { kind: "forget messages", room: 3, from: 1, to: 7 }], null);
    const { rooms, messages, notices } = await store.load();
    expect([rooms.map(({ room }) => room), messages.map(({ room, seq }) => [room, seq]), notices.map(({ room, rev }) => [room, rev])]).toEqual([
      [1, 3],
      [[1, 0], [1, 1], [1, 7], [3, 0]],
      [[1, 0], [1, 1], [1, 7], [3, 7]],
    ]);
    store.close();
  });

  test("who the store is of is renewed for that person, and never replaced by another, also in one commit", async () => {
    const store = await open();
    const session = (user: string, token: string): Change => ({ kind: "session", session: { ...ADA, user, token } });
    await store.commit([session("ada", "1"), session("eve", "2"), { kind: "forget all" }, session("ada", "3")], null);
    expect((await store.load()).session).toEqual({ ...ADA, token: "3" });
    await store.commit([session("eve", "4")], null);
    await store.commit([session("ada", "5")], null);
    expect((await store.load()).session).toEqual({ ...ADA, token: "5" });
    store.close();
  });

  test("people are forgotten, and nothing else with them; what is kept of the server goes with everything, and what people do here stays", async () => {
    const store = await open();
    await store.changeOutbox({ drafts: "all" }, (part) => ({ ...says(part), drafts: [{ room: 1, text: "typed", at: 1, after: 0 }] }));
    await store.commit([{ kind: "session", session: ADA }, { kind: "room", room: unknownRoom(1) }, person("ada"), { kind: "forget people" }, person("bob"), { kind: "cursor", cursor: "c" }], null);
    expect(await store.load()).toMatchObject({ cursor: "c", rooms: [{ room: 1 }], people: [{ user: "bob" }] });
    await store.commit([{ kind: "lost", room: 2, lost: { room: 2, kind: "private", name: "plans" } }, { kind: "message", message: message(1) }, { kind: "forget all" }], null);
    const { outbox, ...rest } = await store.load();
    expect(rest).toMatchObject({ session: ADA, cursor: null, rooms: [], lost: [], messages: [], notices: [], people: [] });
    expect([outbox.rows.length, outbox.drafts.get("1")?.text]).toEqual([1, "typed"]);
    store.close();
  });

  test("a room that was lost is named until it is there again", async () => {
    const store = await open();
    const lost = { room: 2, kind: "private", name: "plans" } as const;
    await store.commit([{ kind: "lost", room: 2, lost }, { kind: "lost", room: 3, lost: { ...lost, room: 3 } }], null);
    await store.commit([{ kind: "lost", room: 3, lost: null }], null);
    expect((await store.load()).lost).toEqual([lost]);
    store.close();
  });
}
