// Parses what stands within a paragraph: emphasis, code, links, breaks.
//
// The time is bounded: a marker that found no partner is not looked for again in the same run of text, and nesting ends
// at a fixed depth. Whatever is not understood stays the text that it is.

import { addressAt, safeAddress } from "./links.ts";
import type { Inline } from "./nodes.ts";

const DEPTH_MAX = 8;
const PLAIN = /[^\\`*_~[\nhHmM]+/y;
const ESCAPED = /[\\`*_~[\]()>#+\-.!]/;
const WORD = /[\p{L}\p{N}_]/u;

type Marked = "strong" | "emphasis" | "strike";

export function parseInline(text: string, depth = 0): readonly Inline[] {
  return new InlineParser(text, depth).parse();
}

class InlineParser {
  readonly #text: string;
  readonly #depth: number;
  readonly #nodes: Inline[] = [];
  readonly #hopeless = new Set<string>();
  #plain = "";
  #at = 0;

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
        return this.#marked("**", "strong") || this.#marked("*", "emphasis") || this.#takeRun("*");
      case "_":
        return this.#marked("__", "strong") || this.#marked("_", "emphasis") || this.#takeRun("_");
      case "~":
        return this.#marked("~~", "strike") || this.#takeRun("~");
      case "[":
        return this.#link();
      default:
        return this.#address();
    }
  }

  #takeRun(marker: string): true {
    let length = 1;
    while (this.#text[this.#at + length] === marker) length += 1;
    this.#take(length);
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
    const fence = runAt(this.#text, this.#at);
    const start = this.#at + fence.length;
    const end = this.#hopeless.has(fence) ? -1 : findRun(this.#text, fence, start);
    if (end < 0) {
      this.#hopeless.add(fence);
      return this.#takeRun("`");
    }
    const content = this.#text.slice(start, end).replaceAll("\n", " ");
    const padded = content.startsWith(" ") && content.endsWith(" ") && content.trim() !== "";
    return this.#push({ kind: "code", text: padded ? content.slice(1, -1) : content }, end + fence.length);
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
        const run = runAt(this.#text, at);
        if (at > start && closes(this.#text, at, run, marker)) return at + run.length - marker.length;
        at += run.length - 1;
      }
    }
    return -1;
  }

  #afterCode(at: number): number {
    const fence = runAt(this.#text, at);
    const end = this.#hopeless.has(fence) ? -1 : findRun(this.#text, fence, at + fence.length);
    if (end < 0) this.#hopeless.add(fence);
    return end < 0 ? at + fence.length : end + fence.length;
  }

  #link(): boolean {
    if (this.#hopeless.has("]")) return false;
    const close = this.#text.indexOf("](", this.#at);
    if (close < 0) {
      this.#hopeless.add("]");
      return false;
    }
    const label = this.#text.slice(this.#at + 1, close);
    if (label === "" || label.includes("[") || label.includes("\n")) return false;
    const end = closingParenthesis(this.#text, close + 2);
    const href = end < 0 ? undefined : safeAddress(this.#text.slice(close + 2, end));
    if (href === undefined) return false;
    const children = parseInline(label, DEPTH_MAX).map(withoutLink);
    return this.#push({ kind: "link", href, children }, end + 1);
  }

  #address(): boolean {
    if (isWord(this.#text, this.#at - 1)) return false;
    const written = addressAt(this.#text, this.#at);
    const href = written === undefined ? undefined : safeAddress(written);
    if (written === undefined || href === undefined) return false;
    return this.#push({ kind: "link", href, children: [{ kind: "text", text: written }] }, this.#at + written.length);
  }
}

/** A label that looks like an address stays text: a link stands in no link. */
function withoutLink(node: Inline): Inline {
  if (node.kind !== "link") return node;
  const [only] = node.children;
  return only?.kind === "text" ? only : { kind: "text", text: node.href };
}

function runAt(text: string, at: number): string {
  const character = text.charAt(at);
  let end = at + 1;
  while (text[end] === character) end += 1;
  return text.slice(at, end);
}

function findRun(text: string, fence: string, from: number): number {
  for (let at = text.indexOf(fence, from); at >= 0; ) {
    const run = runAt(text, at);
    if (run.length === fence.length) return at;
    at = text.indexOf(fence, at + run.length);
  }
  return -1;
}

/** Whether a run of marker characters ends something that `marker` began. */
function closes(text: string, at: number, run: string, marker: string): boolean {
  if (/\s/.test(text.charAt(at - 1))) return false;
  if (marker.startsWith("_") && isWord(text, at + run.length)) return false;
  // A single marker is closed by one or three: two of them are a pair of their own.
  return marker.length === 1 ? run.length % 2 === 1 : run.length >= 2;
}

function isWord(text: string, at: number): boolean {
  return at >= 0 && WORD.test(text.charAt(at));
}

const ADDRESS_MAX = 2048;

function closingParenthesis(text: string, start: number): number {
  let open = 0;
  for (let at = start; at < text.length && at - start <= ADDRESS_MAX; at += 1) {
    const here = text.charAt(at);
    if (/\s/.test(here)) return -1;
    if (here === "(") open += 1;
    if (here === ")" && open === 0) return at;
    if (here === ")") open -= 1;
  }
  return -1;
}
