// Starts an example server of the engine, which knows everything but chat: events, acks, binary, rooms, middleware.
//
// KITCHEN_SINK_BIN and AXUM_TLS_BIN name the programs. Each prints one line with its address.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { within } from "./waiting.mjs";

const READY_DEADLINE_MS = 20_000;

/** The URL of an example server that ends with the test. */
export async function startExample(test, variable = "KITCHEN_SINK_BIN", args = []) {
  const path = process.env[variable];
  if (path === undefined) throw new Error(`${variable} has to name the example`);
  const child = spawn(path, ["127.0.0.1:0", ...args], { stdio: ["ignore", "pipe", "inherit"] });
  test.after(() => child.kill("SIGKILL"));
  const ready = new Promise((resolve, reject) => {
    createInterface(child.stdout).once("line", resolve);
    child.once("error", reject);
    child.once("close", (code) => reject(new Error(`the example ended with ${code}`)));
  });
  const line = await within(ready, READY_DEADLINE_MS, "the line that says ready");
  return /^ready on (https?:\S+)$/.exec(line)[1];
}
