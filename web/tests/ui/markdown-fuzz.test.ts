// Goal: no text that somebody may send breaks a message. Method: texts are made up of what the parser knows and of any other
// characters, and three things have to hold of each. FUZZ_RUNS asks for more of them; a failure names its seed.

import fc from "fast-check";
import { expect, test } from "vitest";
import type { Block, Inline } from "../../src/ui/markdown/nodes.ts";
import { parse } from "../../src/ui/markdown/parse.ts";

const RUNS = Number(process.env["FUZZ_RUNS"] ?? 20_000);
const SCHEMES = new Set(["http:", "https:", "mailto:"]);

const PIECES = [
  ...["*", "**", "***", "_", "__", "~", "~~", "`", "``", "```", "~~~", "\\", "[", "]", "(", ")", "](", "<", ">", "> ", ">> ", "- ", "1. ", "12) "],
  ...["\n", "\r\n", "\n\n", " ", "    ", "\t", "#", "|", "!", "https://", "http://a.example", "mailto:a@b.example", "javascript:alert(1)", "www.", "."],
  ...["a", "é", "字", "ß", "1", "\u200f", "\u202e", "\ufeff", "\0", "🎉", "👩‍👧", "\ud800", "\udc00", "&lt;", "<b>"],
];
const TEXT = fc.array(fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...PIECES) }, fc.string({ unit: "grapheme", maxLength: 8 })), { maxLength: 40 }).map((parts) => parts.join(""));

function inlineText(node: Inline): string {
  if (node.kind === "text" || node.kind === "code") return node.text;
  if (node.kind === "break") return "";
  const shown = node.children.map(inlineText).join("");
  return node.kind === "link" && isMadePlain(shown, node.href) ? "" : shown;
}

/** Whether a link shows its address as it was read, in place of a host that could be taken for another one (`ui/host`). */
function isMadePlain(shown: string, href: string): boolean {
  return shown === href && /^https?:\/\/[\x21-\x7e]+$/u.test(href);
}

function blockText(block: Block): string {
  if (block.kind === "code") return block.text;
  if (block.kind === "quote") return block.children.map(blockText).join("");
  return block.kind === "list" ? block.items.flat().map(inlineText).join("") : block.children.map(inlineText).join("");
}

function linksOf(node: Block | Inline): readonly string[] {
  if (node.kind === "text" || node.kind === "break" || node.kind === "code") return [];
  if (node.kind === "list") return node.items.flat().flatMap(linksOf);
  const inner = node.children.flatMap(linksOf);
  return node.kind === "link" ? [node.href, ...inner] : inner;
}

/** Whether all characters of `shown` stand in `text`, in this order. */
function isTakenFrom(shown: string, text: string): boolean {
  let at = 0;
  for (const character of shown.split("")) {
    at = text.indexOf(character, at);
    if (at === -1) return false;
    at += character.length;
  }
  return true;
}

const holds = (check: (text: string) => void): void => fc.assert(fc.property(TEXT, check), { numRuns: RUNS });

test("what is shown of any text was written, in that order", () => {
  holds((text) => {
    const shown = parse(text).map(blockText).join("");
    // A line break in code is shown as a space.
    expect(isTakenFrom(shown.replace(/\s/g, ""), text), shown).toBe(true);
  });
});

test("letters outside of markup are shown", () => {
  const word = fc.stringMatching(/^[a-zé字]{1,6}$/u);
  fc.assert(
    fc.property(fc.array(fc.oneof(word, fc.constantFrom(" ", ", ", ". ", "\n", "!")), { minLength: 1, maxLength: 30 }), (parts) => {
      const text = parts.join("");
      const letters = (of: string): string => of.replace(/\s/g, "");
      expect(letters(parse(text).map(blockText).join(""))).toBe(letters(text));
    }),
    { numRuns: RUNS },
  );
});

test("a link leads to a web page or to a mailbox, whatever was written", () => {
  holds((text) => {
    for (const href of parse(text).flatMap(linksOf)) expect(SCHEMES).toContain(new URL(href).protocol);
  });
});
