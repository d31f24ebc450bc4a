// The process of a server, found by the port it listens on, as the system tells it: signals, memory, threads.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** The process that listens on the server's port. */
export function processOf(server) {
  const id = listenerOf(server.port);
  if (id === undefined) throw new Error(`nobody listens on ${server.port}`);
  return new Process(id);
}

class Process {
  constructor(id) {
    this.id = id;
  }

  signal(name) {
    process.kill(this.id, name);
  }

  /** Kilobytes in memory: now, and the most there ever were. */
  memory() {
    const status = readFileSync(`/proc/${this.id}/status`, "utf8");
    const value = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]);
    return { now: value("VmRSS"), peak: value("VmHWM") };
  }
}

function listenerOf(port) {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const rows = readFileSync("/proc/net/tcp", "utf8").split("\n").map((row) => row.trim().split(/\s+/));
  const inode = rows.find((row) => row[1] === `0100007F:${hex}` && row[3] === "0A")?.[9];
  for (const id of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const holds = readdirSync(`/proc/${id}/fd`).some((fd) => readlinkSync(`/proc/${id}/fd/${fd}`) === `socket:[${inode}]`);
      if (holds) return Number(id);
    } catch {
      // Gone in the meantime, or not ours.
    }
  }
  return undefined;
}
