// Planted bugs of the page itself: texts that show where they were not typed, and rows that vanish.

/** The random walk over the page in a browser; its path is that in `tests/`. */
export const WALK = "browser/walk.test.mjs";

/** @type {import("./bugs.mjs").Bug[]} */
export const elsewhere = [
  {
    name: "page: a draft follows the user into the next room",
    file: "src/ui/composer/composer.tsx",
    find: "value={shown}",
    replace: "value={shown || (document.activeElement === field.current ? \"\" : (field.current?.value ?? \"\"))}",
    tests: [WALK],
  },
  {
    name: "page: what was just typed is kept for the room that is open a moment later",
    file: "src/ui/composer/composer.tsx",
    find: "ui.chat.setDraft(place, value === editing?.text ? null : value);",
    replace: "setTimeout(() => ui.chat.setDraft(editing === null ? { room: ui.route.peek().room } : place, value === editing?.text ? null : value), 30);",
    tests: [WALK],
  },
  {
    name: "page: a refused text returns to the room that is open",
    file: "src/ui/timeline/actions.ts",
    find: "if (place === null || place.room !== ui.route.peek().room) return;",
    replace: "if (place === null) return;\n  const back = ui.chat.draft(place);\n  ui.chat.setDraft(place, null);\n  ui.chat.setDraft({ room: ui.route.peek().room }, back);",
    tests: [WALK],
  },
];
