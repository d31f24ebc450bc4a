// A client in Python, driven over its standard input and output. PYTHON names an interpreter that has python-socketio.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Observable } from "./waiting.mjs";

const PROGRAM = fileURLToPath(new URL("../python/client.py", import.meta.url));
export const PYTHON = process.env.PYTHON ?? fileURLToPath(new URL("../.venv/bin/python", import.meta.url));

export class PythonPerson extends Observable {
  lines = [];
  connects = [];
  connected = false;
  answers = new Map();
  complaints = "";
  ended = false;
  #number = 0;

  static async connect(test, url, transports, lineage) {
    const person = new PythonPerson(url, transports, lineage);
    test.after(() => person.process.kill("SIGKILL"));
    await person.until(() => person.connects.length > 0 || person.ended, "the first connect");
    if (person.connects.length === 0) throw new Error(`the Python client ended: ${person.complaints}`);
    return person;
  }

  constructor(url, transports, lineage) {
    super();
    const args = [PROGRAM, url, transports.join(","), ...(lineage === undefined ? [] : [lineage])];
    this.process = spawn(PYTHON, args, { stdio: ["pipe", "pipe", "pipe"] });
    this.process.stderr.setEncoding("utf8").on("data", (text) => (this.complaints += text));
    this.process.on("error", (err) => (this.complaints += err.message));
    this.process.on("close", () => {
      this.ended = true;
      this.changed();
    });
    this.process.stdin.on("error", () => undefined);
    createInterface({ input: this.process.stdout }).on("line", (line) => this.#note(JSON.parse(line)));
  }

  get texts() {
    return this.lines.map((line) => line.text);
  }

  /** Sends a line; gives the single argument of the ack, or null where it had none. */
  async say(...args) {
    const number = ++this.#number;
    this.process.stdin.write(`${JSON.stringify({ number, args })}\n`);
    await this.until(() => this.answers.has(number) || this.ended, `the ack of ${JSON.stringify(args)}`);
    const { event, answer, error } = this.answers.get(number) ?? { event: "end" };
    if (event !== "ack") throw new Error(`no ack: ${error ?? this.complaints}`);
    return answer;
  }

  async sees(...texts) {
    for (const text of texts) await this.until(() => this.texts.includes(text), `the line ${JSON.stringify(text)}`);
  }

  async reconnects(action) {
    const before = this.connects.length;
    await action();
    await this.until(() => this.connects.length > before && this.connected, "a reconnect");
  }

  toJSON() {
    return { lines: this.lines, connects: this.connects, complaints: this.complaints };
  }

  #note(report) {
    if (report.event === "connect") {
      this.connected = true;
      this.connects.push(report.transport);
    } else if (report.event === "disconnect") this.connected = false;
    else if (report.event === "line") this.lines.push({ text: report.text, offset: report.offset });
    else this.answers.set(report.number, report);
    this.changed();
  }
}
