// Planted bugs: windows on rooms and what counts as read.

/** @type {import("./bugs.mjs").Bug[]} */
export const reading = [];
