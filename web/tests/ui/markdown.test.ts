// What a message may become, and what it must stay.

import { describe, expect, test } from "vitest";
import type { Block, Inline } from "../../src/ui/markdown/nodes.ts";
import { isInFence } from "../../src/ui/markdown/fence.ts";
import { isOnlyEmoji, parse } from "../../src/ui/markdown/parse.ts";
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
    ["[https://good.example](https://other.example)", "a[https://other.example/](https://other.example/)"],
    ["[https://good.example/a](https://good.example/b)", "a[https://good.example/b](https://good.example/a)"],
    ["[https://good.example and more](https://other.example)", "a[https://other.example/](https://other.example/)"],
    ["https://good.example@evil.example/", "https://good.example@evil.example/"],
    ["https://good:pass@evil.example", "https://good:pass@evil.example"],
    ["[here](https://good.example@evil.example)", "[here](https://good.example@evil.example)"],
    ["[a [b](https://a.example)", "[a a[https://a.example/](b)"],
    ["[a](https://a.example/(b)_(c))", "a[https://a.example/(b)_(c)](a)"],
    ["[a](https://a.example/(b)", "[a](a[https://a.example/(b)](https://a.example/(b))"],
    ["http://[ https://a.example", "http://[ a[https://a.example/](https://a.example)"],
    ["*a ``x`` b `` c", "*a c(x) b `` c"],
  ])("%j", (text, expected) => {
    expect(sketch(parse(text))).toBe(expected);
  });
});

describe("an address ends", () => {
  const here = "https://a.example/b";
  const link = `a[${here}](${here})`;

  test.each([...".,;:!?'*_~)]}({["])("before %s at its end", (mark) => {
    expect(sketch(parse(`x ${here}${mark}`))).toBe(`x ${link}${mark}`);
  });

  test.each([...".,;:!?'*_~-/#&=@%()+$"])("not at %s within it", (mark) => {
    expect(sketch(parse(`${here}${mark}c`))).toBe(`a[${here}${mark}c](${here}${mark}c)`);
  });

  test.each([
    ["German", "„", "“"],
    ["German, inverted", "»", "«"],
    ["single German", "‚", "‘"],
    ["English", "“", "”"],
    ["single English", "‘", "’"],
    ["French", "«", "»"],
    ["Arabic brackets", "﴿", "﴾"],
    ["Chinese brackets", "（", "）"],
    ["Japanese", "「", "」"],
    ["double Japanese", "『", "』"],
    ["Chinese titles", "《", "》"],
  ])("at a closing quote or bracket: %s", (_, open, close) => {
    expect(sketch(parse(`${open}${here}${close}`))).toBe(`${open}${link}${close}`);
    expect(sketch(parse(`${open}${here}${close}.`))).toBe(`${open}${link}${close}.`);
  });

  test.each(["“", "”", "„", "«", "»", "‹", "›", "‘"])("at the quote %s, whatever follows it", (mark) => {
    expect(sketch(parse(`${here}${mark}-Link`))).toBe(`${link}${mark}-Link`);
  });

  test.each(["،", "؛", "؟", "۔", "।", "॥", "։", "።", "៖", "။", "׃", "…", "–", "—", "‽", "·", "’", "𐄀", "¿"])("before %s", (mark) => {
    expect(sketch(parse(`${here}${mark} c`))).toBe(`${link}${mark} c`);
    expect(sketch(parse(`${here}${mark}${mark}`))).toBe(`${link}${mark}${mark}`);
  });

  test.each(["。", "、", "，", "！", "？", "：", "；", "」", "）"])("at %s, for which no space follows", (mark) => {
    expect(sketch(parse(`看${here}${mark}然后`))).toBe(`看${link}${mark}然后`);
    expect(sketch(parse(`看 ${here}${mark}然后`))).toBe(`看 ${link}${mark}然后`);
  });

  test.each(["é", "ü/ß", "例え/佐々木", "L’Étranger", "a·b", "אב־גד", "مثال", "🎉", "%E2%80%9C", "(b)", "((b)_[c])", "?q={a}&r=[1]"])("behind %s", (end) => {
    const found = parse(`${here}/${end}.`)[0];
    expect(found?.kind === "paragraph" && found.children[0]).toEqual({ kind: "link", href: new URL(`${here}/${end}`).href, children: [{ kind: "text", text: `${here}/${end}` }] });
  });

  test("before a bracket that it did not open, however many follow", () => {
    expect(sketch(parse(`(${here}_(c))`))).toBe(`(a[${here}_(c)](${here}_(c)))`);
    expect(sketch(parse(`${here}${")".repeat(16_000)}`))).toBe(`${link}${")".repeat(16_000)}`);
  });

  test("as text where it has more than 2,048 characters", () => {
    const longest = `https://a.example/${"b".repeat(2048 - 18)}`;
    expect(sketch(parse(longest))).toBe(`a[${longest}](${longest})`);
    expect(sketch(parse(`${longest}b`))).toBe(`${longest}b`);
    expect(sketch(parse(`[c](${longest})`))).toBe(`a[${longest}](c)`);
    expect(sketch(parse(`[c](${longest}b)`))).toBe(`[c](${longest}b)`);
  });
});

describe("fences", () => {
  const code = "let a = '*b*';";

  test.each([
    ["one word", "```python", "python"],
    ["several words", "```python title=x {1,3}", "python"],
    ["a space before the word", "```  c++", "c++"],
    ["tildes", "~~~ sh `x`", "sh"],
    ["more than three", "`````js", "js"],
    ["three spaces before it", "   ```js", "js"],
    ["a long word", `\`\`\`${"x".repeat(60)}`, "x".repeat(60)],
  ])("open with %s", (_, fence, language) => {
    const marker = fence.trimStart().match(/^(`+|~+)/)?.[0] ?? "";
    expect(sketch(parse(`${fence}\n${code}\n${marker}\n*c*`))).toBe(`code[${language}](${code}) | i(c)`);
    expect(isInFence(`${fence}\n`, fence.length + 1)).toBe(true);
  });

  test.each(["``` a`b", "    ```", "\t```", "``", "~~", "```js```"])("do not open with %j", (line) => {
    expect(parse(`${line}\nb`).every(({ kind }) => kind !== "code")).toBe(true);
    expect(isInFence(`${line}\n`, line.length + 1)).toBe(false);
  });

  test.each(["```", "````", "``````", "   ```", "```  ", "```\t"])("close with %j", (line) => {
    expect(sketch(parse(`\`\`\`\n${code}\n${line}\n*c*`))).toBe(`code[](${code}) | i(c)`);
    expect(isInFence(`\`\`\`\n${code}\n${line}\n`, 1000)).toBe(false);
  });

  test.each(["``", "~~~", "    ```", "``` x", "> ```"])("do not close with %j", (line) => {
    expect(sketch(parse(`\`\`\`\n${code}\n${line}\n*c*`))).toBe(`code[](${code}\n${line}\n*c*)`);
    expect(isInFence(`\`\`\`\n${code}\n${line}\n`, 1000)).toBe(true);
  });

  test.each([
    ["a shorter fence stays code", "````\n```\nb\n````\nc", "code[](```\nb) | c"],
    ["their indentation is not code", "  ```\n    a\n b\nc\n  ```", "code[](  a\nb\nc)"],
    ["an empty line within", "```\na\n\nb\n```", "code[](a\n\nb)"],
    ["nothing within", "```\n```\na", "code[]() | a"],
    ["one in a quotation ends with it", "> ```\n> a\nb", "quote(code[](a)) | b"],
    ["one behind a paragraph", "a\n~~~\nb\n~~~", "a | code[](b)"],
    ["one behind a list", "- a\n  ```\n  b\n  ```", "list[-](a) | code[](b)"],
  ])("%s", (_, text, expected) => {
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
