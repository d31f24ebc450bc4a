// Messages that exist and are not on this device. They are fetched when they come near, again when the connection is
// back, and by a button.

import { useComputed } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { HoleRow, RoomView } from "../../core/facade.ts";
import { counted, text } from "../../texts/texts.ts";
import { useUi } from "../state/ui.ts";
import { whenNear } from "./near.ts";

export function HoleView({ row, view }: { readonly row: HoleRow; readonly view: RoomView }) {
  const { chat } = useUi();
  const element = useRef<HTMLDivElement>(null);
  const online = useComputed(() => chat.connection.value.state === "online").value;
  const latest = useRef(row);
  latest.current = row;
  const fill = () => {
    if (!latest.current.loading) void view.fill(latest.current).catch(() => undefined);
  };
  useEffect(() => {
    if (!online || element.current === null) return undefined;
    return whenNear(element.current, fill);
  }, [online, row.from, row.to]);
  return (
    <div class="row hole" data-key={row.key} ref={element} tabIndex={-1} role="group">
      <span>{row.loading ? text("holeLoading") : counted("hole", row.to - row.from + 1)}</span>
      {!row.loading && (
        <button type="button" class="link" onClick={fill}>
          {text("holeFill")}
        </button>
      )}
    </div>
  );
}
