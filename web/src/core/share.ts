// How one tab shares the one connection: it leads, or it follows the tab that does.
//
//   this tab ── questions ──► leader ──► server
//   this tab ◄── kept changes, presence, typing ──┘
//
// Only the leader has a session and stores what comes from the server; a follower applies what it is told to its own
// copy. When the leader changes, everything is read again from the store. Knows no view and no command of the page.

import type { Drafts } from "./drafts.ts";
import type { Connection } from "./facade.ts";
import { Hearing } from "./hearing.ts";
import { Leadership } from "./leadership.ts";
import { Ledger } from "./ledger.ts";
import type { Model } from "./model.ts";
import type { Outbox } from "./outbox.ts";
import type { Transport, World } from "./ports.ts";
import { answerOf, Questions } from "./questions.ts";
import { Session } from "./session.ts";
import type { Shown } from "./shown.ts";
import { Deposed, type Change, type Generation, type Look, type OutboxChange, type OutboxPart, type Revision, type Snapshot, type Store } from "./store.ts";
import type { Question, TabMessage, Tabs } from "./tabs.ts";
import type { RequestName } from "./wire.ts";

const NUDGE_MS = 3_000;
/** The part of a revision that each commit counts for that the store could not take. */
const UNKEPT = 2 ** -20;
/** A generation that never leads: the store refuses what it writes. */
const NOBODY: Generation = -1;

export interface ShareParts {
  readonly model: Model;
  readonly store: Store;
  readonly tabs: Tabs;
  readonly world: World;
  readonly transport: () => Transport;
  readonly outbox: Outbox;
  readonly drafts: Drafts;
  readonly shown: Shown;
}

export class Share {
  readonly #parts: ShareParts;
  readonly #model: Model;
  readonly #store: Store;
  readonly #tabs: Tabs;
  readonly #world: World;
  readonly #outbox: Outbox;
  readonly #shown: Shown;
  readonly #questions: Questions;
  readonly #leadership: Leadership;
  #ledger: Ledger;
  #session: Session | null = null;
  readonly #hearing = new Hearing((message) => this.#heard(message));
  /** Of the store as it was read or told. */
  #revision: Revision = 0;
  #cancelNudge: (() => void) | null = null;
  #stopped = false;

  constructor(parts: ShareParts) {
    this.#parts = parts;
    ({ model: this.#model, store: this.#store, tabs: this.#tabs, world: this.#world, outbox: this.#outbox, shown: this.#shown } = parts);
    this.#questions = new Questions(this.#tabs, this.#world);
    this.#ledger = this.#newLedger(null, 0);
    this.#leadership = new Leadership(this.#tabs, this.#store, this.#world, {
      begin: (own, isMine) => void this.#lead(own, isMine),
      end: () => void this.#stepDown(),
      beat: () => {
        this.#tabs.post({ kind: "beat", leader: this.#leadership.number });
        void this.#outbox.catchUp();
      },
    });
  }

  get isStopped(): boolean {
    return this.#stopped;
  }

  /** The model is ahead of the store: what it says now must not be shown yet. */
  get isKeeping(): boolean {
    return this.#ledger.isKeeping;
  }

  listen(): void {
    this.#tabs.listen((message) => {
      if (message.kind === "beat") this.#hearBeat(message.leader);
      else this.#hearing.hear(message);
    });
  }

  #hearBeat(leader: Generation): void {
    if (this.#leadership.heeds(leader) && this.#world.isWatched() && !this.#stopped) void this.#outbox.catchUp();
  }

  /** What other tabs tell waits until `read`. */
  reading(): void {
    this.#hearing.begin();
  }

  read(): void {
    this.#hearing.end();
  }

  /** Everything has been read. */
  start(): void {
    this.#tabs.post({ kind: "hello" });
    this.#leadership.start();
  }

  /** Nothing goes to the server any more, nor comes from it. */
  hangUp(): void {
    this.#session?.stop();
  }

  async stop(): Promise<void> {
    await this.#ledger.stop();
    this.#stopped = true;
    this.#cancelNudge?.();
    this.#leadership.stop();
    this.#questions.stop();
  }

  /** The outbox has something new. */
  pump(): void {
    this.#session?.pump();
  }

  request(event: RequestName, payload: object): Promise<unknown> {
    return this.ask({ ask: "request", event, payload });
  }

  ask(question: Question): Promise<unknown> {
    if (this.#stopped) return Promise.resolve(null);
    return this.#session === null ? this.#questions.ask(question) : answerOf(this.#session, question);
  }

  /** Has the leader do something, be it this tab or another. */
  tell(message: TabMessage): void {
    if (this.#session === null) this.#tabs.post(message);
    else this.#heard(message);
  }

  async #lead(own: Generation | null, isLeading: () => boolean): Promise<void> {
    await this.readAll();
    if (this.#stopped || !isLeading()) return;
    const leader = this.#leadership.number;
    this.#ledger = this.#newLedger(own, leader);
    const transport = this.#parts.transport();
    const session = new Session(this.#model, this.#ledger, transport, this.#world, {
      connection: (state, reason) => isMine() && this.#setState(state, reason),
      presence: (presence) => {
        this.#shown.setPresence(presence);
        this.#tabs.post({ kind: "presence", leader, presence });
      },
      typing: (room, who) => spread({ kind: "somebody types", room, who }),
      typingStopped: (room, who) => spread({ kind: "somebody stopped", room, who }),
      result: (id, result) => spread({ kind: "result", id, result }),
      changeOutbox: (look, change) => this.#changeAsLeader(look, change, own),
      bind: (session) => this.#store.bind(session),
    });
    const spread = (message: TabMessage): void => {
      this.#heard(message);
      this.#tabs.post(message);
    };
    const isMine = (): boolean => this.#session === session;
    this.#session = session;
    this.#tabs.post({ kind: "leading", leader, isWatched: this.#world.isWatched() });
    session.start();
    this.#questions.askOf(session);
  }

  /** Another tab leads: this one has nothing to write any more, and knows too much. */
  async #stepDown(): Promise<void> {
    const session = this.#session;
    this.#session = null;
    session?.stop();
    this.#ledger.abandon();
    this.#setState("connecting");
    await this.readAll();
    if (this.#stopped) return;
    this.#tabs.post({ kind: "hello" });
    this.#questions.again();
  }

  #newLedger(own: Generation | null, leader: Generation): Ledger {
    const writer = this.#writerOf(own);
    return new Ledger(this.#model, this.#store, writer, {
      kept: (changes, revision, version) => this.#kept(changes, revision, version, leader),
      deposed: () => this.#leadership.deposed(writer),
    });
  }

  /** As whom it writes. */
  #writerOf(own: Generation | null): Generation | null {
    return own === null && this.#tabs.areExclusive ? NOBODY : own;
  }

  /** For the session of this tab: it hears no more when another leads. */
  async #changeAsLeader<T>(look: Look, change: (part: OutboxPart) => OutboxChange<T>, own: Generation | null): Promise<T> {
    try {
      return await this.#outbox.change(look, change, "strict", this.#writerOf(own));
    } catch (error) {
      // The store never knew of a leader without a number.
      if (!(error instanceof Deposed) || own === null) throw error;
      this.#leadership.deposed(own);
      return new Promise<never>(() => undefined);
    }
  }

  async readAll(): Promise<void> {
    this.#hearing.begin();
    await this.#ledger.idle();
    let snapshot: Snapshot | null = null;
    while (snapshot === null) {
      snapshot = await this.#store.load().catch(() => null);
      if (this.#stopped) return;
      // Nothing is heard or shown until it can be read.
      if (snapshot === null) await new Promise<void>((resolve) => this.#world.setTimer(NUDGE_MS, resolve));
    }
    this.#leadership.learn(snapshot.leader);
    this.#outbox.load(snapshot);
    this.#revision = snapshot.revision;
    this.#hearing.end();
    // Another tab may have told what became of a command that is not in the outbox any more.
    this.#hearing.afterwards(() => this.#outbox.answerFinished());
    this.#parts.drafts.refresh();
    this.#shown.publish();
  }

  /** A leader in the background has slow timers: who is looked at keeps it awake. */
  #nudge(): void {
    if (this.#session !== null || this.#cancelNudge !== null) return;
    this.#cancelNudge = this.#world.setTimer(NUDGE_MS, () => {
      this.#cancelNudge = null;
      if (this.#shown.standing.state === "online") return;
      this.#tabs.post({ kind: "nudge" });
      this.#nudge();
    });
  }

  #heard(message: TabMessage): void {
    if (this.#stopped) return;
    // An old leader may say something late, and what it says is out of date.
    if ("leader" in message && !this.#leadership.heeds(message.leader)) return;
    switch (message.kind) {
      case "leading":
        this.#leadership.prefer(message.isWatched);
        void this.readAll();
        this.#questions.again();
        return;
      case "hello":
        if (this.#session === null) return;
        this.#tellState();
        this.#tabs.post({ kind: "presence", leader: this.#leadership.number, presence: this.#shown.presence });
        return;
      case "kept":
        return this.#heardKept(message);
      case "outbox":
        return void this.#outbox.take(message.difference);
      case "result":
        return this.#outbox.answer(message.id, message.result);
      case "connection":
        this.#setState(message.state, message.reason, message.since);
        return this.#nudge();
      case "hurry":
        return this.#session?.hurry();
      case "nudge":
        return this.#session?.nudge();
      case "presence":
        return this.#shown.setPresence(message.presence);
      case "somebody types":
        return this.#shown.typing.show(message.room, message.who);
      case "somebody stopped":
        return this.#shown.typing.hide(message.room, message.who);
      case "question":
        return this.#answer(message.id, message.question);
      case "answer":
        return this.#questions.answered(message.id, message.answer);
      case "typing":
        return this.#session?.typing(message.room);
      case "typing stopped":
        return this.#session?.typingStopped(message.room);
      case "read":
        return this.#session?.markRead(message.room, message.seq);
    }
  }

  #heardKept(message: Extract<TabMessage, { kind: "kept" }>): void {
    const { revision, version, changes } = message;
    // What was read may be ahead of what is told, or behind it.
    if (revision !== null && revision <= this.#revision) return;
    if (revision !== null && revision > this.#revision + 1) return void this.readAll();
    if (!this.#outbox.isKept(version)) {
      // An own message belongs to its row by a number that the row may have got since.
      void this.#outbox.read();
      return this.#hearing.afterwards(() => this.#heard({ ...message, version: null }));
    }
    this.#revision = revision ?? this.#revision;
    for (const change of changes) this.#model.apply(change);
    this.#shown.take(changes);
  }

  #answer(id: string, question: Question): void {
    const session = this.#session;
    if (session === null) return;
    void answerOf(session, question).then((answer) => {
      // Otherwise the new leader answers.
      if (this.#session === session) this.#tabs.post({ kind: "answer", id, answer });
    });
  }

  #kept(changes: readonly Change[], revision: Revision | null, version: number | null, leader: Generation): void {
    // What could not be kept comes before the next revision, so a tab that has read that is not taken back.
    this.#revision = revision ?? this.#revision + UNKEPT;
    this.#tabs.post({ kind: "kept", leader, revision: this.#revision, version, changes });
    // The outbox may have been read while these were being kept, and did not have them.
    for (const change of changes) if (change.kind === "refused") this.#model.apply(change);
    if (!this.#outbox.isKept(version)) void this.#outbox.read();
    this.#shown.take(changes);
    this.#session?.settle();
  }

  #setState(state: Connection["state"], reason = "", since?: number): void {
    const isNew = this.#shown.setState(state, reason, since);
    // Of the other tabs one goes on when this one stops.
    if (isNew && this.#session !== null && state !== "stopped") this.#tellState();
  }

  #tellState(): void {
    this.#tabs.post({ kind: "connection", leader: this.#leadership.number, ...this.#shown.standing });
  }
}
