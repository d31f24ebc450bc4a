// Parses a message into blocks: paragraphs, quotes, flat lists and fenced code.
//
// A subset of Markdown that is safe to type by accident: line breaks stay, and "#", "---" and markup are just text.

import { closesFence, openingFence, withoutIndent } from "./fence.ts";
import { parseInline } from "./inline.ts";
import type { Block, Inline } from "./nodes.ts";

const QUOTE = /^\s{0,3}> ?/;
const BULLET = /^\s{0,3}[-*+] +(?=\S)/;
const NUMBER = /^\s{0,3}(\d{1,9})[.)] +(?=\S)/;
const QUOTES_MAX = 4;

export function parse(text: string): readonly Block[] {
  return parseLines(text.replace(/\r\n?/g, "\n").split("\n"), 0);
}

type Step = { readonly block: Block; readonly next: number };

function parseLines(lines: readonly string[], depth: number): readonly Block[] {
  const blocks: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    if ((lines[at] ?? "").trim() === "") {
      at += 1;
      continue;
    }
    const step = fenced(lines, at) ?? quoted(lines, at, depth) ?? listed(lines, at) ?? paragraph(lines, at, depth);
    blocks.push(step.block);
    at = step.next;
  }
  return blocks;
}

function fenced(lines: readonly string[], at: number): Step | undefined {
  const fence = openingFence(lines[at] ?? "");
  if (fence === undefined) return undefined;
  let end = at + 1;
  while (end < lines.length && !closesFence(lines[end] ?? "", fence)) end += 1;
  const code = lines.slice(at + 1, end).map((line) => withoutIndent(line, fence));
  return { block: { kind: "code", language: fence.language, text: code.join("\n") }, next: end + 1 };
}

function quoted(lines: readonly string[], at: number, depth: number): Step | undefined {
  if (depth >= QUOTES_MAX) return undefined;
  let end = at;
  while (QUOTE.test(lines[end] ?? "")) end += 1;
  if (end === at) return undefined;
  const inner = lines.slice(at, end).map((line) => line.replace(QUOTE, ""));
  return { block: { kind: "quote", children: parseLines(inner, depth + 1) }, next: end };
}

function listed(lines: readonly string[], at: number): Step | undefined {
  const numbered = NUMBER.exec(lines[at] ?? "");
  const marker = numbered === null ? BULLET : NUMBER;
  const items: (readonly Inline[])[] = [];
  let end = at;
  while (marker.test(lines[end] ?? "")) {
    let item = (lines[end] ?? "").replace(marker, "");
    end += 1;
    // An indented line goes on with the item above it.
    while (/^\s{2,}\S/.test(lines[end] ?? "") && !startsBlock(lines[end] ?? "")) {
      item += `\n${(lines[end] ?? "").trim()}`;
      end += 1;
    }
    items.push(parseInline(item));
  }
  if (items.length === 0) return undefined;
  return { block: { kind: "list", start: numbered === null ? null : Number(numbered[1]), items }, next: end };
}

function paragraph(lines: readonly string[], at: number, depth: number): Step {
  let end = at + 1;
  while (end < lines.length && (lines[end] ?? "").trim() !== "" && !interrupts(lines[end] ?? "", depth)) end += 1;
  return { block: { kind: "paragraph", children: parseInline(lines.slice(at, end).join("\n").trimEnd()) }, next: end };
}

function interrupts(line: string, depth: number): boolean {
  return openingFence(line) !== undefined || (depth < QUOTES_MAX && QUOTE.test(line)) || BULLET.test(line) || /^\s{0,3}1[.)] +\S/.test(line);
}

function startsBlock(line: string): boolean {
  return openingFence(line) !== undefined || QUOTE.test(line) || BULLET.test(line) || NUMBER.test(line);
}

const PICTURES = /^(?:\p{Extended_Pictographic}|\p{Regional_Indicator}|\p{Emoji_Modifier}|[\u200d\ufe0f\s])+$/u;
const PICTURES_MAX = 6;
const segments = new Intl.Segmenter("en", { granularity: "grapheme" });

/** A few emoji and nothing else: shown larger. */
export function isOnlyEmoji(text: string): boolean {
  const short = text.trim();
  if (short === "" || short.length > 80 || !PICTURES.test(short)) return false;
  const pictures = [...segments.segment(short)].filter(({ segment }) => segment.trim() !== "");
  return pictures.length <= PICTURES_MAX;
}
