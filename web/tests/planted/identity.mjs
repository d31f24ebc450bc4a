// Planted bugs: who one is on this device.

/** @type {import("./bugs.mjs").Bug[]} */
export const identity = [
  {
    name: "a code of this chat is a link when its host ends with a dot",
    file: "src/ui/markdown/own-code.ts",
    find: 'return hostname.replace(/\\.$/, "");',
    replace: "return hostname;",
    tests: ["tests/ui/own-code.test.ts"],
  },
  {
    name: "a code of this chat is a link when its name is escaped",
    file: "src/ui/markdown/own-code.ts",
    find: "CODE.test(decoded(hash))",
    replace: "CODE.test(hash)",
    tests: ["tests/ui/own-code.test.ts"],
  },
];
