// The store of a browser: one IndexedDB database, shared by all tabs of the origin.
//
// The outbox is written with strict durability, since what a person has typed must not be taken back by a power cut;
// what came from the server may be, because the cursor goes back with it.

import { openDB, type DBSchema, type IDBPDatabase, type IDBPTransaction, type StoreNames } from "idb";
import type { Person, RoomId, Seq, UserId } from "../facade.ts";
import {
  condensed,
  type Change,
  type Device,
  type MessageRecord,
  type NoticeRecord,
  type OutboxChange,
  type OutboxRow,
  type OutboxState,
  type RoomRecord,
  type SessionRecord,
  type Snapshot,
  type Store,
} from "../store.ts";

const VERSION = 1;

interface Schema extends DBSchema {
  cursor: { key: "cursor"; value: string };
  session: { key: "session"; value: SessionRecord };
  device: { key: "device"; value: Device };
  outbox: { key: number; value: OutboxRow };
  rooms: { key: RoomId; value: RoomRecord };
  messages: { key: [RoomId, Seq]; value: MessageRecord };
  notices: { key: [RoomId, number]; value: NoticeRecord };
  people: { key: UserId; value: Person & { readonly user: UserId } };
  drafts: { key: RoomId; value: string };
}

type Names = StoreNames<Schema>[];
type Writing = IDBPTransaction<Schema, Names, "readwrite">;

const TABLES: Names = ["cursor", "session", "device", "outbox", "rooms", "messages", "notices", "people", "drafts"];

export class IndexedDbStore implements Store {
  readonly #database: IDBPDatabase<Schema>;

  static async open(name = "tidings"): Promise<IndexedDbStore> {
    const database = await openDB<Schema>(name, VERSION, {
      upgrade(created) {
        created.createObjectStore("cursor");
        created.createObjectStore("session");
        created.createObjectStore("device");
        created.createObjectStore("outbox", { keyPath: "id" });
        created.createObjectStore("rooms", { keyPath: "room" });
        created.createObjectStore("messages", { keyPath: ["room", "seq"] });
        created.createObjectStore("notices", { keyPath: ["room", "rev"] });
        created.createObjectStore("people", { keyPath: "user" });
        created.createObjectStore("drafts");
      },
      // A newer page in another tab wants to change the schema: it must not wait for this one.
      blocking: (_current, _blocked, event) => (event.target as IDBDatabase | null)?.close(),
    });
    return new IndexedDbStore(database);
  }

  private constructor(database: IDBPDatabase<Schema>) {
    this.#database = database;
  }

  async load(): Promise<Snapshot> {
    const tx = this.#database.transaction(TABLES);
    const drafts = tx.objectStore("drafts");
    const [session, cursor, device, rows, rooms, messages, notices, people, draftRooms, draftTexts] = await Promise.all([
      tx.objectStore("session").get("session"),
      tx.objectStore("cursor").get("cursor"),
      tx.objectStore("device").get("device"),
      tx.objectStore("outbox").getAll(),
      tx.objectStore("rooms").getAll(),
      tx.objectStore("messages").getAll(),
      tx.objectStore("notices").getAll(),
      tx.objectStore("people").getAll(),
      drafts.getAllKeys(),
      drafts.getAll(),
    ]);
    return {
      session: session ?? null,
      cursor: cursor ?? null,
      outbox: { device: device ?? null, rows },
      rooms,
      messages,
      notices,
      people,
      drafts: new Map(draftRooms.map((room, index) => [room, draftTexts[index] ?? ""])),
    };
  }

  async outbox(): Promise<OutboxState> {
    const tx = this.#database.transaction(["device", "outbox"]);
    const [device, rows] = await Promise.all([tx.objectStore("device").get("device"), tx.objectStore("outbox").getAll()]);
    return { device: device ?? null, rows };
  }

  async changeOutbox<T>(change: (state: OutboxState) => OutboxChange<T>): Promise<T> {
    const tx = this.#database.transaction(["device", "outbox"], "readwrite", { durability: "strict" });
    const devices = tx.objectStore("device");
    const outbox = tx.objectStore("outbox");
    const [known, rows] = await Promise.all([devices.get("device"), outbox.getAll()]);
    const { device, put = [], drop = [], result } = change({ device: known ?? null, rows });
    const writes: Promise<unknown>[] = [];
    if (device !== undefined) writes.push(devices.put(device, "device"));
    for (const id of drop) writes.push(outbox.delete(id));
    for (const row of put) writes.push(outbox.put(row));
    await Promise.all([...writes, tx.done]);
    return result;
  }

  async commit(changes: readonly Change[]): Promise<void> {
    const tx: Writing = this.#database.transaction(TABLES, "readwrite", { durability: "relaxed" });
    const writes: Promise<unknown>[] = [];
    for (const change of condensed(changes)) {
      const written = write(tx, change);
      // It reads before it writes, and nothing may come between.
      if (change.kind === "refused") await written;
      writes.push(written);
    }
    await Promise.all([...writes, tx.done]);
  }

  close(): void {
    this.#database.close();
  }
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
      return change.session === null
        ? tx.objectStore("session").delete("session")
        : tx.objectStore("session").put(change.session, "session");
    case "cursor":
      return tx.objectStore("cursor").put(change.cursor, "cursor");
    case "draft":
      return change.text === ""
        ? tx.objectStore("drafts").delete(change.room)
        : tx.objectStore("drafts").put(change.text, change.room);
    case "settled":
      return tx.objectStore("outbox").delete(change.id);
    case "refused":
      return refuse(tx, change.id, change.code);
    case "forget all":
      return Promise.all([
        tx.objectStore("cursor").clear(),
        tx.objectStore("rooms").clear(),
        tx.objectStore("messages").clear(),
        tx.objectStore("notices").clear(),
        tx.objectStore("people").clear(),
      ]);
  }
}

async function refuse(tx: Writing, id: number, code: string): Promise<unknown> {
  const outbox = tx.objectStore("outbox");
  const row = await outbox.get(id);
  if (row === undefined) return undefined;
  return row.withdrawn === true ? outbox.delete(id) : outbox.put({ ...row, refused: code });
}
