// Rooms as a list shows them: derived from the model, kept as long as nothing of them changes.

import { allCalled } from "./called.ts";
import type { RoomId, RoomSummary, Seq } from "./facade.ts";
import { lowerBound, type Model, type RoomState } from "./model.ts";
import { HOUSE, LOBBY } from "./rooms.ts";
import type { MessageRecord } from "./store.ts";
import { unreadOf, type Unread } from "./unread.ts";
import type { Room } from "./wire.ts";

/** Neither one's own nor deleted. */
export function countsAsUnread(model: Model, message: MessageRecord): boolean {
  const me = model.session?.user;
  return !message.deleted && (me === undefined || message.from.user !== me);
}

/** Where the unread messages begin; what is not here counts until it is known. */
export function firstUnread(model: Model, state: RoomState): Seq | null {
  const { joined, read, seq } = state.record;
  if (!joined || seq <= read) return null;
  const { count, exact } = unreadOfRoom(model, state);
  if (count === 0 && exact) return null;
  let next = read + 1;
  for (let place = lowerBound(state.messages, (message) => message.seq < next); ; place += 1, next += 1) {
    const message = state.messages[place];
    if (message?.seq !== next || countsAsUnread(model, message)) break;
  }
  return next <= seq ? next : null;
}

export function unreadOfRoom(model: Model, { record, messages }: RoomState): Unread {
  const { read, seq, held, away } = record;
  const counts = (message: MessageRecord): boolean => countsAsUnread(model, message);
  return unreadOf({ read, seq, held, messages, counts, ...(away === undefined ? {} : { away }) });
}

export function summaryOf(model: Model, state: RoomState): RoomSummary {
  const { room, kind, name, topic, joined, host, members } = state.record;
  const unread = joined ? unreadOfRoom(model, state) : { count: 0, capped: false };
  const pending = model.outbox.rows.filter(({ command, refused, withdrawn }) => refused === undefined && withdrawn === undefined && "room" in command && command.room === room);
  return {
    room,
    kind,
    name,
    topic,
    joined,
    unread: unread.count,
    unreadCapped: unread.capped,
    ...(state.record.with === undefined ? {} : { with: allCalled(model.people, state.record.with) }),
    ...(host === undefined ? {} : { host }),
    // Nobody joins the lobby: a name makes a member, and some have got theirs since the server has counted.
    members: room === LOBBY ? Math.max(members, model.people.size) : members,
    changes: room === LOBBY ? model.learned.size : (state.notices.at(-1)?.rev ?? 0),
    draft: draftIn(model, room),
    pending: pending.length,
  };
}

function draftIn(model: Model, room: RoomId): string {
  const drafts = [...model.drafts.values()].filter((draft) => draft.room === room && draft.aside === undefined && draft.text !== null);
  return drafts.map(({ text }) => text).find((text) => text !== "") ?? "";
}

/** A room that one is not in, as the list of public rooms has it. */
export function summaryOfListed(model: Model, room: Room): RoomSummary {
  const state = model.rooms.get(room.room);
  if (state !== undefined && state.record.joined) return summaryOf(model, state);
  const { seq: _, rev: __, read: ___, ...rest } = room;
  return { ...rest, unread: 0, unreadCapped: false, changes: 0, draft: draftIn(model, room.room), pending: 0 };
}

export class Summaries {
  readonly #kept = new Map<RoomId, RoomSummary>();

  /** The list again, with those rooms looked at anew. Those that one is not in are among them. */
  update(model: Model, touched: ReadonlySet<RoomId>): readonly RoomSummary[] {
    for (const room of touched) {
      const state = model.rooms.get(room);
      if (state === undefined || room === HOUSE) this.#kept.delete(room);
      else this.#kept.set(room, summaryOf(model, state));
    }
    return [...this.#kept.values()].sort((a, b) => a.room - b.room);
  }
}
