// Changes the app's core in many small ways, one at a time, and demands that a test notices each.
//
//   npm run mutants                     all files of src/core
//   npm run mutants -- stream outbox    src/core/stream.ts and src/core/outbox.ts
//
// Stryker makes the changes and runs the tests that reach them, see vitest.config.ts. A change that no test notices is
// printed: it is a missing test, or has its reason in reviewed.txt. Writes docs/mutants-core.md, where other files keep
// their rows. Stryker and its packages are installed here, apart from the app, because building the app needs none of them.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const here = import.meta.dirname;
const root = path.join(here, "..");
const page = path.join(root, "../docs/mutants-core.md");
const NEEDED_PERCENT = 90;
const REVIEWED_PERCENT_MAX = 3;
/** A change by which a test hangs is noticed. */
const NOTICED = ["Killed", "Timeout"];
const IMPOSSIBLE = ["CompileError", "RuntimeError", "Ignored"];

const files = named(process.argv.slice(2));
const reviewed = reasons(readFileSync(path.join(here, "reviewed.txt"), "utf8"));
const report = measure(files);
const rows = new Map(files.map((file) => [nameOf(file), counted(file, report.files[file])]));
writeFileSync(page, pageWith(existsSync(page) ? readFileSync(page, "utf8") : "", rows));
let isGood = true;
for (const [name, { all, noticed, listed, live }] of rows) {
  for (const change of live) console.log(`lives: ${change}`);
  const percent = percentOf(noticed, all - listed);
  console.log(`${name}: ${noticed} of ${all} changes noticed, ${percent} % (${NEEDED_PERCENT} are needed)`);
  if (percent < NEEDED_PERCENT || listed * 100 > REVIEWED_PERCENT_MAX * Math.max(all, 100)) isGood = false;
}
process.exitCode = isGood ? 0 : 1;

/** The files that are meant. */
function named(names) {
  const all = readdirSync(path.join(root, "src/core"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => `src/core/${file.split(path.sep).join("/")}`)
    .sort();
  for (const name of names) if (!all.some((file) => nameOf(file) === name)) throw new Error(`there is no src/core/${name}.ts`);
  return names.length === 0 ? all : all.filter((file) => names.includes(nameOf(file)));
}

/** Without the folder and the ending. */
function nameOf(file) {
  return file.replace(/^src\/core\/|\.ts$/g, "");
}

function measure(mutate) {
  const stryker = path.join(here, "node_modules/@stryker-mutator/core/bin/stryker.js");
  if (!existsSync(stryker)) run("npm", ["ci", "--silent"], here);
  const folder = mkdtempSync(path.join(tmpdir(), "mutants-"));
  const config = path.join(folder, "stryker.json");
  const results = path.join(folder, "results.json");
  const settings = {
    mutate,
    testRunner: "vitest",
    vitest: { configFile: "mutants/vitest.config.ts", related: false },
    plugins: ["@stryker-mutator/vitest-runner"],
    coverageAnalysis: "perTest",
    concurrency: 1,
    timeoutMS: 3_000,
    timeoutFactor: 2,
    dryRunTimeoutMinutes: 10,
    // What is known of changes and tests that are as they were is not measured again.
    incremental: true,
    incrementalFile: path.join(here, "known.json"),
    reporters: ["json", "progress-append-only"],
    jsonReporter: { fileName: results },
    allowConsoleColors: false,
    tempDirName: path.join(folder, "sandbox"),
    ignorePatterns: ["dist", "mutants/node_modules"],
    // It would read the types' settings with an interface that TypeScript 7 has not.
    tsconfigFile: "none",
  };
  writeFileSync(config, JSON.stringify(settings));
  try {
    run(process.execPath, [stryker, "run", config], root);
    return JSON.parse(readFileSync(results, "utf8"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(program, parameters, cwd) {
  const { status, error } = spawnSync(program, parameters, { cwd, stdio: "inherit" });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ${parameters.join(" ")} ended with ${status}`);
}

/** Each line is a change without its place, and after ` -- ` the reason why it may live. */
function reasons(list) {
  const lines = list.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Set(
    lines.map((line) => {
      const [change, reason = ""] = line.split(" -- ");
      if (reason.trim() === "") throw new Error(`no reason in ${line}`);
      return change;
    }),
  );
}

function counted(file, { source, mutants }) {
  const lines = source.split("\n");
  const counts = { all: 0, noticed: 0, listed: 0, live: [] };
  for (const { location, replacement, status } of mutants) {
    if (IMPOSSIBLE.includes(status)) continue;
    counts.all += 1;
    const change = `${nameOf(file)}: ${inOneLine(textAt(lines, location))} → ${inOneLine(replacement)}`;
    if (NOTICED.includes(status)) counts.noticed += 1;
    else if (reviewed.has(change)) counts.listed += 1;
    else counts.live.push(`${location.start.line}: ${change}`);
  }
  return counts;
}

function textAt(lines, { start, end }) {
  const part = lines.slice(start.line - 1, end.line);
  part[part.length - 1] = part.at(-1).slice(0, end.column - 1);
  part[0] = part[0].slice(start.column - 1);
  return part.join("\n");
}

function inOneLine(code) {
  return code.replace(/\s+/g, " ").trim();
}

function percentOf(part, whole) {
  return whole === 0 ? 100 : Math.floor((100 * part) / whole);
}

/** The page with new rows; files that were not measured keep theirs. */
function pageWith(old, measured) {
  const known = new Map([...old.matchAll(/^\| `([^`]+)` \|.*\| (\d+) % \|$/gm)].map(([row, name, first]) => [name, { row, first }]));
  for (const [name, { all, noticed, listed, live }] of measured) {
    const percent = percentOf(noticed, all - listed);
    const first = known.get(name)?.first ?? percent;
    known.set(name, { first, row: `| \`${name}\` | ${all} | ${noticed} | ${listed} | ${live.length} | ${percent} % | ${first} % |` });
  }
  const names = named([]).map(nameOf);
  const missing = names.filter((name) => !known.has(name));
  return `# Mutants of the app's core

Written by \`npm run mutants\` in \`web/\`. It changes \`web/src/core\` in many small ways, one at a time, and runs the tests of the
core that are quick, with one seed of each storm: the long storms, the steps and the browser are not asked. A change that
no test notices shows what the tests do not check. *Reviewed* changes are in \`web/mutants/reviewed.txt\`, each with the
reason why nobody could notice it. The share is of those that can be noticed; ${NEEDED_PERCENT} % are needed.

| file | changes | noticed | reviewed | live | noticed | when first measured |
|---|---|---|---|---|---|---|
${names.flatMap((name) => known.get(name)?.row ?? []).join("\n")}
${missing.length === 0 ? "" : `\nNot measured yet: ${missing.map((name) => `\`${name}\``).join(", ")}.\n`}`;
}
