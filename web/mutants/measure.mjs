// Changes files of the core in many small ways, and finds a test that notices each change.
//
// Stryker writes the changes into the code, all of them at once and each behind a switch. Code and tests become one bundle, and
// the processes of `bench.mjs` run its tests with one switch on after the other: only those tests that reach the change, the
// quickest first, until one fails.

import { fork } from "node:child_process";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createInstrumenter } from "@stryker-mutator/instrumenter";
import { createInjector } from "typed-inject";
import { build } from "vite";

const here = import.meta.dirname;
const root = path.join(here, "..");
/** They take too long to run them for every change. */
const LEFT_OUT = /\/(?:steps|socket-line|counted|interleaved|exchanges)\.test\./;
/** So long all tests together may take for one change: the slowest are not asked. */
const BUDGET_MS = 1_500;
/** Those that are named after the file come first, and may take longer. */
const OWN_FACTOR = 5;

/** Of each change: where it is, what stands there and what in its place, and the name of the test that notices it, or null. */
export async function measure(names, folder, processes, tell) {
  const sources = names.map((name) => ({ name: path.join(root, name), mutate: true, content: readFileSync(path.join(root, name), "utf8") }));
  const { files, mutants } = await instrument(sources);
  const bundle = path.join(folder, "bundle.cjs");
  writeFileSync(bundle, await bundled(new Map(files.map(({ name, content }) => [name, content]))));
  const bench = new Bench(bundle);
  const { tests, always } = await bench.ask({}).catch((error) => {
    bench.close();
    throw error;
  });
  tell(`${tests.length} tests in ${Math.round(tests.reduce((sum, { milliseconds }) => sum + milliseconds, 0))} ms, ${mutants.length} changes`);
  const known = tests.map(({ name, milliseconds }) => [name, milliseconds]);
  const reaching = reachingTests(mutants, tests, new Set(always));
  const waiting = [...mutants];
  const contents = new Map(sources.map(({ name, content }) => [name, content.split("\n")]));
  const found = [];
  const work = async (own) => {
    await own.prepare(known);
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const names = reaching.get(mutant.id) ?? [];
      const test = names.length === 0 ? null : await own.judge(mutant.id, names);
      found.push({ ...mutant, was: textAt(contents.get(mutant.fileName), mutant.location), line: mutant.location.start.line + 1, test });
      tell(null, { done: found.length, all: mutants.length, last: found.at(-1) });
    }
    own.close();
  };
  await Promise.all([bench, ...Array.from({ length: processes - 1 }, () => new Bench(bundle))].map(work));
  return found.sort((a, b) => Number(a.id) - Number(b.id));
}

function textAt(lines, { start, end }) {
  const part = lines.slice(start.line, end.line + 1);
  part[part.length - 1] = part.at(-1).slice(0, end.column);
  part[0] = part[0].slice(start.column);
  return part.join("\n");
}

function instrument(sources) {
  const logger = new Proxy({}, { get: (_, name) => () => (String(name).startsWith("is") ? false : undefined) });
  const injector = createInjector().provideValue("logger", logger).provideValue("options", {});
  return injector.injectFunction(createInstrumenter).instrument(sources, { plugins: null, excludedMutations: [], ignorers: [] });
}

/** The tests of the core and the code, with what was changed. */
async function bundled(changed) {
  const tests = readdirSync(path.join(root, "tests/core"), { recursive: true, encoding: "utf8" })
    .map((name) => path.join(root, "tests/core", name))
    .filter((name) => name.endsWith(".test.ts") && !LEFT_OUT.test(name))
    .sort();
  const entry = "virtual:tests";
  const vitest = "virtual:vitest";
  const beside = "virtual:beside ";
  const plugin = {
    name: "mutants",
    enforce: "pre",
    resolveId: (id) => (id === "vitest" ? vitest : id.startsWith("virtual:") ? id : null),
    load: (id) => {
      if (id === entry) return tests.map((file) => `import ${JSON.stringify(`${beside}${path.basename(file)}`)};\nimport ${JSON.stringify(file)};`).join("\n");
      if (id.startsWith(beside)) return `globalThis.testsOfCore.begin(${JSON.stringify(id.slice(beside.length))});`;
      if (id === vitest) return "export const { afterEach, describe, expect, test, vi } = globalThis.testsOfCore;";
      const code = changed.get(id) ?? (id.startsWith(root) && id.endsWith(".ts") ? readFileSync(id, "utf8") : null);
      return code?.replaceAll("import.meta.url", JSON.stringify(`file://${id}`)) ?? null;
    },
  };
  const { output } = await build({
    configFile: false,
    root,
    logLevel: "error",
    plugins: [plugin],
    ssr: { noExternal: true },
    build: { ssr: true, write: false, minify: false, target: "esnext", rollupOptions: { input: entry, output: { format: "cjs", codeSplitting: false } } },
  });
  return output[0].code;
}

/** The names of the tests that reach each change, the quickest first, as long as there is time. */
function reachingTests(mutants, tests, always) {
  const all = tests.map((test) => ({ ...test, reaches: new Set(test.reaches) }));
  const files = new Map(mutants.map(({ id, fileName }) => [id, fileName]));
  const touched = new Map(all.map(({ name, reaches }) => [name, new Set([...reaches].map((id) => files.get(id)))]));
  const chosen = ({ id, fileName }) => {
    const own = path.basename(fileName, ".ts");
    // They know best.
    const weight = ({ name, milliseconds }) => (name.startsWith(`${own}.`) || name.startsWith(`${own}-`) ? milliseconds / OWN_FACTOR : milliseconds);
    // What is evaluated once, when the file is read, is noticed by whoever uses anything of the file.
    const reaching = all.filter(({ name, reaches }) => reaches.has(id) || (always.has(id) && touched.get(name).has(fileName)));
    let budget = BUDGET_MS;
    return (reaching.length === 0 && always.has(id) ? all : reaching)
      .map((test) => ({ ...test, weight: weight(test) }))
      .sort((a, b) => a.weight - b.weight)
      .filter(({ weight }) => (budget -= weight) > 0)
      .map(({ name }) => name);
  };
  return new Map(mutants.map((mutant) => [mutant.id, chosen(mutant)]));
}

class Bench {
  #bundle;
  #known = [];
  #process;

  constructor(bundle) {
    this.#bundle = bundle;
    this.#start();
  }

  #start() {
    this.#process = fork(path.join(here, "bench.mjs"), [this.#bundle], { env: { ...process.env, CORE_SEEDS: "1" }, execArgv: ["--max-semi-space-size=64"] });
  }

  ask(question) {
    return new Promise((resolve, reject) => {
      this.#process.once("message", (answer) => (answer.failed === undefined ? resolve(answer) : reject(new Error(answer.failed))));
      this.#process.once("exit", () => reject(new Error("it never ends")));
      this.#process.send(question);
    }).finally(() => this.#process.removeAllListeners());
  }

  async prepare(known) {
    this.#known = known;
    await this.ask({ known });
  }

  /** The name of the test that notices it, or null. */
  async judge(change, tests) {
    try {
      return (await this.ask({ change, tests })).test;
    } catch (error) {
      this.#process.kill("SIGKILL");
      this.#start();
      await this.ask({ known: this.#known });
      return error.message;
    }
  }

  /** What a test of a change has begun may never end by itself. */
  close() {
    this.#process.kill("SIGKILL");
  }
}
