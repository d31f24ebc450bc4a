// Announces new messages of others to screen readers while the timeline is at its live end.

import { effect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { RoomView, Row, Seq } from "../../core/facade.ts";
import { personName } from "../parts/names.ts";
import { Announcer } from "../state/announcer.ts";
import { useUi } from "../state/ui.ts";
import { lastSeq } from "./arrange.ts";

interface Properties {
  readonly view: RoomView;
  /** The newest message that was there when the room was opened. */
  readonly opened: Seq | undefined;
}

export function Announcements({ view, opened }: Properties): null {
  const ui = useUi();
  useEffect(() => {
    const announcer = new Announcer(
      (spoken) => ui.speak(spoken),
      (callback, ms) => setTimeout(callback, ms),
    );
    let newest = opened;
    return effect(() => {
      const rows = view.rows.value;
      if (!view.last.value) return;
      const last = lastSeq(rows);
      // What was there when the room was opened is read by moving in it.
      if (newest !== undefined) announceAfter(announcer, rows, newest);
      if (last !== undefined || newest !== undefined) newest = Math.max(last ?? 0, newest ?? 0);
    });
  }, [ui, view]);
  return null;
}

function announceAfter(announcer: Announcer, rows: readonly Row[], newest: number): void {
  for (let index = rows.length - 1; index >= 0; index -= 1) {
    const row = rows[index];
    if (row?.kind !== "message") continue;
    if (row.seq <= newest) return;
    if (!row.own && !row.deleted) announcer.message({ name: personName(row.from), text: row.text });
  }
}
