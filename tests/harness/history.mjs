// Judges what clients saw against what was acked: the promises P1 to P6, as far as they show from outside.

import assert from "node:assert/strict";
import { Person } from "./client.mjs";

/**
 * - `log`: the texts of the whole log as a fresh client reads it, with their offsets
 * - `views`: what each client saw over its life, first offset included
 * - `acked`: texts that were acked as stored (each text is sent once by the test)
 * - `refused`: texts that were refused for good
 * - `senders`: for each sender the texts in the order of sending
 */
export function judge({ log, views = [], acked = [], refused = [], senders = [] }) {
  const offsets = log.map((line) => line.offset);
  assert.deepEqual(offsets, offsets.map((_, index) => index + 1), "the log is dense and in order");
  const stored = new Map();
  for (const { text } of log) stored.set(text, (stored.get(text) ?? 0) + 1);
  for (const text of acked) assert.equal(stored.get(text), 1, `acked, so exactly once in the log: ${text}`);
  for (const text of refused) assert.equal(stored.get(text), undefined, `refused, so not in the log: ${text}`);
  for (const texts of senders) {
    const own = new Set(texts);
    const kept = log.map((line) => line.text).filter((text) => own.has(text));
    assert.deepEqual(kept, texts.filter((text) => stored.has(text)), "a sender's order is kept, and nothing doubled");
  }
  for (const view of views) {
    const first = view[0]?.offset ?? 1;
    const slice = log.slice(first - 1, first - 1 + view.length);
    assert.deepEqual(view.map(pair), slice.map(pair), "a view is a slice of the log: no hole, no double, no swap");
  }
}

/** The whole log, as a client reads it that has seen nothing yet. */
export async function readLog(test, url, count) {
  const reader = await Person.connect(test, url, { transports: ["websocket"] });
  await reader.seesCount(count);
  // An own line stands behind everything that was in the log before it.
  await reader.say("(end)");
  await reader.sees("(end)");
  reader.leave();
  return reader.lines;
}

const pair = ({ text, offset }) => ({ text, offset });
