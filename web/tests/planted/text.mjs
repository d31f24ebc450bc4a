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
  {
    name: "text: a topic that is refused has no words",
    file: "src/texts/refusals.ts",
    find: "  topic_invalid: \"refusedTopicInvalid\",\n",
    replace: "",
    tests: ["tests/ui/lists.test.ts"],
  },
  {
    name: "text: somebody who has stopped typing is shown for the rest of the time",
    file: "src/core/share.ts",
    find: "typingStopped: (room, who) => spread(",
    replace: "typingStopped: (room, who) => this.#tabs.post(",
    tests: ["tests/core/chat.test.ts"],
  },
  {
    name: "text: somebody who has stopped typing in another tab goes on",
    file: "src/core/share.ts",
    find: "        return this.#session?.typingStopped(message.room);",
    replace: "        return;",
    tests: ["tests/core/tabs.test.ts"],
  },
  {
    name: "text: End leaves a text that is being written",
    file: "src/ui/state/keys.ts",
    find: "press.key === \"End\" && composing.text === \"\"",
    replace: "press.key === \"End\"",
    tests: ["tests/ui/keys.test.ts"],
  },
  {
    name: "text: a conversation begins with who made it",
    file: "src/core/rows.ts",
    find: "state.record.kind === \"direct\" && notice",
    replace: "state.record.kind === \"private\" && notice",
    tests: ["tests/core/chat.test.ts"],
  },
  {
    name: "text: a condensed line does not say who added somebody",
    file: "src/ui/timeline/condense.ts",
    find: "{ what: \"added\", from, person: who }",
    replace: "{ what: \"added\", person: who }",
    tests: ["tests/ui/arrange.test.ts"],
  },
  {
    name: "text: every room that is called Lobby has its name translated",
    file: "src/ui/parts/names.ts",
    find: "room.room === LOBBY && room.name === LOBBY_NAME",
    replace: "room.name === LOBBY_NAME",
    tests: ["tests/ui/small.test.ts"],
  },
];
