// Planted bugs: commands on their way.

/** @type {import("./bugs.mjs").Bug[]} */
export const outbox = [
  {
    name: "a command is answered before it is kept",
    file: "src/core/outbox.ts",
    find: "return { ok: false, code: \"not_kept\" };",
    replace: "return { ok: true, room: 0 };",
    tests: ["tests/core"],
  },
];
