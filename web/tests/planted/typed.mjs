// Planted bugs: what somebody typed and has not sent.

const DRAFTS = ["tests/core/drafts.test.ts", "tests/core/steps.test.ts"];

/** @type {import("./bugs.mjs").Bug[]} */
export const typed = [
  {
    name: "what has no width counts as a text",
    file: "src/core/written.ts",
    find: "\\p{DI}",
    replace: "",
    tests: ["tests/core/written.test.ts", "tests/core/chat.test.ts"],
  },
  {
    name: "what is shown at once is not what others get",
    file: "src/core/outbox.ts",
    find: "text: cleaned(command.text)",
    replace: "text: command.text",
    tests: ["tests/core/chat.test.ts"],
  },
  {
    name: "a draft does not go with the message that is made of it",
    file: "src/core/outbox.ts",
    find: "return change.result === null ? change : { ...change, drafts };",
    replace: "return change;",
    tests: DRAFTS,
  },
  {
    name: "an earlier draft overwrites a later one",
    file: "src/core/store.ts",
    find: "?.at ?? 0) < draft.at) later.set(name, draft);",
    replace: "?.at ?? 0) !== draft.at) later.set(name, draft);",
    tests: ["tests/core/browser/store-idb.test.ts"],
  },
  {
    name: "a text is replaced while somebody types it",
    file: "src/core/drafts.ts",
    find: "kept.after !== own.draft.at && rest > 0",
    replace: "kept.after !== own.draft.at && rest < 0",
    tests: DRAFTS,
  },
  {
    name: "a text that was just typed stays after it was sent from another tab",
    file: "src/core/drafts.ts",
    find: "kept.after !== own.draft.at && rest > 0",
    replace: "rest > 0",
    tests: DRAFTS,
  },
  {
    name: "versions of two tabs are equal",
    file: "src/core/drafts.ts",
    find: "+ this.#share;",
    replace: ";",
    tests: DRAFTS,
  },
  {
    name: "a page that is left jots down nothing",
    file: "src/core/drafts.ts",
    find: "this.#notepad?.write(notes);",
    replace: "this.#notepad?.write([]);",
    tests: DRAFTS,
  },
  {
    name: "what was being sent when the page was left is lost",
    file: "src/core/drafts.ts",
    find: "this.#leaving.get(placeName(draft)) ?? [] }));",
    replace: "[] }));",
    tests: DRAFTS,
  },
  {
    name: "a draft waits for a pause before other tabs hear of it",
    file: "src/core/drafts.ts",
    find: "const pause = Math.max(0, this.#keptAt + PAUSE_MS - this.#world.now());",
    replace: "const pause = PAUSE_MS * 2;",
    tests: DRAFTS,
  },
  {
    name: "what could not be kept replaces what was typed since",
    file: "src/core/drafts.ts",
    find: "this.set(place, joined(text, this.#shown.peek().get(name)));",
    replace: "this.set(place, text);",
    tests: DRAFTS,
  },
  {
    name: "the draft of a change is that of its room",
    file: "src/core/drafts.ts",
    find: "(seq === undefined ? `${room}` : `${room}/${seq}`)",
    replace: "`${room}`",
    tests: DRAFTS,
  },
  {
    name: "only refused messages are offered of a room that is gone",
    file: "src/core/strays.ts",
    find: "if (isDeleted || isGone(draft))",
    replace: "if (isDeleted)",
    tests: DRAFTS,
  },
  {
    name: "a change of a deleted message is offered nowhere",
    file: "src/core/strays.ts",
    find: "if (isDeleted || isGone(draft))",
    replace: "if (isGone(draft))",
    tests: DRAFTS,
  },
  {
    name: "refused texts of a room that is gone are offered nowhere",
    file: "src/core/strays.ts",
    find: "place === null || !(\"text\" in command) || !isGone(place)",
    replace: "place === null || !(\"text\" in command)",
    tests: DRAFTS,
  },
];
