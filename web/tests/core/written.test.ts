// Goal: what may be said here is what the server takes, by the list that both are tested with.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { cleaned, isBlank } from "../../src/core/written.ts";

interface Rules {
  readonly blank: readonly (readonly [string, string])[];
  readonly texts: readonly { readonly sent: string; readonly text?: string; readonly code?: string }[];
}

const rules = JSON.parse(readFileSync(new URL("../../../docs/text.json", import.meta.url), "utf8")) as Rules;

describe("docs/text.json", () => {
  test("lists every character that shows nothing, and no other", () => {
    const listed = new Set<number>();
    for (const [first, last] of rules.blank) {
      for (let code = parseInt(first, 16); code <= parseInt(last, 16); code += 1) listed.add(code);
    }
    const wrong: string[] = [];
    for (let code = 0; code <= 0x10ffff; code += 1) {
      const isSurrogate = code >= 0xd800 && code <= 0xdfff;
      if (!isSurrogate && isBlank(String.fromCodePoint(code)) !== listed.has(code)) wrong.push(code.toString(16));
    }
    expect(wrong).toEqual([]);
  });

  test.each(rules.texts)("says what becomes of %j", ({ sent, text, code }) => {
    expect(isBlank(sent)).toBe(code === "empty");
    if (text !== undefined) expect(cleaned(sent)).toBe(text);
  });

  test("leaves nothing to be cleaned twice", () => {
    const all = Array.from({ length: 0x10000 }, (_, code) => cleaned(String.fromCharCode(code)));
    expect(all.filter((once) => cleaned(once) !== once)).toEqual([]);
  });
});
