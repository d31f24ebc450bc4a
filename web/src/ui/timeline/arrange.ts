// Arranges the rows of a room for display: days, groups by author, the "new" line, condensed notices.
//
// An item or a day that has not changed stays the same object, so that one more message renders one more row. A row
// that showed its author's name keeps it while it is in the window: otherwise older rows before it would change its
// height while somebody reads.

import type { HoleRow, MessageRow, NoticeRow, PendingRow, Row, Seq } from "../../core/facade.ts";
import { dayKey } from "../parts/dates.ts";
import { personKey } from "../parts/names.ts";

const GROUP_MS_MAX = 5 * 60 * 1000;

export interface MessageItem {
  readonly kind: "message";
  readonly key: string;
  readonly row: MessageRow | PendingRow;
  /** Shows author and time: the first of a group. */
  readonly head: boolean;
}

export interface NoticesItem {
  readonly kind: "notices";
  readonly key: string;
  readonly rows: readonly NoticeRow[];
}

export interface HoleItem {
  readonly kind: "hole";
  readonly key: string;
  readonly row: HoleRow;
}

export interface NewItem {
  readonly kind: "new";
  readonly key: string;
}

export type Item = MessageItem | NoticesItem | HoleItem | NewItem;

export interface Day {
  readonly key: string;
  readonly at: number;
  readonly items: readonly Item[];
}

export class Arranger {
  #items = new Map<string, Item>();
  #days = new Map<string, Day>();

  arrange(rows: readonly Row[], newFrom: Seq | null): readonly Day[] {
    const drafts = split(rows, newFrom);
    const items = new Map<string, Item>();
    const days = new Map<string, Day>();
    for (const draft of drafts) {
      const settled = draft.items.map((item) => this.#settle(item));
      for (const item of settled) items.set(item.key, item);
      const known = this.#days.get(draft.key);
      const same = known !== undefined && known.items.length === settled.length && known.items.every((item, index) => item === settled[index]);
      days.set(draft.key, same ? known : { key: draft.key, at: draft.at, items: settled });
    }
    this.#items = items;
    this.#days = days;
    return [...days.values()];
  }

  #settle(item: Item): Item {
    const known = this.#items.get(item.key);
    if (known === undefined || known.kind !== item.kind) return item;
    switch (item.kind) {
      case "message": {
        const before = known as MessageItem;
        const head = item.head || before.head;
        return before.row === item.row && before.head === head ? before : { ...item, head };
      }
      case "notices": {
        const before = known as NoticesItem;
        const same = before.rows.length === item.rows.length && before.rows.every((row, index) => row === item.rows[index]);
        return same ? before : item;
      }
      case "hole":
        return (known as HoleItem).row === item.row ? known : item;
      case "new":
        return known;
    }
  }
}

interface DraftDay {
  readonly key: string;
  readonly at: number;
  readonly items: Item[];
}

function split(rows: readonly Row[], newFrom: Seq | null): readonly DraftDay[] {
  const days: DraftDay[] = [];
  const times = new Map<string, number>();
  let newIsDue = newFrom !== null;
  let before: MessageRow | PendingRow | undefined;
  for (const row of rows) {
    const at = "at" in row ? row.at : days.at(-1)?.at;
    let day = days.at(-1);
    if (day === undefined || (at !== undefined && dayKey(at) !== dayKey(day.at))) {
      day = { key: unusedKey(at, times), at: at ?? 0, items: [] };
      days.push(day);
      before = undefined;
    }
    if (newIsDue && newFrom !== null && reaches(row, newFrom)) {
      newIsDue = false;
      // The first row may come after the first new message, which then stands above all that is here.
      if (row.kind !== "message" || row.seq === newFrom || row !== rows[0]) day.items.push({ kind: "new", key: "new" });
      before = undefined;
    }
    add(day.items, row, before);
    before = row.kind === "message" || row.kind === "pending" ? row : undefined;
  }
  return days;
}

/** Clocks go back, so a day may come twice. */
function unusedKey(at: number | undefined, times: Map<string, number>): string {
  const key = at === undefined ? "unknown" : dayKey(at);
  const time = times.get(key) ?? 0;
  times.set(key, time + 1);
  return time === 0 ? key : `${key} ${time}`;
}

function reaches(row: Row, newFrom: Seq): boolean {
  return row.kind === "message" ? row.seq >= newFrom : row.kind === "hole" && row.to >= newFrom;
}

function add(items: Item[], row: Row, before: MessageRow | PendingRow | undefined): void {
  const last = items.at(-1);
  switch (row.kind) {
    case "message":
    case "pending":
      items.push({ kind: "message", key: row.key, row, head: before === undefined || !continues(row, before) });
      return;
    case "hole":
      items.push({ kind: "hole", key: row.key, row });
      return;
    case "notice":
      if (last?.kind === "notices" && isPassing(row) && last.rows.every(isPassing)) {
        items[items.length - 1] = { ...last, rows: [...last.rows, row] };
      } else {
        items.push({ kind: "notices", key: row.key, rows: [row] });
      }
  }
}

/** Coming and going is condensed; what changes the room stands alone. */
function isPassing(row: NoticeRow): boolean {
  switch (row.notice.what) {
    case "joined":
    case "left":
      return true;
    case "created":
    case "renamed":
    case "topic":
    case "removed":
      return false;
  }
}

function continues(row: MessageRow | PendingRow, before: MessageRow | PendingRow): boolean {
  const author = authorOf(row);
  return author !== "" && author === authorOf(before) && Math.abs(row.at - before.at) < GROUP_MS_MAX;
}

/** Empty for those who cannot be told apart. A changed name starts a group, so that it is seen. */
function authorOf(row: MessageRow | PendingRow): string {
  if (row.kind === "pending" || row.own) return "own";
  const key = personKey(row.from);
  return key === "" ? "" : `${key} ${row.from.name ?? ""}`;
}

/** Of the newest message that the server has. */
export function lastSeq(rows: readonly Row[]): Seq | undefined {
  const last = rows.findLast((row) => row.kind === "message");
  return last?.seq;
}
