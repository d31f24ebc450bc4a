// Planted bugs: the connection and the tab that holds it.

/** @type {import("./bugs.mjs").Bug[]} */
export const connection = [];
