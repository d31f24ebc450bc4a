// python-socketio against the engine without chat: acks, binary, broadcast, answers and a second namespace.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { startExample } from "../harness/example.mjs";
import { PYTHON } from "../harness/python.mjs";

const PROGRAM = join(import.meta.dirname, "engine.py");

for (const [way, transports, transport] of [
  ["by polling", "polling", "polling"],
  ["by WebSocket", "websocket", "websocket"],
  ["with the upgrade", "polling,websocket", "websocket"],
]) {
  test(`python-socketio sends and gets everything ${way}`, async (t) => {
    const url = await startExample(t);
    const { stdout } = await promisify(execFile)(PYTHON, [PROGRAM, url, transports], { timeout: 60_000 });
    assert.deepEqual(JSON.parse(stdout), {
      transport,
      ack: ["one", 2, { three: [null] }],
      binary: true,
      private: "in",
      broadcast: ["hello", true],
      answered: "how are you? fine",
      event: true,
      complete: true,
    });
  });
}
