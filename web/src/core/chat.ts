// One tab's chat: its copy of what is known, its views, and its part in sharing the one connection.
//
//   page ── commands ──► outbox (store) ──► leader ──► server
//   page ◄── signals ── model ◄── kept changes ◄──────┘
//
// Commands of any tab go into the shared outbox; what needs the connection is asked of the leading tab, which may be
// this one. When the leader changes, everything is read anew from the store.

import { batch, signal } from "@preact/signals-core";
import { allCalled } from "./called.ts";
import type {
  ChatClient,
  CodeMeaning,
  Connection,
  DraftPlace,
  LostRoom,
  Me,
  Person,
  Result,
  RoomId,
  RoomMember,
  RoomSummary,
  RoomView,
  Seq,
  Stray,
  UserId,
} from "./facade.ts";
import { Drafts } from "./drafts.ts";
import { Hearing } from "./hearing.ts";
import { Leadership } from "./leadership.ts";
import { Ledger } from "./ledger.ts";
import { Model } from "./model.ts";
import { renewed, unsent, withdrawn } from "./numbering.ts";
import { Outbox } from "./outbox.ts";
import type { Notepad, OnHide, OnWake, SetTimer, Transport, World } from "./ports.ts";
import { NOBODY, type PresenceState } from "./presence.ts";
import { answerOf, Questions } from "./questions.ts";
import { randomHex } from "./random.ts";
import { OpenView } from "./room-view.ts";
import { Session } from "./session.ts";
import { socketTransport } from "./socket-line.ts";
import { Deposed, type Change, type Generation, type OutboxChange, type OutboxState, type Revision, type Store } from "./store.ts";
import { alike, straysOf } from "./strays.ts";
import { Summaries, summaryOfListed } from "./summary.ts";
import { NoTabs, type Question, type TabMessage, type Tabs } from "./tabs.ts";
import { Typing } from "./typing.ts";
import * as wire from "./wire.ts";

const NUDGE_MS = 3_000;

export interface ChatOptions {
  /** Without an address: where the page came from. */
  readonly url?: string;
  readonly namespace?: string;
  readonly store: Store;
  /** Without them this tab is alone. */
  readonly tabs?: Tabs;
  readonly transport?: () => Transport;
  readonly now?: () => number;
  readonly randomId?: () => string;
  readonly setTimer?: SetTimer;
  readonly random?: () => number;
  readonly onWake?: OnWake;
  readonly onHide?: OnHide;
  readonly notepad?: Notepad;
  /** Whether somebody can see this page; without it: yes. */
  readonly isWatched?: () => boolean;
}

/** Opens what is kept, and begins to connect. Works without a network from then on. */
export async function createChat(options: ChatOptions): Promise<ChatClient> {
  const chat = new Chat(options);
  await chat.start();
  return chat;
}

class Chat implements ChatClient {
  readonly connection = signal<Connection>({ state: "connecting", since: 0, waiting: 0 });
  readonly me = signal<Me>({ user: null, name: null, owner: false });
  readonly rooms = signal<readonly RoomSummary[]>([]);
  readonly outside = signal<readonly RoomSummary[]>([]);
  readonly online = signal<{ readonly people: readonly Person[]; readonly count: number }>({ people: [], count: 0 });
  readonly people = signal<ReadonlyMap<UserId, Person>>(new Map());
  readonly strays = signal<readonly Stray[]>([]);
  readonly ahead = signal(0);
  readonly lost = signal<ReadonlyMap<RoomId, LostRoom>>(new Map());
  readonly #options: ChatOptions;
  readonly #world: World;
  readonly #store: Store;
  readonly #tabs: Tabs;
  readonly #model = new Model();
  readonly #summaries = new Summaries();
  readonly #views = new Set<OpenView>();
  /** Views that have something to show as soon as it is kept. */
  readonly #postponed = new Set<OpenView>();
  readonly #typing: Typing;
  readonly #outbox: Outbox;
  readonly #questions: Questions;
  readonly #drafts: Drafts;
  readonly #leadership: Leadership;
  #ledger: Ledger;
  #session: Session | null = null;
  readonly #hearing = new Hearing((message) => this.#heard(message));
  /** Of the store as it was read or told. */
  #revision: Revision = 0;
  #presence = NOBODY;
  #state: Connection["state"] = "connecting";
  #reason = "";
  #since: number;
  #peopleVersion = -1;
  #cancelNudge: (() => void) | null = null;
  #stopWake: (() => void) | null = null;
  #stopHide: (() => void) | null = null;
  #stopped = false;

  constructor(options: ChatOptions) {
    this.#options = options;
    const {
      now = Date.now,
      random = Math.random,
      isWatched = () => true,
      randomId = () => randomHex(crypto),
      setTimer = (milliseconds: number, due: () => void) => {
        const timer = setTimeout(due, milliseconds);
        return () => clearTimeout(timer);
      },
    } = options;
    this.#world = { now, random, randomId, setTimer, isWatched };
    this.#since = now();
    this.#store = options.store;
    this.#tabs = options.tabs ?? new NoTabs();
    this.#questions = new Questions(this.#tabs, this.#world);
    this.#ledger = this.#newLedger(null);
    this.#leadership = new Leadership(this.#tabs, this.#store, this.#world, {
      begin: (own) => void this.#lead(own),
      end: () => void this.#stepDown(),
      beat: (leader) => this.#tabs.post({ kind: "beat", leader }),
    });
    this.#outbox = new Outbox(this.#model, this.#store, this.#world, {
      changed: () => this.#tabs.post({ kind: "outbox" }),
      reading: () => this.#hearing.begin(),
      read: () => {
        this.#drafts.refresh();
        // Before anything is shown: a row that is gone has become a message of which was told meanwhile.
        this.#hearing.end();
        this.#publish();
        this.#session?.pump();
      },
    });
    this.#drafts = new Drafts(this.#model, this.#outbox, this.#world, options.notepad ?? null);
    this.#typing = new Typing(setTimer, (room) => this.#showTyping(room));
  }

  async start(): Promise<void> {
    this.#tabs.listen((message) => {
      if (message.kind === "beat") this.#leadership.heeds(message.leader);
      else this.#hearing.hear(message);
    });
    this.#hearing.begin();
    await this.#drafts.begin();
    await this.#readAll();
    this.#hearing.end();
    void this.#drafts.tidy();
    this.#tabs.post({ kind: "hello" });
    this.#leadership.start();
    this.#stopWake = this.#options.onWake?.(() => this.hurry()) ?? null;
    this.#stopHide = this.#options.onHide?.(() => void this.#drafts.hide()) ?? null;
  }

  open(room: RoomId): RoomView {
    const view = new OpenView(room, {
      model: this.#model,
      isOnline: () => this.#state === "online",
      mayShow: (asking) => {
        if (this.#ledger.isKeeping) this.#postponed.add(asking);
        return !this.#ledger.isKeeping;
      },
      history: (other, page, limit) => this.#ask({ ask: "history", room: other, page, limit }).then((answer) => answer === true),
      visit: (other) => this.#ask({ ask: "visit", room: other }).then((answer) => answer === true),
      markRead: (other, seq) => this.#markRead(other, seq),
      closed: (closed) => this.#views.delete(closed),
    });
    view.typing.value = this.#typingIn(room);
    this.#views.add(view);
    return view;
  }

  say(room: RoomId, text: string): Promise<Result> {
    return this.#outbox.command({ event: "say", room, text });
  }

  edit(room: RoomId, seq: Seq, text: string): Promise<Result> {
    return this.#outbox.command({ event: "edit", room, seq, text });
  }

  remove(room: RoomId, seq: Seq): Promise<Result> {
    return this.#outbox.command({ event: "delete", room, seq });
  }

  create(kind: "public" | "private", name: string, topic?: string): Promise<Result> {
    return this.#outbox.command({ event: "create", kind, name: tidied(name), ...(topic === undefined ? {} : { topic }) });
  }

  direct(withUsers: readonly UserId[]): Promise<Result> {
    return this.#outbox.command({ event: "direct", with: [...withUsers] });
  }

  rename(room: RoomId, name: string): Promise<Result> {
    return this.#outbox.command({ event: "rename", room, name: tidied(name) });
  }

  setTopic(room: RoomId, topic: string): Promise<Result> {
    return this.#outbox.command({ event: "set topic", room, topic });
  }

  join(room: RoomId): Promise<Result> {
    return this.#outbox.command({ event: "join", room });
  }

  joinByInvite(code: string): Promise<Result> {
    return this.#outbox.command({ event: "join", invite: code });
  }

  leave(room: RoomId): Promise<Result> {
    return this.#outbox.command({ event: "leave", room });
  }

  add(room: RoomId, user: UserId): Promise<Result> {
    return this.#outbox.command({ event: "add", room, user });
  }

  expel(room: RoomId, user: UserId): Promise<Result> {
    return this.#outbox.command({ event: "remove", room, user });
  }

  setName(name: string): Promise<Result> {
    return this.#outbox.command({ event: "name", name: tidied(name) });
  }

  claim(code: string): Promise<Result> {
    return this.#outbox.command({ event: "claim", code });
  }

  async retry(n: number): Promise<void> {
    await this.#outbox.change((state) => renewed(state, n, this.#world.now()));
  }

  async discard(n: number): Promise<string> {
    const command = await this.#outbox.change((state) => withdrawn(state, n));
    this.#outbox.answer(n, { ok: false, code: "discarded" });
    return command !== null && "text" in command ? command.text : "";
  }

  takeBack(n: number): Promise<DraftPlace | null> {
    return this.#drafts.takeBack(n);
  }

  async browse(after?: RoomId): Promise<Result<{ readonly rooms: readonly RoomSummary[] }>> {
    const answer = await this.#request("rooms", after === undefined ? {} : { after });
    const rooms = wire.readRooms(answer);
    return rooms === null ? refused(answer) : { ok: true, rooms: rooms.map((room) => summaryOfListed(this.#model, room)) };
  }

  async members(room: RoomId, after?: UserId): Promise<Result<{ readonly members: readonly RoomMember[]; readonly more: boolean }>> {
    const answer = await this.#request("members", { room, ...(after === undefined ? {} : { after }) });
    const page = wire.readMembers(answer);
    return page === null ? refused(answer) : { ok: true, ...page };
  }

  async invite(room: RoomId): Promise<Result<{ readonly code: string }>> {
    const answer = await this.#request("invite", { room });
    const read = wire.readCode(answer);
    return read === null ? refused(answer) : { ok: true, code: read.code };
  }

  async link(): Promise<Result<{ readonly code: string; readonly expires: number }>> {
    const answer = await this.#request("link", {});
    const read = wire.readCode(answer);
    return read === null ? refused(answer) : { ok: true, code: read.code, expires: read.expires ?? 0 };
  }

  async meaning(code: string): Promise<Result<{ readonly meaning: CodeMeaning }>> {
    const answer = await this.#request("code", { code });
    const meaning = wire.readMeaning(answer);
    return meaning === null ? refused(answer) : { ok: true, meaning };
  }

  typing(room: RoomId): void {
    if (this.#session === null) this.#tabs.post({ kind: "typing", room });
    else this.#session.typing(room);
  }

  typingStopped(room: RoomId): void {
    if (this.#session === null) this.#tabs.post({ kind: "typing stopped", room });
    else this.#session.typingStopped(room);
  }

  setDraft(place: DraftPlace, text: string | null): void {
    this.#drafts.set(place, text);
  }

  draft(place: DraftPlace): string | null {
    return this.#drafts.text(place);
  }

  send(place: DraftPlace, text: string): Promise<Result> {
    return this.#drafts.send(place, text);
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopWake?.();
    this.#stopHide?.();
    this.#cancelNudge?.();
    this.#session?.stop();
    await this.#drafts.hide();
    this.#drafts.stop();
    await this.#ledger.stop();
    this.#stopped = true;
    this.#typing.stop();
    this.#leadership.stop();
    this.#store.close();
    this.#questions.stop();
    this.#setState("stopped");
  }

  // The leader and the others.

  async #lead(own: Generation | null): Promise<void> {
    await this.#readAll();
    if (this.#stopped || !this.#leadership.leads(own)) return;
    const leader = own ?? 0;
    this.#ledger = this.#newLedger(own);
    const transport = this.#options.transport?.() ?? socketTransport(this.#options, this.#world);
    const session = new Session(this.#model, this.#ledger, transport, this.#world, {
      connection: (state, reason) => isMine() && this.#setState(state, reason),
      presence: (presence) => {
        this.#setPresence(presence);
        this.#tabs.post({ kind: "presence", leader, presence });
      },
      typing: (room, who) => {
        this.#typing.show(room, who);
        this.#tabs.post({ kind: "somebody types", room, who });
      },
      typingStopped: (room, who) => {
        this.#typing.hide(room, who);
        this.#tabs.post({ kind: "somebody stopped", room, who });
      },
      result: (id, result) => {
        this.#outbox.answer(id, result);
        this.#tabs.post({ kind: "result", id, result });
      },
      changeOutbox: (change) => this.#changeAsLeader(change, own),
      bind: (session) => this.#store.bind(session),
    });
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
    await this.#readAll();
    if (this.#stopped) return;
    this.#tabs.post({ kind: "hello" });
    this.#questions.again();
  }

  #newLedger(leader: Generation | null): Ledger {
    return new Ledger(this.#model, this.#store, leader, {
      kept: (changes, revision) => this.#kept(changes, revision, leader ?? 0),
      deposed: () => this.#leadership.deposed(leader),
    });
  }

  /** For the session of this tab: it hears no more when another leads. */
  async #changeAsLeader<T>(change: (state: OutboxState) => OutboxChange<T>, own: Generation | null): Promise<T> {
    try {
      return await this.#outbox.change(change, "strict", own);
    } catch (error) {
      if (!(error instanceof Deposed)) throw error;
      this.#leadership.deposed(own);
      return new Promise<never>(() => undefined);
    }
  }

  async #readAll(): Promise<void> {
    this.#hearing.begin();
    await this.#ledger.idle();
    const snapshot = await this.#store.load();
    this.#model.load(snapshot);
    this.#revision = snapshot.revision;
    this.#hearing.end();
    // Another tab may have told what became of a command that is not in the outbox any more.
    this.#hearing.afterwards(() => this.#outbox.answerFinished());
    this.#drafts.refresh();
    this.#publish();
  }

  hurry(): void {
    if (this.#session === null) this.#tabs.post({ kind: "hurry" });
    else this.#session.hurry();
  }

  /** A leader in the background has slow timers: who is looked at keeps it awake. */
  #nudge(): void {
    if (this.#session !== null || this.#cancelNudge !== null || this.#stopped) return;
    this.#cancelNudge = this.#world.setTimer(NUDGE_MS, () => {
      this.#cancelNudge = null;
      if (this.#state === "online") return;
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
        void this.#readAll();
        this.#questions.again();
        return;
      case "hello":
        if (this.#session === null) return;
        this.#tabs.post({ kind: "connection", leader: this.#leadership.number, state: this.#state, since: this.#since, reason: this.#reason });
        this.#tabs.post({ kind: "presence", leader: this.#leadership.number, presence: this.#presence });
        return;
      case "kept": {
        // What was read may be ahead of what is told, or behind it.
        const { revision } = message;
        if (revision !== null && revision <= this.#revision) return;
        if (revision !== null && revision > this.#revision + 1) return void this.#readAll();
        this.#revision = revision ?? this.#revision;
        for (const change of message.changes) this.#model.apply(change);
        this.#noteMessages(message.changes);
        return this.#publish();
      }
      case "outbox":
        return void this.#outbox.read();
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
        return this.#setPresence(message.presence);
      case "somebody types":
        return this.#typing.show(message.room, message.who);
      case "somebody stopped":
        return this.#typing.hide(message.room, message.who);
      case "question": {
        const { id } = message;
        const session = this.#session;
        if (session === null) return;
        void answerOf(session, message.question).then((answer) => {
          // Otherwise the new leader answers.
          if (this.#session === session) this.#tabs.post({ kind: "answer", id, answer });
        });
        return;
      }
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

  #request(event: string, payload: object): Promise<unknown> {
    return this.#ask({ ask: "request", event, payload });
  }

  #ask(question: Question): Promise<unknown> {
    if (this.#stopped) return Promise.resolve(null);
    return this.#session === null ? this.#questions.ask(question) : answerOf(this.#session, question);
  }

  #markRead(room: RoomId, seq: Seq): void {
    if (this.#session === null) this.#tabs.post({ kind: "read", room, seq });
    else this.#session.markRead(room, seq);
  }

  // What is shown.

  #kept(changes: readonly Change[], revision: Revision | null, leader: Generation): void {
    this.#tabs.post({ kind: "kept", leader, revision, changes });
    this.#noteMessages(changes);
    this.#publish();
    this.#session?.settle();
  }

  /** Who has said something types no more. */
  #noteMessages(changes: readonly Change[]): void {
    for (const change of changes) if (change.kind === "message") this.#typing.hide(change.message.room, change.message.from);
  }

  #publish(): void {
    // Nothing is shown that a crash could take back: there is another call when it is kept.
    if (this.#ledger.isKeeping) return;
    batch(() => {
      const touched = this.#model.takeTouched();
      for (const view of this.#postponed) view.update();
      this.#postponed.clear();
      if (touched.size > 0) {
        const known = this.#summaries.update(this.#model, touched);
        this.rooms.value = known.filter(({ joined }) => joined);
        this.outside.value = known.filter(({ joined }) => !joined);
      }
      const strays = straysOf(this.#model, this.#drafts.share);
      if (!alike(strays, this.strays.peek())) this.strays.value = strays;
      for (const view of this.#views) if (touched.has(view.room)) view.update();
      if (this.#peopleVersion !== this.#model.peopleVersion) {
        this.#peopleVersion = this.#model.peopleVersion;
        this.people.value = new Map(this.#model.people);
        this.#showOnline();
        for (const view of this.#views) {
          view.update();
          this.#showTyping(view.room);
        }
      }
      this.lost.value = this.#model.lost;
      this.ahead.value = this.#model.session?.ahead ?? 0;
      const { user, name, owner, server } = this.#model.session ?? { user: null, name: null, owner: false };
      const me = this.me.peek();
      if (me.user !== user || me.name !== name || me.owner !== owner || me.server !== server) {
        this.me.value = { user, name, owner, ...(server === undefined ? {} : { server }) };
      }
      this.#showConnection();
    });
  }

  #showConnection(): void {
    const reason = this.#reason === "" ? {} : { reason: this.#reason };
    const next: Connection = { state: this.#state, since: this.#since, waiting: unsent(this.#model.outbox).length, ...reason };
    const now = this.connection.peek();
    if (now.state !== next.state || now.reason !== next.reason || now.since !== next.since || now.waiting !== next.waiting) this.connection.value = next;
  }

  #setState(state: Connection["state"], reason = "", since?: number): void {
    if (this.#state === state && this.#reason === reason) return;
    this.#state = state;
    this.#reason = reason;
    this.#since = since ?? this.#world.now();
    // Of the other tabs one goes on.
    if (this.#session !== null && state !== "stopped") this.#tabs.post({ kind: "connection", leader: this.#leadership.number, state, since: this.#since, reason });
    batch(() => {
      this.#showConnection();
      for (const view of this.#views) view.update();
    });
    if (state === "online") for (const view of this.#views) void view.refresh();
  }

  #setPresence(presence: PresenceState): void {
    this.#presence = presence;
    this.#showOnline();
  }

  #showOnline(): void {
    const { people, count } = this.#presence.online;
    this.online.value = { people: allCalled(this.#model.people, people), count };
  }

  #showTyping(room: RoomId): void {
    for (const view of this.#views) if (view.room === room) view.typing.value = this.#typingIn(room);
  }

  #typingIn(room: RoomId): readonly Person[] {
    return allCalled(this.#model.people, this.#typing.in(room));
  }
}

/** As the server will have it. */
function tidied(name: string): string {
  return name.normalize("NFC").trim().replace(/\s+/gu, " ");
}

function refused(answer: unknown): { readonly ok: false; readonly code: string } {
  return { ok: false, code: answer === null ? "offline" : wire.refusalOf(answer) };
}
