// The two buttons over the timeline: to the newest message, and back to the first new message that was skipped.

import type { ReadonlySignal } from "@preact/signals";
import type { Seq } from "../../core/facade.ts";
import { counted, text } from "../../texts/texts.ts";
import { Icon } from "../parts/icon.tsx";
import { useUi } from "../state/ui.ts";

interface Properties {
  readonly atEnd: ReadonlySignal<boolean>;
  readonly skipped: ReadonlySignal<Seq | null>;
  readonly toLatest: () => void;
  readonly toMessage: (seq: Seq) => void;
}

export function Pills({ atEnd, skipped, toLatest, toMessage }: Properties) {
  const { count, capped } = useUi().unread.value;
  const first = skipped.value;
  return (
    <>
      {first !== null && (
        <button type="button" class="pill above" onClick={() => toMessage(first)}>
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
