// The two pills over the timeline: to the newest message, and to the first one that is new.

import type { ReadonlySignal } from "@preact/signals";
import type { RoomView, Row, Seq } from "../../core/facade.ts";
import { counted, text } from "../../texts/texts.ts";
import { Icon } from "../parts/icon.tsx";
import { useUi } from "../state/ui.ts";

interface Properties {
  readonly view: RoomView;
  readonly atEnd: ReadonlySignal<boolean>;
  readonly toLatest: () => void;
  readonly toMessage: (seq: Seq) => void;
}

export function Pills({ view, atEnd, toLatest, toMessage }: Properties) {
  const { count, capped } = useUi().unread.value;
  const newFrom = view.newFrom.value;
  const isAbove = newFrom !== null && newFrom < (firstSeq(view.rows.value) ?? 0);
  return (
    <>
      {isAbove && (
        <button type="button" class="pill above" onClick={() => toMessage(newFrom)}>
          <Icon name="up" />
          {text("firstNew")}
        </button>
      )}
      {!atEnd.value && (
        <button type="button" class="pill below" onClick={toLatest}>
          <Icon name="down" />
          {latest(count, capped)}
        </button>
      )}
    </>
  );
}

function latest(unread: number, capped: boolean): string {
  if (unread === 0) return text("latest");
  return capped ? text("latestCapped", { count: unread }) : counted("latestNew", unread);
}

function firstSeq(rows: readonly Row[]): Seq | undefined {
  for (const row of rows) {
    if (row.kind === "message") return row.seq;
    if (row.kind === "hole") return row.from;
  }
  return undefined;
}
