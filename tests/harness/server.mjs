// Starts the real binary, one process per server, in a data folder of its own.
//
// TIDINGS_BIN names the binary; the load generator, tidings-bench, is built beside it. A server is known to be ready by the one line it prints; a restarted one comes back on
// the ports it had, as its clients expect.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, extname, join } from "node:path";
import { within } from "./waiting.mjs";

const READY_DEADLINE_MS = 20_000;
const STOP_DEADLINE_MS = 20_000;

export function binary() {
  const path = process.env.TIDINGS_BIN;
  if (path === undefined) throw new Error("TIDINGS_BIN has to name the tidings binary");
  return path;
}

/** The folders of the tests of this file. What a test starts may write to them until its own hook has ended it. */
const folders = [];
process.once("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is gone when the tests of the file are over. */
export function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), "tidings-test-"));
  folders.push(folder);
  return folder;
}

/** Runs the binary to its end. */
export function run(args, options) {
  return runToItsEnd(binary(), args, options);
}

/** Runs the load generator to its end. */
export function runBench(args) {
  return runToItsEnd(join(dirname(binary()), `tidings-bench${extname(binary())}`), args);
}

async function runToItsEnd(program, args, { env = {}, cwd } = {}) {
  const child = spawn(program, args, { env: cleanEnvironment(env), cwd, stdio: ["ignore", "pipe", "pipe"] });
  const output = collect(child);
  const ended = once(child, "close");
  try {
    const [code, signal] = await within(ended, READY_DEADLINE_MS, `the end of ${program} ${args.join(" ")}`);
    return { code, signal, ...output };
  } finally {
    child.kill("SIGKILL");
  }
}

export class Server {
  #options;
  #child;
  #ended;

  /** Starts a server that ends with the test; `files` is how many it may open. */
  static async start(test, options = {}) {
    const server = new Server({ ...options, data: options.data === undefined ? join(temporaryFolder(), "data") : options.data });
    test.after(() => server.kill());
    await server.#launch(options.listen ?? ["127.0.0.1:0"]);
    return server;
  }

  constructor(options) {
    this.#options = options;
  }

  get data() {
    return this.#options.data;
  }

  get url() {
    return this.urls[0];
  }

  get port() {
    return Number(new URL(this.url).port);
  }

  get process() {
    return this.#child.process.pid;
  }

  /** The most memory that it has had so far, in bytes. */
  get memory() {
    const status = readFileSync(`/proc/${this.#child.process.pid}/status`, "utf8");
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)[1]) * 1024;
  }

  get output() {
    return this.#child.output;
  }

  /** What it has logged, from its start to its end, which comes now. */
  async log() {
    await this.stop();
    return this.output.stderr;
  }

  /** Waits until it has logged this, and returns the match. */
  async logged(pattern) {
    const { process: child, output } = this.#child;
    let look;
    const found = new Promise((resolve) => {
      look = () => {
        const match = pattern.exec(output.stderr);
        if (match !== null) resolve(match);
      };
      child.stderr.on("data", look);
      look();
    });
    try {
      return await within(found, READY_DEADLINE_MS, `${pattern} in the log: ${output.stderr}`);
    } finally {
      child.stderr.off("data", look);
    }
  }

  /** Asks it to end, and waits for that. */
  async stop() {
    this.#child.process.kill("SIGTERM");
    const [code, signal] = await within(this.#ended, STOP_DEADLINE_MS, "the end of a server that got SIGTERM");
    return { code, signal };
  }

  async kill() {
    this.#child.process.kill("SIGKILL");
    await this.#ended;
  }

  /** Starts it again, on the ports and the data that it had. */
  async startAgain() {
    await this.#launch(this.urls.map((url) => new URL(url).host));
  }

  async restart() {
    await this.stop();
    await this.startAgain();
  }

  async #launch(listen) {
    const { data, pages, args = [], env = {}, files } = this.#options;
    const folder = data === null || args.includes("--demo") ? [] : ["--data", data];
    const all = [...listen.flatMap((address) => ["--listen", address]), ...folder];
    if (pages !== undefined) all.push("--pages", pages);
    const limited = ["-c", `ulimit -n ${files} && exec "$0" "$@"`, binary()];
    const [program, ...before] = files === undefined ? [binary()] : ["sh", ...limited];
    const child = spawn(program, [...before, ...all, ...args], {
      env: cleanEnvironment(env),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = { process: child, output: collect(child) };
    this.#ended = once(child, "close");
    this.urls = await within(this.#ready(listen.length), READY_DEADLINE_MS, "the line that says ready");
  }

  #ready(count) {
    const { process: child, output } = this.#child;
    return new Promise((resolve, reject) => {
      const look = () => {
        const line = /^tidings is ready on (.*)$/m.exec(output.stdout);
        const urls = line?.[1].match(/https?:\/\/[^\s,]+/g) ?? [];
        if (urls.length >= count) resolve(urls);
      };
      child.stdout.on("data", look);
      child.once("error", reject);
      child.once("close", (code) => reject(new Error(`tidings ended with ${code}: ${output.stdout}${output.stderr}`)));
    });
  }
}

function collect(child) {
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"]) {
    child[stream].setEncoding("utf8").on("data", (text) => (output[stream] += text));
  }
  return output;
}

// A developer's own TIDINGS_… settings must not change what is tested.
function cleanEnvironment(extra) {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("TIDINGS_"));
  return { ...Object.fromEntries(kept), ...extra };
}
