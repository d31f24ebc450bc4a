// What a message may become, and what it must stay.

import { describe, expect, test } from "vitest";
import type { Block, Inline } from "../../src/ui/markdown/nodes.ts";
import { isInFence, isOnlyEmoji, parse } from "../../src/ui/markdown/parse.ts";
import { PAYLOADS } from "./payloads.ts";

/** A tree in one line: b(…), i(…), s(…), c(…), a[href](…), br, quotes and lists. */
function sketch(blocks: readonly Block[]): string {
  return blocks.map(sketchBlock).join(" | ");
}

function sketchBlock(block: Block): string {
  switch (block.kind) {
    case "paragraph":
      return sketchInline(block.children);
    case "code":
      return `code[${block.language}](${block.text})`;
    case "quote":
      return `quote(${sketch(block.children)})`;
    case "list":
      return `list[${block.start ?? "-"}](${block.items.map(sketchInline).join("; ")})`;
  }
}

function sketchInline(nodes: readonly Inline[]): string {
  const short = { strong: "b", emphasis: "i", strike: "s" };
  return nodes
    .map((node) => {
      switch (node.kind) {
        case "text":
          return node.text;
        case "break":
          return "⏎";
        case "code":
          return `c(${node.text})`;
        case "link":
          return `a[${node.href}](${sketchInline(node.children)})`;
        case "strong":
        case "emphasis":
        case "strike":
          return `${short[node.kind]}(${sketchInline(node.children)})`;
      }
    })
    .join("");
}

describe("inline", () => {
  test.each([
    ["plain", "plain"],
    ["a *b* c", "a i(b) c"],
    ["a _b_ c", "a i(b) c"],
    ["**b** and __c__", "b(b) and b(c)"],
    ["~~gone~~", "s(gone)"],
    ["**bold *both* bold**", "b(bold i(both) bold)"],
    ["***x***", "b(i(x))"],
    ["*a **b** c*", "i(a b(b) c)"],
    ["snake_case_name", "snake_case_name"],
    ["2 * 3 * 4", "2 * 3 * 4"],
    ["**not closed", "**not closed"],
    ["* star", "list[-](star)"],
    ["`a*b*`", "c(a*b*)"],
    ["`` a`b ``", "c(a`b)"],
    ["*a `*` b*", "i(a c(*) b)"],
    ["\\*a\\*", "*a*"],
    ["one\ntwo", "one⏎two"],
    ["`open", "`open"],
  ])("%j", (text, expected) => {
    expect(sketch(parse(text))).toBe(expected);
  });
});

describe("links", () => {
  test.each([
    ["see https://a.example/x.", "see a[https://a.example/x](https://a.example/x)."],
    ["(https://a.example/x_(y))", "(a[https://a.example/x_(y)](https://a.example/x_(y)))"],
    ["[here](https://a.example)", "a[https://a.example/](here)"],
    ["[mail](mailto:ada@a.example)", "a[mailto:ada@a.example](mail)"],
    ["mailto:ada@a.example", "a[mailto:ada@a.example](mailto:ada@a.example)"],
    ["[x](javascript:alert(1))", "[x](javascript:alert(1))"],
    ["[x](https://a.example \"title\")", "[x](a[https://a.example/](https://a.example) \"title\")"],
    ["xhttps://a.example", "xhttps://a.example"],
    ["https://", "https://"],
    ["ftp://a.example", "ftp://a.example"],
    ["**https://a.example**", "b(a[https://a.example/](https://a.example))"],
    ["[https://good.example](https://other.example)", "a[https://other.example/](https://good.example)"],
  ])("%j", (text, expected) => {
    expect(sketch(parse(text))).toBe(expected);
  });
});

describe("blocks", () => {
  test.each([
    ["```js\nlet a = '*';\n```\nafter", "code[js](let a = '*';) | after"],
    ["```\nnever closed", "code[](never closed)"],
    ["> said\n> twice\nanswer", "quote(said⏎twice) | answer"],
    ["> > deep", "quote(quote(deep))"],
    ["- a\n- b\n  more", "list[-](a; b⏎more)"],
    ["3. a\n4. b", "list[3](a; b)"],
    ["see\n- a", "see | list[-](a)"],
    ["in 2024.\n2025. was", "in 2024.⏎2025. was"],
    ["a\n\n\nb", "a | b"],
    ["# no heading", "# no heading"],
    ["<b>no markup</b>", "<b>no markup</b>"],
  ])("%j", (text, expected) => {
    expect(sketch(parse(text))).toBe(expected);
  });
});

test("enter makes a line within a fence that is open", () => {
  expect(isInFence("```\ncode", 8)).toBe(true);
  expect(isInFence("```\ncode\n```\n", 13)).toBe(false);
  expect(isInFence("a ``` b", 7)).toBe(false);
  expect(isInFence("```\ncode", 0)).toBe(false);
});

test("a few emoji are shown larger, other texts are not", () => {
  for (const text of ["👍", "👩‍👩‍👧‍👦 🎉", "🇩🇪", "❤️"]) expect(isOnlyEmoji(text), text).toBe(true);
  for (const text of ["", "1", "a 👍", "👍".repeat(7), "#️"]) expect(isOnlyEmoji(text), text).toBe(false);
});

test("no payload becomes a link to anything but the web or mail", () => {
  const links: string[] = [];
  const collect = (nodes: readonly Inline[]) => {
    for (const node of nodes) {
      if (node.kind === "link") links.push(node.href);
      if ("children" in node) collect(node.children);
    }
  };
  const walk = (blocks: readonly Block[]) => {
    for (const block of blocks) {
      if (block.kind === "quote") walk(block.children);
      else if (block.kind === "list") for (const item of block.items) collect(item);
      else if (block.kind === "paragraph") collect(block.children);
    }
  };
  expect(PAYLOADS.length).toBeGreaterThanOrEqual(150);
  for (const payload of PAYLOADS) walk(parse(payload));
  for (const href of links) expect(href).toMatch(/^(?:https?:\/\/|mailto:)/);
});

test("a text of the greatest length that repeats a marker ends within the patience of the test", () => {
  const units = ["*a ", "**a ", "_a ", "[", "[a](", "`", "` ``", "> ", "*a **b ~~c _d ", "http://", "((((", "\\", "- *"];
  for (const unit of units) expect(parse(unit.repeat(Math.ceil(16_384 / unit.length))).length, unit).toBeGreaterThan(0);
});
