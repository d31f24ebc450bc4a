// What an entry of the log changes on this device.
//
// An entry changes the facts of a room (its name, its members) unless those are newer, and extends the room's timeline
// unless that has it already. A timeline is extended without a gap or not at all. All effects are absolute, so an entry
// may be applied twice. Pure: reads the model, returns changes.

import type { Notice, Person, RoomId, Seq } from "./facade.ts";
import type { Model } from "./model.ts";
import { HOUSE } from "./rooms.ts";
import { contains, withSpan } from "./spans.ts";
import type { Change, MessageRecord, RoomRecord } from "./store.ts";
import type { Entry, HistoryAnswer, Page, Room } from "./wire.ts";

/** How an entry stands to the timeline of its room. Null: it comes next, or the timeline does not flow. */
export function standingOf(model: Model, entry: Pick<Entry, "room" | "rev">): "known" | "gap" | null {
  const applied = model.record(entry.room)?.applied ?? null;
  if (applied === null || entry.rev === applied + 1) return null;
  return entry.rev <= applied ? "known" : "gap";
}

/** What entries of some kinds have. */
interface Details {
  readonly from: Person;
  readonly who?: Person;
  readonly members?: readonly Person[];
  readonly device?: string;
  readonly n?: number;
}

/** The changes of an entry that does not stand behind a gap; it was told when people had the names of version `asOf`, or later ones. */
export function effectsOf(model: Model, entry: Entry, asOf?: number): readonly Change[] {
  const { from, who, members, device, n }: Details = entry;
  const changes: Change[] = [from, who, members].flat().flatMap((person) => (person === undefined ? [] : learned(model, person, asOf)));
  const settled = model.rowOf(device, n);
  if (settled !== null) changes.push({ kind: "settled", id: settled.id });

  if (entry.room === HOUSE) return [...changes, ...houseEffects(model, entry)];
  const begins = concernsMe(model, entry) && (entry.event === "joined" || entry.event === "room created");
  const record = model.record(entry.room) ?? (begins ? unknownRoom(entry.room) : null);
  if (record === null) return changes;
  if (standingOf(model, entry) === "known") return changes;
  return [...changes, ...roomEffects(model, withFacts(model, record, entry), entry, begins)];
}

/** What a page of the history changes; `asOf` is the revision that was applied, and `names` the version of people, when it was asked for. */
export function historyEffects(model: Model, room: RoomId, page: Page, answer: HistoryAnswer, asOf: number, names?: number): readonly Change[] {
  const record = model.record(room);
  if (record === null) return [];
  const changes: Change[] = [];
  for (const { room: _, ...message } of answer.messages) {
    const known = model.message(room, message.seq);
    if (known === null || known.asOf <= asOf) changes.push({ kind: "message", message: { ...message, room, asOf } });
    changes.push(...learned(model, message.from, names));
  }
  const from = answer.messages[0]?.seq;
  const to = answer.messages.at(-1)?.seq ?? 0;
  const held = from === undefined ? record.held : withSpan(record.held, from, to);
  const seq = Math.max(record.seq, answer.seq, to);
  const floor = answer.first ? (from ?? beginningOf(page, answer) ?? record.floor) : record.floor;
  const toldOf = Math.max(record.toldOf ?? 0, answer.rev);
  return [...changes, { kind: "room", room: { ...record, held, seq, floor, toldOf } }];
}

/** Where a room begins for a reader who got an empty page. */
function beginningOf(page: Page, answer: HistoryAnswer): Seq | null {
  if (page.before !== undefined) return page.before;
  return page.after === undefined && page.around === undefined ? answer.seq + 1 : null;
}

/** A record of a room as the server describes it, over what is known of it. */
export function described(known: RoomRecord | null, room: Room): RoomRecord {
  const before = known ?? unknownRoom(room.room);
  if (before.rev > room.rev && before.strange === undefined) return before;
  const { host: _, with: __, strange: ___, ...own } = before;
  return { ...own, ...room, read: Math.max(own.read, room.read), seq: Math.max(own.seq, room.seq) };
}

export function unknownRoom(room: RoomId): RoomRecord {
  return {
    room,
    kind: "private",
    name: "",
    topic: "",
    joined: false,
    members: 0,
    rev: 0,
    seq: 0,
    floor: 1,
    read: 0,
    applied: null,
    appliedSeq: 0,
    held: [],
    strange: true,
  };
}

/** What there is to learn of a person, who may have got another name since version `asOf`. */
export function learned(model: Model, person: Person, asOf = Infinity): readonly Change[] {
  const { user, name } = person;
  if (user === undefined || name === undefined) return [];
  return model.people.get(user)?.name === name || (model.learned.get(user) ?? 0) > asOf ? [] : [{ kind: "person", person: { user, name } }];
}

function concernsMe(model: Model, entry: Entry): boolean {
  const me = model.session?.user;
  if (me === undefined) return false;
  if (entry.event === "room created") return entry.host === me || entry.members.some((member) => member.user === me);
  return "who" in entry && entry.who.user === me;
}

function houseEffects(model: Model, entry: Entry): readonly Change[] {
  const record = model.record(HOUSE) ?? unknownRoom(HOUSE);
  if (entry.rev <= (record.applied ?? 0)) return [];
  const changes: Change[] = [{ kind: "room", room: { ...record, applied: entry.rev, rev: entry.rev } }];
  const session = model.session;
  if (session === null || !concernsMe(model, entry)) return changes;
  if (entry.event === "named") changes.push({ kind: "session", session: { ...session, name: entry.who.name ?? null } });
  if (entry.event === "owner") changes.push({ kind: "session", session: { ...session, owner: true } });
  return changes;
}

/** The record with the facts of the entry, unless its facts are newer. */
function withFacts(model: Model, record: RoomRecord, entry: Entry): RoomRecord {
  if (entry.rev <= record.rev) return record;
  const known = { ...record, rev: entry.rev };
  const mine = concernsMe(model, entry);
  switch (entry.event) {
    case "message":
      return { ...known, seq: Math.max(known.seq, entry.seq) };
    case "room created":
      return createdRoom(model, known, entry, mine);
    case "room renamed":
      return { ...known, name: entry.name };
    case "topic":
      return { ...known, topic: entry.topic };
    case "joined":
      // To everybody else it tells the same of the room, but where the newcomer begins to read is no concern of theirs.
      if (entry.about !== undefined) return described(record, mine ? entry.about : { ...entry.about, joined: known.joined, read: known.read });
      return { ...known, members: known.members + 1, joined: mine || known.joined };
    case "left":
    case "removed":
      return { ...withoutHost(known, entry.who), members: Math.max(0, known.members - 1), joined: known.joined && !mine };
    case "edited":
    case "deleted":
    case "named":
    case "owner":
    case "unknown":
      return known;
  }
}

/** Whoever created a room is its host until they leave it, and not again when they come back. */
function withoutHost(record: RoomRecord, { user }: Person): RoomRecord {
  if (record.host === undefined || record.host !== user) return record;
  const { host: _, ...rest } = record;
  return rest;
}

function createdRoom(model: Model, known: RoomRecord, entry: Entry & { readonly event: "room created" }, mine: boolean): RoomRecord {
  const { kind, name, topic, members, host } = entry;
  const { strange: _, ...rest } = known;
  const others = members.filter((member) => member.user !== model.session?.user);
  return {
    ...rest,
    kind,
    name,
    topic,
    joined: mine,
    members: Math.max(1, members.length),
    ...(host === undefined ? {} : { host }),
    ...(kind === "direct" ? { with: others } : {}),
  };
}

/** The timeline goes on with the entry, or begins or ends with it. */
function roomEffects(model: Model, record: RoomRecord, entry: Entry, begins: boolean): readonly Change[] {
  if (begins) {
    // What was read without being a member has not been kept up to date.
    const forget: Change[] = [{ kind: "forget messages", room: record.room, from: 0, to: Number.MAX_SAFE_INTEGER }];
    const told = entry.event === "room created" || ("about" in entry && entry.about !== undefined);
    const strange = told ? {} : { strange: true as const };
    const fresh = { ...record, ...strange, joined: true, applied: entry.rev, appliedSeq: record.seq, held: [] };
    return [...forget, { kind: "room", room: fresh }, ...noticed(fresh, entry)];
  }
  const ends = (entry.event === "left" || entry.event === "removed") && concernsMe(model, entry);
  if (ends) return [...lost(record, entry.event === "removed" ? entry.from : undefined), ...ended(record)];
  if (record.applied === null) return [{ kind: "room", room: record }];

  const next = { ...record, applied: entry.rev };
  switch (entry.event) {
    case "message":
      return messageEffects(next, entry);
    case "edited":
      return [{ kind: "room", room: next }, ...rewritten(model, next, entry, edit(entry))];
    case "deleted":
      return [{ kind: "room", room: away(next, entry.seq) }, ...rewritten(model, next, entry, { text: "", deleted: true })];
    case "room created":
    case "room renamed":
    case "topic":
    case "joined":
    case "left":
    case "removed":
    case "named":
    case "owner":
    case "unknown":
      return [{ kind: "room", room: next }, ...noticed(next, entry)];
  }
}

/** A room that one is no longer in. */
export function ended(record: RoomRecord): readonly Change[] {
  if (record.kind !== "public") return [{ kind: "forget room", room: record.room }];
  return [{ kind: "room", room: { ...record, joined: false, applied: null } }];
}

export function lost({ room, kind, name, with: others }: RoomRecord, by?: Person): readonly Change[] {
  const known = { room, kind, name, ...(others === undefined ? {} : { with: others }) };
  return [{ kind: "lost", room, lost: { ...known, ...(by === undefined ? {} : { by }) } }];
}

function messageEffects(record: RoomRecord, entry: Entry & { readonly event: "message" }): readonly Change[] {
  const { event: _, cursor: __, ...fields } = entry;
  const next: RoomRecord = {
    ...record,
    seq: Math.max(record.seq, entry.seq),
    appliedSeq: Math.max(record.appliedSeq, entry.seq),
    held: withSpan(record.held, entry.seq, entry.seq),
  };
  // A page of the history may have brought it already, and may know of later changes.
  if (contains(record.held, entry.seq)) return [{ kind: "room", room: next }];
  return [
    { kind: "message", message: { ...fields, asOf: entry.rev } },
    { kind: "room", room: next },
  ];
}

/** Without its text, another change comes that has it. */
function edit({ text }: { readonly text?: string }): Partial<MessageRecord> {
  return { edited: true, ...(text === undefined ? {} : { text }) };
}

/** An edit or deletion of a message that came from the history after it, but was read there before it. */
export function missedChange(model: Model, entry: Entry): readonly Change[] {
  const record = model.record(entry.room);
  if (record === null) return [];
  if (entry.event === "edited") return rewritten(model, record, entry, edit(entry));
  if (entry.event === "deleted") return rewritten(model, record, entry, { text: "", deleted: true });
  return [];
}

function rewritten(
  model: Model,
  record: RoomRecord,
  entry: Entry & { readonly seq: Seq },
  change: Partial<Pick<MessageRecord, "text" | "edited" | "deleted">>,
): readonly Change[] {
  const known = model.message(record.room, entry.seq);
  if (known === null || known.asOf >= entry.rev || (known.deleted && change.deleted !== true)) return [];
  return [{ kind: "message", message: { ...known, ...change, asOf: entry.rev } }];
}

/** A message that was counted elsewhere may have gone: that count is no longer good. */
function away(record: RoomRecord, seq: Seq): RoomRecord {
  if (record.away === undefined || seq > record.away.mark || seq <= record.read) return record;
  const { away: _, ...rest } = record;
  return rest;
}

function noticed(record: RoomRecord, entry: Entry): readonly Change[] {
  const notice = noticeOf(entry);
  if (notice === null) return [];
  return [{ kind: "notice", notice: { room: record.room, rev: entry.rev, after: record.appliedSeq, at: entry.at, notice } }];
}

function noticeOf(entry: Entry): Notice | null {
  const { from } = entry;
  switch (entry.event) {
    case "room created":
      return { what: "created", from, text: entry.name };
    case "room renamed":
      return { what: "renamed", from, text: entry.name };
    case "topic":
      return { what: "topic", from, text: entry.topic };
    case "joined":
    case "left":
    case "removed":
      return { what: entry.event, from, who: entry.who };
    case "message":
    case "edited":
    case "deleted":
    case "named":
    case "owner":
    case "unknown":
      return null;
  }
}
