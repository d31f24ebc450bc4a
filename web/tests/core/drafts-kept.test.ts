// Goal: what is typed is kept soon, in few steps, and again after a failure; versions name what they were made from, within bounds.
// Without a chat: the test sees each step of the store.

import { describe, expect, test } from "vitest";
import { laterDrafts, placeName, placeOf, recovered } from "../../src/core/drafts.ts";
import type { Note } from "../../src/core/ports.ts";
import type { DraftRecord } from "../../src/core/store.ts";
import { Desk, HERE, START } from "./draft-desk.ts";
import { Paper } from "./paper.ts";
import { settled } from "./virtual-clock.ts";

describe("what is typed", () => {
  test("is kept at once after a pause, and else 300 ms after what was kept before, all of it in one step", async () => {
    const desk = new Desk();
    desk.drafts.set(HERE, "a");
    await desk.clock.pass(0);
    expect(desk.steps).toEqual([0]);
    for (const text of ["ab", "abc"]) {
      await desk.clock.pass(100);
      desk.drafts.set(HERE, text);
      desk.drafts.set({ room: 2 }, text);
    }
    await desk.clock.pass(99);
    expect(desk.steps).toEqual([0]);
    await desk.clock.pass(1_000);
    expect(desk.steps).toEqual([0, 300]);
    expect([...desk.disk.drafts.values()].map(({ text }) => text)).toEqual(["abc", "abc"]);
    desk.drafts.set(HERE, "abcd");
    await desk.clock.pass(0);
    expect(desk.steps).toEqual([0, 300, 1_299]);
    expect(new Set(desk.store.steps.map(({ durability }) => durability))).toEqual(new Set(["relaxed"]));
  });

  test("and is what stands there is not kept again, and no text is the same as an empty one", async () => {
    const desk = new Desk();
    desk.drafts.set(HERE, "");
    desk.drafts.set(HERE, null);
    desk.drafts.set(HERE, "a");
    desk.drafts.set(HERE, "a");
    await desk.clock.pass(1_000);
    desk.drafts.set(HERE, "a");
    await desk.clock.pass(1_000);
    expect(desk.steps).toEqual([0]);
    desk.drafts.set(HERE, "");
    expect(desk.drafts.text(HERE)).toBe(null);
    await desk.clock.pass(1_000);
    expect(desk.kept?.text).toBe(null);
  });

  test("is tried again five seconds after it could not be kept, and not while nothing is new", async () => {
    const desk = new Desk();
    desk.store.isFull = true;
    desk.drafts.set(HERE, "a");
    await desk.clock.pass(5_000);
    expect(desk.steps).toEqual([0, 5_000]);
    desk.store.isFull = false;
    await desk.clock.pass(20_000);
    expect(desk.steps).toEqual([0, 5_000, 10_000]);
    expect(desk.kept?.text).toBe("a");
    await desk.drafts.keep();
    expect(desk.steps).toHaveLength(3);
  });

  test("is not tried again once the page has stopped", async () => {
    const desk = new Desk();
    desk.store.isFull = true;
    desk.drafts.set(HERE, "a");
    await desk.clock.pass(0);
    desk.drafts.stop();
    await desk.clock.pass(60_000);
    expect(desk.steps).toEqual([0]);
    new Desk().drafts.stop();
  });

  test("has versions of about the time, each later than the one before and all with the share of their tab", async () => {
    const desk = new Desk("fff0");
    expect(desk.drafts.share).toBe(0xfff / 0x1000);
    const share = 0xfff / 0x1000;
    desk.drafts.set(HERE, "a");
    await desk.drafts.keep();
    expect(desk.kept).toEqual({ room: 1, text: "a", at: START + share, after: 0 });
    desk.drafts.set(HERE, "ab");
    await desk.drafts.keep();
    expect(desk.kept).toEqual({ room: 1, text: "ab", at: START + 1 + share, after: START + share, from: [0, START + share] });
    await desk.clock.pass(50);
    desk.drafts.set({ room: 1, seq: 3 }, "b");
    await desk.drafts.keep();
    expect([...desk.disk.drafts.keys()]).toEqual(["1", "1/3"]);
    expect(desk.disk.drafts.get("1/3")).toEqual({ room: 1, seq: 3, text: "b", at: START + 50 + share, after: 0 });
  });
});

describe("a page that goes", () => {
  test("jots down what is not kept, and takes that back when it is", async () => {
    const paper = new Paper();
    const desk = new Desk("8000", paper.pad());
    await desk.drafts.hide();
    expect([desk.steps, paper.notes]).toEqual([[], []]);
    desk.store.isFull = true;
    desk.drafts.set(HERE, "a");
    await desk.drafts.hide();
    const note: Note = { room: 1, text: "a", at: START + 0.5, after: 0, leaving: [] };
    expect(paper.notes).toEqual([note]);
    desk.store.isFull = false;
    await desk.drafts.hide();
    expect([paper.notes, desk.kept?.text]).toEqual([[], "a"]);
  });

  test("jots down what is being sent, by the version that took it away", async () => {
    const paper = new Paper();
    const desk = new Desk("8000", paper.pad());
    desk.store.isFull = true;
    desk.drafts.set(HERE, "a");
    const sending = desk.drafts.send(HERE, "a");
    void desk.drafts.hide();
    expect(paper.notes).toEqual([{ room: 1, text: null, at: START + 1.5, after: START + 0.5, from: [0, START + 0.5], leaving: [{ text: "a", at: START + 1.5, isNamed: true }] }]);
    expect(await sending).toEqual({ ok: false, code: "not_kept" });
    expect(desk.drafts.text(HERE)).toBe("a");
  });

  test("leaves notes that the next one brings into the store, and clears when they are there", async () => {
    const paper = new Paper();
    paper.pad().write([{ room: 1, text: "a", at: 5.25, after: 0, leaving: [] }]);
    const desk = new Desk("8000", paper.pad());
    desk.store.isFull = true;
    await desk.drafts.begin();
    expect(paper.notes).toHaveLength(1);
    desk.store.isFull = false;
    await desk.drafts.begin();
    expect([paper.notes, desk.kept?.text]).toEqual([[], "a"]);
    const other = new Desk("8000", new Paper().pad());
    await other.drafts.begin();
    expect(other.steps).toEqual([]);
  });
});

describe("what is sent", () => {
  test("is named with the version that took it away, and the one of the next text is later", async () => {
    const desk = new Desk();
    desk.drafts.set(HERE, "a");
    const first = desk.drafts.send(HERE, "a");
    expect(desk.drafts.text(HERE)).toBe(null);
    desk.drafts.set(HERE, "b");
    const second = desk.drafts.send(HERE, "b");
    await settled();
    expect(desk.kept).toMatchObject({ text: null, sent: [START + 0.5, START + 1.5, START + 2.5, START + 3.5] });
    expect([...desk.disk.rows.values()].map(({ command }) => command)).toEqual([
      { event: "say", room: 1, text: "a" },
      { event: "say", room: 1, text: "b" },
    ]);
    void Promise.all([first, second]);
    // It is not kept as a draft a second time.
    const { length } = desk.steps;
    await desk.clock.pass(10_000);
    expect(desk.steps).toHaveLength(length);
  });

  test("and could not be kept stands before what was typed since, once", async () => {
    const desk = new Desk();
    desk.store.isFull = true;
    desk.drafts.set(HERE, "a");
    const [one, two] = [desk.drafts.send(HERE, "a"), desk.drafts.send(HERE, "b")];
    desk.drafts.set(HERE, " ");
    await Promise.all([one, two]);
    expect(desk.drafts.text(HERE)).toBe("b\na");
    desk.store.isFull = false;
    await desk.clock.pass(10_000);
    expect([desk.kept?.text, desk.disk.rows.size]).toEqual(["b\na", 0]);
  });

  test("is a change where a message was changed, and comes back there", () => {
    expect([placeOf({ event: "say", room: 7, text: "" }), placeOf({ event: "edit", room: 7, seq: 2, text: "" }), placeOf({ event: "delete", room: 7, seq: 2 })]).toEqual([{ room: 7 }, { room: 7, seq: 2 }, null]);
    expect([{ room: 7 }, { room: 7, seq: 2 }, { room: 7, aside: 0.5 }, { room: 7, seq: 2, aside: 0.5 }].map(placeName)).toEqual(["7", "7/2", "7 0.5", "7/2 0.5"]);
  });
});

describe("versions", () => {
  const version = (text: string | null, at: number, more: Partial<DraftRecord> = {}): DraftRecord => ({ room: 1, text, at, after: 0, ...more });
  const known = (...drafts: readonly DraftRecord[]): ReadonlyMap<string, DraftRecord> => new Map(drafts.map((draft) => [placeName(draft), draft]));

  test("of more than sixteen tabs are named no more, the earliest first", () => {
    const from = Array.from({ length: 16 }, (_, tab) => 10 + tab + tab / 32);
    const later = laterDrafts(known(version("old", 5.75, { from })), [version("new", 50.875, { from: [40.9375] })]);
    expect(later.get("1")?.from).toEqual([...from.slice(1), 40.9375]);
  });

  test("of the same tab replace each other, and blank or equal ones of another go unseen", () => {
    expect([...laterDrafts(known(version("a", 5.5)), [version("b", 6.5)]).keys()]).toEqual(["1"]);
    expect([...laterDrafts(known(version(" ", 5.25)), [version("b", 6.5)]).keys()]).toEqual(["1"]);
    expect([...laterDrafts(known(version("b", 5.25)), [version("b", 6.5)]).keys()]).toEqual(["1"]);
    expect([...laterDrafts(known(version("a", 6.5)), [version("b", 6.5)])]).toEqual([]);
    expect([...laterDrafts(known(version("a", 6.25)), [version("b", 5.5)])]).toEqual([["1 0.5", version("b", 5.5, { aside: 0.5 })]]);
  });

  test("that are put aside are nobody's others, and go when their tab writes again", () => {
    const aside = version("a", 5.5, { aside: 0.5 });
    expect([...laterDrafts(known(version("x", 9.25)), [aside])]).toEqual([["1 0.5", aside]]);
    const next = version("ab", 8.5, { after: 7.25 });
    expect(laterDrafts(known(version("b", 7.25), aside), [next]).get("1 0.5")).toEqual({ ...aside, text: null, at: 8 });
    expect(laterDrafts(known(version("b", 7.25), { ...aside, text: null }), [next]).has("1 0.5")).toBe(false);
    expect(laterDrafts(known(version("b", 7.25), { ...aside, at: 9.5 }), [next]).has("1 0.5")).toBe(false);
  });

  test("that follow another name it, or a later one of its tab", () => {
    const stays = (more: Partial<DraftRecord>): boolean => laterDrafts(known(version("a", 5.5)), [version("b", 9.25, more)]).has("1 0.5");
    expect([stays({}), stays({ after: 4.5 }), stays({ after: 5.5 }), stays({ after: 6.5 }), stays({ after: 6.25 }), stays({ from: [5.5] }), stays({ from: [7.25] })]).toEqual([true, true, false, false, true, false, true]);
  });

  test("of notes that were jotted down twice are taken once, after what is known", () => {
    const note: Note = { ...version("a", 5.5), leaving: [] };
    expect(recovered(known(version("b", 5.25)), [note])).toEqual([version("a", 5.5)]);
    expect(recovered(known(), [{ ...note, text: "", leaving: [{ text: "sent", at: 5.5 }] }])).toEqual([version("sent", 6.5)]);
    expect(recovered(known(version(null, 7.5)), [note])).toEqual([]);
    expect(recovered(known(version(null, 7.25)), [note])).toEqual([version("a", 5.5)]);
  });
});
