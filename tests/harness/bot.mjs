// Runs a program of examples/ as it stands, against a server. Its imports are those of the tests.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { PYTHON } from "./python.mjs";

const TESTS = fileURLToPath(new URL("..", import.meta.url));

function example(name) {
  return fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
}

function start(test, command, args, stdin) {
  const child = spawn(command, args, { cwd: TESTS, stdio: [stdin, "inherit", "inherit"] });
  const ended = once(child, "close");
  test.after(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return child;
}

/** The bot in JavaScript. Handed in by standard input, it finds the packages of the tests. */
export function startBot(test, url) {
  return start(test, process.execPath, ["--input-type=module", "-", url], openSync(example("bot.mjs")));
}

/** The bot in Python. */
export function startPythonBot(test, url) {
  return start(test, PYTHON, [example("bot.py"), url], "ignore");
}
