// Versions of drafts without any tab: which one is kept, what it names, and what becomes of notes.

import { describe, expect, test } from "vitest";
import { laterDrafts, recovered } from "../../src/core/drafts.ts";
import type { DraftRecord } from "../../src/core/store.ts";
import { LOBBY } from "./people.ts";

test("a version that three tabs made, one after the other, is followed by the first though it missed the second", () => {
  const first: DraftRecord = { room: LOBBY, text: "a", at: 10.25, after: 0 };
  const third: DraftRecord = { room: LOBBY, text: "abc", at: 12.75, after: 11.5, from: [10.25, 11.5] };
  const stranger: DraftRecord = { room: LOBBY, text: "x", at: 13.125, after: 0 };
  expect([...laterDrafts(new Map([["1", first]]), [third])]).toEqual([["1", third]]);
  expect([...laterDrafts(new Map([["1", first]]), [stranger])]).toEqual([["1", stranger], ["1 0.25", { ...first, aside: 0.25 }]]);
  // What the third went on from does not come back with a stranger's text in its place.
  const heir = { ...stranger, from: [10.25, 11.5] };
  expect([...laterDrafts(new Map([["1", third]]), [stranger])]).toEqual([["1", heir], ["1 0.75", { ...third, aside: 0.75 }]]);
});

describe("what was sent", () => {
  const version = (text: string | null, at: number, more: Partial<DraftRecord> = {}): DraftRecord => ({ room: LOBBY, text, at, after: 0, ...more });
  const kept = (known: DraftRecord, draft: DraftRecord): DraftRecord | undefined => laterDrafts(new Map([[`${LOBBY}`, known]]), [draft]).get(`${LOBBY}`);

  test("stays named, whichever version is later", () => {
    expect(kept(version(null, 6.5, { sent: [5.5, 6.5] }), version("next", 7.25))).toEqual(version("next", 7.25, { sent: [5.5, 6.5] }));
    expect(kept(version(null, 7.25, { sent: [7.25] }), version(null, 6.5, { sent: [5.5, 6.5] }))).toEqual(version(null, 7.25, { sent: [5.5, 6.5, 7.25] }));
    expect(kept(version(null, 7.25, { sent: [6.5, 7.25] }), version(null, 6.5, { sent: [6.5] }))).toBeUndefined();
  });

  test("is named up to a bound", () => {
    const many = Array.from({ length: 40 }, (_, index) => index + 0.5);
    expect(kept(version(null, 60, { sent: many }), version(null, 70.25, { sent: [69.25, 70.25] }))?.sent).toEqual([...many.slice(10), 69.25, 70.25]);
  });
});

describe("notes of a page that is gone", () => {
  const draft = (text: string | null, at: number, after = 0): DraftRecord => ({ room: LOBBY, text, at, after });
  const store = (...drafts: readonly DraftRecord[]): ReadonlyMap<string, DraftRecord> => new Map(drafts.map((known) => [`${known.room}`, known]));

  test("are good unless the store has a later version", () => {
    const note = { ...draft("typed", 5), leaving: [] };
    expect(recovered(store(), [note])).toEqual([draft("typed", 5)]);
    expect(recovered(store(draft("old", 4)), [note])).toEqual([draft("typed", 5, 4)]);
    for (const later of [draft("later", 6), draft(null, 6), draft("typed", 5)]) expect(recovered(store(later), [note])).toEqual([]);
  });

  test("bring back what was sent and is not in the outbox, once", () => {
    const note = { ...draft(null, 6, 5), leaving: [{ text: "sent", at: 6 }] };
    expect(recovered(store(draft("sent", 5)), [note])).toEqual([draft("sent", 7, 5)]);
    expect(recovered(store(draft(null, 6)), [note])).toEqual([]);
    const more = { ...draft("next", 8, 6), leaving: [{ text: "sent", at: 6 }] };
    expect(recovered(store(draft("sent", 5)), [more])).toEqual([draft("sent\nnext", 9, 5)]);
    expect(recovered(store(draft(null, 6)), [more])).toEqual([draft("next", 8, 6)]);
  });

  test("bring back what was sent and is not in the outbox, though another tab has written there since", () => {
    const note = { ...draft(null, 6.5, 5), leaving: [{ text: "sent", at: 6.5, isNamed: true }] };
    expect(recovered(store(draft("typed", 7.25, 5)), [note])).toEqual([draft("sent\ntyped", 8.5, 7.25)]);
    expect(recovered(store({ ...draft("typed", 7.25, 5), sent: [5, 6.5] }), [note])).toEqual([note].map(({ leaving: _, ...rest }) => rest));
    // A page of before named nothing.
    const before = { ...note, leaving: [{ text: "sent", at: 6.5 }] };
    expect(recovered(store(draft("typed", 7.25, 5)), [before])).toEqual([before].map(({ leaving: _, ...rest }) => rest));
  });

  test("of several pages are taken in their order", () => {
    const notes = [{ ...draft("two", 6.5), leaving: [] }, { ...draft("one", 5.25), leaving: [] }];
    const found = recovered(store(), notes);
    expect(found).toEqual([draft("one", 5.25), draft("two", 6.5)]);
    expect([...laterDrafts(store(), found).values()]).toEqual([draft("two", 6.5), { ...draft("one", 5.25), aside: 0.25 }]);
    expect(recovered(store(draft("later", 7.75, 5.25)), notes)).toEqual(found);
    expect([...laterDrafts(store(draft("later", 7.75, 5.25)), found).values()]).toEqual([{ ...draft("two", 6.5), aside: 0.5 }]);
  });
});
