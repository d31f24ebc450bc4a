// The store of a browser: one IndexedDB database, shared by all tabs of the origin.
//
// The outbox is written with strict durability, because a power cut must not undo what a person has sent. Data from the
// server may be lost, because the cursor is lost with it. A tab that hangs must not block the others (see `database`),
// so a change is based on values that an earlier transaction read. Marks make sure that these are still valid: each
// change of the outbox adds a mark for the version that it was made from, and each new leader adds one for the previous
// generation. If the mark exists already, another tab was faster, and the change is discarded.
//
// Pages of earlier versions read and write in one transaction and add no marks. They are noticed by what they change:
// the generation, and the ids of rows.

import type { DraftPlace, LostRoom, Person, RoomId, Seq, UserId } from "../facade.ts";
import { laterDrafts, placeName } from "../drafts.ts";
import {
  condensed,
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
} from "../store.ts";
import { OneShotDatabase, type Migration, type TableOf } from "./database.ts";

type Tables = {
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
  /** Who leads the tabs, how often leaders have written, how often the outbox was changed, and the marks of both. */
  leader: { key: "leader" | "revision" | "outbox" | Mark; value: number };
};

/** A generation that is over, or a version of the outbox that was changed. */
type Mark = ["over" | "changed", number];

const ALL: readonly (keyof Tables)[] = ["cursor", "session", "device", "outbox", "rooms", "lost", "messages", "notices", "people", "drafts", "leader"];

/** What people do here, before the server has it. */
const OWN: readonly (keyof Tables)[] = ["device", "outbox", "drafts", "leader"];

/** What is read before anything is written. */
const DECISIVE: readonly (keyof Tables)[] = [...OWN, "session"];

const EVERYTHING: Look = { rows: "all", drafts: "all" };

/** A tab that is more changes behind than this has been away for long, and reads the outbox first. */
const MARKS_KEPT = 1000;

/** What was read is not relied on for longer: the page may have been frozen since. */
const FRESH_MS = 2_000;
const TRIES_MAX = 100;

/** Only ever appended to. */
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
  (_database, tx) => {
    const drafts = tx.objectStore("drafts");
    const rooms = drafts.getAllKeys();
    const texts = drafts.getAll();
    texts.onsuccess = () => {
      drafts.clear();
      for (const [index, room] of rooms.result.entries()) drafts.put({ room: Number(room), text: String(texts.result[index]), at: 1, after: 0 }, String(room));
    };
  },
  (database) => {
    database.createObjectStore("leader");
  },
  (database) => {
    database.createObjectStore("lost", { keyPath: "room" });
  },
];

/** What every change is decided upon. */
interface Known {
  readonly leader: Generation;
  readonly revision: Revision;
  /** The version of the outbox. */
  readonly version: number;
}

interface KnownPart extends Known {
  readonly part: OutboxPart;
}

interface KnownRows extends Known {
  readonly session: SessionRecord | null;
  readonly rows: Map<number, OutboxRow>;
}

export class IndexedDbStore implements Store {
  readonly #database: OneShotDatabase<Tables>;
  /** Changes of this tab are made in the order of asking: they never come too late because of each other. */
  #last: Promise<unknown> = Promise.resolve();

  static async open(name = "tidings"): Promise<IndexedDbStore> {
    return new IndexedDbStore(await OneShotDatabase.open<Tables>(name, MIGRATIONS));
  }

  private constructor(database: OneShotDatabase<Tables>) {
    this.#database = database;
  }

  lead(isWanted: () => boolean): Promise<Generation | null> {
    return this.#inTurn(() =>
      this.#decide(null, knownOf, (known) => {
        if (!isWanted()) return { result: null };
        // A page of an earlier version may have taken the next number since.
        const leader = known.leader + 2;
        const write = (table: TableOf<Tables>): void => {
          mark(table, ["over", known.leader]);
          table("leader").put(leader, "leader");
        };
        return { write, result: leader };
      }),
    );
  }

  load(): Promise<Snapshot> {
    return this.#database.read(ALL, (table) => {
      const known = knownOf(table);
      const outbox = outboxOf(table, EVERYTHING, known);
      const session = table("session").get("session");
      const cursor = table("cursor").get("cursor");
      const rooms = table("rooms").getAll();
      const lost = table("lost").getAll();
      const messages = table("messages").getAll();
      const notices = table("notices").getAll();
      const people = table("people").getAll();
      return () => ({
        leader: known().leader,
        revision: known().revision,
        session: session.result ?? null,
        cursor: cursor.result ?? null,
        outbox: outbox(),
        rooms: rooms.result,
        lost: lost.result,
        messages: messages.result,
        notices: notices.result,
        people: people.result,
      });
    });
  }

  outbox(): Promise<OutboxPart> {
    return this.#database.read(OWN, (table) => outboxOf(table, EVERYTHING));
  }

  outboxVersion(): Promise<number> {
    return this.#database.read(["leader"], (table) => {
      const known = knownOf(table);
      return () => known().version;
    });
  }

  changeOutbox<T>(look: Look, change: (part: OutboxPart) => OutboxChange<T>, durability: Durability = "strict", leader: Generation | null = null): Promise<Changed<T>> {
    return this.#inTurn(() =>
      this.#decide(leader, (table) => knownPartOf(table, look), ({ part, version }) => {
        const { device, put = [], drop = [], drafts = [], dropDrafts = [], result } = change(part);
        const before = part.device;
        const later = laterDrafts(new Map([...part.drafts].filter(([name]) => !dropDrafts.includes(name))), drafts);
        const write = (table: TableOf<Tables>): void => {
          markChanged(table, version);
          if (device !== undefined) table("device").put(device, "device");
          for (const id of drop) table("outbox").delete(id);
          // A page of an earlier version may have taken that id since.
          for (const row of put) {
            if (part.rows.some(({ id }) => id === row.id)) table("outbox").put(row);
            else table("outbox").add(row);
          }
          for (const name of dropDrafts) table("drafts").delete(name);
          for (const [name, draft] of later) table("drafts").put(draft, name);
        };
        const difference = { version: version + 1, before, device: device ?? before, put, drop, drafts: later };
        return { tables: OWN, durability, write, result: { result, difference } };
      }),
    );
  }

  commit(changes: readonly Change[], leader: Generation | null): Promise<Committed> {
    return this.#inTurn(() =>
      this.#decide(leader, (table) => knownRowsOf(table, changes), (known) => {
        const revision = known.revision + 1;
        const isOutbox = changes.some(({ kind }) => kind === "settled" || kind === "refused");
        const write = (table: TableOf<Tables>): void => {
          table("leader").put(revision, "revision");
          if (isOutbox) markChanged(table, known.version);
          const writing = new Writing(table, known);
          for (const change of condensed(changes)) writing.apply(change);
        };
        return { tables: ALL, durability: "relaxed", write, result: { revision, version: isOutbox ? known.version + 1 : null } };
      }),
    );
  }

  async bind(session: SessionRecord): Promise<SessionRecord> {
    const isFirst = await this.#database.write(["session"], "strict", (table) => table("session").add(session, "session"));
    if (isFirst) return session;
    return this.#database.read(["session"], (table) => {
      const known = table("session").get("session");
      return () => known.result ?? session;
    });
  }

  /** Another sign-in of the person whose store it is; nobody else gets it. */
  async renew({ token, signIn, user }: SessionRecord): Promise<void> {
    const known = await this.#database.read(["session"], (table) => {
      const asked = table("session").get("session");
      return () => asked.result;
    });
    if (known === undefined || known.user !== user) throw new Error("the store of somebody else");
    const renewed = { ...known, token, ...(signIn === undefined ? {} : { signIn }) };
    await this.#database.write(["session"], "strict", (table) => table("session").put(renewed, "session"));
  }

  close(): void {
    // What was asked for before is still done.
    void this.#inTurn(async () => this.#database.close());
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(act);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Reads, and writes in one go what is decided upon that; once more if it does not hold any longer by then. */
  async #decide<K extends Known, T>(leader: Generation | null, ask: (table: TableOf<Tables>) => () => K, decide: (known: K) => Decision<T>): Promise<T> {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const asked = performance.now();
      const known = await this.#database.read(DECISIVE, ask);
      if (leader !== null && leader !== known.leader) throw new Deposed();
      if (performance.now() - asked > FRESH_MS) continue;
      const { tables = ["leader"], durability = "relaxed", write, result } = decide(known);
      if (write === undefined) return result;
      const isWritten = await this.#database.write(tables, durability, (table) => {
        if (leader !== null) {
          // Nothing is left of it, unless there is one.
          table("leader").add(0, ["over", leader]);
          table("leader").delete(["over", leader]);
        }
        write(table);
      });
      if (isWritten) return result;
    }
    throw new Error();
  }
}

interface Decision<T> {
  readonly tables?: readonly (keyof Tables)[];
  readonly durability?: Durability;
  /** Without it there is nothing to write. */
  readonly write?: (table: TableOf<Tables>) => void;
  readonly result: T;
}

function knownOf(table: TableOf<Tables>): () => Known {
  const leader = table("leader").get("leader");
  const revision = table("leader").get("revision");
  const version = table("leader").get("outbox");
  return () => ({ leader: leader.result ?? 0, revision: revision.result ?? 0, version: version.result ?? 0 });
}

function knownPartOf(table: TableOf<Tables>, look: Look): () => KnownPart {
  const known = knownOf(table);
  const part = outboxOf(table, look, known);
  return () => ({ ...known(), part: part() });
}

/** With the rows that are to be written anew. */
function knownRowsOf(table: TableOf<Tables>, changes: readonly Change[]): () => KnownRows {
  const known = knownOf(table);
  const session = table("session").get("session");
  const rows = changes.flatMap((change) => (change.kind === "refused" ? table("outbox").get(change.id) : []));
  return () => ({ ...known(), session: session.result ?? null, rows: new Map(rows.flatMap(({ result }) => (result === undefined ? [] : [[result.id, result]]))) });
}

/** With no other rows and drafts than those that are looked at. */
function outboxOf(table: TableOf<Tables>, { rows = [], drafts = [] }: Look, known: () => Known = knownOf(table)): () => OutboxPart {
  const device = table("device").get("device");
  const count = table("outbox").count();
  const found = rows === "all" ? [table("outbox").getAll()] : rows.map((id) => table("outbox").getAll(IDBKeyRange.only(id)));
  const typed = drafts === "all" ? [table("drafts").getAll()] : drafts.map((place) => table("drafts").getAll(rangeOf(place)));
  return () => ({
    version: known().version,
    device: device.result ?? null,
    count: count.result,
    rows: found.flatMap(({ result }) => result),
    drafts: new Map(typed.flatMap(({ result }) => result.map((draft) => [placeName(draft), draft]))),
  });
}

/** A place, and what was put aside there: the names of that have a space behind the name of the place. */
function rangeOf(place: DraftPlace): IDBKeyRange {
  const name = placeName(place).replace(/ .*/, "");
  return IDBKeyRange.bound(name, `${name}!`);
}

/** Fails if it is there already. */
function mark(table: TableOf<Tables>, [what, number]: Mark): void {
  table("leader").add(0, [what, number]);
  table("leader").delete(IDBKeyRange.bound([what], [what, number - MARKS_KEPT]));
}

/** Another tab that has read the same version of the outbox is too late with its change. */
function markChanged(table: TableOf<Tables>, version: number): void {
  mark(table, ["changed", version]);
  table("leader").put(version + 1, "outbox");
}

/** One commit: what it reads, with what it has written before in mind. */
class Writing {
  readonly #table: TableOf<Tables>;
  readonly #rows: Map<number, OutboxRow>;
  #session: SessionRecord | null;

  constructor(table: TableOf<Tables>, { session, rows }: KnownRows) {
    this.#table = table;
    this.#rows = rows;
    this.#session = session;
  }

  apply(change: Change): void {
    const table = this.#table;
    switch (change.kind) {
      case "room":
        table("rooms").put(change.room);
        return;
      case "forget room":
        table("rooms").delete(change.room);
        table("messages").delete(IDBKeyRange.bound([change.room, 0], [change.room, Infinity]));
        table("notices").delete(IDBKeyRange.bound([change.room, 0], [change.room, Infinity]));
        return;
      case "message":
        table("messages").put(change.message);
        return;
      case "forget messages":
        table("messages").delete(IDBKeyRange.bound([change.room, change.from], [change.room, change.to]));
        return;
      case "notice":
        table("notices").put(change.notice);
        return;
      case "forget notices":
        table("notices").delete(IDBKeyRange.bound([change.room, 0], [change.room, change.to]));
        return;
      case "forget people":
        table("people").clear();
        return;
      case "person":
        table("people").put(change.person);
        return;
      case "session":
        return this.#rename(change.session);
      case "cursor":
        table("cursor").put(change.cursor, "cursor");
        return;
      case "settled":
        return this.#drop(change.id);
      case "refused":
        return this.#refuse(change.id, change.code);
      case "lost":
        if (change.lost === null) table("lost").delete(change.room);
        else table("lost").put(change.lost);
        return;
      case "forget all":
        for (const name of ["cursor", "rooms", "lost", "messages", "notices", "people"] as const) table(name).clear();
        return;
    }
  }

  #rename(session: SessionRecord): void {
    // Another tab may have made the store somebody else's since.
    if (this.#session === null) this.#table("session").add(session, "session");
    else if (this.#session.user === session.user) this.#table("session").put(session, "session");
    this.#session ??= session;
  }

  #drop(id: number): void {
    this.#rows.delete(id);
    this.#table("outbox").delete(id);
  }

  #refuse(id: number, code: string): void {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    if (row.withdrawn === true) return this.#drop(id);
    this.#rows.set(id, { ...row, refused: code });
    this.#table("outbox").put({ ...row, refused: code });
  }
}
