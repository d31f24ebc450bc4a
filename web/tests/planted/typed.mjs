// Planted bugs: what somebody typed and has not sent.

/** @type {import("./bugs.mjs").Bug[]} */
export const typed = [];
