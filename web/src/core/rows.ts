// The rows of a window on a room: its messages on this device, the holes between them, notices, and own unsent
// messages.
//
// A row that has not changed stays the same object, so that a view renders only what is new. Otherwise pure.

import { called, namesAlike, noticeCalled } from "./called.ts";
import { placeName } from "./drafts.ts";
import type { HoleRow, MessageRow, NoticeRow, PendingRow, Row, Seq } from "./facade.ts";
import { lowerBound, sendName, type Model, type RoomState } from "./model.ts";
import { holesOf } from "./spans.ts";
import type { MessageRecord, NoticeRecord, OutboxRow } from "./store.ts";

export const ROWS_MAX = 400;

export interface Window {
  readonly from: Seq;
  /** Null: the live end. */
  readonly to: Seq | null;
}

export interface RowSources {
  readonly window: Window;
  readonly online: boolean;
  readonly loading: ReadonlySet<Seq>;
}

interface Placed {
  readonly place: Seq;
  /** Messages and holes stand before the notices of their place. */
  readonly rank: number;
  readonly row: Row;
}

export class Rows {
  #messages = new Map<Seq, { readonly record: MessageRecord; readonly change: OutboxRow | undefined; readonly row: MessageRow }>();
  #notices = new WeakMap<NoticeRecord, NoticeRow>();
  #pending = new Map<OutboxRow, PendingRow>();
  #holes = new Map<string, HoleRow>();

  of(model: Model, state: RoomState, sources: RowSources): readonly Row[] {
    const { record } = state;
    const from = Math.max(sources.window.from, record.floor);
    const to = Math.min(sources.window.to ?? record.seq, record.seq);
    const live = sources.window.to === null;
    const placed = [
      ...this.#messageRows(model, state, from, to),
      ...this.#holeRows(state, from, to, sources.loading),
      ...this.#noticeRows(model, state, from, to, from === record.floor, live),
    ].sort((a, b) => a.place - b.place || a.rank - b.rank);
    const pending = live ? this.#pendingRows(model, state, sources.online) : [];
    const rows = [...placed.map(({ row }) => row), ...pending];
    return live ? rows.slice(-ROWS_MAX) : rows.slice(0, ROWS_MAX);
  }

  #messageRows(model: Model, state: RoomState, from: Seq, to: Seq): Placed[] {
    const changes = new Map<Seq, OutboxRow>();
    for (const row of model.outbox.rows) {
      const { command } = row;
      if (row.withdrawn === true) continue;
      if ((command.event === "edit" || command.event === "delete") && command.room === state.record.room) changes.set(command.seq, row);
    }
    const rows = new Map<Seq, { readonly record: MessageRecord; readonly change: OutboxRow | undefined; readonly row: MessageRow }>();
    const start = lowerBound(state.messages, (message) => message.seq < from);
    for (const record of state.messages.slice(start, start + (to - from + 1))) {
      if (record.seq > to) break;
      const change = changes.get(record.seq);
      const known = this.#messages.get(record.seq);
      const from = called(model.people, record.from);
      const isTyped = !record.deleted && (model.drafts.get(placeName(record))?.text ?? null) !== null;
      const same = known !== undefined && known.record === record && known.change === change && known.row.from.name === from.name && (known.row.draft === true) === isTyped;
      rows.set(record.seq, same ? known : { record, change, row: { ...messageRow({ ...record, from }, change, model.session?.user), ...(isTyped ? { draft: true } : {}) } });
    }
    this.#messages = rows;
    return [...rows.values()].map(({ row }) => ({ place: row.seq, rank: 0, row }));
  }

  #holeRows(state: RoomState, from: Seq, to: Seq, loading: ReadonlySet<Seq>): Placed[] {
    const rows = new Map<string, HoleRow>();
    for (const [start, end] of holesOf(state.record.held, from, to)) {
      const isLoading = [...loading].some((seq) => start <= seq && seq <= end);
      const name = `${start} ${end} ${isLoading}`;
      rows.set(name, this.#holes.get(name) ?? { kind: "hole", key: `h${start}`, from: start, to: end, loading: isLoading });
    }
    this.#holes = rows;
    return [...rows.values()].map((row) => ({ place: row.from, rank: 0, row }));
  }

  #noticeRows(model: Model, state: RoomState, from: Seq, to: Seq, isFirst: boolean, live: boolean): Placed[] {
    const rows: Placed[] = [];
    for (const notice of state.notices) {
      if ((notice.after < from && !isFirst) || (notice.after > to && !live)) continue;
      // Nobody made a conversation: it begins with the first message.
      if (state.record.kind === "direct" && notice.notice.what === "created") continue;
      rows.push({ place: notice.after, rank: notice.rev, row: this.#noticeRow(model, notice) });
    }
    return rows;
  }

  #noticeRow(model: Model, kept: NoticeRecord): NoticeRow {
    const known = this.#notices.get(kept);
    const notice = noticeCalled(model.people, kept.notice);
    if (known !== undefined && namesAlike(known.notice, notice)) return known;
    const row = { kind: "notice" as const, key: `r${kept.rev}`, rev: kept.rev, at: kept.at, notice };
    this.#notices.set(kept, row);
    return row;
  }

  #pendingRows(model: Model, state: RoomState, online: boolean): PendingRow[] {
    const rows = new Map<OutboxRow, PendingRow>();
    for (const row of model.outbox.rows) {
      const { command } = row;
      if (row.withdrawn === true) continue;
      if (command.event !== "say" || command.room !== state.record.room || state.sends.has(sendName(row.device, row.n))) continue;
      const sending = row.refused === undefined ? (online ? "sending" : "waiting") : { refused: row.refused };
      const known = this.#pending.get(row);
      // As the server will have it: a wrong clock would put it on a day of its own.
      const at = row.at + (model.session?.ahead ?? 0);
      const same = known !== undefined && known.at === at && (typeof sending === "object" || known.state === sending);
      rows.set(row, same ? known : { kind: "pending", key: sendName(row.device, row.n), n: row.id, at, text: command.text, state: sending });
    }
    this.#pending = rows;
    return [...rows.values()];
  }
}

function messageRow(record: MessageRecord, change: OutboxRow | undefined, me: string | undefined): MessageRow {
  const { seq, at, from, text, edited, deleted, damaged, device, n } = record;
  const own = me !== undefined && from.user === me;
  const key = own && device !== undefined && n !== undefined ? sendName(device, n) : `m${seq}`;
  const row = { kind: "message" as const, key, seq, at, from, own, text, edited, deleted, ...(damaged && { damaged }) };
  if (change === undefined) return row;
  if (change.refused !== undefined) return { ...row, change: { refused: change.refused, n: change.id } };
  if (change.command.event === "edit") return { ...row, text: change.command.text, change: "editing" };
  return { ...row, change: "deleting" };
}
