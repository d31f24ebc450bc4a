// The two servers that the traps are tried on. Both have two addresses that share one chat.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Server } from "../harness/server.mjs";
import { Observable, within } from "../harness/waiting.mjs";

const NODE_SERVER = fileURLToPath(new URL("node/server.mjs", import.meta.url));

/** Our binary. */
export class Tidings {
  name = "tidings";

  static async start(test) {
    const subject = new Tidings();
    subject.server = await Server.start(test, { listen: ["127.0.0.1:0", "127.0.0.1:0"] });
    subject.urls = subject.server.urls;
    return subject;
  }

  get data() {
    return this.server.data;
  }

  /** Nothing here depends on how long ago something was. */
  async age() {}

  /** A ghost is ended before its client is let in again. */
  async loses() {}
}

/** A Node server in the tutorial's manner. */
export class NodeServer extends Observable {
  name = "node";
  urls = [];
  gone = [];
  ended = false;

  static async start(test, { workers = 1, impatient = false } = {}) {
    const subject = new NodeServer();
    // A node that is impatient notices half-open connections within half a second, not 45.
    const patience = impatient ? { PING_INTERVAL: "300", PING_TIMEOUT: "200" } : {};
    const child = spawn(process.execPath, [NODE_SERVER], {
      env: { ...process.env, WORKERS: String(workers), ...patience },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    subject.child = child;
    test.after(async () => {
      child.kill("SIGTERM");
      if (!subject.ended) await once(child, "close");
    });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (more) => {
      const lines = (text + more).split("\n");
      text = lines.pop();
      for (const line of lines) subject.#note(JSON.parse(line));
    });
    child.stderr.setEncoding("utf8").on("data", (more) => (subject.complaints = (subject.complaints ?? "") + more));
    child.on("close", () => {
      subject.ended = true;
      subject.changed();
    });
    await subject.until(() => subject.urls.length === workers || subject.ended, "the Node server");
    if (subject.ended) throw new Error(`the Node server ended: ${subject.complaints}`);
    if (workers === 1) subject.urls.push(subject.urls[0]);
    return subject;
  }

  async age() {
    const done = once(this.child, "message");
    this.child.send("age");
    await within(done, 5_000, "three minutes to pass in the Node server");
  }

  async loses(id) {
    await this.until(() => this.gone.includes(id), "the Node server to notice a lost connection");
  }

  toJSON() {
    return { urls: this.urls, gone: this.gone, ended: this.ended, complaints: this.complaints };
  }

  #note({ ready, gone }) {
    if (ready !== undefined) this.urls.push(ready);
    if (gone !== undefined) this.gone.push(gone);
    this.changed();
  }
}
