// A store in memory: for browsers that store nothing, for bots, and for tests. It lives as long as its disk.
//
// Several stores on one disk are several tabs of one browser. Every operation takes effect in one step.

import { laterDrafts } from "./drafts.ts";
import type { LostRoom, Person, RoomId, UserId } from "./facade.ts";
import {
  Deposed,
  type Change,
  type Changed,
  type Committed,
  type Device,
  type DraftRecord,
  type Durability,
  type Generation,
  type Look,
  type MessageRecord,
  type NoticeRecord,
  type OutboxChange,
  type OutboxPart,
  type OutboxRow,
  type Revision,
  type RoomRecord,
  type SessionRecord,
  type Snapshot,
  type Store,
} from "./store.ts";

export class MemoryDisk {
  leader: Generation = 0;
  revision: Revision = 0;
  outboxVersion = 0;
  session: SessionRecord | null = null;
  cursor: string | null = null;
  device: Device | null = null;
  readonly rows = new Map<number, OutboxRow>();
  readonly rooms = new Map<RoomId, RoomRecord>();
  readonly lost = new Map<RoomId, LostRoom>();
  readonly messages = new Map<string, MessageRecord>();
  readonly notices = new Map<string, NoticeRecord>();
  readonly people = new Map<UserId, Person & { readonly user: UserId }>();
  readonly drafts = new Map<string, DraftRecord>();
}

export class MemoryStore implements Store {
  readonly #disk: MemoryDisk;

  constructor(disk: MemoryDisk = new MemoryDisk()) {
    this.#disk = disk;
  }

  load(): Promise<Snapshot> {
    const disk = this.#disk;
    return Promise.resolve({
      leader: disk.leader,
      revision: disk.revision,
      session: disk.session,
      cursor: disk.cursor,
      outbox: this.#state(),
      rooms: [...disk.rooms.values()],
      lost: [...disk.lost.values()],
      messages: [...disk.messages.values()],
      notices: [...disk.notices.values()],
      people: [...disk.people.values()],
    });
  }

  outbox(): Promise<OutboxPart> {
    return Promise.resolve(this.#state());
  }

  outboxVersion(): Promise<number> {
    return Promise.resolve(this.#disk.outboxVersion);
  }

  lead(isWanted: () => boolean): Promise<Generation | null> {
    return Promise.resolve(isWanted() ? (this.#disk.leader += 1) : null);
  }

  changeOutbox<T>(look: Look, change: (part: OutboxPart) => OutboxChange<T>, _durability?: Durability, leader: Generation | null = null): Promise<Changed<T>> {
    const disk = this.#disk;
    if (this.#isDeposed(leader)) return Promise.reject(new Deposed());
    const before = disk.device;
    const { device = before, put = [], drop = [], drafts = [], dropDrafts = [], result } = change(this.#part(look));
    const version = (disk.outboxVersion += 1);
    disk.device = device;
    for (const id of drop) disk.rows.delete(id);
    for (const row of put) disk.rows.set(row.id, row);
    for (const name of dropDrafts) disk.drafts.delete(name);
    const later = laterDrafts(disk.drafts, drafts);
    for (const [name, draft] of later) disk.drafts.set(name, draft);
    return Promise.resolve({ result, difference: { version, before, device, put, drop, drafts: later } });
  }

  commit(changes: readonly Change[], leader: Generation | null): Promise<Committed> {
    if (this.#isDeposed(leader)) return Promise.reject(new Deposed());
    for (const change of changes) this.#apply(change);
    const version = changes.some(({ kind }) => kind === "settled" || kind === "refused") ? (this.#disk.outboxVersion += 1) : null;
    return Promise.resolve({ revision: (this.#disk.revision += 1), version });
  }

  bind(session: SessionRecord): Promise<SessionRecord> {
    this.#disk.session ??= session;
    return Promise.resolve(this.#disk.session);
  }

  close(): void {}

  #isDeposed(leader: Generation | null): boolean {
    return leader !== null && leader !== this.#disk.leader;
  }

  #state(): OutboxPart {
    const rows = [...this.#disk.rows.values()].sort((a, b) => a.id - b.id);
    return { version: this.#disk.outboxVersion, device: this.#disk.device, count: rows.length, rows, drafts: new Map(this.#disk.drafts) };
  }

  #part({ rows = [], drafts = [] }: Look): OutboxPart {
    const all = this.#state();
    const places = drafts === "all" ? null : new Set(drafts.map(({ room, seq }) => `${room} ${seq}`));
    return {
      ...all,
      rows: rows === "all" ? all.rows : all.rows.filter(({ id }) => rows.includes(id)),
      drafts: new Map([...all.drafts].filter(([, { room, seq }]) => places?.has(`${room} ${seq}`) !== false)),
    };
  }

  #apply(change: Change): void {
    const disk = this.#disk;
    switch (change.kind) {
      case "room":
        disk.rooms.set(change.room.room, change.room);
        return;
      case "forget room":
        disk.rooms.delete(change.room);
        this.#forget(disk.messages, (message) => message.room === change.room);
        this.#forget(disk.notices, (notice) => notice.room === change.room);
        return;
      case "message":
        disk.messages.set(`${change.message.room} ${change.message.seq}`, change.message);
        return;
      case "forget messages":
        this.#forget(disk.messages, ({ room, seq }) => room === change.room && change.from <= seq && seq <= change.to);
        return;
      case "notice":
        disk.notices.set(`${change.notice.room} ${change.notice.rev}`, change.notice);
        return;
      case "forget notices":
        this.#forget(disk.notices, ({ room, rev }) => room === change.room && rev <= change.to);
        return;
      case "forget people":
        disk.people.clear();
        return;
      case "person":
        disk.people.set(change.person.user, change.person);
        return;
      case "session":
        if ((disk.session?.user ?? change.session.user) === change.session.user) disk.session = change.session;
        return;
      case "cursor":
        disk.cursor = change.cursor;
        return;
      case "settled":
        disk.rows.delete(change.id);
        return;
      case "refused":
        this.#refuse(change.id, change.code);
        return;
      case "lost":
        if (change.lost === null) disk.lost.delete(change.room);
        else disk.lost.set(change.room, change.lost);
        return;
      case "forget all":
        disk.cursor = null;
        for (const table of [disk.rooms, disk.lost, disk.messages, disk.notices, disk.people]) table.clear();
        return;
    }
  }

  #refuse(id: number, code: string): void {
    const row = this.#disk.rows.get(id);
    if (row === undefined) return;
    if (row.withdrawn === true) this.#disk.rows.delete(id);
    else this.#disk.rows.set(id, { ...row, refused: code });
  }

  #forget<V>(table: Map<string, V>, goes: (value: V) => boolean): void {
    for (const [key, value] of table) if (goes(value)) table.delete(key);
  }
}
