// Goal: what a page jots down when it is left is found by the next one, and no page takes away what another has written.

import { describe, expect, test } from "vitest";
import { LocalNotepad } from "../../../src/core/browser/notepad.ts";
import type { Note } from "../../../src/core/ports.ts";
import { give, Kept } from "./a-browser.ts";

const note = (text: string): Note => ({ room: 1, text, at: 1, after: 0, leaving: [] });
const textsIn = (pad: LocalNotepad): readonly (string | null)[] => pad.read().map(({ text }) => text);

function storage(): Kept {
  const kept = new Kept();
  give("localStorage", kept);
  return kept;
}

describe("what a page jots down", () => {
  test("is read by the next page of that store, and by no other", () => {
    storage();
    const pad = new LocalNotepad("ada");
    pad.write([note("one"), note("two")]);
    new LocalNotepad("ada").write([note("three")]);
    expect([textsIn(new LocalNotepad("ada")), textsIn(new LocalNotepad("eve"))]).toEqual([["one", "two", "three"], []]);
    expect(new LocalNotepad("ada").read()[0]).toEqual(note("one"));
  });

  test("replaces what it jotted down before, and is gone when it takes it back", () => {
    const kept = storage();
    const pad = new LocalNotepad("ada");
    pad.write([note("one")]);
    pad.write([note("two")]);
    expect(textsIn(new LocalNotepad("ada"))).toEqual(["two"]);
    pad.write([]);
    expect([textsIn(new LocalNotepad("ada")), Object.keys(kept)]).toEqual([[], []]);
  });

  test("is cleared by the page that has read it, unless it has changed since, and nothing else is", () => {
    const kept = storage();
    kept.setItem("settings", "dark");
    const [gone, alive, late] = [new LocalNotepad("ada"), new LocalNotepad("ada"), new LocalNotepad("ada")];
    gone.write([note("of a page that is gone")]);
    alive.write([note("of one that lives")]);
    const next = new LocalNotepad("ada");
    expect(textsIn(next)).toHaveLength(2);
    alive.write([note("of one that lives, more")]);
    late.write([note("later")]);
    next.clear();
    expect(textsIn(new LocalNotepad("ada"))).toEqual(["of one that lives, more", "later"]);
    expect(kept.getItem("settings")).toBe("dark");
    // What was cleared is not read once more.
    expect(textsIn(next)).toEqual(["of one that lives, more", "later"]);
  });

  test("is read though another note is spoilt", () => {
    const kept = storage();
    kept.setItem("ada typed spoilt", "{");
    new LocalNotepad("ada").write([note("whole")]);
    expect(textsIn(new LocalNotepad("ada"))).toEqual(["whole"]);
  });
});

describe("a browser", () => {
  test("without such a place jots nothing down, and nothing fails", () => {
    const pad = new LocalNotepad("ada");
    pad.write([note("lost")]);
    pad.clear();
    expect(pad.read()).toEqual([]);
  });

  test("without room in it keeps what it had", () => {
    const kept = storage();
    const pad = new LocalNotepad("ada");
    pad.write([note("small")]);
    Object.defineProperty(kept, "setItem", { value: () => { throw new DOMException("full", "QuotaExceededError"); } });
    pad.write([note("large")]);
    expect(textsIn(new LocalNotepad("ada"))).toEqual(["small"]);
  });
});
