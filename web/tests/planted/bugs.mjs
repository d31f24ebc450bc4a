// The bugs that are planted in the app, one at a time, to measure its tests: each is a small, likely mistake.
//
// A bug replaces text of one source file, which has to contain it exactly once; `run.mjs` demands that the tests then
// fail. A bug whose text is gone is a failure too: it moves with the code, or makes room for another.

import { connection } from "./connection.mjs";
import { elsewhere, WALK } from "./elsewhere.mjs";
import { failing } from "./failing.mjs";
import { identity } from "./identity.mjs";
import { keeping } from "./keeping.mjs";
import { late } from "./late.mjs";
import { outbox } from "./outbox.mjs";
import { reading } from "./reading.mjs";
import { sending } from "./sending.mjs";
import { showing } from "./showing.mjs";
import { text } from "./text.mjs";
import { typed } from "./typed.mjs";

export { WALK };

/** @typedef {{ name: string, file: string, find: string, replace: string, tests: string[] }} Bug */

/** @type {readonly Bug[]} */
export const BUGS = [...connection, ...elsewhere, ...failing, ...identity, ...keeping, ...late, ...outbox, ...reading, ...sending, ...showing, ...text, ...typed];
