// Planted bugs: connections, and who leads.

/** @type {import("./bugs.mjs").Bug[]} */
export const connection = [
  {
    name: "connection: what a discarded line says is still heard",
    file: "src/core/connector.ts",
    find: "=> (): void => void (current === this.#current && act());",
    replace: "=> (): void => void (current > 0 && act());",
    tests: ["tests/core/connector.test.ts"],
  },
  {
    name: "connection: an interrupt leaves the old line as it is",
    file: "src/core/connector.ts",
    find: "    line?.discard();\n",
    replace: "",
    tests: ["tests/core/connector.test.ts"],
  },
  {
    name: "connection: an open connection counts as a good one",
    file: "src/core/pace.ts",
    find: "if (this.#welcomed !== null && now - this.#welcomed >= this.#bounds.good) {",
    replace: "if (this.#welcomed !== null) {",
    tests: ["tests/core/pace.test.ts", "tests/core/connector.test.ts"],
  },
  {
    name: "connection: ten seconds without a welcome are good",
    file: "src/core/pace.ts",
    find: "    this.#began = now;\n    this.#welcomed = null;",
    replace: "    this.#began = this.#welcomed = now;",
    tests: ["tests/core/pace.test.ts", "tests/core/connector.test.ts"],
  },
  {
    name: "connection: CONNECT has no deadline",
    file: "src/core/connector.ts",
    find: "    this.#enter(\"joining\");",
    replace: "    this.#phase = \"joining\";\n    this.#cancelDeadline?.();",
    tests: ["tests/core/connector.test.ts"],
  },
  {
    name: "connection: the welcome has no deadline",
    file: "src/core/connector.ts",
    find: "this.#cancelDeadline = phase === \"standing\" ? null",
    replace: "this.#cancelDeadline = phase === \"standing\" || phase === \"greeting\" ? null",
    tests: ["tests/core/connector.test.ts"],
  },
  {
    name: "connection: an upgrade has no deadline",
    file: "src/core/connector.ts",
    find: "this.#world.setTimer(this.#pace.deadline, () => this.#over({ kind: \"broken\" }));",
    replace: "() => undefined;",
    tests: ["tests/core/connector.test.ts"],
  },
  {
    name: "connection: a hurry ends every pause",
    file: "src/core/connector.ts",
    find: "this.#pause(this.#pace.hurried(this.#world.now()));",
    replace: "this.#pause(0);",
    tests: ["tests/core/connector.test.ts"],
  },
  {
    name: "connection: the way on which nothing came is tried first again",
    file: "src/core/connector.ts",
    find: "    if (isOpening) this.#changeWay();\n",
    replace: "",
    tests: ["tests/core/connector.test.ts"],
  },
  {
    name: "connection: a connection that answers nothing stays",
    file: "src/core/session.ts",
    find: "this.#world.setTimer(DOUBT_MS, () => this.#probe());",
    replace: "() => undefined;",
    tests: ["tests/core/connector.test.ts"],
  },
];
