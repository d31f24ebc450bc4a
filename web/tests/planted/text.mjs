// Planted bugs: how text is parsed, and what the page says.

const markdown = ["tests/ui/markdown.test.ts"];
const linear = ["tests/ui/linear.test.ts"];

/** @type {import("./bugs.mjs").Bug[]} */
export const text = [
  {
    name: "text: the brackets of an address are counted again for each that is cut off",
    file: "src/ui/markdown/links.ts",
    find: "    if (!isLoose(last) ||",
    replace: "    const counts = new Map<string, number>();\n    for (const character of characters) counts.set(character, (counts.get(character) ?? 0) + 1);\n    if (!isLoose(last) ||",
    tests: linear,
  },
  {
    name: "text: each bracket looks for the end of its label anew",
    file: "src/ui/markdown/inline.ts",
    find: "if (this.#labelEnd >= 0 && this.#labelEnd <= this.#at) ",
    replace: "",
    tests: linear,
  },
  {
    name: "text: an address is looked for again within what was none",
    file: "src/ui/markdown/inline.ts",
    find: "    this.#addressFrom = this.#at + run.length;\n",
    replace: "",
    tests: linear,
  },
  {
    name: "text: a marker without a partner is looked for again",
    file: "src/ui/markdown/inline.ts",
    find: "      this.#hopeless.add(marker);\n",
    replace: "",
    tests: linear,
  },
  {
    name: "text: the runs of backticks are walked through from the first",
    file: "src/ui/markdown/runs.ts",
    find: "    let low = 0;\n",
    replace: "    let low = starts.findIndex((start) => start >= from);\n    if (low < 0) low = starts.length;\n",
    tests: linear,
  },
  {
    name: "text: a quotation mark belongs to the address before it",
    file: "src/ui/markdown/links.ts",
    find: "\\p{Pi}\\p{Pf}]|",
    replace: "]|",
    tests: markdown,
  },
  {
    name: "text: only punctuation of English ends an address",
    file: "src/ui/markdown/links.ts",
    find: "const PUNCTUATION = /\\p{P}/u;",
    replace: "const PUNCTUATION = /[.,;:!?'*_()[\\]{}]/;",
    tests: markdown,
  },
  {
    name: "text: a fence is closed only by one of the same length",
    file: "src/ui/markdown/fence.ts",
    find: "fence.length >= length",
    replace: "fence.length === length",
    tests: markdown,
  },
  {
    name: "text: a fence is closed by the other kind",
    file: "src/ui/markdown/fence.ts",
    find: " && fence.startsWith(marker)",
    replace: "",
    tests: markdown,
  },
  {
    name: "text: an address has no greatest length",
    file: "src/ui/markdown/links.ts",
    find: "written.length > ADDRESS_MAX || ",
    replace: "",
    tests: markdown,
  },
];
