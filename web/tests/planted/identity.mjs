// Planted bugs: who one is on this device.

/** @type {import("./bugs.mjs").Bug[]} */
export const identity = [];
