// Faults at system calls of a running server, by strace: kill it there, or let the call fail.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { Observable } from "../../harness/waiting.mjs";

/** The calls by which anything gets onto the disk. */
export const WRITE_CLASS = ["write", "pwrite64", "writev", "fsync", "fdatasync", "ftruncate", "rename", "unlink"];

/** Why there is no strace, or undefined if there is. */
export function straceIsMissing() {
  try {
    execFileSync("strace", ["--version"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "strace is not installed: apt-get install strace";
  }
}

/** strace on a process that runs. Calls are counted from here on, for each thread by itself. */
export class Tracer extends Observable {
  output = "";
  ended = false;

  static async attach(test, id, expression, paths = []) {
    const only = paths.flatMap((path) => ["-P", path]);
    const child = spawn("strace", ["-f", "-p", String(id), ...only, ...expression], { stdio: ["ignore", "ignore", "pipe"] });
    const tracer = new Tracer();
    tracer.child = child;
    test.after(() => tracer.detach());
    child.stderr.setEncoding("utf8").on("data", (text) => {
      tracer.output = (tracer.output + text).slice(-4_000);
      tracer.changed();
    });
    child.on("close", () => {
      tracer.ended = true;
      tracer.changed();
    });
    await tracer.until(() => /attached/.test(tracer.output) || tracer.ended, "strace to attach");
    if (tracer.ended) throw new Error(`strace: ${tracer.output}`);
    return tracer;
  }

  async detach() {
    if (this.ended) return;
    this.child.kill("SIGTERM");
    await once(this.child, "close");
  }

  toJSON() {
    return { output: this.output.slice(-500), ended: this.ended };
  }
}
