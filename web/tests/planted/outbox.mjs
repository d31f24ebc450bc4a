// Planted bugs: commands on their way.

/** @type {import("./bugs.mjs").Bug[]} */
export const outbox = [
  {
    name: "a command is answered before it is kept",
    file: "src/core/outbox.ts",
    find: "return typeof row === \"string\" ? { ok: false, code: row } : this.answerTo(row);",
    replace: "return typeof row === \"string\" ? { ok: true, room: 0 } : this.answerTo(row);",
    tests: ["tests/core"],
  },
  {
    name: "what a deposed leader has settled is never sent by it again",
    file: "src/core/model.ts",
    find: "    this.#settled.clear();\n",
    replace: "",
    tests: ["tests/core/outbox.test.ts"],
  },
  {
    name: "a tab hears on while it reads the outbox",
    file: "src/core/outbox.ts",
    find: "      this.#events.reading();\n",
    replace: "",
    tests: ["tests/core/tabs.test.ts"],
  },
  {
    name: "what waited while a tab read the store is shown one by one",
    file: "src/core/hearing.ts",
    find: "    batch(() => {",
    replace: "    [1].forEach(() => {",
    tests: ["tests/core/hearing.test.ts"],
  },
  {
    name: "a tab answers for another one before it has heard what that told",
    file: "src/core/hearing.ts",
    find: "if (this.#readings > 0) this.#waiting.push(act);\n    else act();",
    replace: "act();",
    tests: ["tests/core/hearing.test.ts"],
  },
  {
    name: "a tab reads the outbox once more for each change that it was told of meanwhile",
    file: "src/core/hearing.ts",
    find: "else if (!isOutbox(next) || index === first) this",
    replace: "else this",
    tests: ["tests/core/hearing.test.ts"],
  },
];
