// A client without a server: for working on the page, looking at it, and measuring it.
//
// It answers like the real one, and forgets everything when the page closes. `?model` shows the real core instead.

import { type Signal, computed, signal } from "@preact/signals";
import type { ChatClient, CodeMeaning, Connection, DraftPlace, LostRoom, Me, Notice, PendingRow, Person, Result, RoomId, RoomKind, RoomMember, RoomSummary, Seq, Stray, UserId } from "../src/core/facade.ts";
import { placeName } from "../src/core/drafts.ts";
import { RoomLog } from "./room-log.ts";

export interface RoomFacts {
  readonly room: RoomId;
  readonly kind: RoomKind;
  readonly name: string;
  readonly topic: string;
  readonly joined: boolean;
  readonly host?: UserId;
  readonly with?: readonly Person[];
  readonly members: readonly Person[];
}

const OK_AFTER_MS = 80;

export class MemoryChat implements ChatClient {
  readonly me: Signal<Me>;
  readonly connection: Signal<Connection>;
  readonly people: Signal<ReadonlyMap<UserId, Person>> = signal(new Map());
  readonly untrusted = signal("");
  readonly ahead: Signal<number> = signal(0);
  readonly outside: Signal<readonly RoomSummary[]> = signal([]);
  readonly lost: Signal<ReadonlyMap<number, LostRoom>> = signal(new Map());
  readonly online: Signal<{ readonly people: readonly Person[]; readonly count: number }> = signal({ people: [], count: 0 });
  readonly #facts: Signal<readonly RoomFacts[]> = signal([]);
  readonly #logs = new Map<RoomId, RoomLog>();
  readonly strays: Signal<readonly Stray[]> = signal([]);
  readonly #drafts: Signal<ReadonlyMap<string, string>> = signal(new Map());
  readonly #waiting: Signal<number> = signal(0);
  readonly #touched = signal(0);
  readonly #summaries = new Map<RoomId, RoomSummary>();
  #n = 0;

  constructor(me: Me) {
    this.me = signal(me);
    this.connection = signal({ state: "online", since: Date.now(), waiting: 0 });
  }

  readonly rooms = computed<readonly RoomSummary[]>(() => {
    void this.#touched.value;
    return this.#facts.value.filter(({ joined }) => joined).map((facts) => this.#summary(facts));
  });

  #summary({ members, ...facts }: RoomFacts): RoomSummary {
    const log = this.log(facts.room);
    void log.read.value;
    const unread = facts.joined ? log.unread() : 0;
    const draft = this.#drafts.value.get(placeName(facts)) ?? "";
    const summary = { ...facts, unread, unreadCapped: unread >= 100, members: members.length, changes: log.rev, draft, pending: log.pending.length };
    const before = this.#summaries.get(facts.room);
    if (before !== undefined && JSON.stringify(before) === JSON.stringify(summary)) return before;
    this.#summaries.set(facts.room, summary);
    return summary;
  }

  log(room: RoomId): RoomLog {
    const known = this.#logs.get(room);
    if (known !== undefined) return known;
    const made = new RoomLog(room, () => this.#later());
    this.#logs.set(room, made);
    return made;
  }

  #later(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, OK_AFTER_MS));
  }

  // What the world does.

  addRoom(facts: RoomFacts): void {
    this.#facts.value = [...this.#facts.peek(), facts];
  }

  meet(people: readonly Person[]): void {
    this.people.value = new Map([...this.people.peek(), ...people.flatMap((person) => (person.user === undefined ? [] : [[person.user, person] as const]))]);
  }

  arrive(room: RoomId, from: Person, text: string, at = Date.now()): Seq {
    const log = this.log(room);
    log.seq += 1;
    log.rev += 1;
    const own = from.user === this.me.peek().user;
    log.append({ kind: "message", key: `m${log.seq}`, seq: log.seq, at, from, own, text, edited: false, deleted: false });
    if (own) log.read.value = log.seq;
    this.#touched.value += 1;
    return log.seq;
  }

  notice(room: RoomId, notice: Notice, at = Date.now()): void {
    const log = this.log(room);
    log.rev += 1;
    log.append({ kind: "notice", key: `n${log.rev}`, rev: log.rev, at, notice });
  }

  setConnection(state: Connection["state"]): void {
    this.connection.value = { state, since: Date.now(), waiting: this.#waiting.peek() };
    if (state === "online") for (const log of this.#logs.values()) for (const row of log.pending) if (row.state === "waiting") void this.#deliver(log, row);
  }

  refuse(room: RoomId, text: string, code: string): void {
    const log = this.log(room);
    const n = (this.#n += 1);
    log.pending = [...log.pending, { kind: "pending", key: `p${n}`, n, at: Date.now(), text, state: { refused: code } }];
    log.changed();
  }

  // What the page asks for.

  open(room: RoomId) {
    return this.log(room).open();
  }

  async say(room: RoomId, text: string): Promise<Result> {
    const log = this.log(room);
    const n = (this.#n += 1);
    const online = this.connection.peek().state === "online";
    const row: PendingRow = { kind: "pending", key: `p${n}`, n, at: Date.now(), text, state: online ? "sending" : "waiting" };
    log.pending = [...log.pending, row];
    log.changed();
    this.#count();
    if (online) await this.#deliver(log, row);
    return { ok: true, room };
  }

  async #deliver(log: RoomLog, row: PendingRow): Promise<void> {
    await this.#later();
    log.pending = log.pending.filter(({ n }) => n !== row.n);
    log.seq += 1;
    log.rev += 1;
    const { user, name } = this.me.peek();
    const from = { ...(user === null ? {} : { user }), ...(name === null ? {} : { name }) };
    log.read.value = log.seq;
    log.append({ kind: "message", key: row.key, seq: log.seq, at: Date.now(), from, own: true, text: row.text, edited: false, deleted: false });
    this.#count();
  }

  #count(): void {
    this.#touched.value += 1;
    this.#waiting.value = [...this.#logs.values()].reduce((sum, log) => sum + log.pending.filter((row) => row.state === "waiting").length, 0);
    this.connection.value = { ...this.connection.peek(), waiting: this.#waiting.peek() };
  }

  async edit(room: RoomId, seq: Seq, text: string): Promise<Result> {
    this.log(room).replace(seq, (row) => ({ ...row, text, change: "editing" }));
    await this.#later();
    this.log(room).replace(seq, ({ change: _, ...row }) => ({ ...row, text, edited: true }));
    return { ok: true, room };
  }

  async delete(room: RoomId, seq: Seq): Promise<Result> {
    this.log(room).replace(seq, (row) => ({ ...row, change: "deleting" }));
    await this.#later();
    this.log(room).replace(seq, ({ change: _, ...row }) => ({ ...row, text: "", deleted: true }));
    return { ok: true, room };
  }

  async create(kind: "public" | "private", name: string, topic = ""): Promise<Result> {
    await this.#later();
    return this.#make({ kind, name, topic, members: [this.#self()], host: this.me.peek().user ?? "" });
  }

  async direct(withUsers: readonly UserId[]): Promise<Result> {
    await this.#later();
    const people = withUsers.map((user) => this.people.peek().get(user) ?? { user });
    return this.#make({ kind: "direct", name: "", topic: "", with: people, members: [this.#self(), ...people] });
  }

  #self(): Person {
    const { user, name } = this.me.peek();
    return { ...(user === null ? {} : { user }), ...(name === null ? {} : { name }) };
  }

  #make(facts: Omit<RoomFacts, "room" | "joined">): Result {
    if (facts.name === "taken") return { ok: false, code: "name_taken" };
    const room = Math.max(...this.#facts.peek().map((known) => known.room)) + 1;
    this.addRoom({ ...facts, room, joined: true });
    return { ok: true, room };
  }

  async #alter(room: RoomId, change: Partial<RoomFacts>): Promise<Result> {
    await this.#later();
    this.#facts.value = this.#facts.peek().map((facts) => (facts.room === room ? { ...facts, ...change } : facts));
    return { ok: true, room };
  }

  async rename(room: RoomId, name: string): Promise<Result> {
    this.notice(room, { what: "renamed", from: this.#self(), text: name });
    return this.#alter(room, { name });
  }

  async setTopic(room: RoomId, topic: string): Promise<Result> {
    this.notice(room, { what: "topic", from: this.#self(), text: topic });
    return this.#alter(room, { topic });
  }

  join = (room: RoomId) => this.#alter(room, { joined: true });
  leave = (room: RoomId) => this.#alter(room, { joined: false });
  joinByInvite = (_code: string) => this.#alter(3, { joined: true });
  add = (room: RoomId, _user: UserId) => this.#alter(room, {});

  async remove(room: RoomId, user: UserId): Promise<Result> {
    const members = this.#facts.peek().find((facts) => facts.room === room)?.members ?? [];
    return this.#alter(room, { members: members.filter((member) => member.user !== user) });
  }

  async setName(name: string): Promise<Result> {
    await this.#later();
    if (name === "taken") return { ok: false, code: "name_taken" };
    this.me.value = { ...this.me.peek(), name };
    return { ok: true, room: 0 };
  }

  async claim(code: string): Promise<Result> {
    await this.#later();
    if (code === "wrong") return { ok: false, code: "bad_code" };
    this.me.value = { ...this.me.peek(), owner: true };
    return { ok: true, room: 0 };
  }

  async retry(n: number): Promise<void> {
    for (const log of this.#logs.values()) {
      const row = log.pending.find((pending) => pending.n === n);
      if (row !== undefined) await this.#deliver(log, row);
    }
  }

  async discard(n: number): Promise<string> {
    for (const log of this.#logs.values()) {
      const row = log.pending.find((pending) => pending.n === n);
      log.pending = log.pending.filter((pending) => pending.n !== n);
      log.changed();
      if (row !== undefined) return row.text;
    }
    return "";
  }

  async takeBack(n: number): Promise<DraftPlace | null> {
    const log = [...this.#logs.values()].find(({ pending }) => pending.some((row) => row.n === n));
    if (log === undefined) return null;
    this.setDraft({ room: log.room }, await this.discard(n));
    return { room: log.room };
  }

  async browse(after: RoomId = 0) {
    await this.#later();
    const rooms = this.#facts.peek().filter(({ kind, room }) => kind === "public" && room > after);
    return { ok: true, rooms: rooms.map((facts) => this.#summary(facts)) } as const;
  }

  async members(room: RoomId) {
    await this.#later();
    const { members = [], host } = this.#facts.peek().find((facts) => facts.room === room) ?? {};
    const here = new Set(this.online.peek().people.map(({ user }) => user));
    const shown = members.map((person): RoomMember => ({ ...person, online: here.has(person.user), ...(person.user === host ? { host: true } : {}) }));
    return { ok: true, members: shown, more: false } as const;
  }

  async invite() {
    await this.#later();
    return { ok: true, code: "b3Vy/dGVh+cm9vbQ" } as const;
  }

  async link() {
    await this.#later();
    return { ok: true, code: "7K2QW4", expires: Date.now() + 900_000 } as const;
  }

  readonly #signIns = [
    { id: "1", label: "Chromium on Linux", method: "new", at: Date.now() - 90_000_000, own: true },
    { id: "2", label: "Safari on iPhone", method: "link", at: Date.now() - 9_000_000, own: false },
    { id: "3", label: "", method: "link", at: Date.now() - 900_000, own: false },
  ];

  async signIns() {
    await this.#later();
    return { ok: true, signIns: [...this.#signIns] } as const;
  }

  async signOut(which: string): Promise<Result> {
    await this.#later();
    const isMeant = ({ id, own }: { id: string; own: boolean }) => (which === "others" ? !own : id === which);
    for (const ended of this.#signIns.filter(isMeant)) this.#signIns.splice(this.#signIns.indexOf(ended), 1);
    return { ok: true, room: 0 };
  }

  async meaning(code: string) {
    await this.#later();
    if (code === "wrong") return { ok: false, code: "bad_code" } as const;
    const meaning: CodeMeaning = { kind: "invite", room: 3, name: "garden", members: 4, joined: false };
    return { ok: true, meaning } as const;
  }

  typing(_room: RoomId): void {}

  typingStopped(_room: RoomId): void {}

  setDraft(place: DraftPlace, text: string | null): void {
    const drafts = new Map(this.#drafts.peek());
    if (text === null) drafts.delete(placeName(place));
    else drafts.set(placeName(place), text);
    this.#drafts.value = drafts;
  }

  draft(place: DraftPlace): string | null {
    return this.#drafts.value.get(placeName(place)) ?? null;
  }

  send(place: DraftPlace, text: string): Promise<Result> {
    this.setDraft(place, null);
    return place.seq === undefined ? this.say(place.room, text) : this.edit(place.room, place.seq, text);
  }

  hurry(): void {}

  async stop(): Promise<void> {
    this.setConnection("stopped");
  }
}
