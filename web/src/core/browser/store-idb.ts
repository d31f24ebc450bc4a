// The store of a browser: one IndexedDB database, shared by all tabs of the origin.
//
// The outbox is written with strict durability, since what a person has sent must not be taken back by a power cut;
// what came from the server may be, because the cursor goes back with it.

import { openDB, type DBSchema, type IDBPDatabase, type IDBPTransaction, type StoreNames } from "idb";
import type { LostRoom, Person, RoomId, Seq, UserId } from "../facade.ts";
import { placeName } from "../drafts.ts";
import {
  condensed,
  Deposed,
  laterDrafts,
  type Change,
  type Device,
  type DraftRecord,
  type Durability,
  type Generation,
  type MessageRecord,
  type NoticeRecord,
  type OutboxChange,
  type OutboxRow,
  type OutboxState,
  type Revision,
  type RoomRecord,
  type SessionRecord,
  type Snapshot,
  type Store,
} from "../store.ts";

interface Schema extends DBSchema {
  cursor: { key: "cursor"; value: string };
  session: { key: "session"; value: SessionRecord };
  device: { key: "device"; value: Device };
  outbox: { key: number; value: OutboxRow };
  rooms: { key: RoomId; value: RoomRecord };
  lost: { key: RoomId; value: LostRoom };
  messages: { key: [RoomId, Seq]; value: MessageRecord };
  notices: { key: [RoomId, number]; value: NoticeRecord };
  people: { key: UserId; value: Person & { readonly user: UserId } };
  /** By the names of their places. */
  drafts: { key: string; value: DraftRecord };
  /** Who leads the tabs, and how often leaders have written. */
  leader: { key: "leader" | "revision"; value: number };
}

type Names = StoreNames<Schema>[];
type Writing = IDBPTransaction<Schema, Names, "readwrite">;

const TABLES: Names = ["cursor", "session", "device", "outbox", "rooms", "lost", "messages", "notices", "people", "drafts", "leader"];

/** What people do here, before the server has it. */
const OWN: Names = ["device", "outbox", "drafts", "leader"];

type Migration = (database: IDBPDatabase<Schema>, tx: IDBPTransaction<Schema, Names, "versionchange">) => void | Promise<void>;

/** How a database gets from one version to the next: the first begins with nothing. Only ever appended to. */
const MIGRATIONS: readonly Migration[] = [
  (database) => {
    database.createObjectStore("cursor");
    database.createObjectStore("session");
    database.createObjectStore("device");
    database.createObjectStore("outbox", { keyPath: "id" });
    database.createObjectStore("rooms", { keyPath: "room" });
    database.createObjectStore("messages", { keyPath: ["room", "seq"] });
    database.createObjectStore("notices", { keyPath: ["room", "rev"] });
    database.createObjectStore("people", { keyPath: "user" });
    database.createObjectStore("drafts");
  },
  // Drafts were texts by room; they got versions, and places other than rooms.
  async (_database, tx) => {
    const drafts = tx.objectStore("drafts");
    const [rooms, texts] = await Promise.all([drafts.getAllKeys(), drafts.getAll()]);
    await drafts.clear();
    for (const [index, room] of rooms.entries()) await drafts.put({ room: Number(room), text: String(texts[index]), at: 1, after: 0 }, String(room));
  },
  (database) => {
    database.createObjectStore("leader");
  },
  (database) => {
    database.createObjectStore("lost", { keyPath: "room" });
  },
];

export class IndexedDbStore implements Store {
  readonly #database: IDBPDatabase<Schema>;

  static async open(name = "tidings"): Promise<IndexedDbStore> {
    const database = await openDB<Schema>(name, MIGRATIONS.length, {
      async upgrade(database, version, _wanted, tx) {
        for (const migrate of MIGRATIONS.slice(version)) await migrate(database, tx);
      },
      // A newer page in another tab wants to change the schema: it must not wait for this one.
      blocking: (_current, _blocked, event) => (event.target as IDBDatabase | null)?.close(),
    });
    return new IndexedDbStore(database);
  }

  private constructor(database: IDBPDatabase<Schema>) {
    this.#database = database;
  }

  async lead(isWanted: () => boolean): Promise<Generation | null> {
    const tx = this.#database.transaction("leader", "readwrite", { durability: "relaxed" });
    const leader = ((await tx.store.get("leader")) ?? 0) + 1;
    if (!isWanted()) return null;
    await Promise.all([tx.store.put(leader, "leader"), tx.done]);
    return leader;
  }

  async load(): Promise<Snapshot> {
    const tx = this.#database.transaction(TABLES);
    const [revision, session, cursor, outbox, rooms, lost, messages, notices, people] = await Promise.all([
      tx.objectStore("leader").get("revision"),
      tx.objectStore("session").get("session"),
      tx.objectStore("cursor").get("cursor"),
      outboxOf(tx),
      tx.objectStore("rooms").getAll(),
      tx.objectStore("lost").getAll(),
      tx.objectStore("messages").getAll(),
      tx.objectStore("notices").getAll(),
      tx.objectStore("people").getAll(),
    ]);
    return {
      revision: revision ?? 0,
      session: session ?? null,
      cursor: cursor ?? null,
      outbox,
      rooms,
      lost,
      messages,
      notices,
      people,
    };
  }

  async outbox(): Promise<OutboxState> {
    return outboxOf(this.#database.transaction(OWN));
  }

  async changeOutbox<T>(change: (state: OutboxState) => OutboxChange<T>, durability: Durability = "strict", leader: Generation | null = null): Promise<T> {
    const tx = this.#database.transaction(OWN, "readwrite", { durability });
    await refuseDeposed(tx, leader);
    const state = await outboxOf(tx);
    const { device, put = [], drop = [], drafts = [], dropDrafts = [], result } = change(state);
    const writes: Promise<unknown>[] = [];
    if (device !== undefined) writes.push(tx.objectStore("device").put(device, "device"));
    for (const id of drop) writes.push(tx.objectStore("outbox").delete(id));
    for (const row of put) writes.push(tx.objectStore("outbox").put(row));
    for (const name of dropDrafts) writes.push(tx.objectStore("drafts").delete(name));
    const kept = new Map([...state.drafts].filter(([name]) => !dropDrafts.includes(name)));
    for (const [name, draft] of laterDrafts(kept, drafts)) writes.push(tx.objectStore("drafts").put(draft, name));
    await Promise.all([...writes, tx.done]);
    return result;
  }

  async commit(changes: readonly Change[], leader: Generation | null): Promise<Revision> {
    const tx: Writing = this.#database.transaction(TABLES, "readwrite", { durability: "relaxed" });
    await refuseDeposed(tx, leader);
    const revision = ((await tx.objectStore("leader").get("revision")) ?? 0) + 1;
    const writes: Promise<unknown>[] = [tx.objectStore("leader").put(revision, "revision")];
    for (const change of condensed(changes)) {
      const written = write(tx, change);
      // They read before they write, and nothing may come between.
      if (change.kind === "refused" || change.kind === "session") await written;
      writes.push(written);
    }
    await Promise.all([...writes, tx.done]);
    return revision;
  }

  async bind(session: SessionRecord): Promise<SessionRecord> {
    const tx = this.#database.transaction("session", "readwrite", { durability: "strict" });
    const known = await tx.store.get("session");
    if (known === undefined) await tx.store.put(session, "session");
    await tx.done;
    return known ?? session;
  }

  close(): void {
    this.#database.close();
  }
}

async function refuseDeposed(tx: Writing, leader: Generation | null): Promise<void> {
  if (leader !== null && leader !== (await tx.objectStore("leader").get("leader"))) throw new Deposed();
}

async function outboxOf(tx: IDBPTransaction<Schema, Names, "readonly" | "readwrite">): Promise<OutboxState> {
  const [device, rows, drafts] = await Promise.all([tx.objectStore("device").get("device"), tx.objectStore("outbox").getAll(), tx.objectStore("drafts").getAll()]);
  return { device: device ?? null, rows, drafts: new Map(drafts.map((draft) => [placeName(draft), draft])) };
}

async function write(tx: Writing, change: Change): Promise<unknown> {
  switch (change.kind) {
    case "room":
      return tx.objectStore("rooms").put(change.room);
    case "forget room":
      return Promise.all([
        tx.objectStore("rooms").delete(change.room),
        tx.objectStore("messages").delete(IDBKeyRange.bound([change.room, 0], [change.room, Infinity])),
        tx.objectStore("notices").delete(IDBKeyRange.bound([change.room, 0], [change.room, Infinity])),
      ]);
    case "message":
      return tx.objectStore("messages").put(change.message);
    case "forget messages":
      return tx.objectStore("messages").delete(IDBKeyRange.bound([change.room, change.from], [change.room, change.to]));
    case "notice":
      return tx.objectStore("notices").put(change.notice);
    case "forget notices":
      return tx.objectStore("notices").delete(IDBKeyRange.bound([change.room, 0], [change.room, change.to]));
    case "forget people":
      return tx.objectStore("people").clear();
    case "person":
      return tx.objectStore("people").put(change.person);
    case "session":
      return rename(tx, change.session);
    case "cursor":
      return tx.objectStore("cursor").put(change.cursor, "cursor");
    case "settled":
      return tx.objectStore("outbox").delete(change.id);
    case "refused":
      return refuse(tx, change.id, change.code);
    case "lost":
      return change.lost === null ? tx.objectStore("lost").delete(change.room) : tx.objectStore("lost").put(change.lost);
    case "forget all":
      return Promise.all([
        tx.objectStore("cursor").clear(),
        tx.objectStore("rooms").clear(),
        tx.objectStore("lost").clear(),
        tx.objectStore("messages").clear(),
        tx.objectStore("notices").clear(),
        tx.objectStore("people").clear(),
      ]);
  }
}

async function rename(tx: Writing, session: SessionRecord): Promise<unknown> {
  const sessions = tx.objectStore("session");
  const known = await sessions.get("session");
  return known === undefined || known.user === session.user ? sessions.put(session, "session") : undefined;
}

async function refuse(tx: Writing, id: number, code: string): Promise<unknown> {
  const outbox = tx.objectStore("outbox");
  const row = await outbox.get(id);
  if (row === undefined) return undefined;
  return row.withdrawn === true ? outbox.delete(id) : outbox.put({ ...row, refused: code });
}
