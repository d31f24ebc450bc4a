// Changes the app's core in many small ways, one at a time, and demands that a test notices each.
//
//   npm run mutants                     all files of src/core
//   npm run mutants -- stream outbox    src/core/stream.ts and src/core/outbox.ts
//
// `measure.mjs` makes the changes and runs the tests that reach them. A change that no test notices is printed: it is a missing
// test, or has its reason in reviewed.txt. Writes docs/mutants-core.md, where other files keep their rows. What makes the changes
// is installed here, apart from the app, because building the app needs none of it. MUTANTS_PROCESSES is how many run at once.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const here = import.meta.dirname;
const root = path.join(here, "..");
const page = path.join(root, "../docs/mutants-core.md");
const NEEDED_PERCENT = 90;
const REVIEWED_PERCENT_MAX = 3;
const TOLD_MS = 10_000;

const files = named(process.argv.slice(2));
const reviewed = reasons(readFileSync(path.join(here, "reviewed.txt"), "utf8"));
const found = await measured(files);
const rows = new Map(files.map((file) => [nameOf(file), counted(file, found)]));
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

async function measured(names) {
  if (!existsSync(path.join(here, "node_modules"))) {
    const { status } = spawnSync("npm", ["ci", "--silent"], { cwd: here, stdio: "inherit" });
    if (status !== 0) throw new Error("npm ci failed in web/mutants");
  }
  const folder = mkdtempSync(path.join(tmpdir(), "mutants-"));
  let told = Date.now();
  const tell = (line, { done, all } = {}) => {
    if (line !== null) return console.log(line);
    if (Date.now() - told < TOLD_MS) return;
    told = Date.now();
    console.log(`${done} of ${all} changes tried`);
  };
  try {
    const { measure } = await import("./measure.mjs");
    return await measure(names, folder, Number(process.env.MUTANTS_PROCESSES ?? 1), tell);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
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

function counted(file, all) {
  const counts = { all: 0, noticed: 0, listed: 0, live: [] };
  for (const { fileName, was, line, replacement, test } of all) {
    if (fileName !== path.join(root, file)) continue;
    counts.all += 1;
    const change = `${nameOf(file)}: ${inOneLine(was)} → ${inOneLine(replacement)}`;
    if (test !== null) counts.noticed += 1;
    else if (reviewed.has(change)) counts.listed += 1;
    else counts.live.push(`${line}: ${change}`);
  }
  return counts;
}

function inOneLine(code) {
  return code.replace(/\s+/g, " ").trim();
}

function percentOf(part, whole) {
  return whole === 0 ? 100 : Math.floor((100 * part) / whole);
}

/** The page with new rows; files that were not measured keep theirs. */
function pageWith(old, counts) {
  const known = new Map([...old.matchAll(/^\| `([^`]+)` \|.*\| (\d+) % \|$/gm)].map(([row, name, first]) => [name, { row, first }]));
  for (const [name, { all, noticed, listed, live }] of counts) {
    const percent = percentOf(noticed, all - listed);
    const first = known.get(name)?.first ?? percent;
    known.set(name, { first, row: `| \`${name}\` | ${all} | ${noticed} | ${listed} | ${live.length} | ${percent} % | ${first} % |` });
  }
  const names = named([]).map(nameOf);
  const missing = names.filter((name) => !known.has(name));
  return `# Mutants of the app's core

Written by \`npm run mutants\` in \`web/\`. It changes \`web/src/core\` in many small ways, one at a time, and runs the tests of
\`web/tests/core\` that reach the change, the quickest first, until one fails or their time is up. The long storms, the steps, most
tests with real sockets, and real browsers are not asked. A change that no test notices shows what the tests do not check. *Reviewed*
changes are in \`web/mutants/reviewed.txt\`, each with the reason why nobody could notice it. The share is of those that can be
noticed; ${NEEDED_PERCENT} % are needed.

| file | changes | noticed | reviewed | live | noticed | when first measured |
|---|---|---|---|---|---|---|
${names.flatMap((name) => known.get(name)?.row ?? []).join("\n")}
${missing.length === 0 ? "" : `\nNot measured yet: ${missing.map((name) => `\`${name}\``).join(", ")}.\n`}`;
}
