// Prints what becomes of each trap on both servers. Ends with 1 if ours falls into one.

import { appendFileSync } from "node:fs";
import { NodeServer, Tidings } from "./subjects.mjs";
import { spring, TRAPS } from "./scripts.mjs";

const rows = [];
for (const trap of TRAPS) {
  const node = trap.onlyTidings === undefined
    ? await spring(trap, (scope, { workers, impatient }) => NodeServer.start(scope, { workers, impatient }))
    : { held: undefined, saw: `not tried: needs ${trap.onlyTidings}` };
  const tidings = await spring(trap, (scope) => Tidings.start(scope));
  rows.push({ trap: trap.name, node, tidings });
  console.log(`${trap.name}\n    node     ${mark(node)}${node.saw}\n    tidings  ${mark(tidings)}${tidings.saw}`);
}

const held = (name) => rows.filter((row) => row[name].held).length;
const tried = rows.filter((row) => row.node.held !== undefined).length;
console.log(`\nnode gets ${held("node")} of ${tried} right, tidings ${held("tidings")} of ${rows.length}`);
const file = process.env.PROOF_RESULTS;
if (file !== undefined) for (const row of rows) appendFileSync(file, `${JSON.stringify({ section: "traps", ...row })}\n`);
process.exit(held("tidings") === rows.length ? 0 : 1);

function mark({ held: ok }) {
  return ok === undefined ? "     " : ok ? "ok   " : "FAILS ";
}
