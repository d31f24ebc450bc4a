// Each planted bug still finds the text that it replaces: code moves, and a bug whose text is gone measures nothing.

import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { BUGS } from "./bugs.mjs";

const root = path.join(import.meta.dirname, "../..");

test.each(BUGS)("$name", ({ file, find, replace }) => {
  const source = readFileSync(path.join(root, file), "utf8");
  expect(source.split(find).length - 1, `places in ${file}`).toBe(1);
  expect(replace).not.toBe(find);
});

test("no two bugs have one name", () => {
  expect(new Set(BUGS.map(({ name }) => name)).size).toBe(BUGS.length);
});
