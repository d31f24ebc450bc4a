// Parses the text within a paragraph: emphasis, code, links, line breaks.
//
// The time is linear in the length of the text, whatever it contains: a marker without a partner is not looked up
// twice, lookahead is done in one pass (`runs.ts`), and nesting has a fixed depth. Anything that is not understood
// stays text.

import { isOtherHost, shownAddress } from "./host.ts";
import { addressIn, addressRun, safeAddress } from "./links.ts";
import type { Inline } from "./nodes.ts";
import { CodeRuns, closedParentheses, runLength } from "./runs.ts";

const DEPTH_MAX = 8;
const PLAIN = /[^\\`*_~[\nhHmM]+/y;
const ESCAPED = /[\\`*_~[\]()>#+\-.!]/;
const NO_LABEL = /[[\n]/g;
const WORD = /[\p{L}\p{N}_]/u;
/** Between their words there are no spaces, so an address may begin behind any of them. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;

type Marked = "strong" | "emphasis" | "strike";

export function parseInline(text: string, depth = 0): readonly Inline[] {
  return new InlineParser(text, depth).parse();
}

class InlineParser {
  readonly #text: string;
  readonly #depth: number;
  readonly #nodes: Inline[] = [];
  readonly #hopeless = new Set<string>();
  #codeRuns: CodeRuns | undefined;
  #parentheses: ReadonlyMap<number, number> | undefined;
  #plain = "";
  #at = 0;
  /** No address begins before it. */
  #addressFrom = 0;
  /** The first "](" that is not behind the place that was looked at last; -1: there is none. */
  #labelEnd = 0;

  constructor(text: string, depth: number) {
    this.#text = text;
    this.#depth = depth;
  }

  parse(): readonly Inline[] {
    while (this.#at < this.#text.length) {
      if (!this.#skipPlain() && !this.#special()) this.#take(1);
    }
    this.#flush();
    return this.#nodes;
  }

  #skipPlain(): boolean {
    PLAIN.lastIndex = this.#at;
    const run = PLAIN.exec(this.#text)?.[0];
    if (run === undefined) return false;
    this.#take(run.length);
    return true;
  }

  #take(length: number): void {
    this.#plain += this.#text.slice(this.#at, this.#at + length);
    this.#at += length;
  }

  #flush(): void {
    if (this.#plain !== "") this.#nodes.push({ kind: "text", text: this.#plain });
    this.#plain = "";
  }

  #push(node: Inline, end: number): true {
    this.#flush();
    this.#nodes.push(node);
    this.#at = end;
    return true;
  }

  #special(): boolean {
    switch (this.#text[this.#at]) {
      case "\\":
        return this.#escape();
      case "\n":
        return this.#push({ kind: "break" }, this.#at + 1);
      case "`":
        return this.#code();
      case "*":
        return this.#marked("**", "strong") || this.#marked("*", "emphasis") || this.#takeRun();
      case "_":
        return this.#marked("__", "strong") || this.#marked("_", "emphasis") || this.#takeRun();
      case "~":
        return this.#marked("~~", "strike") || this.#takeRun();
      case "[":
        return this.#link();
      default:
        return this.#address();
    }
  }

  #takeRun(): true {
    this.#take(runLength(this.#text, this.#at));
    return true;
  }

  #escape(): boolean {
    const next = this.#text[this.#at + 1];
    if (next === undefined || !ESCAPED.test(next)) return false;
    this.#plain += next;
    this.#at += 2;
    return true;
  }

  #code(): boolean {
    const length = runLength(this.#text, this.#at);
    const start = this.#at + length;
    const end = this.#closingCode(length, start);
    if (end < 0) return this.#takeRun();
    const content = this.#text.slice(start, end).replaceAll("\n", " ");
    const padded = content.startsWith(" ") && content.endsWith(" ") && content.trim() !== "";
    return this.#push({ kind: "code", text: padded ? content.slice(1, -1) : content }, end + length);
  }

  #closingCode(length: number, from: number): number {
    this.#codeRuns ??= new CodeRuns(this.#text);
    return this.#codeRuns.next(length, from);
  }

  #marked(marker: string, kind: Marked): boolean {
    const start = this.#at + marker.length;
    if (this.#depth >= DEPTH_MAX || !this.#text.startsWith(marker, this.#at) || !this.#opens(marker, start)) return false;
    if (this.#hopeless.has(marker)) return false;
    const end = this.#findCloser(marker, start);
    if (end < 0) {
      this.#hopeless.add(marker);
      return false;
    }
    const children = parseInline(this.#text.slice(start, end), this.#depth + 1);
    return this.#push({ kind, children }, end + marker.length);
  }

  #opens(marker: string, start: number): boolean {
    const next = this.#text[start];
    if (next === undefined || /\s/.test(next)) return false;
    if (marker.length === 1 && next === marker) return false;
    return !marker.startsWith("_") || !isWord(this.#text, this.#at - 1);
  }

  #findCloser(marker: string, start: number): number {
    const character = marker.charAt(0);
    for (let at = start; at < this.#text.length; at += 1) {
      const here = this.#text[at];
      if (here === "\\") at += 1;
      else if (here === "`") at = this.#afterCode(at) - 1;
      else if (here === character) {
        const length = runLength(this.#text, at);
        if (at > start && closes(this.#text, at, length, marker)) return at + length - marker.length;
        at += length - 1;
      }
    }
    return -1;
  }

  #afterCode(at: number): number {
    const length = runLength(this.#text, at);
    const end = this.#closingCode(length, at + length);
    return Math.max(end, at) + length;
  }

  #link(): boolean {
    const close = this.#closingLabel();
    if (close < 0) return false;
    this.#parentheses ??= closedParentheses(this.#text);
    const end = this.#parentheses.get(close + 1) ?? -1;
    if (end < 0) return false;
    const href = safeAddress(this.#text.slice(close + 2, end));
    if (href === undefined) return false;
    const label = this.#text.slice(this.#at + 1, close);
    const children = isOtherHost(label, href) ? [textOf(href)] : parseInline(label, DEPTH_MAX).map(withoutLink);
    return this.#push({ kind: "link", href, children }, end + 1);
  }

  /** Where the label that begins here ends, if it is one: in this line, not empty, and without another bracket. */
  #closingLabel(): number {
    if (this.#labelEnd >= 0 && this.#labelEnd <= this.#at) this.#labelEnd = this.#text.indexOf("](", this.#at);
    if (this.#labelEnd <= this.#at + 1) return -1;
    NO_LABEL.lastIndex = this.#at + 1;
    const broken = NO_LABEL.exec(this.#text);
    return broken === null || broken.index > this.#labelEnd ? this.#labelEnd : -1;
  }

  #address(): boolean {
    if (this.#at < this.#addressFrom) return false;
    if (isWord(this.#text, this.#at - 1) && !UNSPACED.test(this.#text.charAt(this.#at - 1))) return false;
    const run = addressRun(this.#text, this.#at);
    if (run === undefined) return false;
    this.#addressFrom = this.#at + run.length;
    const found = addressIn(run);
    if (found === undefined) return false;
    const { written, href } = found;
    return this.#push({ kind: "link", href, children: [textOf(shownAddress(written, href))] }, this.#at + written.length);
  }
}

function textOf(text: string): Inline {
  return { kind: "text", text };
}

/** A label that looks like an address stays text: a link stands in no link. */
function withoutLink(node: Inline): Inline {
  if (node.kind !== "link") return node;
  const [only] = node.children;
  return only?.kind === "text" ? only : textOf(node.href);
}

/** Whether a run of marker characters ends something that `marker` began. */
function closes(text: string, at: number, length: number, marker: string): boolean {
  if (/\s/.test(text.charAt(at - 1))) return false;
  if (marker.startsWith("_") && isWord(text, at + length)) return false;
  // A single marker is closed by one or three: two of them are a pair of their own.
  return marker.length === 1 ? length % 2 === 1 : length >= 2;
}

function isWord(text: string, at: number): boolean {
  return at >= 0 && WORD.test(text.charAt(at));
}
