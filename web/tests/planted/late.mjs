// Planted bugs: an answer that comes late is believed, though something newer is known.

const LATE = ["tests/core/late.test.ts"];
const TURNS = ["tests/core/session-turns.test.ts"];

/** @type {import("./bugs.mjs").Bug[]} */
export const late = [
  {
    name: "late members bring back the names of before",
    file: "src/core/session.ts",
    find: "await this.#learn(wire.readMembers(answer)?.members, asOf);",
    replace: "await this.#learn(wire.readMembers(answer)?.members);",
    tests: LATE,
  },
  {
    name: "a late list of who is there brings back the names of before",
    file: "src/core/session.ts",
    find: "await this.#learn(people, asOf);",
    replace: "await this.#learn(people);",
    tests: LATE,
  },
  {
    name: "a late page of the history brings back the names of before",
    file: "src/core/session.ts",
    find: "apply(historyEffects(this.#model, room, page, answer, asOf, names));",
    replace: "apply(historyEffects(this.#model, room, page, answer, asOf));",
    tests: LATE,
  },
  {
    name: "late changes bring back the names of before",
    file: "src/core/stream.ts",
    find: "      const asOf = this.#model.peopleVersion;\n",
    replace: "      const asOf = Infinity;\n",
    tests: LATE,
  },
  {
    name: "an entry that has waited brings back the names of before",
    file: "src/core/stream.ts",
    find: "applied, asOf: this.#model.peopleVersion };",
    replace: "applied, asOf: Infinity };",
    tests: ["tests/core/stream.test.ts"],
  },
  {
    name: "a page of the history that was late for the joining of the room is shown",
    file: "src/core/session.ts",
    find: "entry.event === \"joined\" && entry.rev > answer.rev",
    replace: "entry.event === \"joined\" && entry.rev < answer.rev",
    tests: LATE,
  },
  {
    name: "what a late busy answer has put off is asked for on the next connection",
    file: "src/core/session.ts",
    find: "      if (connection !== this.#connected) return null;\n",
    replace: "",
    tests: LATE,
  },
  {
    name: "a late count of unread messages has what was deleted",
    file: "src/core/reads.ts",
    find: " || spoiled.has(room)) continue;",
    replace: ") continue;",
    tests: LATE,
  },
  {
    name: "a late count of unread messages is not made anew",
    file: "src/core/reads.ts",
    find: "      for (const room of spoiled) this.#asked.delete(room);\n",
    replace: "",
    tests: LATE,
  },
  {
    name: "changes that wait for the same turn as a late page of the history are missed by it",
    file: "src/core/session.ts",
    find: "    const answer = wire.readHistory(await this.request(\"history\", { room, ...page, limit }));\n",
    replace: "    const answer = wire.readHistory(await this.request(\"history\", { room, ...page, limit }));\n    unwatch();\n",
    tests: TURNS,
  },
  {
    name: "deletions that wait for the same turn as a late count of unread messages are counted",
    file: "src/core/reads.ts",
    find: "    await ledger.submit((apply) => {\n      unwatch();",
    replace: "    unwatch();\n    await ledger.submit((apply) => {",
    tests: TURNS,
  },
  {
    name: "a late answer about a room that was left ends the connection",
    file: "src/core/session.ts",
    find: "if (rooms === null || this.#model.record(room) === null) return;",
    replace: "if (rooms === null) return;",
    tests: LATE,
  },
  {
    name: "a late answer brings back what a room was called before",
    file: "src/core/session.ts",
    find: "      if (found.rev < record.rev) void this.#meet(room);\n      else apply(",
    replace: "      apply(",
    tests: LATE,
  },
  {
    name: "a late list of who is there is believed, though it was asked for again",
    file: "src/core/presence.ts",
    find: "    if (question !== this.#meanwhile) return;\n",
    replace: "",
    tests: ["tests/core/presence.test.ts"],
  },
  {
    name: "late members are those of the room before",
    file: "src/ui/people/members.ts",
    find: "      if (question === this.#question) this.shown.value = answer;",
    replace: "      this.shown.value = answer;",
    tests: ["tests/ui/members.test.ts"],
  },
  {
    name: "a late page of members goes into another list than the one that it continues",
    file: "src/ui/people/members.ts",
    find: "if (this.shown.peek().known === known) this",
    replace: "this",
    tests: ["tests/ui/members.test.ts"],
  },
  {
    name: "a late page of members that nobody wants any more is shown",
    file: "src/ui/people/members.ts",
    find: "    return () => {\n      this.#question = {};\n    };",
    replace: "    return () => undefined;",
    tests: ["tests/ui/members.test.ts"],
  },
];
