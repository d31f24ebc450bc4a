// Makes docs/proof.md of the results that the proofs have noted: node page.mjs RESULTS PAGE.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { arch, cpus, platform, release, totalmem } from "node:os";
import { INVARIANTS } from "../../harness/checker.mjs";

const [, , results, page] = process.argv;
const entries = readFileSync(results, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
const sections = Map.groupBy?.(entries, (entry) => entry.section) ?? group(entries);
const [cpu] = cpus();

const lines = [
  "# Proof",
  "",
  "Written by `cargo xtask proof` from what its programs noted while they ran; do not edit it. Every test uses the release",
  "binary and the official clients, and a checker judges what everybody sent, was told and saw. A seed repeats a test:",
  "`PROOF=long PROOF_SEED=… node --test proof/NAME.test.mjs` in `tests/`. The simulation runs the same protocol and chat",
  "code over a hostile disk, network and clock: `cargo xtask sim --story --from SEED`. All of it passed, or this page",
  "would not have been written.",
  "",
  `- when: ${new Date().toISOString().slice(0, 10)}`,
  `- commit: ${execFileSync("git", ["describe", "--always", "--dirty"], { encoding: "utf8" }).trim()}`,
  `- machine: ${cpus().length} × ${cpu?.model.trim() ?? "unknown"}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${platform()} ${release()} ${arch()}, Node ${process.version}`,
  "",
  "## What the checker looks for",
  "",
  "| | invariant | looked at |",
  "|---|---|---:|",
  ...Object.entries(INVARIANTS).map(([name, text]) => `| ${name} | ${text} | ${looks(name).toLocaleString("en")} times |`),
  "",
];

const FORMS = { simulation, planted, traps, "planted in the disk": plantedInTheDisk };
for (const [section, rows] of sections) lines.push(...(FORMS[section]?.(rows) ?? table(section, rows)));
writeFileSync(page, `${lines.join("\n").trimEnd()}\n`);

function looks(name) {
  return entries.reduce((sum, { checks }) => sum + (checks?.[name] ?? 0), 0);
}

function table(section, rows) {
  const told = rows.map(({ test, section: _, checks, ...facts }) => [test, facts, Object.values(checks ?? {}).reduce((a, b) => a + b, 0)]);
  return [
    `## ${section[0].toUpperCase()}${section.slice(1)}`,
    "",
    "| test | facts | checks |",
    "|---|---|---:|",
    ...told.map(([test, facts, checks]) => `| ${cell(test)} | ${Object.entries(facts).map(([name, value]) => `${cell(name)}: ${cell(value)}`).join("; ")} | ${checks || ""} |`),
    "",
  ];
}

function simulation(rows) {
  return [
    "## The simulation",
    "",
    ...rows.flatMap(({ section: _, ...facts }) => [
      "| what | how much |",
      "|---|---:|",
      ...Object.entries(facts).map(([name, value]) => `| ${cell(name)} | ${value.toLocaleString("en")} |`),
      "",
    ]),
  ];
}

function planted(rows) {
  return [
    "## Bugs planted for the simulation to find",
    "",
    `Each is switched on alone, and seeds are run from 1 on until one of them breaks a promise: ${rows.length} of ${rows.length} were found.`,
    "",
    "| bug | seeds until it was found | what was broken |",
    "|---|---:|---|",
    ...rows.map(({ bug, tried, violation }) => `| ${cell(bug)} | ${tried} | ${cell(brief(violation))} |`),
    "",
  ];
}

function plantedInTheDisk(rows) {
  return [
    "## Bugs planted in the disk",
    "",
    `Each makes another run of the notes of the one above, which is cut where its disk differs: ${rows.length} of ${rows.length} broke a promise.`,
    "",
    "| bug | cuts until it was found | what was broken |",
    "|---|---:|---|",
    ...rows.map(({ bug, tried, violation }) => `| ${cell(bug)} | ${tried} | ${cell(brief(violation))} |`),
    "",
  ];
}

// Some messages are long on purpose.
function brief(text) {
  return text.replace(/(.)\1{20,}/gu, "$1$1$1…");
}

function traps(rows) {
  return [
    "## The tutorial's traps",
    "",
    "The same clients against a Node server in the tutorial's manner, and against ours (`cargo xtask traps`).",
    "",
    "| trap | Node | Tidings |",
    "|---|---|---|",
    ...rows.map(({ trap, node, tidings }) => `| ${cell(trap)} | ${mark(node)}${cell(node.saw)} | ${mark(tidings)}${cell(tidings.saw)} |`),
    "",
  ];
}

function mark({ held }) {
  return held === undefined ? "" : held ? "✓ " : "✗ ";
}

function cell(value) {
  const text = Array.isArray(value) ? summary(value) : typeof value === "number" ? value.toString() : String(value);
  return text.replaceAll("|", "\\|");
}

function summary(values) {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].map(([value, count]) => (count === 1 ? `${value}` : `${value} ×${count}`)).join(", ");
}

function group(items) {
  const groups = new Map();
  for (const item of items) groups.set(item.section, [...(groups.get(item.section) ?? []), item]);
  return groups;
}
