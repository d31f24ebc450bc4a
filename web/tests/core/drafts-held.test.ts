// Goal: what is typed while the store is busy is neither lost nor shown twice, and two tabs never write over each other unseen.

import { effect } from "@preact/signals-core";
import { describe, expect, test } from "vitest";
import { laterDrafts, placeName, recovered } from "../../src/core/drafts.ts";
import type { Note } from "../../src/core/ports.ts";
import type { DraftRecord } from "../../src/core/store.ts";
import { Desk, HERE, START } from "./draft-desk.ts";
import { Paper } from "./paper.ts";
import { settled } from "./virtual-clock.ts";

const version = (text: string | null, at: number, more: Partial<DraftRecord> = {}): DraftRecord => ({ room: 1, text, at, after: 0, ...more });
const known = (...drafts: readonly DraftRecord[]): ReadonlyMap<string, DraftRecord> => new Map(drafts.map((draft) => [placeName(draft), draft]));

describe("while the store is busy", () => {
  test("what is typed after a version that is being kept is kept too", async () => {
    const desk = new Desk();
    const go = desk.store.hold();
    desk.drafts.set(HERE, "a");
    await desk.clock.pass(100);
    desk.drafts.set(HERE, "ab");
    go();
    await desk.clock.pass(1_000);
    expect(desk.kept?.text).toBe("ab");
  });

  test("a text that is being sent is not taken from the drafts before it is in the outbox", async () => {
    const desk = new Desk();
    desk.drafts.set(HERE, "a");
    await desk.clock.pass(1_000);
    desk.store.hold();
    void desk.drafts.send(HERE, "a");
    await desk.drafts.keep();
    // The one step moves it; there is none that only removes it.
    expect(desk.steps).toHaveLength(2);
  });

  test("what another place has is kept though a text is being sent", async () => {
    const desk = new Desk();
    desk.store.hold();
    void desk.drafts.send(HERE, "a");
    desk.drafts.set({ room: 2 }, "b");
    void desk.drafts.keep();
    await settled();
    expect(desk.steps).toHaveLength(2);
  });

  test("what is jotted down is what is still being sent, and nothing that was sent before", async () => {
    const paper = new Paper();
    const desk = new Desk("8000", paper.pad());
    const leaving = (): unknown => paper.notes.map((note) => note.leaving.map(({ text }) => text));
    const go = desk.store.hold();
    void desk.drafts.send(HERE, "a");
    void desk.drafts.send(HERE, "b");
    void desk.drafts.hide();
    expect(leaving()).toEqual([["a", "b"]]);
    go();
    await desk.clock.pass(1_000);
    desk.store.hold();
    void desk.drafts.send(HERE, "c");
    void desk.drafts.hide();
    expect(leaving()).toEqual([["c"]]);
  });

  test("what is jotted down keeps what follows the first of two texts that are being sent", async () => {
    const paper = new Paper();
    const desk = new Desk("8000", paper.pad());
    const first = desk.store.hold();
    void desk.drafts.send(HERE, "a");
    await settled();
    const second = desk.store.hold();
    void desk.drafts.send(HERE, "b");
    first();
    await desk.clock.pass(100);
    void desk.drafts.hide();
    expect(paper.notes.map((note) => note.leaving.map(({ text }) => text))).toEqual([["b"]]);
    second();
    await desk.clock.pass(1_000);
    expect([...desk.disk.rows.values()].map(({ command }) => command)).toMatchObject([{ text: "a" }, { text: "b" }]);
  });
});

describe("what another tab has kept", () => {
  const OTHERS = version("of another tab", START - 100 + 0.25);

  test("is put aside by a tab that has not seen it", async () => {
    const desk = new Desk();
    desk.disk.drafts.set("1", OTHERS);
    desk.drafts.set(HERE, "mine");
    await desk.drafts.keep();
    expect([desk.kept?.text, desk.disk.drafts.get("1 0.25")?.text]).toEqual(["mine", "of another tab"]);
  });

  test("and is later than what a page jotted down stays", async () => {
    const paper = new Paper();
    paper.pad().write([{ ...version("early", 5.25), leaving: [] }]);
    const desk = new Desk("8000", paper.pad());
    desk.disk.drafts.set("1", version("late", 9.25));
    await desk.drafts.begin();
    expect([desk.kept?.text, paper.notes]).toEqual(["late", []]);
  });

  test("is shown when it is read, with all that stays, and nothing is told that is shown already", async () => {
    const desk = new Desk();
    desk.drafts.set({ room: 2 }, "stays");
    desk.disk.drafts.set("1", OTHERS);
    await desk.drafts.keep();
    await desk.outbox.read();
    const shown = (): readonly (string | null)[] => [HERE, { room: 2 }].map((place) => desk.drafts.text(place));
    expect(shown()).toEqual(["of another tab", "stays"]);
    let told = -1;
    const stop = effect(() => {
      shown();
      told += 1;
    });
    await desk.outbox.read();
    expect(told).toBe(0);
    desk.disk.drafts.set("1", { ...OTHERS, text: "of another tab, later", at: OTHERS.at + 1 });
    await desk.outbox.read();
    expect([told, shown()]).toEqual([1, ["of another tab, later", "stays"]]);
    stop();
  });
});

describe("a version", () => {
  test("has no fields of places that it is not in", async () => {
    const desk = new Desk();
    desk.drafts.set(HERE, "a");
    await desk.drafts.keep();
    expect(desk.kept).toStrictEqual(version("a", START + 0.5));
  });

  test("of a text that was not typed here is named as sent", async () => {
    const desk = new Desk();
    void desk.drafts.send(HERE, "pasted");
    await settled();
    expect(desk.kept?.sent).toEqual([START + 0.5]);
  });

  test("that goes on from one that another tab has sent names that, also where it is jotted down", async () => {
    const paper = new Paper();
    const desk = new Desk("8000", paper.pad());
    desk.disk.drafts.set("1", version(null, 9.25, { sent: [8.25, 9.25] }));
    desk.disk.drafts.set("2", { ...version("a", 9.25), room: 2 });
    await desk.outbox.read();
    desk.store.isFull = true;
    desk.drafts.set(HERE, "next");
    desk.drafts.set({ room: 2 }, "ab");
    await desk.drafts.hide();
    expect(paper.notes.map((note) => [note.text, note.sent, "sent" in note])).toEqual([
      ["next", [8.25, 9.25], true],
      ["ab", undefined, false],
    ]);
  });

  test("names of each tab the latest version that it was made from", () => {
    const later = laterDrafts(known(version("old", 20.75, { from: [9.25, 12.25, 8.25, 3.125] })), [version("new", 21.75, { after: 20.75, from: [11.125, 20.75] })]);
    expect([...(later.get("1")?.from ?? [])].toSorted((a, b) => a - b)).toEqual([11.125, 12.25, 20.75]);
  });

  test("without a text that a page jotted down empties the place", () => {
    const note: Note = { ...version(null, 9.25, { after: 5.25 }), leaving: [] };
    expect(recovered(known(version("b", 5.25)), [note]).map(({ text }) => text)).toEqual([null]);
  });

  test("that is forgotten is forgotten without waiting for the disk", async () => {
    const desk = new Desk();
    desk.disk.drafts.set("1", version(null, START));
    await desk.clock.pass(8 * 24 * 3_600_000);
    await desk.outbox.read();
    await desk.drafts.tidy();
    expect([desk.disk.drafts.size, desk.store.steps.map(({ durability }) => durability)]).toEqual([0, ["relaxed"]]);
  });
});
