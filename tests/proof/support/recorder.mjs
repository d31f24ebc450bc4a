// Writes down what official clients send, are told and see, in the form that the checker judges.

import { performance } from "node:perf_hooks";
import { Person } from "../../harness/client.mjs";
import { check, demand } from "../../harness/checker.mjs";
import { PATIENCE_MS, within } from "../../harness/waiting.mjs";

/** What a client does that wants its message stored whatever happens: the tutorial's retries, without an end. */
export const RETRYING = { retries: 1_000_000, ackTimeout: 2_000 };

/** A person whose every line and connect is kept in order. */
export class Witness extends Person {
  steps = [];
  #engine;

  constructor(url, { name, ...options } = {}) {
    super(url, options);
    this.name = name;
    this.after = options.auth?.serverOffset ?? 0;
    // Missed events come before the client says that it is connected.
    this.socket.on("chat message", (text, offset) => {
      this.#meet();
      this.steps.push({ offset, text });
    });
    this.socket.on("connect", () => this.#meet());
  }

  get last() {
    return this.lines.at(-1)?.offset ?? this.after;
  }

  #meet() {
    const { engine } = this.socket.io;
    if (engine === this.#engine) return;
    this.#engine = engine;
    const last = this.steps.findLast((step) => step.connect === undefined)?.offset ?? this.after;
    this.steps.push({ connect: { recovered: this.socket.recovered, after: last } });
  }
}

export class Recorder {
  sent = [];
  acked = [];
  refused = [];
  witnesses = [];
  readers = [];
  settled = [];

  constructor(test) {
    this.test = test;
  }

  /** Lets somebody join who is watched from now on. */
  async join(url, name, options = {}) {
    const witness = new Witness(url, { name, ...RETRYING, ...options });
    this.test.after(() => witness.leave());
    this.witnesses.push(witness);
    await witness.until(() => witness.connects.length > 0, `the first connect of ${name}`);
    return witness;
  }

  joinAll(url, names, options = {}) {
    return Promise.all(names.map((name) => this.join(url, name, options)));
  }

  /** Sends one line with a key in the tutorial's manner; resolves with true when it is acked as stored. */
  say(witness, text) {
    witness.counter = (witness.counter ?? 0) + 1;
    const key = `${witness.socket.id}-${witness.counter}`;
    const send = { sender: witness.name, key, text };
    this.sent.push(send);
    return new Promise((resolve, reject) => {
      witness.socket.emit("chat message", text, key, (err, answer) => {
        if (err) return reject(err);
        (answer === undefined ? this.acked : this.refused).push(send);
        resolve(answer === undefined);
      });
    });
  }

  /** Sends so many lines, each once the one before is answered. */
  async sayAll(witness, count, text = (index) => `${witness.name} ${index}`) {
    const answers = Array.from({ length: count }, (_, index) => this.say(witness, text(index)));
    await Promise.all(answers);
  }

  /** A new reader, who must see what has been acked by now. */
  async read(url, name) {
    const acked = [...this.acked];
    const reader = new Witness(url, { name, ...RETRYING, transports: ["websocket"] });
    this.test.after(() => reader.leave());
    const text = `(end for ${name})`;
    await this.say(reader, text);
    await reader.sees(text);
    reader.leave();
    this.readers.push({ acked, lines: reader.lines });
    return reader.lines;
  }

  /** Waits until everybody has everything, and judges all of it. */
  async judge(url, { limit = 10_000, since = performance.now(), about } = {}) {
    const log = await this.read(url, "the judge");
    const head = log.at(-1).offset;
    const settling = this.witnesses.map(async (witness) => {
      await witness.until(() => witness.last >= head, `all ${head} lines at ${witness.name}`);
      this.settled.push({ client: witness.name, took: Math.round(performance.now() - since), limit });
    });
    await within(Promise.all(settling), PATIENCE_MS + 1_000, "everybody to have everything");
    return demand(check(this.history(log)), about);
  }

  history(log) {
    const { sent, acked, refused, readers, settled } = this;
    const views = this.witnesses.map(({ name, steps }) => ({ client: name, steps }));
    return { log, sent, acked, refused, views, readers, settled };
  }
}
