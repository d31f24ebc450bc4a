// Planted bugs: a disk that is full, or that fails now and then.

const FAILING = ["tests/core/storm.test.ts"];
const LEADERSHIP = ["tests/core/leadership.test.ts"];
const CUT = ["tests/core/browser/cut.test.ts"];

/** @type {import("./bugs.mjs").Bug[]} */
export const failing = [
  {
    name: "failing: a failed commit still advances the cursor",
    file: "src/core/ledger.ts",
    find: "      // Anything else is tried again with the next works.",
    replace: "      this.#unkept = this.#unkept.filter(({ kind }) => kind === \"cursor\");",
    tests: FAILING,
  },
  {
    name: "failing: what could not be kept is told only once",
    file: "src/core/ledger.ts",
    find: "return { changes: told, revision: committed",
    replace: "return { changes, revision: committed",
    tests: FAILING,
  },
  {
    name: "failing: what could not be kept takes back a tab that has read a later revision",
    file: "src/core/share.ts",
    find: "kind: \"kept\", leader, revision: this.#revision,",
    replace: "kind: \"kept\", leader, revision,",
    tests: FAILING,
  },
  {
    name: "failing: a leader without a number writes",
    file: "src/core/share.ts",
    find: "own === null && this.#tabs.areExclusive ? NOBODY : own",
    replace: "own",
    tests: FAILING,
  },
  {
    name: "failing: a leader without a number never gets one",
    file: "src/core/leadership.ts",
    find: "(this.#own === null ? void this.#begin() : this.#beat())",
    replace: "this.#beat()",
    tests: FAILING,
  },
  {
    name: "failing: leaders without a number cannot be told apart",
    file: "src/core/leadership.ts",
    find: "return this.#own ?? Math.max(this.#known, Math.floor(this.#known) + this.#since / FOREVER_MS);",
    replace: "return this.#own ?? this.#known;",
    tests: LEADERSHIP,
  },
  {
    name: "failing: a leader without a number takes what an earlier one says for its own",
    file: "src/core/leadership.ts",
    find: " || (this.#isLeading && leader <= this.number)",
    replace: "",
    tests: [...LEADERSHIP, ...FAILING],
  },
  {
    name: "failing: tabs to which the store gives no number take the lead from each other without end",
    file: "src/core/leadership.ts",
    find: "now - this.#refused < RESIGNED_MS",
    replace: "false",
    tests: LEADERSHIP,
  },
  {
    name: "failing: a tab follows one without a number, though it could get one",
    file: "src/core/leadership.ts",
    find: "Number.isInteger(leader) || now - this.#refused < RESIGNED_MS",
    replace: "true",
    tests: LEADERSHIP,
  },
  {
    name: "failing: a new tab knows of no leader that the others know",
    file: "src/core/share.ts",
    find: "    this.#leadership.learn(snapshot.leader);\n",
    replace: "",
    tests: LEADERSHIP,
  },
  {
    name: "failing: one that begins to lead twice has two connections",
    file: "src/core/leadership.ts",
    find: "() => this.#isLeading && term === this.#term",
    replace: "() => this.#isLeading",
    tests: LEADERSHIP,
  },
  {
    name: "failing: a tab that could not read the store once hears nothing any more",
    file: "src/core/share.ts",
    find: "this.#store.load().catch(() => null)",
    replace: "this.#store.load()",
    tests: FAILING,
  },
  {
    name: "failing: a disk that takes nothing keeps the page offline",
    file: "src/core/session.ts",
    find: ".catch(() => this.#model.outbox.device);",
    replace: ";",
    tests: FAILING,
  },
  {
    name: "failing: a text is said not to be kept though it is, for the outbox could not be read",
    file: "src/core/outbox.ts",
    find: "        // The version is still the old one, so the next `catchUp` reads it.",
    replace: "        throw new Error();",
    tests: FAILING,
  },
  {
    name: "failing: a text that could not be kept is gone",
    file: "src/core/drafts.ts",
    find: "this.set(place, joined(text, this.#shown.peek().get(name)));",
    replace: "",
    tests: FAILING,
  },
  {
    name: "failing: a transaction that fails keeps what was asked of it so far",
    file: "src/core/browser/database.ts",
    find: "        tx.abort();\n",
    replace: "",
    tests: CUT,
  },
  {
    name: "failing: the cursor has a transaction of its own",
    file: "src/core/browser/store-idb.ts",
    find: "table(\"cursor\").put(change.cursor, \"cursor\");",
    replace: "table(\"cursor\").put(change.cursor, \"cursor\").transaction.db.transaction([\"cursor\"], \"readwrite\").objectStore(\"cursor\").put(change.cursor, \"cursor\");",
    tests: CUT,
  },
  {
    name: "failing: a text goes to the outbox in one transaction and out of its draft in another",
    file: "src/core/outbox.ts",
    find: "return change.result === null ? change : { ...change, drafts };",
    replace: "if (change.result !== null) void this.change({ drafts }, () => ({ drafts, result: undefined })).catch(() => undefined);\n        return change;",
    tests: ["tests/core/steps.test.ts"],
  },
  {
    name: "a refused text returns to the first room",
    file: "src/core/drafts.ts",
    find: "const draft: DraftRecord = { ...place, text:",
    replace: "const draft: DraftRecord = { ...place, room: 1, text:",
    tests: FAILING,
  },
  {
    name: "a page that was cut by bytes counts as the beginning of its room",
    file: "src/core/effects.ts",
    find: "const floor = answer.first ?",
    replace: "const floor = answer.first || answer.messages.length < 80 ?",
    tests: FAILING,
  },
];
