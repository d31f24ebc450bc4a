// What the app showed, from the first frame to the last: written down in the page and judged by the history checker.
//
// The page tells of every state of its messages, before it is painted. A state is a list of rows,
// `{ seq, text }`: `seq` is null while a message is not stored, and a hole is `{ hole: true }`.

import assert from "node:assert/strict";
import { check, demand } from "./checker.mjs";
import { V1Person } from "./person.mjs";

/** Begins to write down what a page shows of the room that is open. Before it is opened. */
export async function record(page, states) {
  await page.exposeFunction("showed", (state) => void states.push(state));
  await page.addInitScript(() => {
    let before = "";
    const look = () => {
      const rows = [...document.querySelectorAll("#messages .row:is(.message, .hole)")].map((row) => {
        if (row.classList.contains("hole")) return { hole: true };
        const { seq, key } = row.dataset;
        return { seq: seq === undefined ? null : Number(seq), key, text: row.querySelector(".body").textContent.trim() };
      });
      const after = JSON.stringify(rows);
      if (after === before) return;
      before = after;
      void globalThis.showed({ rows });
    };
    new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true, attributeFilter: ["data-seq"] });
  });
}

/** A room as the server has it. */
export async function readRoom(test, url, room) {
  const reader = await V1Person.connect(test, url);
  const lines = [];
  for (let last = false, after = 0; !last; after = lines.at(-1)?.offset ?? 0) {
    const page = await reader.ask("history", { room, after, limit: 100 });
    assert.equal(page.ok, true);
    lines.push(...page.messages.map(({ seq, text }) => ({ offset: seq, text })));
    last = page.last;
  }
  reader.leave();
  return lines;
}

/**
 * Judges everything that was shown against the log. `people` have `name`, `states`, and `written`: the texts that they
 * sent, in order, which have to be different ones.
 */
export function judgeViews(log, people, { senders = [] } = {}) {
  const sent = [...people, ...senders].flatMap(({ name, written }) => written.map((text) => ({ sender: name, key: text, text })));
  const acked = people.flatMap(({ name, states }) => ownStored(states, sent.filter(({ sender }) => sender === name)));
  const views = people.flatMap(({ name, states }) =>
    states.flatMap(({ rows }, number) => runs(rows).map((steps) => ({ client: `${name}, state ${number}`, steps }))),
  );
  const verdict = check({ log, sent, acked, views });
  // Who has to have everything is judged by the last states.
  const { I9: _, ...always } = verdict;
  demand(always, "what was shown");
  const last = people.map(({ name, states }) => ({ client: name, steps: runs(states.at(-1)?.rows ?? []).at(-1) ?? [] }));
  demand(check({ log, sent, acked, views: last }), "what was shown in the end");
  for (const person of people) assertSteady(person);
}

/** What one has written is shown from the key press on, once, and behind everything that is stored. */
function assertSteady({ name, written, states }) {
  const own = new Set(written);
  const shown = new Set();
  for (const { rows } of states) {
    if (rows.length === 0) continue;
    const texts = rows.filter((row) => own.has(row.text)).map((row) => row.text);
    const once = new Set(texts);
    assert.equal(texts.length, once.size, `${name} sees a message of one's own twice: ${texts}`);
    for (const text of shown) assert.ok(once.has(text), `${name} lost sight of ${JSON.stringify(text)}`);
    for (const text of once) shown.add(text);
    const firstUnsent = rows.findIndex((row) => row.seq === null);
    if (firstUnsent !== -1) {
      assert.ok(rows.slice(firstUnsent).every((row) => row.seq === null), `${name} sees something stored behind what is not`);
    }
  }
}

function ownStored(states, sent) {
  const stored = new Set(states.flatMap(({ rows }) => rows.filter((row) => Number.isInteger(row.seq)).map((row) => row.text)));
  return sent.filter(({ text }) => stored.has(text)).map(({ sender, key }) => ({ sender, key }));
}

/** The stored rows between holes. */
function runs(rows) {
  const found = [[]];
  for (const { seq, text, hole } of rows) {
    if (hole) found.push([]);
    else if (seq !== null) found.at(-1).push({ offset: seq, text });
  }
  return found.filter((run) => run.length > 0);
}
