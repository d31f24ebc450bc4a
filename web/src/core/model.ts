// What this tab knows of the chat: a copy of the store in memory, and nothing else.
//
// It changes by the same changes that are committed to the store, in every tab, so all tabs and the store agree. It
// remembers which rooms have changed, for the views.

import type { LostRoom, Person, RoomId, Seq, UserId } from "./facade.ts";
import { LOBBY } from "./rooms.ts";
import type { Change, Difference, DraftRecord, MessageRecord, NoticeRecord, OutboxRow, OutboxState, RoomRecord, SessionRecord, Snapshot } from "./store.ts";

export interface RoomState {
  record: RoomRecord;
  /** By seq. */
  readonly messages: MessageRecord[];
  /** By place, then rev. */
  readonly notices: NoticeRecord[];
  /** The names of own sends whose messages are here. */
  readonly sends: Set<string>;
}

/** Names a send for as long as it lives: as a waiting row and as the message that it becomes. */
export const sendName = (device: string | undefined, n: number | undefined): string => `${device}/${n}`;

export class Model {
  readonly rooms = new Map<RoomId, RoomState>();
  readonly people = new Map<UserId, Person & { readonly user: UserId }>();
  /** By the names of their places. */
  readonly drafts = new Map<string, DraftRecord>();
  /** Another map with each change. */
  lost: ReadonlyMap<RoomId, LostRoom> = new Map();
  session: SessionRecord | null = null;
  cursor: string | null = null;
  outbox: OutboxState = { device: null, rows: [], drafts: this.drafts };
  /** Rises whenever somebody is learned of. */
  peopleVersion = 0;
  /** In which version somebody got the name that they have here. */
  readonly learned = new Map<UserId, number>();
  #touched = new Set<RoomId>();
  #settled = new Set<number>();

  load(snapshot: Snapshot): void {
    for (const room of this.rooms.keys()) this.#touched.add(room);
    for (const table of [this.rooms, this.people, this.drafts]) table.clear();
    this.session = snapshot.session;
    this.cursor = snapshot.cursor;
    this.peopleVersion += 1;
    // What was settled here and not kept, because another one led by then, is open again.
    this.#settled.clear();
    this.setOutbox(snapshot.outbox);
    for (const person of snapshot.people) this.people.set(person.user, person);
    this.lost = new Map(snapshot.lost.map((lost) => [lost.room, lost]));
    for (const record of snapshot.rooms) this.#setRoom(record);
    for (const message of snapshot.messages) this.#setMessage(message);
    for (const notice of snapshot.notices) this.#setNotice(notice);
  }

  record(room: RoomId): RoomRecord | null {
    return this.rooms.get(room)?.record ?? null;
  }

  message(room: RoomId, seq: Seq): MessageRecord | null {
    const messages = this.rooms.get(room)?.messages;
    if (messages === undefined) return null;
    const found = messages[lowerBound(messages, (message) => message.seq < seq)];
    return found?.seq === seq ? found : null;
  }

  /** The row of an own send, if it is not finished. */
  rowOf(device: string | undefined, n: number | undefined): OutboxRow | null {
    return this.outbox.rows.find((row) => row.device === device && row.n === n && row.refused === undefined) ?? null;
  }

  /** The rooms that were touched since this was asked last. */
  takeTouched(): ReadonlySet<RoomId> {
    const touched = this.#touched;
    this.#touched = new Set();
    return touched;
  }

  /** What was read from the store may be older than what has been settled here since. */
  setOutbox({ device, rows, drafts }: OutboxState): void {
    const open = rows.filter((row) => !this.#settled.has(row.id));
    this.#touchRoomsOf(this.outbox.rows);
    this.#touchRoomsOf(open);
    for (const [name, draft] of drafts) {
      if ((this.drafts.get(name)?.at ?? 0) >= draft.at) continue;
      this.drafts.set(name, draft);
      this.#touched.add(draft.room);
    }
    this.outbox = { device, rows: open, drafts: this.drafts };
  }

  /** Applies a difference that was made from this outbox. */
  changeOutbox({ device, put, drop, drafts }: Difference): void {
    const gone = new Set([...drop, ...put.map(({ id }) => id)]);
    const rows = [...this.outbox.rows.filter(({ id }) => !gone.has(id)), ...put].sort((a, b) => a.id - b.id);
    this.setOutbox({ device, rows, drafts });
  }

  apply(change: Change): void {
    switch (change.kind) {
      case "room":
        return this.#setRoom(change.room);
      case "lost":
        this.#setLost(change.room, change.lost);
        return;
      case "forget room":
        this.#touched.add(change.room);
        this.rooms.delete(change.room);
        return;
      case "message":
        return this.#setMessage(change.message);
      case "forget messages":
        return this.#forgetMessages(change.room, change.from, change.to);
      case "notice":
        return this.#setNotice(change.notice);
      case "forget notices": {
        const notices = this.rooms.get(change.room)?.notices;
        notices?.splice(0, lowerBound(notices, ({ rev }) => rev <= change.to));
        this.#touched.add(change.room);
        return;
      }
      case "forget people":
        this.people.clear();
        this.peopleVersion += 1;
        return;
      case "person":
        this.people.set(change.person.user, change.person);
        this.learned.set(change.person.user, (this.peopleVersion += 1));
        // The lobby counts those who have a name, and the others of a direct conversation are its name.
        this.#touched.add(LOBBY);
        for (const [room, { record }] of this.rooms) if (record.with?.some(({ user }) => user === change.person.user) === true) this.#touched.add(room);
        return;
      case "session":
        this.session = change.session;
        return;
      case "cursor":
        this.cursor = change.cursor;
        return;
      case "settled":
        this.#settled.add(change.id);
        return this.#changeRow(change.id, () => null);
      case "refused":
        return this.#changeRow(change.id, (row) => (row.withdrawn === true ? null : { ...row, refused: change.code }));
      case "forget all":
        for (const room of this.rooms.keys()) this.#touched.add(room);
        this.rooms.clear();
        this.lost = new Map();
        this.people.clear();
        this.peopleVersion += 1;
        this.cursor = null;
        return;
    }
  }

  #setRoom(record: RoomRecord): void {
    this.#touched.add(record.room);
    if (record.joined && this.lost.has(record.room)) this.#setLost(record.room, null);
    const state = this.rooms.get(record.room);
    if (state === undefined) this.rooms.set(record.room, { record, messages: [], notices: [], sends: new Set() });
    else state.record = record;
  }

  #setLost(room: RoomId, lost: LostRoom | null): void {
    const others = [...this.lost].filter(([other]) => other !== room);
    this.lost = new Map(lost === null ? others : [...others, [room, lost]]);
  }

  #setMessage(message: MessageRecord): void {
    const state = this.rooms.get(message.room);
    if (state === undefined) return;
    this.#touched.add(message.room);
    if (message.device !== undefined && message.n !== undefined) state.sends.add(sendName(message.device, message.n));
    const place = lowerBound(state.messages, (other) => other.seq < message.seq);
    const known = state.messages[place]?.seq === message.seq;
    state.messages.splice(place, known ? 1 : 0, message);
  }

  #setNotice(notice: NoticeRecord): void {
    const state = this.rooms.get(notice.room);
    if (state === undefined) return;
    this.#touched.add(notice.room);
    const place = lowerBound(state.notices, (other) => other.rev < notice.rev);
    const known = state.notices[place]?.rev === notice.rev;
    state.notices.splice(place, known ? 1 : 0, notice);
  }

  #forgetMessages(room: RoomId, from: Seq, to: Seq): void {
    const state = this.rooms.get(room);
    if (state === undefined) return;
    this.#touched.add(room);
    const start = lowerBound(state.messages, (message) => message.seq < from);
    const end = lowerBound(state.messages, (message) => message.seq <= to);
    for (const { device, n } of state.messages.splice(start, end - start)) state.sends.delete(sendName(device, n));
  }

  #changeRow(id: number, change: (row: OutboxRow) => OutboxRow | null): void {
    const rows = this.outbox.rows.flatMap((row) => (row.id === id ? (change(row) ?? []) : row));
    this.setOutbox({ ...this.outbox, rows });
  }

  #touchRoomsOf(rows: readonly OutboxRow[]): void {
    for (const { command } of rows) if ("room" in command) this.#touched.add(command.room);
  }
}

/** The place of the first item for which `isBefore` does not hold. */
export function lowerBound<T>(items: readonly T[], isBefore: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = items[middle];
    if (item !== undefined && isBefore(item)) low = middle + 1;
    else high = middle;
  }
  return low;
}
