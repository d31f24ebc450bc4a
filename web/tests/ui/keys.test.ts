// Which key does what.

import { describe, expect, test } from "vitest";
import { type Composing, type KeyPress, composerCommand, pageCommand, rowCommand } from "../../src/ui/state/keys.ts";

const NOTHING: Composing = { text: "", inFence: false, touch: false };

/** "Ctrl+Shift+a" as a press. */
function press(written: string): KeyPress {
  const parts = written.split("+");
  const has = (name: string) => parts.slice(0, -1).includes(name);
  const [ctrlKey, metaKey, altKey, shiftKey] = [has("Ctrl"), has("Meta"), has("Alt"), has("Shift")];
  return { key: parts.at(-1) ?? "", ctrlKey, metaKey, altKey, shiftKey, isComposing: has("IME") };
}

describe("the composer", () => {
  test.each([
    ["Enter", NOTHING, "send"],
    ["Shift+Enter", NOTHING, "line"],
    ["Enter", { ...NOTHING, touch: true }, "line"],
    ["Enter", { ...NOTHING, inFence: true }, "line"],
    ["Ctrl+Enter", { ...NOTHING, inFence: true, touch: true }, "send"],
    ["Meta+Enter", NOTHING, "send"],
    ["IME+Enter", NOTHING, undefined],
    ["ArrowUp", NOTHING, "editLast"],
    ["ArrowUp", { ...NOTHING, text: "x" }, undefined],
    ["Alt+ArrowUp", NOTHING, undefined],
    ["End", NOTHING, "latest"],
    ["End", { ...NOTHING, text: "x" }, undefined],
    ["Shift+End", NOTHING, undefined],
    ["Escape", NOTHING, "escape"],
    ["Shift+Escape", NOTHING, undefined],
    ["a", NOTHING, undefined],
  ] as const)("%s %j", (written, composing, expected) => {
    expect(composerCommand(press(written), composing)).toBe(expected);
  });

  test("leaves Enter to an input method that only its key code tells", () => {
    expect(composerCommand({ ...press("Enter"), keyCode: 229 }, NOTHING)).toBeUndefined();
  });
});

test.each([
  ["Ctrl+k", "switch"],
  ["Meta+K", "switch"],
  ["Ctrl+/", "help"],
  ["Alt+ArrowUp", "previousRoom"],
  ["Alt+Shift+ArrowDown", "nextUnread"],
  ["Shift+Escape", "markRead"],
  ["Escape", undefined],
  ["k", undefined],
  ["Ctrl+Shift+k", undefined],
])("the page: %s", (written, expected) => {
  expect(pageCommand(press(written))).toBe(expected);
});

test.each([
  ["ArrowUp", "previous"],
  ["j", "next"],
  ["e", "edit"],
  ["Ctrl+c", undefined],
  ["x", undefined],
])("a row: %s", (written, expected) => {
  expect(rowCommand(press(written))).toBe(expected);
});
