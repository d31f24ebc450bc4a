// One process that runs tests of the core against changed code, again and again: `node bench.mjs BUNDLE`. The bundle has the tests
// and the code, with all changes in it; it is evaluated anew for each change, so nothing of the run before is left.
//
//   {}                           ──► { tests: [{ name, milliseconds, reaches }], always: [] }   with no change
//   { known }                    ──► {}                                                         how long each test takes
//   { change, tests: [name] }    ──► { test: name or null }                                     the one that noticed it
//
// Times are those of the processor, whatever else the machine does. A test that takes much more than without a change has noticed
// it; if it never gives the turn back, the process ends.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import vm from "node:vm";
import { Worker } from "node:worker_threads";
import * as vitest from "./vitest.mjs";

const PATIENCE_MS = 1_000;
const PATIENCE_FACTOR = 5;
/** A test that waits for something in vain takes nothing of the processor. */
const IDLE_MS = 10_000;

const file = path.resolve(process.argv[2]);
const script = new vm.Script(`(function (require, module, exports) {${readFileSync(file, "utf8")}\n})`, { filename: file });
const durations = new Map();

/** What this process may have used of the processor before it ends. */
const end = new Float64Array(new SharedArrayBuffer(8));
const used = () => process.cpuUsage().user / 1_000 + process.cpuUsage().system / 1_000;
const watch = `
  const end = new Float64Array(require("node:worker_threads").workerData);
  setInterval(() => {
    const { user, system } = process.cpuUsage();
    if ((user + system) / 1_000 > end[0]) process.kill(process.pid, "SIGKILL");
  }, 100);
`;
end[0] = Infinity;
new Worker(watch, { eval: true, workerData: end.buffer }).unref();

/** The tests of a fresh copy of everything, with this change in it. */
function load(change) {
  globalThis.__stryker__ = { activeMutant: change, mutantCoverage: { static: {}, perTest: {} }, currentTestId: undefined };
  globalThis.testsOfCore = vitest;
  vitest.takeNoted();
  const module = { exports: {} };
  script.runInThisContext()(createRequire(file), module, module.exports);
  return vitest.takeNoted();
}

async function isPassed({ run, after, name }) {
  end[0] = used() + PATIENCE_MS + PATIENCE_FACTOR * (durations.get(name) ?? Infinity);
  let timer;
  const late = new Promise((_, reject) => {
    if (durations.has(name)) timer = setTimeout(() => reject(new Error("late")), IDLE_MS);
  });
  try {
    await Promise.race([Promise.resolve().then(run), late]);
    return true;
  } catch (error) {
    if (process.env.BENCH_TELLS) console.error(name, error);
    return false;
  } finally {
    clearTimeout(timer);
    // The last first, as in vitest: what a file has begun ends before that which it stands on.
    for (const act of after.toReversed()) await act();
    end[0] = Infinity;
  }
}

async function tell() {
  const { tests, after } = load(undefined);
  const { mutantCoverage } = globalThis.__stryker__;
  const told = [];
  for (const { name, run } of tests) {
    globalThis.__stryker__.currentTestId = name;
    const start = used();
    if (!(await isPassed({ name, run, after }))) throw new Error(`it fails without a change: ${name}`);
    told.push({ name, milliseconds: used() - start, reaches: Object.keys(mutantCoverage.perTest[name] ?? {}) });
  }
  return { tests: told, always: Object.keys(mutantCoverage.static) };
}

async function judge(change, names) {
  let loaded;
  end[0] = used() + PATIENCE_MS;
  try {
    loaded = load(change);
  } catch (error) {
    return { test: `all: ${error.message}` };
  }
  const known = new Map(loaded.tests.map((test) => [test.name, test]));
  for (const name of names) {
    const test = known.get(name);
    if (test === undefined || !(await isPassed({ ...test, after: loaded.after }))) return { test: name };
  }
  return { test: null };
}

// What a run that has failed leaves behind may fail later, and is nobody's concern any more.
for (const event of ["uncaughtException", "unhandledRejection"]) process.on(event, () => undefined);

process.on("message", ({ change, tests, known }) => {
  for (const [name, milliseconds] of known ?? []) durations.set(name, milliseconds);
  const done = known !== undefined ? Promise.resolve({}) : tests === undefined ? tell() : judge(change, tests);
  done.then(
    (answer) => process.send(answer),
    (error) => process.send({ failed: error.message }),
  );
});
