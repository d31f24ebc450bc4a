// The interface of the core for everything that shows it: the page, a bot, a test.
//
// A `ChatClient` is one person on one device. Everything that can change is a signal. Every durable command goes
// through the outbox, so a call returns at once and its promise may take days. Knows neither the DOM nor Socket.IO.

import type { ReadonlySignal } from "@preact/signals-core";

export type UserId = string;
export type RoomId = number;
export type Seq = number;

/** Someone of this chat (`user`), or a client of the tutorial's contract (`guest`, "" without a lineage). */
export interface Person {
  readonly user?: UserId;
  readonly guest?: string;
  readonly name?: string;
}

export type RoomKind = "public" | "private" | "direct";

export interface RoomSummary {
  readonly room: RoomId;
  readonly kind: RoomKind;
  readonly name: string;
  readonly topic: string;
  readonly joined: boolean;
  readonly unread: number;
  /** There are more unread messages than `unread` says. */
  readonly unreadCapped: boolean;
  /** The others of a direct conversation. */
  readonly with?: readonly Person[];
  readonly host?: UserId;
  readonly members: number;
  /** Rises whenever somebody comes or goes, though there may be as many members as before, and now and then besides. */
  readonly changes: number;
  /** What is typed there, be it a message or a change of one. */
  readonly draft: string;
  /** How many commands for this room wait in the outbox. */
  readonly pending: number;
}

/** A conversation that one was in, and is no longer. */
export interface LostRoom extends Pick<RoomSummary, "room" | "kind" | "name" | "with"> {
  /** Who has removed one, where that is known. */
  readonly by?: Person;
}

export interface Connection {
  /**
   * `unavailable`: the server is there and cannot serve; `refused`: it does not take this page, and `reason` says why in its own
   * words; `unknown`: it does not know this person, so nothing is sent to it and
   * nothing taken from it, or, with the reason `signed_out`, another device of the person has signed this one out; `stopped`: this client was stopped. `online` with the reason `full`: there is a connection, and the
   * server has no room to store anything.
   */
  readonly state: "connecting" | "online" | "offline" | "unavailable" | "refused" | "unknown" | "stopped";
  readonly reason?: string;
  readonly since: number;
  /** How many commands will be sent once there is a connection. */
  readonly waiting: number;
}

export interface MessageRow {
  readonly kind: "message";
  readonly key: string;
  readonly seq: Seq;
  readonly at: number;
  readonly from: Person;
  readonly own: boolean;
  readonly text: string;
  readonly edited: boolean;
  /** There is no text: it was deleted, or is damaged. */
  readonly deleted: boolean;
  readonly damaged?: true;
  /** A change of this message that is not stored yet; while `editing`, `text` is the new text already. */
  /** There is a draft of a change. */
  readonly draft?: true;
  readonly change?: "editing" | "deleting" | { readonly refused: string; readonly n: number };
}

/** Where something is typed: a message for a room, or a change of the message `seq`. */
export interface DraftPlace {
  readonly room: RoomId;
  readonly seq?: Seq;
  /** Which tab it was typed in, where the text of another one has the place. */
  readonly aside?: number;
}

/** What somebody wrote in a room, or to a message, that is gone for them, or in a tab while they wrote in another one. */
export interface Stray {
  readonly key: string;
  readonly text: string;
  readonly at: number;
  /** Names the refused command, for `discard`; without it, it is the draft of `place`. */
  readonly n?: number;
  readonly place: DraftPlace;
}

export interface PendingRow {
  readonly kind: "pending";
  readonly key: string;
  /** Names the command for `retry` and `discard`, as long as it lives; not its number on the wire, which may change. */
  readonly n: number;
  readonly at: number;
  readonly text: string;
  /** `sending`: it is under way; `waiting`: for a connection, or for those before it. */
  readonly state: "sending" | "waiting" | { readonly refused: string };
}

export interface NoticeRow {
  readonly kind: "notice";
  readonly key: string;
  readonly rev: number;
  readonly at: number;
  readonly notice: Notice;
}

/** Messages that exist and are not here. Both ends are inclusive. */
export interface HoleRow {
  readonly kind: "hole";
  readonly key: string;
  readonly from: Seq;
  readonly to: Seq;
  readonly loading: boolean;
}

export type Row = MessageRow | PendingRow | NoticeRow | HoleRow;

export interface Notice {
  readonly what: "created" | "renamed" | "topic" | "joined" | "left" | "removed";
  readonly from: Person;
  readonly who?: Person;
  readonly text?: string;
}

/** A window of at most 400 rows on one room. It opens at the first unread message, or at the end where there is none. */
export interface RoomView {
  readonly room: RoomId;
  readonly rows: ReadonlySignal<readonly Row[]>;
  /** The window reaches the beginning. */
  readonly first: ReadonlySignal<boolean>;
  /** The window reaches the live end. */
  readonly last: ReadonlySignal<boolean>;
  readonly read: ReadonlySignal<Seq>;
  /** Where the "new" line stands: above the message that was the first unread one when the room was opened. */
  readonly newFrom: ReadonlySignal<Seq | null>;
  readonly typing: ReadonlySignal<readonly Person[]>;
  /** Rises when the view has placed itself: the "new" line is to be looked at, or the end where there is none. */
  readonly placed: ReadonlySignal<number>;
  /** Moves of the window resolve when what they brought is shown. */
  older(): Promise<void>;
  newer(): Promise<void>;
  around(seq: Seq): Promise<void>;
  latest(): Promise<void>;
  /** As if the room were opened anew. */
  reopen(): Promise<void>;
  fill(hole: Row): Promise<void>;
  /** These were on the screen of a reader who is there. Messages are read in their order, none before it was shown. */
  shown(seqs: readonly Seq[]): void;
  /** The reader has asked for the end: everything counts as read. */
  passOver(): void;
  /** Everything up to there counts as read, shown or not. */
  markRead(seq: Seq): void;
  /** The first message that is not read. Known at once, before `read` is kept. */
  unseen(): Seq | null;
  /** The first message behind the "new" line that was never on the screen, read or not. */
  skipped(): Seq | null;
  /** Moves a line that was read past to the first unread message. */
  renewLine(): void;
  clearNew(): void;
  close(): void;
}

/** `room` is 0 where it is not known any more: another tab got the answer, and died. */
export type Result<T = { readonly room: RoomId }> = ({ readonly ok: true } & T) | { readonly ok: false; readonly code: string };

export interface Me {
  /** Which server they are of, if it has told. */
  readonly server?: string;
  readonly user: UserId | null;
  readonly name: string | null;
  readonly owner: boolean;
}

/** A browser or bot of the person. */
export interface SignIn {
  readonly id: string;
  /** What it says about itself; may be empty. */
  readonly label: string;
  /** How it began: `new`, `link` or `old`, or something that a later server knows. */
  readonly method: string;
  readonly at: number;
  /** It is this one. */
  readonly own: boolean;
}

export type RoomMember = Person & { readonly online: boolean; readonly host?: boolean };

/** What a one-time code leads to. */
export type CodeMeaning =
  /** It makes a device one of this person's. */
  | { readonly kind: "link"; readonly who: Person }
  /** It makes its bearer the owner. */
  | { readonly kind: "setup" }
  | {
      readonly kind: "invite";
      readonly room: RoomId;
      readonly name: string;
      readonly members: number;
      readonly joined: boolean;
      /** Who invites; old invites do not say. */
      readonly from?: Person;
    };

export interface ChatClient {
  readonly connection: ReadonlySignal<Connection>;
  readonly me: ReadonlySignal<Me>;
  readonly rooms: ReadonlySignal<readonly RoomSummary[]>;
  readonly online: ReadonlySignal<{ readonly people: readonly Person[]; readonly count: number }>;
  readonly people: ReadonlySignal<ReadonlyMap<UserId, Person>>;
  readonly strays: ReadonlySignal<readonly Stray[]>;
  /** Milliseconds that the server's clock is ahead of this device's; 0 where both agree well enough. */
  readonly ahead: ReadonlySignal<number>;
  /** For the owner: the address of a proxy that the server should trust, if it is the operator's; empty if there is none. */
  readonly untrusted: ReadonlySignal<string>;
  /** Rooms that one has looked into or left: what they were like then. */
  readonly outside: ReadonlySignal<readonly RoomSummary[]>;
  readonly lost: ReadonlySignal<ReadonlyMap<RoomId, LostRoom>>;

  open(room: RoomId): RoomView;

  // Durable: in the outbox at once; the promise is the final answer.
  say(room: RoomId, text: string): Promise<Result>;
  edit(room: RoomId, seq: Seq, text: string): Promise<Result>;
  delete(room: RoomId, seq: Seq): Promise<Result>;
  create(kind: "public" | "private", name: string, topic?: string): Promise<Result>;
  direct(withUsers: readonly UserId[]): Promise<Result>;
  rename(room: RoomId, name: string): Promise<Result>;
  setTopic(room: RoomId, topic: string): Promise<Result>;
  join(room: RoomId): Promise<Result>;
  joinByInvite(code: string): Promise<Result>;
  leave(room: RoomId): Promise<Result>;
  add(room: RoomId, user: UserId): Promise<Result>;
  remove(room: RoomId, user: UserId): Promise<Result>;
  setName(name: string): Promise<Result>;
  claim(code: string): Promise<Result>;
  /** Ends a sign-in of one's own, or all but this one. */
  signOut(which: SignIn["id"] | "others"): Promise<Result>;

  /** Sends what was refused again, as a new command. */
  retry(n: number): Promise<void>;
  /** Takes a command away that was refused or not sent yet, and gives back its text. */
  discard(n: number): Promise<string>;
  /** Makes a draft of a refused message or change again, before what is typed there; tells where. */
  takeBack(n: number): Promise<DraftPlace | null>;

  // Requests: they need a connection.
  browse(after?: RoomId): Promise<Result<{ readonly rooms: readonly RoomSummary[] }>>;
  members(room: RoomId, after?: UserId): Promise<Result<{ readonly members: readonly RoomMember[]; readonly more: boolean }>>;
  invite(room: RoomId): Promise<Result<{ readonly code: string }>>;
  link(): Promise<Result<{ readonly code: string; readonly expires: number }>>;
  /** The browsers and bots of the person, the oldest first; none of somebody who has not done anything. */
  signIns(): Promise<Result<{ readonly signIns: readonly SignIn[] }>>;
  /** What a code leads to; it is not used up. */
  meaning(code: string): Promise<Result<{ readonly meaning: CodeMeaning }>>;

  typing(room: RoomId): void;
  /** What was being written is gone, and was not sent. */
  typingStopped(room: RoomId): void;
  /** Shown at once, also in other tabs; kept a moment later. Null takes it away; so does an empty text for a room. */
  setDraft(place: DraftPlace, text: string | null): void;
  /** Null when nothing is typed there. Tells a computed signal that reads it of every change. */
  draft(place: DraftPlace): string | null;
  /** Says it, or changes the message, and takes the draft away in the same step; what cannot be kept stays a draft. */
  send(place: DraftPlace, text: string): Promise<Result>;
  /** Tries to connect at once, if there is no connection. */
  hurry(): void;
  stop(): Promise<void>;
}
