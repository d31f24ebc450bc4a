// Builds the page with the bug in it that `PLANTED` names: `node build.mjs FOLDER`.

import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { planted } from "./plant.mjs";

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "../..");
const [, , outDir] = process.argv;
await build({ root, logLevel: "error", plugins: planted(root), build: { outDir, emptyOutDir: true } });
