// A tab that hangs – a debugger, a heavy extension, a frozen page – is no concern of the other tabs.
//
// The tab that has the connection writes a message and stops answering a moment later: some of these moments are in the
// middle of what it does with its store. The others go on within seconds, and nothing is lost or doubled when it wakes.
// A debugger stops the tab, so that it takes no time of the processor, and goes on when the others have.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { LOBBY, Person } from "../harness/app.mjs";
import { launch } from "../harness/browser.mjs";
import { V1Person } from "../harness/person.mjs";
import { Server } from "../harness/server.mjs";
import { readRoom } from "../harness/views.mjs";

/** The others miss its heartbeat for three seconds, and connect. */
const OVER_MS = 8_000;
/** What is typed stands in the page at once; a machine under load may take its time. */
const AT_ONCE_MS = 2_000;

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** Two tabs of ada, of which the first has the connection, and bob. */
async function situation(t) {
  const server = await Server.start(t);
  const bob = await V1Person.connect(t, server.url, { name: "bob" });
  const leader = await Person.arrive(t, browser, server.url, "ada");
  await leader.write("before");
  await bob.sees("before");
  const other = await leader.tab();
  await other.shows("before");
  await other.page.bringToFront();
  return { server, bob, leader, other };
}

/** Lets a page hang as `hang` does, until the function that it returns is called. */
async function stop(person, text, delay) {
  const debug = await person.context.newCDPSession(person.page);
  await debug.send("Debugger.enable");
  const paused = new Promise((resolve) => debug.once("Debugger.paused", resolve));
  await person.page.evaluate(hang, [text, delay]);
  return async () => {
    await paused;
    await debug.send("Debugger.resume");
    await debug.detach();
  };
}

/** In the page: writes a message, and hangs some milliseconds later. */
function hang([text, delay]) {
  if (text !== null) {
    const field = document.querySelector("#message-field");
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.form.requestSubmit();
  }
  setTimeout(() => {
    debugger;
  }, delay);
}

async function goesOn(t, { server, bob, other, leader }, written, resume) {
  const began = performance.now();
  const took = () => Math.round(performance.now() - began);
  await other.write("from the other tab");
  await other.sees("from the other tab");
  const shown = took();
  const third = await other.tab();
  await third.sees("before");
  await bob.sees("from the other tab");
  await bob.say("an answer");
  for (const tab of [other, third]) await tab.sees("an answer");
  const answered = took();
  t.diagnostic(`shown after ${shown} ms, answered after ${answered} ms`);
  assert.ok(shown < AT_ONCE_MS, `what was typed stood there after ${shown} ms`);
  assert.ok(answered < OVER_MS, `an answer was there after ${answered} ms`);
  await resume();
  const wanted = [...written, "from the other tab", "an answer"].sort();
  for (const tab of [leader, other, third]) await tab.has(wanted.length);
  const log = (await readRoom(t, server.url, LOBBY)).map(({ text }) => text);
  assert.deepEqual([...log].sort(), wanted);
  for (const tab of [leader, other, third]) {
    assert.deepEqual(await tab.texts(), log);
    tab.assertContent();
  }
}

describe("a tab with the connection that hangs", () => {
  for (const delay of [0, 2, 10, 40]) {
    test(`${delay} ms after it has sent a message keeps no other tab waiting`, async (t) => {
      const all = await situation(t);
      const resume = await stop(all.leader, "in flight", delay);
      await goesOn(t, all, ["before", "in flight"], resume);
    });
  }

  for (const delay of [35, 80, 160]) {
    test(`after ${delay} ms of a flood of messages keeps no other tab waiting`, async (t) => {
      const all = await situation(t);
      const flood = Array.from({ length: 40 }, (_, index) => `flood ${index}`);
      const resume = await stop(all.leader, null, delay);
      await Promise.all(flood.map((text) => all.bob.say(text)));
      await goesOn(t, all, ["before", ...flood], resume);
    });
  }
});
