// The protocol of namespace `/v1` (see docs/protocol.md): every event, command and answer, as types and readers.
//
// This is the only file that knows field names. A reader returns the typed value, or null if the data is not what the
// protocol says; nothing after it checks again. An entry of an unknown kind is read as `unknown`, because it uses up a
// revision too.

import type { CodeMeaning, Person, RoomId, RoomKind, Seq, SignIn, UserId } from "./facade.ts";

export const NAMESPACE = "/v1";

interface EntryHead {
  readonly cursor: string;
  readonly room: RoomId;
  readonly rev: number;
  readonly at: number;
  readonly from: Person;
}

/** An entry of the log as it stands in the stream. */
export type Entry = EntryHead &
  (
    | {
        readonly event: "message";
        readonly seq: Seq;
        readonly text: string;
        readonly edited: boolean;
        readonly deleted: boolean;
        readonly damaged?: true;
        readonly device?: string;
        readonly n?: number;
      }
    | {
        readonly event: "edited";
        readonly seq: Seq;
        /** Absent when it was edited again, or deleted, later. */
        readonly text?: string;
      }
    | { readonly event: "deleted"; readonly seq: Seq }
    | {
        readonly event: "room created";
        readonly kind: RoomKind;
        readonly name: string;
        readonly topic: string;
        readonly members: readonly Person[];
        readonly host?: UserId;
      }
    | { readonly event: "room renamed"; readonly name: string }
    | { readonly event: "topic"; readonly topic: string }
    | { readonly event: "joined" | "left" | "removed"; readonly who: Person; readonly about?: Room }
    | { readonly event: "named" | "owner"; readonly who: Person }
    | { readonly event: "unknown" }
  );

/** A room as the server describes it. */
export interface Room {
  readonly room: RoomId;
  readonly kind: RoomKind;
  readonly name: string;
  readonly topic: string;
  readonly seq: Seq;
  readonly rev: number;
  readonly joined: boolean;
  readonly read: Seq;
  readonly host?: UserId;
  readonly with?: readonly Person[];
  readonly members: number;
}

/** A message as a page of the history has it. */
export interface Message {
  readonly room: RoomId;
  readonly seq: Seq;
  readonly rev: number;
  readonly at: number;
  readonly from: Person;
  readonly text: string;
  readonly edited: boolean;
  /** There is no text: it was deleted, or is damaged. */
  readonly deleted: boolean;
  /** The server's disk has lost what was said. */
  readonly damaged?: true;
  readonly device?: string;
  readonly n?: number;
}

export interface Welcome {
  /** Which server this is; older ones do not say. */
  readonly server?: string;
  readonly user: Person & { readonly user: UserId };
  readonly at?: number;
  readonly owner: boolean;
  readonly token?: string;
  /** For a member: what they show at the door. */
  readonly pass?: string;
  /** Which sign-in this is; older servers do not say. */
  readonly sign_in?: string;
  readonly cursor: string;
  readonly resumed: boolean;
  readonly reset: boolean;
  readonly rooms: readonly Room[];
  readonly online: number;
  /** For the owner: the address of a proxy that the operator has not named. */
  readonly untrusted?: string;
}

export interface Auth {
  readonly v: 1;
  readonly token?: string;
  readonly device?: string;
  readonly cursor?: string;
  readonly link?: string;
  readonly label?: string;
}

/** A durable command, without its number. */
export type Command =
  | { readonly event: "say"; readonly room: RoomId; readonly text: string }
  | { readonly event: "edit"; readonly room: RoomId; readonly seq: Seq; readonly text: string }
  | { readonly event: "delete"; readonly room: RoomId; readonly seq: Seq }
  | { readonly event: "create"; readonly kind: "public" | "private"; readonly name: string; readonly topic?: string }
  | { readonly event: "direct"; readonly with: readonly UserId[] }
  | { readonly event: "rename"; readonly room: RoomId; readonly name: string }
  | { readonly event: "set topic"; readonly room: RoomId; readonly topic: string }
  | { readonly event: "join"; readonly room: RoomId }
  | { readonly event: "join"; readonly invite: string }
  | { readonly event: "leave"; readonly room: RoomId }
  | { readonly event: "add" | "remove"; readonly room: RoomId; readonly user: UserId }
  | { readonly event: "name"; readonly name: string }
  | { readonly event: "claim"; readonly code: string }
  | { readonly event: "sign out"; readonly sign_in: string }
  | { readonly event: "sign out"; readonly keep: string }
  | { readonly event: "skip" };

/** What is asked with an answer, and no number. */
export type RequestName = "history" | "changes" | "rooms" | "members" | "who" | "unread" | "invite" | "link" | "sign ins" | "code" | "read";

/** The answer to a durable command. */
export type Ack =
  | {
      readonly kind: "stored";
      readonly room?: RoomId;
      /** Absent when nothing new was written, as when somebody joins who is in already. */
      readonly rev?: number;
      readonly seq?: Seq;
      readonly at: number;
      readonly about?: Room;
    }
  | { readonly kind: "expected"; readonly expected: number }
  /** For good. */
  | { readonly kind: "refused"; readonly code: string }
  /** It was not looked at, and its number is not used up. */
  | { readonly kind: "unread"; readonly code: string };

/** At most one of them; none: the newest. */
export interface Page {
  readonly before?: Seq;
  readonly after?: Seq;
  readonly around?: Seq;
}

export interface HistoryAnswer {
  readonly messages: readonly Message[];
  readonly first: boolean;
  readonly last: boolean;
  readonly seq: Seq;
  readonly rev: number;
}

export interface Presence {
  readonly online: readonly Person[];
  readonly offline: readonly UserId[];
  readonly count: number;
  readonly more: boolean;
}

export interface UnreadAnswer {
  readonly count: number;
  readonly capped: boolean;
  readonly mark: Seq;
}

export interface MemberAnswer {
  readonly members: readonly (Person & { readonly online: boolean; readonly host?: boolean })[];
  readonly more: boolean;
}

/** The payload of a command, as it is sent. */
export function payloadOf(command: Command, n: number): object {
  const { event: _, ...fields } = command;
  return { n, ...fields };
}

export function readEntry(event: string, value: unknown): Entry | null {
  return attempt(() => entryOf(event, fieldsOf(value)));
}

export function readWelcome(value: unknown): Welcome | null {
  return attempt(() => {
    const f = fieldsOf(value);
    const person = personOf(f["user"]);
    if (person.user === undefined) return fail();
    return {
      ...optional("server", maybe(f, "server", isText)),
      user: { ...person, user: person.user },
      owner: f["owner"] === true,
      ...optional("at", maybe(f, "at", isCount)),
      ...optional("token", maybe(f, "token", isText)),
      ...optional("pass", maybe(f, "pass", isText)),
      ...optional("sign_in", maybe(f, "sign_in", isText)),
      cursor: text(f, "cursor"),
      resumed: f["resumed"] === true,
      reset: f["reset"] === true,
      rooms: list(f, "rooms", roomOf),
      online: maybe(f, "online", isCount) ?? 0,
      ...optional("untrusted", maybe(f, "untrusted", isText)),
    };
  });
}

export function readAck(value: unknown): Ack {
  const read = attempt((): Ack => {
    const f = fieldsOf(value);
    if (f["ok"] === true) {
      const about = f["about"] === undefined ? undefined : roomOf(f["about"]);
      return {
        kind: "stored",
        ...optional("room", maybe(f, "room", isCount)),
        ...optional("rev", maybe(f, "rev", isCount)),
        ...optional("seq", maybe(f, "seq", isCount)),
        at: maybe(f, "at", isCount) ?? 0,
        ...optional("about", about),
      };
    }
    const code = text(f, "code");
    if (code === "expected") return { kind: code, expected: count(f, "expected") };
    return { kind: f["n"] === undefined ? "unread" : "refused", code };
  });
  return read ?? { kind: "unread", code: "invalid" };
}

export function readHistory(value: unknown): HistoryAnswer | null {
  return answer(value, (f) => ({
    messages: list(f, "messages", messageOf),
    first: f["first"] === true,
    last: f["last"] === true,
    seq: count(f, "seq"),
    rev: count(f, "rev"),
  }));
}

export function readChanges(value: unknown): { readonly entries: readonly Entry[]; readonly more: boolean } | null {
  return answer(value, (f) => ({
    entries: list(f, "entries", (item) => {
      const fields = fieldsOf(item);
      return entryOf(text(fields, "event"), fields);
    }),
    more: f["more"] === true,
  }));
}

export function readRooms(value: unknown): readonly Room[] | null {
  return answer(value, (f) => list(f, "rooms", roomOf));
}

export function readMembers(value: unknown): MemberAnswer | null {
  return answer(value, (f) => ({
    members: list(f, "members", (item) => {
      const fields = fieldsOf(item);
      const host = fields["host"] === true ? { host: true } : {};
      return { ...personOf(item), online: fields["online"] === true, ...host };
    }),
    more: f["more"] === true,
  }));
}

export function readWho(value: unknown): Presence | null {
  return answer(value, (f) => presenceOf(f));
}

export function readUnread(value: unknown): ReadonlyMap<RoomId, UnreadAnswer> | null {
  return answer(value, (f) => {
    const rooms = Object.entries(fieldsOf(f["unread"]));
    return new Map(
      rooms.map(([room, item]) => {
        const fields = fieldsOf(item);
        return [Number(room), { count: count(fields, "count"), capped: fields["capped"] === true, mark: count(fields, "mark") }];
      }),
    );
  });
}

export function readCode(value: unknown): { readonly code: string; readonly expires?: number } | null {
  return answer(value, (f) => ({ code: text(f, "code"), ...optional("expires", maybe(f, "expires", isCount)) }));
}

export function readSignIns(value: unknown): { readonly sign_ins: readonly Omit<SignIn, "own">[] } | null {
  return answer(value, (f) => ({
    sign_ins: list(f, "sign_ins", (item) => {
      const fields = fieldsOf(item);
      return { id: text(fields, "id"), label: text(fields, "label"), method: text(fields, "method"), at: count(fields, "at") };
    }),
  }));
}

/** What a code leads to. */
export function readMeaning(value: unknown): CodeMeaning | null {
  return answer(value, (f): CodeMeaning => {
    const kind = f["kind"];
    if (kind === "setup") return { kind };
    if (kind === "link") return { kind, who: personOf(f["who"]) };
    if (kind !== "invite") return fail();
    const from = f["from"] === undefined ? undefined : personOf(f["from"]);
    const { name, members } = { name: text(f, "name"), members: count(f, "members") };
    return { kind, room: count(f, "room"), name, members, joined: f["joined"] === true, ...optional("from", from) };
  });
}

export function readTyping(value: unknown): { readonly room: RoomId; readonly who: Person } | null {
  return attempt(() => ({ room: count(fieldsOf(value), "room"), who: personOf(fieldsOf(value)["who"]) }));
}

export function readPresence(value: unknown): Presence | null {
  return attempt(() => presenceOf(fieldsOf(value)));
}

export function readPointer(value: unknown): { readonly room: RoomId; readonly seq: Seq } | null {
  return attempt(() => ({ room: count(fieldsOf(value), "room"), seq: count(fieldsOf(value), "seq") }));
}

/** The cursor that every event carries, also the ephemeral ones. */
export function readCursor(value: unknown): string | null {
  return attempt(() => text(fieldsOf(value), "cursor"));
}

/** The code of an answer to a request that was not granted. */
export function refusalOf(value: unknown): string {
  return attempt(() => text(fieldsOf(value), "code")) ?? "invalid";
}

type Fields = Readonly<Record<string, unknown>>;

class Malformed extends Error {}

function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
}

function answer<T>(value: unknown, read: (fields: Fields) => T): T | null {
  return attempt(() => {
    const fields = fieldsOf(value);
    if (fields["ok"] !== true) return fail();
    return read(fields);
  });
}

function entryOf(event: string, f: Fields): Entry {
  const head: EntryHead = {
    cursor: maybe(f, "cursor", isText) ?? "",
    room: count(f, "room"),
    rev: count(f, "rev"),
    at: maybe(f, "at", isCount) ?? 0,
    from: f["from"] === undefined ? { guest: "" } : personOf(f["from"]),
  };
  switch (event) {
    case "message": {
      const { from: _, room: __, rev: ___, at: ____, ...message } = messageOf(f);
      return { ...head, event, ...message };
    }
    case "edited":
      return { ...head, event, seq: count(f, "seq"), ...optional("text", maybe(f, "text", isText)) };
    case "deleted":
      return { ...head, event, seq: count(f, "seq") };
    case "room created":
      return {
        ...head,
        event,
        kind: kindOf(f),
        name: text(f, "name"),
        topic: maybe(f, "topic", isText) ?? "",
        members: f["members"] === undefined ? [] : list(f, "members", personOf),
        ...optional("host", maybe(f, "host", isText)),
      };
    case "room renamed":
      return { ...head, event, name: text(f, "name") };
    case "topic":
      return { ...head, event, topic: text(f, "topic") };
    case "joined":
    case "left":
    case "removed": {
      const about = f["about"] === undefined ? undefined : roomOf(f["about"]);
      return { ...head, event, who: personOf(f["who"]), ...optional("about", about) };
    }
    case "named":
    case "owner":
      return { ...head, event, who: personOf(f["who"]) };
    default:
      return { ...head, event: "unknown" };
  }
}

function messageOf(value: unknown): Message {
  const f = fieldsOf(value);
  const damaged = f["damaged"] === true || undefined;
  return {
    room: count(f, "room"),
    seq: count(f, "seq"),
    rev: count(f, "rev"),
    at: count(f, "at"),
    from: personOf(f["from"]),
    text: text(f, "text"),
    edited: f["edited"] === true,
    deleted: f["deleted"] === true || damaged === true,
    ...optional("damaged", damaged),
    ...optional("device", maybe(f, "device", isText)),
    ...optional("n", maybe(f, "n", isCount)),
  };
}

function roomOf(value: unknown): Room {
  const f = fieldsOf(value);
  return {
    room: count(f, "room"),
    kind: kindOf(f),
    name: maybe(f, "name", isText) ?? "",
    topic: maybe(f, "topic", isText) ?? "",
    seq: count(f, "seq"),
    rev: count(f, "rev"),
    joined: f["joined"] === true,
    read: maybe(f, "read", isCount) ?? 0,
    ...optional("host", maybe(f, "host", isText)),
    ...(f["with"] === undefined ? {} : { with: list(f, "with", personOf) }),
    members: maybe(f, "members", isCount) ?? 0,
  };
}

function presenceOf(f: Fields): Presence {
  return {
    online: f["online"] === undefined ? [] : list(f, "online", personOf),
    offline: f["offline"] === undefined ? [] : list(f, "offline", (user) => (isText(user) ? user : fail())),
    count: count(f, "count"),
    more: f["more"] === true,
  };
}

function personOf(value: unknown): Person {
  const f = fieldsOf(value);
  return {
    ...optional("user", maybe(f, "user", isText)),
    ...optional("guest", maybe(f, "guest", isText)),
    ...optional("name", maybe(f, "name", isText)),
  };
}

function kindOf(f: Fields): RoomKind {
  const kind = f["kind"];
  return kind === "public" || kind === "private" || kind === "direct" ? kind : fail();
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : fail();
}

const isText = (value: unknown): value is string => typeof value === "string";
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function text(f: Fields, name: string): string {
  const value = f[name];
  return isText(value) ? value : fail();
}

function count(f: Fields, name: string): number {
  const value = f[name];
  return isCount(value) ? value : fail();
}

function maybe<T>(f: Fields, name: string, is: (value: unknown) => value is T): T | undefined {
  const value = f[name];
  if (value === undefined || value === null) return undefined;
  return is(value) ? value : fail();
}

function list<T>(f: Fields, name: string, read: (item: unknown) => T): T[] {
  const value = f[name];
  return Array.isArray(value) ? value.map(read) : fail();
}

function optional<K extends string, T>(name: K, value: T | undefined): { readonly [name in K]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [name in K]?: T };
}

function fail(): never {
  throw new Malformed();
}
