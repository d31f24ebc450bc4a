// Goal: no text stands a page still. Method: the alphabet is taken from the readers themselves, texts are generated from
// it, and for each of them twice the length may take 2.5 times as long.
//
// The parser's alphabet is one character of each kind that it tells apart: two characters are of one kind if they make no
// difference in any place. For a regular expression it is what stands in its source.

import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, test, vi } from "vitest";
import { isInFence } from "../../src/ui/markdown/fence.ts";
import { Markdown } from "../../src/ui/markdown/markdown.tsx";
import { isOnlyEmoji, parse } from "../../src/ui/markdown/parse.ts";
import { matches } from "../../src/ui/parts/match.ts";
import { initial, nameList, tone } from "../../src/ui/parts/names.ts";
import { parseCode, parseRoute } from "../../src/ui/state/route.ts";
import { type Shape, isLinear, pairsOf, shapesOf, slowShapes } from "./growth.ts";

// Measuring takes its time on a machine that does other things as well.
vi.setConfig({ testTimeout: 300_000 });

const PLACES: readonly ((character: string) => string)[] = [
  (c) => c,
  (c) => `é${c}ß`,
  (c) => `é ${c} ß`,
  (c) => `${c}é${c}`,
  (c) => `${c}${c}é${c}${c}`,
  (c) => `${c}${c}${c}\né\n${c}${c}${c}`,
  (c) => `${c} é`,
  (c) => `1${c} é`,
  (c) => `\\${c}`,
  (c) => `[é]${c}https://é${c}`,
  (c) => `${c}é](https://é)`,
  (c) => `[é${c}(https://é)`,
  (c) => `[é](${c}ttps://é)`,
  (c) => `https:${c}/é`,
  (c) => `https://é/${c}`,
  (c) => `https://é/${c}ß`,
  (c) => `https://é/(${c}`,
  (c) => `https://é/[${c}`,
  (c) => `https://é/{${c}`,
  (c) => `${c}ttps://é`,
  (c) => `${c}ailto:é`,
  (c) => `${c}https://é`,
];

const CHARACTERS = [
  ...range(0x00, 0x24f),
  ...range(0x590, 0x6ff),
  ...range(0x2000, 0x206f),
  ...range(0x3000, 0x303f),
  ...range(0xff00, 0xff65),
  ..."\ud800\ufeff。🎉𐄀👩‍",
];

const ALPHABET = kindsOf(CHARACTERS);
const WORDS = ["https://", "mailto:é", "](", "[é](", "```", "> ", "- ", "1. ", "**", "\r\n"];
const PREFIXES = ["https://é/", "[é](https://é/", "http://[", "> ", "- ", "```", "~~~ ", "*é", "`", "mailto:é@", "\\"];

function range(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, index) => String.fromCodePoint(first + index));
}

/** The first of each kind of characters. */
function kindsOf(characters: readonly string[]): readonly string[] {
  const kinds = new Map<string, string>();
  for (const character of characters) {
    const kind = PLACES.map((place) => JSON.stringify(parse(place(character)), without(character))).join("\n");
    if (!kinds.has(kind)) kinds.set(kind, character);
  }
  return [...kinds.values()];
}

/** The tree with a blank for the character; what an address becomes, and how its host is shown, says nothing about the grammar. */
function without(character: string): (this: unknown, key: string, value: unknown) => unknown {
  return function (key, value) {
    if (key === "href" || (key === "text" && isAddress(value))) return undefined;
    return typeof value === "string" ? value.replaceAll(character, "\u0001") : value;
  };
}

/** Whether a text is an address as it was read, which is shown where a host could be taken for another one. */
function isAddress(text: unknown): boolean {
  return typeof text === "string" && /^https?:/.test(text) && URL.canParse(text) && new URL(text).href === text;
}

test("the measure tells a quadratic reader from a linear one", () => {
  const cutting = (text: string) => {
    let rest = text;
    while (rest.endsWith(")") && !rest.includes("(")) rest = rest.slice(0, -1);
    return rest;
  };
  // Twice as long: what is cut is half as long on average, and its search is as fast as a machine can compare bytes.
  const brackets = (length: number) => ")".repeat(2 * length);
  expect(isLinear((text) => /\s+$/.test(text), (length) => `${" ".repeat(length)}x`)).toBe(false);
  expect(isLinear(cutting, brackets)).toBe(false);
  expect(isLinear((text) => text.replaceAll(")", "("), brackets)).toBe(true);
});

describe("the parser", () => {
  test("has an alphabet in which every sign of its grammar stands", () => {
    for (const sign of "`*_~[](){}>-+.:/\\\n 1hm!") expect(ALPHABET, JSON.stringify(sign)).toContain(representative(sign));
    expect(ALPHABET.length).toBeLessThan(60);
  });

  test("and what shows its tree are linear for all that is generated from its alphabet", () => {
    const signs = ALPHABET.filter((character) => /[^\p{L}\p{N}]|[hm1]/u.test(character));
    const shapes = [...shapesOf([...ALPHABET, ...WORDS], PREFIXES), ...pairsOf([...signs, ...WORDS])];
    expect(shapes.length).toBeGreaterThan(5_000);
    expect(slowShapes((text) => Markdown({ text }), shapes)).toEqual([]);
  });
});

/** The character of the alphabet that stands for this one. */
function representative(character: string): string {
  const all = kindsOf([...ALPHABET, character]);
  return all.includes(character) ? character : (ALPHABET.find((known) => kindsOf([known, character]).length === 1) ?? "");
}

describe("a linear reader of texts is", () => {
  const units = [" ", "\n", "`", "~", "a", "é", "\u0301", "🎉", "\u200d", "{", "}", "%", "#", "/", "1"];
  const shapes = [...shapesOf(units, ["#invite=", "#/room/1", "```", "{a"]), ...pairsOf(units)];

  test.each([
    ["the question whether the caret stands in code", (text: string) => isInFence(text, text.length)],
    ["the question whether it is a few emoji", isOnlyEmoji],
    ["the search for a name by a text", (text: string) => matches("ada", text)],
    ["the search for a letter in a text", (text: string) => matches(text, "z")],
    ["the letter of a name", initial],
    ["the colour of a name", tone],
    ["a list of names", (text: string) => nameList([{ name: text }, { name: text }])],
    ["the place in an address", parseRoute],
    ["the code in an address", parseCode],
  ])("%s", (_, read) => {
    expect(slowShapes(read, shapes)).toEqual([]);
  });
});

describe("the regular expression", () => {
  const source = path.join(import.meta.dirname, "../../src");
  const expressions = readdirSync(source, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.tsx?$/.test(file))
    .flatMap((file) => expressionsIn(readFileSync(path.join(source, file), "utf8")).map((expression) => [file, expression] as const));

  test("is found wherever one stands", () => {
    expect(expressions.length).toBeGreaterThan(25);
    expect(expressionsIn("a = b / c / d; const e = /[/\\]]+\\//gu; f(/g/); // h /i/")).toEqual([/[/\]]+\//gu, /g/]);
  });

  test.each(expressions)("in %s is linear: %s", (_, expression) => {
    expect(slowShapes(searchBy(expression), shapesFor(expression))).toEqual([]);
  });
});

/** The literals in a source file; comments hold none. */
function expressionsIn(code: string): readonly RegExp[] {
  const lines = code.split("\n").map((line) => line.replace(/(^|\s)\/\/\s.*$/, "").replace(/^\s*\/?\*\*?\s.*$/, ""));
  const literal = /(?<=[=(,:|!&?]\s*)\/(?![*/])((?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\[])+)\/([dgimsuvy]*)|^\s+\/((?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\[])+)\/([dgimsuvy]+);$/g;
  return lines.flatMap((line) => [...line.matchAll(literal)].map(([, one, flags, other, otherFlags]) => new RegExp(one ?? other ?? "", flags ?? otherFlags)));
}

/** All of its matches; a sticky one is asked at the beginning. */
function searchBy(expression: RegExp): (text: string) => unknown {
  const flags = expression.sticky ? expression.flags : `${expression.flags.replace("g", "")}g`;
  return (text) => text.replace(new RegExp(expression.source, flags), "");
}

function shapesFor({ source }: RegExp): readonly (readonly [string, Shape])[] {
  const signs = source.replaceAll(/\\[\\/bBdDsSwWpPu]/g, "").match(/[^\p{L}\p{N}]/gu) ?? [];
  const units = [...new Set([...signs, " ", "\n", "a", "1"])];
  return [...shapesOf(units, [source.replaceAll(/[^\p{L}:/=#]/gu, "").slice(0, 20)]), ...pairsOf([" ", "a", "1", ...units.slice(0, 4)])];
}
