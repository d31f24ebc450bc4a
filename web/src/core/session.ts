// The part of the chat that talks to the server: one per browser, in the tab that leads.
//
// A connection begins with `welcome`. The session compares the server's state with the model, continues the stream from
// the cursor, and sends the outbox. It does so only for the person and the server that the store belongs to; anything
// else is ignored. Owns the connection and its state. Everything that arrives goes through the ledger, in order.

import { LIVE_MESSAGES_MAX, liveBounds, restBounds } from "./bounds.ts";
import { described, ended, historyEffects, learned, lost, missedChange } from "./effects.ts";
import type { Connection, Person, Result, RoomId, Seq } from "./facade.ts";
import type { Apply, Ledger } from "./ledger.ts";
import type { Model } from "./model.ts";
import { withDevice } from "./numbering.ts";
import type { Transport, World } from "./ports.ts";
import { Presence, type PresenceState } from "./presence.ts";
import { Reads } from "./reads.ts";
import { entryOfAck, type Stored } from "./replies.ts";
import { HOUSE, LOBBY } from "./rooms.ts";
import { Sender } from "./sender.ts";
import type { Look, OutboxChange, OutboxPart, OutboxRow, SessionRecord } from "./store.ts";
import { Stream } from "./stream.ts";
import { Timers } from "./timers.ts";
import { isBehind } from "./trail.ts";
import { aheadOf, compared, isForeign, sessionOf } from "./welcome.ts";
import * as wire from "./wire.ts";

const REQUEST_DEADLINE_MS = 15_000;
const DOUBT_MS = 3_000;
const PROBE_DEADLINE_MS = 4_000;
const PROBE_DEADLINE_MAX_MS = 16_000;
const REQUEST_TRIES = 10;
const REQUEST_PAUSE_MS = 1_000;
const TYPING_PAUSE_MS = 1_000;
const UNHEARD_MS = 10_000;
const WHO_PAGES = 3;
const WORKS_MAX = 10_000;
const BIND_AGAIN_MS = 1_000;

export interface SessionEvents {
  connection(state: Connection["state"], reason?: string): void;
  presence(state: PresenceState): void;
  typing(room: RoomId, who: Person): void;
  typingStopped(room: RoomId, who: Person): void;
  result(id: number, result: Result): void;
  changeOutbox<T>(look: Look, change: (part: OutboxPart) => OutboxChange<T>): Promise<T>;
  /** Makes the store somebody's; gives back whose it is. */
  bind(session: SessionRecord): Promise<SessionRecord>;
}

export class Session {
  readonly #model: Model;
  readonly #ledger: Ledger;
  readonly #transport: Transport;
  readonly #world: World;
  readonly #events: SessionEvents;
  readonly #sender: Sender;
  readonly #presence: Presence;
  readonly #timers: Timers;
  readonly #reads: Reads;
  #stream: Stream;
  #device = "";
  #isWelcome = false;
  /** What comes while it is being kept who this is. */
  #early: { readonly name: string; readonly payload: unknown }[] | null = null;
  /** Who this is, as long as the store has not said that it is theirs. */
  #unbound: SessionRecord | null = null;
  #online = false;
  #stopped = false;
  #requests = new Set<(answer: null) => void>();
  /** Rooms that were asked about because nothing had told what they are. */
  #met = new Set<RoomId>();
  #typed = new Map<RoomId, number>();
  #connected = 0;
  #probeDeadline = PROBE_DEADLINE_MS;

  constructor(model: Model, ledger: Ledger, transport: Transport, world: World, events: SessionEvents) {
    this.#model = model;
    this.#ledger = ledger;
    this.#transport = transport;
    this.#world = world;
    this.#events = events;
    this.#stream = this.#newStream();
    this.#sender = new Sender(model, transport, world, {
      stored: (row, ack) => this.#stored(row, ack),
      refused: (row, code) => this.#refused(row, code),
      change: (look, change) => events.changeOutbox(look, change),
      forgotten: () => this.#forget(),
      doubted: () => this.#probe(),
      full: (isFull) => events.connection("online", isFull ? "full" : ""),
    });
    this.#presence = new Presence(events.presence);
    this.#timers = new Timers(world.setTimer);
    this.#reads = new Reads({
      model,
      ledger,
      timers: this.#timers,
      isOnline: () => this.#online,
      request: (event, payload) => this.request(event, payload),
      told: () => this.settle(),
      watch: (seen) => this.#stream.watch(seen),
    });
  }

  start(): void {
    this.#events.connection("connecting");
    void this.#ledger.submit((apply) => apply(restBounds(this.#model)));
    this.#timers.start("unheard", UNHEARD_MS, () => this.#dropUnheard());
    this.#transport.open(
      {
        connected: () => undefined,
        disconnected: () => this.#disconnected("offline"),
        refused: (code, reason) => this.#connectRefused(code, reason),
        event: (name, payload) => this.#event(name, payload),
        moved: () => this.#probe(),
      },
      () => this.#auth(),
      () => this.#model.session?.pass,
    );
  }

  stop(): void {
    this.#disconnected("stopped");
    this.#stopped = true;
    this.#transport.close();
    this.#timers.stop();
  }

  /** The outbox has something new. */
  pump(): void {
    this.#sender.pump();
  }

  /** Somebody waits for the connection, or has reason to doubt it. */
  hurry(): void {
    if (this.#online) this.#probe();
    else this.#transport.hurry();
  }

  nudge(): void {
    this.#transport.nudge();
  }

  /** A connection that answers nothing is none. A server that is slow gets more time with each try. */
  #probe(): void {
    if (!this.#online || this.#timers.has("probe")) return;
    this.#timers.start("probe", this.#probeDeadline, () => {
      this.#probeDeadline = Math.min(PROBE_DEADLINE_MAX_MS, this.#probeDeadline * 2);
      this.#transport.interrupt();
    });
    // Any answer will do.
    this.#transport.emit("unread", { rooms: [] }, () => this.#isAnswered());
  }

  #isAnswered(): void {
    this.#probeDeadline = PROBE_DEADLINE_MS;
    this.#timers.cancel("probe");
  }

  /** Null when there is no connection or no answer. */
  async request(event: wire.RequestName, payload: object): Promise<unknown> {
    const connection = this.#connected;
    for (let tries = 1; ; tries += 1) {
      const asOf = this.#model.peopleVersion;
      const answer = await this.#ask(event, payload);
      if (event === "members") await this.#learn(wire.readMembers(answer)?.members, asOf);
      if (answer === null || tries === REQUEST_TRIES || wire.refusalOf(answer) !== "busy") return answer;
      await new Promise<void>((resolve) => this.#world.setTimer(REQUEST_PAUSE_MS, resolve));
      // Who asked has watched the connection of then, and its answer would be taken for one about that.
      if (connection !== this.#connected) return null;
    }
  }

  /** People whom the server names; some may have got another name since version `asOf`. */
  #learn(people: readonly Person[] = [], asOf = Infinity): Promise<void> {
    return this.#ledger.submit((apply) => people.forEach((person) => apply(learned(this.#model, person, asOf))));
  }

  #ask(event: wire.RequestName, payload: object): Promise<unknown> {
    if (!this.#online) return Promise.resolve(null);
    return new Promise((resolve) => {
      const finish = (answer: unknown): void => {
        this.#requests.delete(finish);
        cancel();
        endDoubt();
        resolve(answer);
      };
      const cancel = this.#world.setTimer(REQUEST_DEADLINE_MS, () => finish(null));
      const endDoubt = this.#world.setTimer(DOUBT_MS, () => this.#probe());
      this.#requests.add(finish);
      this.#transport.emit(event, payload, (answer) => {
        this.#isAnswered();
        finish(answer);
      });
    });
  }

  /** Brings a page of the history here. */
  async history(room: RoomId, page: wire.Page, limit: number): Promise<boolean> {
    const asOf = this.#model.record(room)?.applied ?? 0;
    const names = this.#model.peopleVersion;
    const missed: wire.Entry[] = [];
    const unwatch = this.#stream.watch((entry) => entry.room === room && missed.push(entry));
    const answer = wire.readHistory(await this.request("history", { room, ...page, limit }));
    let isOld = false;
    if (answer !== null) {
      await this.#ledger.submit((apply) => {
        // Somebody who has joined since may see less, and what happened before that is not told.
        isOld = missed.some((entry) => entry.event === "joined" && entry.rev > answer.rev && entry.who.user === this.#model.session?.user);
        if (isOld || this.#model.record(room) === null) return;
        apply(historyEffects(this.#model, room, page, answer, asOf, names));
        for (const entry of missed) apply(missedChange(this.#model, entry));
      });
    }
    unwatch();
    return isOld ? this.history(room, page, limit) : answer !== null;
  }

  /** Makes a room known that one is not in, as it is now. */
  async visit(room: RoomId): Promise<boolean> {
    const known = this.#model.record(room);
    if (known?.joined === true) return true;
    const rooms = wire.readRooms(await this.request("rooms", { after: room - 1, limit: 1 }));
    const found = rooms?.find((other) => other.room === room);
    if (found === undefined || found.joined) return this.#model.record(room) !== null;
    await this.#ledger.submit((apply) => {
      if (this.#model.record(room)?.joined === true) return;
      // Nothing keeps it up to date, so what was here may be out of date by now.
      apply([{ kind: "forget messages", room, from: 0, to: Number.MAX_SAFE_INTEGER }]);
      apply([{ kind: "room", room: { ...described(this.#model.record(room), found), held: [] } }]);
    });
    return true;
  }

  /** The pointer moves here at once, and at the server soon. */
  markRead(room: RoomId, seq: Seq): void {
    this.#reads.mark(room, seq);
  }

  typing(room: RoomId): void {
    const now = this.#world.now();
    if (!this.#online || now - (this.#typed.get(room) ?? -Infinity) < TYPING_PAUSE_MS) return;
    this.#typed.set(room, now);
    this.#transport.emit("typing", { room });
  }

  typingStopped(room: RoomId): void {
    if (this.#online && this.#typed.has(room)) this.#transport.emit("typing stopped", { room });
  }

  /** Something was kept: what it leaves open is asked for. */
  settle(): void {
    if (!this.#online) return;
    this.#reads.settle();
    for (const state of this.#model.rooms.values()) {
      const { record, messages, notices } = state;
      if (messages.length > LIVE_MESSAGES_MAX || notices.length > LIVE_MESSAGES_MAX) {
        void this.#ledger.submit((apply) => apply(liveBounds(state)));
      }
      if (record.strange === true && record.joined && !this.#met.has(record.room)) void this.#meet(record.room);
    }
  }

  async #auth(): Promise<wire.Auth> {
    // What is asked for has to be kept, and what is numbered needs a device.
    await this.#ledger.idle();
    const id = this.#world.randomId();
    // A disk that takes nothing keeps nobody from reading.
    const device = await this.#events.changeOutbox({}, (state) => withDevice(state, id)).catch(() => this.#model.outbox.device);
    this.#device = device?.id ?? "";
    const { session, cursor } = this.#model;
    const { label } = this.#world;
    const head = { v: 1 as const, ...(label === undefined ? {} : { label }), ...(device === null ? {} : { device: device.id }) };
    if (session === null) return head;
    return { ...head, token: session.token, ...(cursor === null ? {} : { cursor }) };
  }

  #event(name: string, payload: unknown): void {
    if (name === "welcome") {
      const welcome = wire.readWelcome(payload);
      if (welcome === null) return;
      this.#transport.welcomed();
      return void this.#welcome(welcome);
    }
    if (this.#early !== null) {
      if (this.#early.push({ name, payload }) > WORKS_MAX) this.#transport.interrupt();
      return;
    }
    // Before it is known which log this is, nothing of it may be applied.
    if (!this.#isWelcome) return;
    // When what comes in cannot be kept fast enough, the rest is better left in the log.
    if (this.#ledger.length > WORKS_MAX) return this.#transport.interrupt();
    const stream = this.#stream;
    const cursor = wire.readCursor(payload);
    // They are looked up when somebody looks at them.
    const isOfSignIns = name === "signed in" || name === "signed out";
    if (isOfSignIns && cursor !== null) return void this.#ledger.submit((apply) => stream.delivered(apply, cursor));
    if (name === "typing" || name === "typing stopped" || name === "presence" || name === "read") {
      this.#ephemeral(name, payload);
      if (cursor !== null) void this.#ledger.submit((apply) => stream.delivered(apply, cursor));
      return;
    }
    const entry = wire.readEntry(name, payload);
    if (entry !== null) void this.#ledger.submit((apply) => stream.take(apply, entry, "stream", this.#ownEvent(entry)));
  }

  /** An own entry that came as an event answers its command as well as an ack does. */
  #ownEvent(entry: wire.Entry): (apply: Apply) => void {
    const row = entry.event === "message" ? this.#model.rowOf(entry.device, entry.n) : null;
    if (row === null) return () => undefined;
    return () => void this.#ledger.submit(() => this.#events.result(row.id, { ok: true, room: entry.room }));
  }

  #ephemeral(name: "typing" | "typing stopped" | "presence" | "read", payload: unknown): void {
    if (name === "typing" || name === "typing stopped") {
      const typing = wire.readTyping(payload);
      if (typing === null || typing.who.user === this.#model.session?.user) return;
      if (name === "typing") this.#events.typing(typing.room, typing.who);
      else this.#events.typingStopped(typing.room, typing.who);
    } else if (name === "presence") {
      const presence = wire.readPresence(payload);
      if (presence === null) return;
      this.#presence.report(presence);
      void this.#learn(presence.online);
      if (presence.more) this.#timers.start("who", TYPING_PAUSE_MS, () => void this.#askWho(presence.count));
    } else {
      const read = wire.readPointer(payload);
      if (read !== null) void this.#ledger.submit((apply) => apply(this.#reads.pointer(read.room, read.seq)));
    }
  }

  async #welcome(welcome: wire.Welcome): Promise<void> {
    const connection = this.#connected;
    const { session } = this.#model;
    if (session === null) return this.#bind(welcome);
    if (isForeign(session, welcome)) return this.#events.connection("unknown");
    this.#isWelcome = true;
    this.#stream.close();
    this.#stream = this.#newStream();
    const ahead = aheadOf(welcome, this.#world.now());
    await this.#ledger.submit((apply) => this.#compare(apply, welcome, ahead));
    if (connection !== this.#connected || this.#stopped) return;
    this.#online = true;
    this.#met.clear();
    this.#events.connection("online");
    this.#reads.welcomed(welcome.rooms);
    this.#send();
    void this.#askWho(welcome.online);
    this.settle();
  }

  /** The first welcome of a store. Where two tabs lead, both have been given a new person, and one of them wins. */
  async #bind(welcome: wire.Welcome): Promise<void> {
    const early = (this.#early = []) as { readonly name: string; readonly payload: unknown }[];
    const own = sessionOf(welcome, null);
    const bound = await this.#events.bind(own).catch(() => null);
    if (bound === null) this.#unbound = own;
    await this.#ledger.submit((apply) => apply([{ kind: "session", session: bound ?? own }]));
    if (this.#early !== early) return;
    this.#early = null;
    if (bound !== null && isForeign(bound, welcome)) return this.#transport.interrupt();
    const welcomed = this.#welcome(welcome);
    for (const { name, payload } of early) this.#event(name, payload);
    await welcomed;
  }

  /**
   * As long as the store does not say whose it is, another tab may become somebody else, and what both send would be said twice. So
   * one can read, and what was written waits.
   */
  async #bindAgain(own: SessionRecord): Promise<void> {
    const bound = await this.#events.bind(own).catch(() => null);
    if (this.#stopped || this.#unbound === null) return;
    if (bound === null) return this.#send();
    this.#unbound = null;
    if (bound.user === own.user) return this.#send();
    await this.#ledger.submit((apply) => apply([{ kind: "forget all" }, { kind: "session", session: bound }]));
    this.#transport.interrupt();
  }

  #send(): void {
    const unbound = this.#unbound;
    if (unbound !== null) this.#timers.start("bind", BIND_AGAIN_MS, () => void this.#bindAgain(unbound));
    else if (this.#online) this.#sender.open(this.#device);
  }

  /** What is known here against what the server says now. */
  #compare(apply: Apply, welcome: wire.Welcome, ahead: Pick<SessionRecord, "ahead">): void {
    const before = this.#model.session;
    const diverged = welcome.rooms.some((room) => isBehind(this.#model.record(room.room), room));
    const anew = welcome.reset || diverged;
    if (anew) apply([{ kind: "forget all" }]);
    const resumed = welcome.resumed && !anew;
    apply([{ kind: "session", session: { ...sessionOf(welcome, before), ...ahead } }]);
    const listed = new Set(welcome.rooms.map(({ room }) => room));
    for (const { record } of [...this.#model.rooms.values()]) {
      if (record.room !== HOUSE && record.joined && !listed.has(record.room)) apply([...lost(record), ...ended(record)]);
    }
    const house = this.#model.record(HOUSE);
    if (!resumed && house !== null) apply([{ kind: "room", room: { ...house, applied: null } }]);
    for (const room of welcome.rooms) {
      for (const person of room.with ?? []) apply(learned(this.#model, person));
      apply(compared(this.#model.record(room.room), room, resumed));
      if (resumed) this.#stream.expect(room.room, room.rev);
    }
    apply(learned(this.#model, welcome.user));
    // Somebody new has missed nothing: as in any room, their reading begins where they came in.
    const isNew = welcome.token !== undefined && welcome.token === before?.token;
    if (isNew) apply(this.#reads.pointer(LOBBY, this.#model.record(LOBBY)?.seq ?? 0));
    apply([{ kind: "cursor", cursor: welcome.cursor }]);
  }

  /** Begins again with nothing but the outbox: the log is not the one that was known. */
  #forget(): void {
    void this.#ledger.submit((apply) => apply([{ kind: "forget all" }])).then(() => this.#transport.interrupt());
  }

  #disconnected(state: "offline" | "stopped"): void {
    if (this.#stopped) return;
    this.#connected += 1;
    this.#online = this.#isWelcome = false;
    this.#early = null;
    this.#timers.cancel("probe");
    this.#sender.close();
    this.#stream.close();
    for (const finish of [...this.#requests]) finish(null);
    this.#events.connection(state);
  }

  #connectRefused(code: string, reason?: string): void {
    if (this.#stopped) return;
    // Another server may answer at this address for a while: nothing is forgotten, and the next try may succeed.
    if (code === "bad_token") this.#events.connection("unknown");
    else if (code === "signed_out") this.#signedOut();
    else if (reason !== undefined) this.#events.connection("refused", reason);
    else this.#events.connection(code === "" ? "offline" : "unavailable");
  }

  /** Somebody may have come back by a link, in another tab. */
  #signedOut(): void {
    this.#events.connection("unknown", "signed_out");
    const { session } = this.#model;
    if (session === null) return;
    void this.#events.bind(session).then(async (kept) => {
      if (this.#stopped || kept.user !== session.user || kept.token === session.token) return;
      await this.#ledger.submit((apply) => apply([{ kind: "session", session: kept }]));
      this.#transport.hurry();
    }, () => undefined);
  }

  #stored(row: OutboxRow, ack: Stored): Promise<void> {
    return new Promise((resolve) => {
      void this.#ledger.submit((apply) => {
        const entry = entryOfAck(this.#model, row, ack);
        const finish = (done: Apply): void => {
          done([{ kind: "settled", id: row.id }]);
          const room = ack.room ?? ("room" in row.command ? row.command.room : 0);
          void this.#ledger.submit(() => {
            this.#events.result(row.id, { ok: true, room });
            resolve();
          });
        };
        if (entry === null) {
          if (ack.about !== undefined) apply([{ kind: "room", room: described(this.#model.record(ack.about.room), ack.about) }]);
          finish(apply);
        } else {
          this.#stream.take(apply, entry, "aside", finish);
        }
      });
    });
  }

  async #refused(row: OutboxRow, code: string): Promise<void> {
    await this.#ledger.submit((apply) => apply([{ kind: "refused", id: row.id, code }]));
    this.#events.result(row.id, { ok: false, code });
    // Should this tab die before, others find the refusal in the outbox.
    if (!isShown(row)) await this.#ledger.submit((apply) => apply([{ kind: "settled", id: row.id }]));
  }

  /** Refusals that an earlier leader could not report; the tabs that waited have read them by now. */
  #dropUnheard(): void {
    const unheard = this.#model.outbox.rows.filter((row) => row.refused !== undefined && !isShown(row));
    void this.#ledger.submit((apply) => apply(unheard.map(({ id }) => ({ kind: "settled", id }))));
  }

  async #askWho(count: number): Promise<void> {
    const people: Person[] = [];
    const question = this.#presence.asking();
    const asOf = this.#model.peopleVersion;
    for (let page = 0; page < WHO_PAGES; page += 1) {
      const after = people.at(-1)?.user;
      const answer = wire.readWho(await this.request("who", after === undefined ? {} : { after }));
      if (answer === null) return this.#presence.unanswered(question);
      people.push(...answer.online);
      if (!answer.more || answer.online.length === 0) break;
    }
    this.#presence.begin(question, Math.max(count, people.length), people);
    await this.#learn(people, asOf);
  }

  /** A room that was joined without being told what it is: asks, or else comes back to be told. */
  async #meet(room: RoomId): Promise<void> {
    this.#met.add(room);
    const rooms = wire.readRooms(await this.request("rooms", { after: room - 1, limit: 1 }));
    // It may have been left meanwhile.
    if (rooms === null || this.#model.record(room) === null) return;
    const found = rooms.find((other) => other.room === room);
    if (found === undefined) return this.#transport.interrupt();
    await this.#ledger.submit((apply) => {
      const record = this.#model.record(room);
      if (record?.strange !== true) return;
      if (found.rev < record.rev) void this.#meet(room);
      else apply([{ kind: "room", room: described(record, found) }]);
    });
  }

  #newStream(): Stream {
    return new Stream({
      model: this.#model,
      ledger: this.#ledger,
      request: (event, payload) => this.request(event, payload),
      setTimer: this.#world.setTimer,
      diverged: () => this.#forget(),
    });
  }
}

/** Only what stands in a timeline is shown with its refusal; for the rest the answer is all there is. */
function isShown({ command }: OutboxRow): boolean {
  return command.event === "say" || command.event === "edit" || command.event === "delete";
}
