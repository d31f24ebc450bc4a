// A server of `/v1` in memory: the semantics of the protocol, without a network, a disk or a clock of its own.
//
// Tests run the core against it; the page can be developed with it. It keeps the promises of the real one (dense
// numbers, results that never change, nothing acked that is not stored) and can be made to fail in the ways that the
// real one may: cut connections, commands that cannot be stored for now, a restart, a restored backup.

import type { Auth } from "../../src/core/wire.ts";
import { Connector } from "../../src/core/connector.ts";
import type { PaceBounds } from "../../src/core/pace.ts";
import type { Line, LineEvents, SetTimer, Transport } from "../../src/core/ports.ts";
import { Commands } from "./model-commands.ts";
import { entryView, firstState, personOf, roomOf, visible, type LogEntry, type State } from "./model-state.ts";
import { answerRequest } from "./model-requests.ts";

/** What happens to a frame on its way. */
export interface Weather {
  /** Milliseconds that a frame takes; frames of one direction never overtake each other. */
  readonly delay: () => number;
  readonly fate: (direction: "up" | "down", name: string) => "arrives" | "lost" | "twice" | "cut";
  /** Entries that a connection which is behind gets at once. */
  readonly slice: () => number;
  /** Milliseconds between the reading of a request's answer and its sending. */
  readonly thinks: (request: string) => number;
  /** Whether a command can be stored now. */
  readonly stores: () => boolean;
  /** What becomes of a line on its way to a connection. */
  readonly step: (step: "open" | "join") => "passes" | "cut" | "silent" | "refused";
  /** The most bytes of one answer. */
  readonly bytes: { readonly history: number; readonly changes: number };
  /** The most members of one answer. */
  readonly members: number;
}

/** With the bounds of the real server. */
export const FAIR_WEATHER: Weather = {
  delay: () => 1,
  fate: () => "arrives",
  slice: () => 100,
  thinks: () => 0,
  stores: () => true,
  step: () => "passes",
  bytes: { history: 256 * 1024, changes: 64 * 1024 },
  members: 100,
};

/** What the server has done, and does rarely. */
export type ServerSight =
  | "a gap was filled by `changes`"
  | "a page of changes was cut by bytes"
  | "a page of the history was cut by bytes"
  | "a client was too far behind to resume"
  | "a client was reset"
  | "a repeat was answered from the log"
  | "a number was out of turn"
  | "a command could not be stored for now"
  | "the disk was full"
  | "a number was skipped";

const USER_DIGITS = 16;

export interface ModelServerOptions {
  readonly now: () => number;
  readonly setTimer: SetTimer;
  readonly random: () => number;
  readonly weather?: Weather;
  readonly behindMax?: number;
  readonly pace?: PaceBounds;
}

export class ModelServer {
  readonly #options: ModelServerOptions;
  readonly sessions = new Set<ModelSession>();
  /** When somebody dialled. */
  readonly tries: number[] = [];
  weather: Weather;
  state: State = firstState();
  /** Is told what the server does. */
  sees: (sight: ServerSight) => void = () => undefined;
  readonly commands: Commands;
  /** As if its keys were not there: it knows nobody's token. */
  isForgetful = false;
  /** Sign-ins of everybody beside the one in use. */
  otherSignIns: readonly Record<string, unknown>[] = [];
  /** How often each person was signed out everywhere. */
  readonly #signOuts = new Map<string, number>();
  #running = true;
  #sockets = 0;
  #epochs = 1;

  /** A proxy that the operator has not named. */
  untrusted: string | undefined;

  constructor(options: ModelServerOptions) {
    this.#options = options;
    this.weather = options.weather ?? FAIR_WEATHER;
    this.commands = new Commands(() => this.state, options.now, (entry) => this.#deliver(entry), (sight) => this.sees(sight));
  }

  /** A way to this server, for one client. */
  transport(): Transport {
    const { now, setTimer, random, pace } = this.#options;
    const dial = (_way: unknown, auth: () => Promise<Auth>, events: LineEvents): Line => new ModelLine(this, this.#options, auth, events);
    return new Connector(dial, { now, setTimer, random, isWatched: () => true }, pace);
  }

  get isRunning(): boolean {
    return this.#running;
  }

  backup(): State {
    return structuredClone(this.state);
  }

  /** As `kill -9`: what was committed is kept, connections are cut. */
  kill(): void {
    this.#running = false;
    this.cutAll();
  }

  start(state?: State): void {
    if (state !== undefined) this.state = structuredClone(state);
    const { epochs, log } = this.state;
    // Every start begins a new epoch; two restored copies must not begin the same one.
    this.#epochs = Math.max(this.#epochs, ...epochs.map(({ epoch }) => epoch)) + 1;
    epochs.push({ epoch: this.#epochs, start: log.length });
    this.#running = true;
  }

  cutAll(): void {
    for (const session of [...this.sessions]) session.cut();
  }

  cursor(position: number): string {
    return `1.${this.state.epochs.at(-1)?.epoch ?? 0}.${position.toString(36)}`;
  }

  /** Connects a client, or refuses it with a code. */
  connect(auth: Auth, link: Wire): ModelSession | string {
    const { users } = this.state;
    let user: string | undefined;
    let token: string | undefined;
    if (auth.link !== undefined) {
      user = this.commands.ownerOfLink(auth.link);
      if (user === undefined) return "bad_link";
      this.commands.links.delete(auth.link);
      token = this.#token(user);
    } else if (auth.token !== undefined) {
      const start = this.#token("").length;
      user = auth.token.slice(start, start + USER_DIGITS);
      if (this.isForgetful || !auth.token.startsWith(this.#token("") + user)) return "bad_token";
      if (auth.token !== this.#token(user)) return "signed_out";
      if (!users.has(user)) users.set(user, { name: null });
    } else {
      user = this.commands.newUser();
      token = this.#token(user);
    }
    const session = new ModelSession(this, link, `s${(this.#sockets += 1)}`, user, auth.device ?? null);
    this.#welcome(session, auth, token);
    const before = this.isOnline(user);
    this.sessions.add(session);
    if (!before) this.#presence([user], []);
    session.catchUp();
    return session;
  }

  #token(user: string): string {
    const times = this.#signOuts.get(user) ?? 0;
    return `token of ${this.state.server}: ${user}${times === 0 ? "" : ` ${times}`}`;
  }

  /** Ends the sign-ins of somebody; a link leads to another one. */
  signsOut(user: string): void {
    this.#signOuts.set(user, (this.#signOuts.get(user) ?? 0) + 1);
    this.cutAll();
  }

  isOnline(user: string): boolean {
    return [...this.sessions].some((session) => session.user === user);
  }

  left(session: ModelSession): void {
    this.sessions.delete(session);
    if (!this.isOnline(session.user)) this.#presence([], [session.user]);
  }

  get online(): readonly string[] {
    return [...new Set([...this.sessions].map(({ user }) => user))].sort();
  }

  typing(from: ModelSession, event: string, room: number): void {
    const members = this.state.rooms.get(room);
    if (members === undefined) return;
    for (const session of this.sessions) {
      if (session === from || !session.isAttached || !(room === 1 || members.members.has(session.user))) continue;
      session.send(event, { room, who: personOf(this.state, from.user), cursor: this.cursor(session.position) });
    }
  }

  read(from: ModelSession, room: number, asked: number): Record<string, unknown> {
    const found = this.state.rooms.get(room);
    if (found === undefined) return { ok: false, code: "not_found" };
    const seq = Math.min(asked, found.seq);
    if (seq <= (found.reads.get(from.user) ?? 0)) return { ok: true };
    found.reads.set(from.user, seq);
    for (const session of this.sessions) {
      if (session !== from && session.user === from.user && session.isAttached) {
        session.send("read", { room, seq, cursor: this.cursor(session.position) });
      }
    }
    return { ok: true };
  }

  #presence(online: readonly string[], offline: readonly string[]): void {
    for (const session of this.sessions) {
      if (!session.isAttached) continue;
      const people = online.map((user) => personOf(this.state, user));
      session.send("presence", { online: people, offline, count: this.online.length, cursor: this.cursor(session.position) });
    }
  }

  #welcome(session: ModelSession, auth: Auth, token: string | undefined): void {
    const head = this.state.log.length;
    const at = auth.cursor === undefined ? null : this.#positionOf(auth.cursor);
    const reset = auth.cursor !== undefined && at === null;
    const resumed = at !== null && head - at <= (this.#options.behindMax ?? 5_000);
    session.position = resumed ? at : head;
    if (reset) this.sees("a client was reset");
    else if (at !== null && !resumed) this.sees("a client was too far behind to resume");
    const rooms = [...this.state.rooms.values()].filter(({ room, members }) => room === 1 || members.has(session.user));
    session.send("welcome", {
      server: this.state.server,
      at: this.#options.now(),
      user: personOf(this.state, session.user),
      owner: this.state.owners.has(session.user),
      ...(token === undefined ? {} : { token }),
      sign_in: session.user,
      cursor: this.cursor(session.position),
      resumed,
      reset,
      rooms: rooms.map((room) => roomOf(this.state, room, session.user)),
      online: this.online.length,
      ...(this.untrusted === undefined || !this.state.owners.has(session.user) ? {} : { untrusted: this.untrusted }),
      limits: { text: 16_384, name: 32, history: 100 },
    });
  }

  #positionOf(cursor: string): number | null {
    const [, epoch, position] = cursor.split(".");
    const at = parseInt(position ?? "", 36);
    const index = this.state.epochs.findIndex((other) => other.epoch === Number(epoch));
    if (index < 0 || Number.isNaN(at)) return null;
    const end = this.state.epochs[index + 1]?.start ?? this.state.log.length;
    return at <= end ? at : null;
  }

  #deliver(entry: LogEntry): void {
    for (const session of this.sessions) session.offer(entry);
  }
}

/** The client's end of a connection, seen from the server. */
export interface Wire {
  down(name: string, payload: unknown, answers?: (value: unknown) => void): void;
  cut(): void;
}

export class ModelSession {
  position = 0;
  isAttached = false;
  #gone = false;

  constructor(
    readonly server: ModelServer,
    readonly wire: Wire,
    readonly id: string,
    readonly user: string,
    readonly device: string | null,
  ) {}

  send(name: string, payload: unknown): void {
    // Everything travels as JSON.
    this.wire.down(name, JSON.parse(JSON.stringify(payload)) as unknown);
  }

  /** A slice of what it has missed; it is attached when there is no more. */
  catchUp(): void {
    if (this.#gone) return;
    const { log } = this.server.state;
    for (const entry of log.slice(this.position, this.position + this.server.weather.slice())) this.#pass(entry);
    this.isAttached = this.position >= log.length;
  }

  offer(entry: LogEntry): void {
    if (this.isAttached) this.#pass(entry);
  }

  cut(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.server.left(this);
    this.wire.cut();
  }

  #pass(entry: LogEntry): void {
    this.position = entry.position;
    if (entry.socket === this.id || !visible(this.server.state, entry, this.user)) return;
    this.send(entry.event, { ...entryView(this.server.state, entry), cursor: this.server.cursor(entry.position) });
  }
}

const SLICE_MS = 5;

/** A line into a model server, with weather between. */
class ModelLine implements Line {
  readonly medium = "websocket";
  readonly #server: ModelServer;
  readonly #now: () => number;
  readonly #setTimer: SetTimer;
  readonly #events: LineEvents;
  #session: ModelSession | null = null;
  #free = { up: 0, down: 0 };
  #isOver = false;

  constructor(server: ModelServer, { now, setTimer }: ModelServerOptions, auth: () => Promise<Auth>, events: LineEvents) {
    this.#server = server;
    this.#now = now;
    this.#setTimer = setTimer;
    this.#events = events;
    server.tries.push(now());
    this.#after("open", () => void auth().then((credentials) => this.#after("join", () => this.#join(credentials))));
  }

  emit(name: string, payload: object, answered?: (value: unknown) => void): void {
    const session = this.#session;
    if (session === null) return;
    const copy = JSON.parse(JSON.stringify(payload)) as Record<string, unknown>;
    this.#frame("up", name, () => this.#arrived(session, name, copy, answered));
  }

  discard(): void {
    this.#isOver = true;
    const session = this.#session;
    this.#session = null;
    session?.cut();
  }

  /** One step towards a connection. */
  #after(step: "open" | "join", reached: () => void): void {
    const fate = this.#server.weather.step(step);
    if (fate === "silent") return;
    this.#setTimer(this.#server.weather.delay(), () => {
      if (this.#isOver) return;
      if (!this.#server.isRunning) return this.#end("unreachable");
      if (fate === "cut") return this.#end("broken");
      if (fate === "refused") return this.#refuse("unavailable");
      reached();
    });
  }

  #join(auth: Auth): void {
    const held: (() => void)[] = [];
    let ready = false;
    const down = (name: string, payload: unknown): void => {
      const deliver = (): void => this.#frame("down", name, () => this.#events.event(name, payload));
      if (ready) deliver();
      else held.push(deliver);
    };
    const session = this.#server.connect(auth, { down, cut: () => this.#end("broken") });
    if (typeof session === "string") return this.#refuse(session);
    this.#session = session;
    this.#events.connected();
    ready = true;
    for (const deliver of held) deliver();
    this.#catchUp(session);
  }

  #catchUp(session: ModelSession): void {
    if (session !== this.#session || session.isAttached) return;
    this.#setTimer(SLICE_MS, () => {
      if (session !== this.#session) return;
      session.catchUp();
      this.#catchUp(session);
    });
  }

  #arrived(session: ModelSession, name: string, payload: Record<string, unknown>, answered?: (value: unknown) => void): void {
    if (name === "typing" || name === "typing stopped") return this.#server.typing(session, name, Number(payload["room"]));
    const answer = this.#answer(session, name, payload);
    if (answer === null || answered === undefined) return;
    const copy = JSON.parse(JSON.stringify(answer)) as unknown;
    const send = (): void => {
      if (session === this.#session) this.#frame("down", "ack", () => answered(copy));
    };
    const pause = this.#server.commands.isCommand(name) ? 0 : this.#server.weather.thinks(name);
    if (pause === 0) send();
    else this.#setTimer(pause, send);
  }

  #answer(session: ModelSession, name: string, payload: Record<string, unknown>): Record<string, unknown> | null {
    if (name === "read") return this.#server.read(session, Number(payload["room"]), Number(payload["seq"]));
    if (!this.#server.commands.isCommand(name)) return answerRequest(this.#server, session, name, payload);
    if (this.#server.weather.stores() || name === "skip") return this.#server.commands.run(session, name, payload);
    return this.#server.commands.postpone(session, name, payload);
  }

  #frame(direction: "up" | "down", name: string, arrive: () => void): void {
    const fate = this.#server.weather.fate(direction, name);
    if (fate === "lost") return;
    // In order: a frame is never quicker than the one before it.
    const due = Math.max(this.#free[direction], this.#now() + this.#server.weather.delay());
    this.#free[direction] = due;
    this.#setTimer(due - this.#now(), () => {
      if (this.#isOver) return;
      if (fate === "cut") return this.#session?.cut();
      arrive();
      if (fate === "twice") arrive();
    });
  }

  #refuse(code: string): void {
    this.#isOver = true;
    this.#events.ended({ kind: "refused", code });
  }

  #end(kind: "broken" | "unreachable"): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#session = null;
    this.#events.ended({ kind });
  }
}
