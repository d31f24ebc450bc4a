// The Vite plugin that plants one bug while the tests run.

import path from "node:path";
import { BUGS } from "./bugs.mjs";

/** What `PLANTED` names; nothing if it is not set. */
export function planted(root) {
  const { PLANTED } = process.env;
  if (PLANTED === undefined) return [];
  const bug = BUGS.find(({ name }) => name === PLANTED);
  if (bug === undefined) throw new Error(`no bug is called "${PLANTED}"`);
  const file = path.join(root, bug.file);
  return [
    {
      name: "plant-a-bug",
      enforce: "pre",
      transform(code, id) {
        return id.split("?", 1)[0] === file ? code.replace(bug.find, () => bug.replace) : null;
      },
    },
  ];
}
