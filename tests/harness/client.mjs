// A person at an official Socket.IO client who follows the tutorial: sends lines, shows lines, keeps the offset.

import { io } from "socket.io-client";
import { Observable, PATIENCE_MS, within } from "./waiting.mjs";

export const TRANSPORTS = {
  "by polling": { transports: ["polling"] },
  "by WebSocket": { transports: ["websocket"] },
  "with the upgrade": { transports: ["polling", "websocket"] },
};

export class Person extends Observable {
  /** What arrived, in order: `{ text, offset, tag }`. */
  lines = [];
  /** One entry per connect: was it recovered? */
  connects = [];
  upgraded = false;

  /** A client that is closed when the test is over. */
  static async connect(test, url, options = {}) {
    const person = new this(url, options);
    test.after(() => person.leave());
    await person.until(() => person.connects.length > 0, "the first connect");
    return person;
  }

  static async all(test, url, count, options = {}) {
    return Promise.all(Array.from({ length: count }, () => Person.connect(test, url, options)));
  }

  constructor(url, options = {}) {
    super();
    const { auth = {}, ...rest } = options;
    this.socket = io(url, {
      forceNew: true,
      reconnectionDelay: 20,
      reconnectionDelayMax: 200,
      auth: { serverOffset: 0, ...auth },
      ...rest,
    });
    this.socket.on("connect", () => {
      this.connects.push(this.socket.recovered);
      // The upgrade may be over before the namespace is joined.
      const upgraded = () => {
        this.upgraded = true;
        this.changed();
      };
      if (this.socket.io.engine.transport.name === "websocket") upgraded();
      else this.socket.io.engine.once("upgrade", upgraded);
      this.changed();
    });
    this.socket.on("disconnect", () => this.changed());
    this.socket.on("chat message", (text, offset, tag) => {
      this.lines.push({ text, offset, tag });
      this.socket.auth.serverOffset = offset;
      this.changed();
    });
  }

  get texts() {
    return this.lines.map((line) => line.text);
  }

  get offsets() {
    return this.lines.map((line) => line.offset);
  }

  /** Sends a line and waits for the answer's arguments. */
  say(text, ...more) {
    const answered = new Promise((resolve) => {
      this.socket.emit("chat message", text, ...more, (...args) => resolve(args));
    });
    return within(answered, PATIENCE_MS, `the ack of ${JSON.stringify(text)?.slice(0, 80)}`);
  }

  async sees(...texts) {
    for (const text of texts) {
      await this.until(() => this.texts.includes(text), `the line ${JSON.stringify(text).slice(0, 80)}`);
    }
  }

  async seesCount(count) {
    await this.until(() => this.lines.length >= count, `${count} lines`);
  }

  /** Waits for the next connect after `action` has been carried out. */
  async reconnects(action) {
    const before = this.connects.length;
    await action();
    await this.until(() => this.connects.length > before && this.socket.connected, "a reconnect");
  }

  /** Breaks the transport as a lost network does; the client comes back by itself. */
  async cut() {
    await this.reconnects(() => this.socket.io.engine.close());
  }

  leave() {
    this.socket.disconnect();
  }

  toJSON() {
    return { lines: this.lines.slice(-20), count: this.lines.length, connects: this.connects };
  }
}
