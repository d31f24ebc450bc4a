// A person at an official Socket.IO client who speaks /v1: numbers commands, keeps what arrives, and the last cursor.

import { randomBytes } from "node:crypto";
import { io } from "socket.io-client";
import { Observable, PATIENCE_MS, within } from "./waiting.mjs";

export const LOBBY = 1;
const EPHEMERAL = new Set(["welcome", "typing", "typing stopped", "presence", "read"]);

export function newDevice() {
  return randomBytes(16).toString("hex");
}

export class V1Person extends Observable {
  /** Everything that arrived, in order: `{ event, ...fields }`. */
  events = [];
  welcomes = [];
  refusals = [];
  n = 0;

  /** A client that is closed when the test is over; without a token, somebody new. */
  static async connect(test, url, options = {}) {
    const person = new V1Person(url, options);
    test.after(() => person.leave());
    await person.welcomed();
    if (options.name !== undefined) {
      const ack = await person.do("name", { name: options.name });
      if (!ack.ok) throw new Error(`no such name: ${JSON.stringify(ack)}`);
    }
    return person;
  }

  constructor(url, { auth = {}, name, device = newDevice(), ...rest } = {}) {
    super();
    this.device = device;
    this.socket = io(`${url}/v1`, {
      forceNew: true,
      reconnectionDelay: 20,
      reconnectionDelayMax: 200,
      // What all of this does by polling and with the upgrade is tested once, in v1-resume.
      transports: ["websocket"],
      auth: { v: 1, device, ...auth },
      ...rest,
    });
    this.socket.on("connect_error", (err) => {
      this.refusals.push({ message: err.message, data: err.data });
      this.changed();
    });
    this.socket.on("connect", () => this.socket.io.engine.once("upgrade", () => this.changed()));
    this.socket.on("disconnect", () => this.changed());
    this.socket.onAny((event, ...args) => this.#note(event, args));
  }

  get user() {
    return this.welcome?.user.user;
  }

  get welcome() {
    return this.welcomes.at(-1);
  }

  get token() {
    return this.socket.auth.token;
  }

  get cursor() {
    return this.socket.auth.cursor;
  }

  /** The entries that arrived, without what is never kept. */
  get entries() {
    return this.events.filter(({ event }) => !EPHEMERAL.has(event));
  }

  of(event) {
    return this.events.filter((happened) => happened.event === event);
  }

  texts(room = LOBBY) {
    return this.of("message").filter((message) => message.room === room).map((message) => message.text);
  }

  async welcomed() {
    await this.until(() => this.welcomes.length > 0 || this.refusals.length > 0, "the welcome");
    if (this.welcomes.length === 0) throw new Error(`refused: ${JSON.stringify(this.refusals)}`);
  }

  /** The next durable command, and its ack. */
  do(command, fields = {}) {
    return this.ask(command, { n: ++this.n, ...fields });
  }

  /** As `do`, for what has to work. */
  async must(command, fields) {
    const ack = await this.do(command, fields);
    if (ack.ok !== true) throw new Error(`${command} ${JSON.stringify(fields)}: ${JSON.stringify(ack)}`);
    return ack;
  }

  say(text, room = LOBBY) {
    return this.must("say", { room, text });
  }

  /** Sends an event as it is given; the ack. */
  ask(event, ...args) {
    const answered = new Promise((resolve) => this.socket.emit(event, ...args, resolve));
    return within(answered, PATIENCE_MS, `the ack of ${event} ${JSON.stringify(args)?.slice(0, 120)}`);
  }

  async sees(text, room = LOBBY) {
    await this.until(() => this.texts(room).includes(text), `the message ${JSON.stringify(text)}`);
    return this.of("message").find((message) => message.text === text && message.room === room);
  }

  async seesEvent(event, matches = () => true) {
    await this.until(() => this.of(event).some(matches), `the event ${event}`);
    return this.of(event).findLast(matches);
  }

  /** Everything that was under way to this client has arrived: a mark of somebody else's in the lobby comes after it. */
  async caughtUp(other) {
    const mark = `(mark ${randomBytes(6).toString("hex")})`;
    await other.say(mark);
    await this.sees(mark);
  }

  /** Waits for the next welcome after `action` has been carried out. */
  async reconnects(action) {
    const before = this.welcomes.length;
    await action();
    await this.until(() => this.welcomes.length > before && this.socket.connected, "a reconnect");
  }

  /** Breaks the transport as a lost network does; the client comes back by itself. */
  async cut() {
    await this.reconnects(() => this.socket.io.engine.close());
  }

  leave() {
    this.socket.disconnect();
  }

  toJSON() {
    return { events: this.events.slice(-12), count: this.events.length, refusals: this.refusals };
  }

  #note(event, args) {
    const [fields] = args;
    this.events.push({ event, ...fields, ...(args.length === 1 ? {} : { args }) });
    if (fields?.cursor !== undefined) this.socket.auth.cursor = fields.cursor;
    if (event === "welcome") {
      this.welcomes.push(fields);
      if (fields.token !== undefined) this.socket.auth.token = fields.token;
      delete this.socket.auth.link;
    }
    this.changed();
  }
}

/** Another device of the same person. */
export function otherDevice(test, url, person, options = {}) {
  return V1Person.connect(test, url, { ...options, auth: { token: person.token, ...options.auth } });
}
