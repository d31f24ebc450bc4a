// Runs a program of examples/ as it stands, against a server. Its imports are those of the tests.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, openSync, readFileSync, watch } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PYTHON } from "./python.mjs";
import { temporaryFolder } from "./server.mjs";
import { within } from "./waiting.mjs";

const DEADLINE_MS = 20_000;

const TESTS = fileURLToPath(new URL("..", import.meta.url));

function example(name) {
  return fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
}

/** A bot that runs until it is ended, or until the test is over. */
class Bot {
  #child;
  #ended;
  #errors = "";

  constructor(test, command, args, stdin) {
    this.#child = spawn(command, args, { cwd: TESTS, stdio: [stdin, "inherit", "pipe"] });
    this.#ended = once(this.#child, "close");
    this.#child.stderr.setEncoding("utf8").on("data", (text) => (this.#errors += text));
    test.after(() => this.end());
  }

  async end() {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  /** Waits until it has written something to its standard error. */
  async complains(pattern) {
    const { stderr } = this.#child;
    const said = (async () => {
      while (!pattern.test(this.#errors)) await once(stderr, "data");
    })();
    await within(said, DEADLINE_MS, `${pattern} among the errors of the bot`);
  }
}

/** A place for what a bot keeps from one start to the next. */
export function botFile() {
  return join(temporaryFolder(), "bot.json");
}

/** Waits until a bot has stored that it is at this place of the log. */
export async function botIsAt(file, cursor) {
  const isThere = () => existsSync(file) && JSON.parse(readFileSync(file, "utf8")).cursor === cursor;
  const watched = watch(dirname(file));
  const moved = (async () => {
    while (!isThere()) await once(watched, "change");
  })();
  await within(moved, DEADLINE_MS, `the bot at ${cursor}`).finally(() => watched.close());
}

/** The bot in JavaScript. Handed in by standard input, it finds the packages of the tests. */
export function startBot(test, url, file = botFile()) {
  return new Bot(test, process.execPath, ["--input-type=module", "-", url, file], openSync(example("bot.mjs")));
}

/** The bot in Python. */
export function startPythonBot(test, url, file = botFile()) {
  return new Bot(test, PYTHON, [example("bot.py"), url, file], "ignore");
}
