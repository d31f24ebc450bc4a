// Reads the tables of docs/permissions.md.

import { readFileSync } from "node:fs";

const PAGE = new URL("../../docs/permissions.md", import.meta.url);

/** The tables by their headings: `{ roles, rows: [{ name, cells: Map<role, cell> }] }`. Tables without roles are left out. */
export function tables() {
  const found = new Map();
  let heading;
  let roles = [];
  for (const line of readFileSync(PAGE, "utf8").split("\n")) {
    if (line.startsWith("#")) {
      heading = line.replace(/^#+ /, "");
      roles = [];
    }
    if (!line.startsWith("|") || line.startsWith("|---")) continue;
    const [first, ...cells] = line.slice(1, -1).split("|").map((cell) => cell.trim());
    if (first === "") {
      roles = cells;
      found.set(heading, { roles, rows: [] });
    } else if (roles.length > 0) {
      if (cells.length !== roles.length) throw new Error(`${heading}: ${first} has ${cells.length} cells`);
      found.get(heading).rows.push({ name: first, cells: new Map(roles.map((role, at) => [role, cells[at]])) });
    }
  }
  return found;
}
