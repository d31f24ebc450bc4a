// Measures the tests of the app: plants each bug of `bugs.mjs` and demands that its tests fail.
//
//   npm run planted            all of them
//   npm run planted -- read    those whose name contains "read"
//
// A test has to report the bug: tests that hang until they are ended here have not noticed it.
//
// The tests have to pass without any bug first. The last line is `N passed, N failed`. A bug of the page itself names the
// random walk, which needs the server's binary (`TIDINGS_BIN`), Chromium and the packages of `tests/`; without a binary such
// bugs are left out.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { BUGS, WALK } from "./bugs.mjs";

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "../..");
const DEADLINE_MS = 180_000;

const wanted = process.argv[2] ?? "";
const mayWalk = process.env.TIDINGS_BIN !== undefined;
const bugs = BUGS.filter(({ name, tests }) => name.includes(wanted) && (mayWalk || !tests.includes(WALK)));
const names = new Set(BUGS.map(({ name }) => name));
if (names.size !== BUGS.length) throw new Error("two bugs have one name");
if (bugs.length === 0) throw new Error(`no bug's name contains "${wanted}"`);

let failed = 0;
const files = [...new Set(bugs.flatMap(({ tests }) => tests))];
const without = await outcome(files);
if (without !== "pass") {
  console.log(`Without any bug the tests ${without}`);
  failed += 1;
}
for (const bug of bugs) {
  const verdict = await judge(bug);
  if (verdict !== "caught") failed += 1;
  console.log(`${verdict}: ${bug.name}`);
}
console.log(`${bugs.length + 1 - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

async function judge({ name, file, find, tests }) {
  const source = await readFile(path.join(root, file), "utf8");
  const places = source.split(find).length - 1;
  if (places !== 1) return `MISPLACED (${places} places in ${file})`;
  const seen = await outcome(tests, name);
  return seen === "fail" ? "caught" : `NOT CAUGHT (the tests ${seen})`;
}

/**
 * Whether the tests "pass", "fail" or "hang"; the first failure ends them.
 *
 * @returns {Promise<"pass" | "fail" | "hang">}
 */
async function outcome(files, bug) {
  const environment = { ...process.env };
  delete environment.PLANTED;
  if (bug !== undefined) environment.PLANTED = bug;
  const tests = files.filter((file) => file !== WALK);
  const vitest = path.join(root, "node_modules/vitest/vitest.mjs");
  const seen = tests.length === 0 ? "pass" : await run([vitest, "run", "--bail=1", "--reporter=dot", ...tests], root, environment);
  return seen === "pass" && files.includes(WALK) ? walks(environment) : seen;
}

/** What the random walk finds in the page as it is built with the bug. */
async function walks(environment) {
  const page = await mkdtemp(path.join(tmpdir(), "walk-"));
  try {
    const built = await run([path.join(root, "tests/planted/build.mjs"), page], root, environment);
    if (built !== "pass") throw new Error("the page cannot be built");
    const walk = { ...environment, WALK_WEB: page, WALKS: "3", WALK_STEPS: "20", PROOF_SEED: "1" };
    return await run(["--test", "--test-timeout=150000", WALK], path.join(root, "../tests"), walk);
  } finally {
    await rm(page, { recursive: true });
  }
}

function run(parameters, folder, environment) {
  const child = spawn(process.execPath, parameters, {
    cwd: folder,
    env: environment,
    stdio: "ignore",
    // A group of its own: a bug can make a worker loop for ever, and such a worker outlives its parent.
    detached: true,
  });
  const end = () => {
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // The group has ended.
    }
  };
  let isHanging = false;
  const timer = setTimeout(() => {
    isHanging = true;
    end();
  }, DEADLINE_MS);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      end();
      if (isHanging) resolve("hang");
      else resolve(code === 0 ? "pass" : "fail");
    });
  });
}
