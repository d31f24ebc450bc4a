// What outlives the page: the outbox, the drafts, and what this device has seen of the chat.
//
// A store promises four things. `commit` is all or nothing, so the cursor is never ahead of the data. Writes of the
// leader name its generation, and are refused once there is a newer one. `changeOutbox` writes only what was made from
// the latest outbox, whatever other tabs do meanwhile, so a number belongs to one command only; it returns all that a
// tab with the version before needs. A store belongs to one person of one server for ever, the first that `bind` names,
// so nobody else's session is ever used with its outbox. "Returned" means stored. A tab that hangs at any moment blocks
// no other tab. Knows nothing of connections.

import type { DraftPlace, LostRoom, Person, RoomId, RoomKind, Seq, UserId, Notice } from "./facade.ts";
import type { Command, Message, UnreadAnswer } from "./wire.ts";
import type { Span } from "./spans.ts";

/** Where the numbers of commands come from. */
export interface Device {
  readonly id: string;
  /** The number of the next command. */
  readonly next: number;
  /** The id of the last row; ids are never used again, whatever becomes of the device. */
  readonly lastRow: number;
}

/** A command that is not finished. */
export interface OutboxRow {
  readonly id: number;
  readonly device: string;
  readonly n: number;
  readonly command: Command;
  readonly at: number;
  /** Set when it was refused for good; its number is used up then. */
  readonly refused?: string;
  /** It was taken back, and a `skip` is sent in its place; it may have been carried out before. */
  readonly withdrawn?: true;
}

/** What is typed and not sent, as of one version: see `drafts.ts`. */
export interface DraftRecord extends DraftPlace {
  /** Null: it was sent or taken away, and no older version is good any more. */
  readonly text: string | null;
  /** Later versions have greater numbers: about the time, in milliseconds. */
  readonly at: number;
  /** The version of another tab that it was made from. */
  readonly after: number;
  /** Further ones, also of the version that it replaced: of each tab the latest. */
  readonly from?: readonly number[];
  /** Versions of this place that are in the outbox or were there: those that were sent, and those that took them away. */
  readonly sent?: readonly number[];
}

/** All that people do on this device, before the server has it. */
export interface OutboxState {
  readonly device: Device | null;
  /** By id, which is the order of sending too. */
  readonly rows: readonly OutboxRow[];
  /** By the names of their places. */
  readonly drafts: ReadonlyMap<string, DraftRecord>;
}

/** The outbox in the store, with all rows and drafts or with those that a change looks at. */
export interface OutboxPart extends OutboxState {
  /** Each change of the outbox raises it by one, and so does a commit that settles or refuses rows. */
  readonly version: number;
  /** The number of all rows. */
  readonly count: number;
}

/** Which rows and drafts a change of the outbox looks at; it is given no others. */
export interface Look {
  /** Their ids; none without this. */
  readonly rows?: readonly number[] | "all";
  /** Their places; what was put aside there comes along. A change writes drafts of these places only. */
  readonly drafts?: readonly DraftPlace[] | "all";
}

export interface OutboxChange<T> {
  readonly device?: Device;
  readonly put?: readonly OutboxRow[];
  readonly drop?: readonly number[];
  /** Each of them unless a later version is there. */
  readonly drafts?: readonly DraftRecord[];
  readonly dropDrafts?: readonly string[];
  readonly result: T;
}

/** What a change of the outbox wrote. A tab that knows the version before applies it and reads nothing. */
export interface Difference {
  /** The version that the change made. */
  readonly version: number;
  /** The device before the change. The first releases of the app change it without raising the version. */
  readonly before: Device | null;
  readonly device: Device | null;
  readonly put: readonly OutboxRow[];
  readonly drop: readonly number[];
  /** By the names of their places; a draft that was older than the known one is left out. */
  readonly drafts: ReadonlyMap<string, DraftRecord>;
}

export interface Changed<T> {
  readonly result: T;
  readonly difference: Difference;
}

/** `strict`: a power cut does not take it back; `relaxed`: a crash of the browser does not. */
export type Durability = "strict" | "relaxed";

export interface RoomRecord {
  readonly room: RoomId;
  readonly kind: RoomKind;
  readonly name: string;
  readonly topic: string;
  readonly joined: boolean;
  readonly host?: UserId;
  readonly with?: readonly Person[];
  readonly members: number;
  /** The facts above are those of this revision. */
  readonly rev: number;
  /** The newest message that is known to exist. */
  readonly seq: Seq;
  /** The oldest message that may be seen. */
  readonly floor: Seq;
  readonly read: Seq;
  /** The stream was applied up to this revision without a gap; null while it does not flow. */
  readonly applied: number | null;
  /** The last message of the stream that was applied. */
  readonly appliedSeq: Seq;
  /** The messages that are here. */
  readonly held: readonly Span[];
  /** What the server counted where messages are not here: those after `read` up to `mark`. */
  readonly away?: UnreadAnswer & { readonly read: Seq };
  /** A page of the history told of the room as of this revision, which the stream may not have reached. */
  readonly toldOf?: number;
  /** Entries that the cursor does not stand for. */
  readonly trail?: readonly { readonly rev: number; readonly at: number }[];
  /** It was joined without being told what it is. */
  readonly strange?: true;
}

export interface MessageRecord extends Message {
  /** Changes up to this revision are in it. */
  readonly asOf: number;
}

export interface NoticeRecord {
  readonly room: RoomId;
  readonly rev: number;
  /** It stands behind this message. */
  readonly after: Seq;
  readonly at: number;
  readonly notice: Notice;
}

/** Whose store it is. */
export interface SessionRecord {
  /** Which server that person is of, if it has told. */
  readonly server?: string;
  readonly user: UserId;
  readonly name: string | null;
  readonly owner: boolean;
  readonly token: string;
  /** Shown at the door, so that strangers at the same address keep nobody out. */
  readonly pass?: string;
  /** Which of the person's sign-ins this is, once the server has told. */
  readonly signIn?: string;
  /** Milliseconds that the server's clock is ahead of this device's, if one of them is wrong. */
  readonly ahead?: number;
  /** The address of a proxy that the server's operator should name, if there is one and this person is the owner. */
  readonly untrusted?: string;
}

/** One step of what a commit changes. They are applied in their order. */
export type Change =
  | { readonly kind: "room"; readonly room: RoomRecord }
  /** One is in it no longer; what it was called outlives its record. Null: not even that is kept. */
  | { readonly kind: "lost"; readonly room: RoomId; readonly lost: LostRoom | null }
  /** With its messages and notices. */
  | { readonly kind: "forget room"; readonly room: RoomId }
  | { readonly kind: "message"; readonly message: MessageRecord }
  | { readonly kind: "forget messages"; readonly room: RoomId; readonly from: Seq; readonly to: Seq }
  | { readonly kind: "notice"; readonly notice: NoticeRecord }
  /** Up to this revision. */
  | { readonly kind: "forget notices"; readonly room: RoomId; readonly to: number }
  | { readonly kind: "person"; readonly person: Person & { readonly user: UserId } }
  | { readonly kind: "forget people" }
  /** What is new about the person whose store it is. That of another person is left out. */
  | { readonly kind: "session"; readonly session: SessionRecord }
  | { readonly kind: "cursor"; readonly cursor: string }
  /** The row has done its work. */
  | { readonly kind: "settled"; readonly id: number }
  /** The row was refused; one that was taken back meanwhile is done instead. */
  | { readonly kind: "refused"; readonly id: number; readonly code: string }
  /** All that came from the server: rooms, lost rooms, messages, notices, people, the cursor. */
  | { readonly kind: "forget all" };

export interface Snapshot {
  /** The latest of the tabs; 0 before the first. */
  readonly leader: Generation;
  readonly revision: Revision;
  readonly session: SessionRecord | null;
  readonly cursor: string | null;
  readonly outbox: OutboxPart;
  readonly rooms: readonly RoomRecord[];
  /** Some of them may have been joined again since. */
  readonly lost: readonly LostRoom[];
  readonly messages: readonly MessageRecord[];
  readonly notices: readonly NoticeRecord[];
  readonly people: readonly (Person & { readonly user: UserId })[];
}

/**
 * Which leader of the tabs writes; each has a higher number than those before it. Whole numbers are of the store; one with a fraction
 * writes nothing.
 */
export type Generation = number;

/** How often `commit` has changed the store. */
export type Revision = number;

export interface Committed {
  readonly revision: Revision;
  /** Of the outbox, if the commit changed it. */
  readonly version: number | null;
}

/** What a leader wrote was refused: another one leads. Nothing of it was kept. */
export class Deposed extends Error {}

export interface Store {
  /**
   * Begins a new generation: what earlier leaders still write is refused with `Deposed` from now on. Null if it is not wanted
   * any more when the store is about to write it.
   */
  lead(isWanted: () => boolean): Promise<Generation | null>;
  load(): Promise<Snapshot>;
  outbox(): Promise<OutboxPart>;
  outboxVersion(): Promise<number>;
  /** `change` is pure; it is called again when another tab has changed the outbox meanwhile. */
  changeOutbox<T>(look: Look, change: (part: OutboxPart) => OutboxChange<T>, durability?: Durability, leader?: Generation | null): Promise<Changed<T>>;
  /** Of the leader alone; null where none can be told from the others. */
  commit(changes: readonly Change[], leader: Generation | null): Promise<Committed>;
  /** Makes the store that of a person, unless it is somebody's already; gives back whose it is. */
  bind(session: SessionRecord): Promise<SessionRecord>;
  close(): void;
}

/** Leaves out what a later change of the same batch overwrites. The last state of a thing stands where its first one stood. */
export function condensed(changes: readonly Change[]): readonly Change[] {
  const places = new Map<string, number>();
  const kept: Change[] = [];
  for (const change of changes) {
    const name = nameOf(change);
    const place = name === null ? undefined : places.get(name);
    if (place !== undefined) {
      // Not at the end: messages in between need the room that they are in.
      kept[place] = change;
      continue;
    }
    // What stands before it must not be taken for the place of what stands behind it.
    if (change.kind === "forget all" || change.kind === "forget room" || change.kind === "forget people") places.clear();
    if (name !== null) places.set(name, kept.length);
    kept.push(change);
  }
  return kept;
}

function nameOf(change: Change): string | null {
  switch (change.kind) {
    case "room":
      return `room ${change.room.room}`;
    case "cursor":
      return change.kind;
    case "session":
      return `session ${change.session.user}`;
    case "person":
      return `person ${change.person.user}`;
    case "message":
    case "notice":
    case "lost":
    case "forget room":
    case "forget messages":
    case "forget notices":
    case "forget people":
    case "settled":
    case "refused":
    case "forget all":
      return null;
  }
}
