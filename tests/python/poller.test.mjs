// python-socketio by polling alone, which ends its connection at an answer of more than 16 packets: a room with more
// messages than that, a burst of others, and many of its own answers at once.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { Person } from "../harness/client.mjs";
import { PYTHON } from "../harness/python.mjs";
import { Server } from "../harness/server.mjs";

const PROGRAM = join(import.meta.dirname, "poller.py");
const OLD = 100;
const OWN = 40;
const BURST = 60;

/** The numbered texts of one writer. */
const of = (texts, writer) => texts.filter((text) => text.startsWith(`${writer} `));
const numbered = (writer, count) => Array.from({ length: count }, (_, number) => `${writer} ${number}`);

// On the coarse clock of Windows many of its requests are marked alike.
for (const [way, clock] of [["sync", "fine"], ["async", "fine"], ["sync", "coarse"], ["async", "coarse"]]) {
  test(`python-socketio (${way}, ${clock} clock) gets everything by polling alone`, async (t) => {
    const server = await Server.start(t);
    const bob = await Person.connect(t, server.url);
    for (const text of numbered("old", OLD)) await bob.say(text);

    const python = spawn(PYTHON, [PROGRAM, server.url, way, `${OLD}`, `${OWN}`, clock], { stdio: ["pipe", "pipe", "inherit"] });
    t.after(() => python.kill("SIGKILL"));
    const reports = createInterface({ input: python.stdout })[Symbol.asyncIterator]();
    const next = async () => JSON.parse((await reports.next()).value);
    assert.deepEqual(await next(), { event: "ready", complete: true, texts: OLD });

    python.stdin.write(`${BURST}\n`);
    await Promise.all(numbered("burst", BURST).map((text) => bob.say(text)));
    const { event, answered, texts, ends, transport } = await next();
    assert.deepEqual({ event, answered, ends, transport }, { event: "done", answered: true, ends: [], transport: "polling" });
    assert.deepEqual(of(texts, "old"), numbered("old", OLD));
    assert.deepEqual(of(texts, "burst"), numbered("burst", BURST));
    assert.deepEqual(of(texts, "own"), numbered("own", OWN));
    assert.equal(texts.length, OLD + BURST + OWN);
    assert.deepEqual(texts.slice(OLD), bob.texts.slice(OLD), "in the order in which everybody else sees them");
  });
}
