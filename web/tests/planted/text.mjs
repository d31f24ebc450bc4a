// Planted bugs: how text is parsed.

/** @type {import("./bugs.mjs").Bug[]} */
export const text = [];
