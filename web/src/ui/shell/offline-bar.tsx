// The bar that shows the state of the connection: only when it has been gone for a while, or the server has had no room for
// messages, and when it is back. It also
// counts unsent texts that have no place in a conversation any more, and tells the owner what the server lacks. Its words come later than the page: `trouble.tsx`.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { laterPart } from "../dialogs/later.tsx";
import { useUi } from "../state/ui.ts";
import type { Shown } from "./trouble.tsx";

const PATIENCE_MS = 2000;
const RELIEF_MS = 2000;

export function OfflineBar() {
  const { chat, dismissed } = useUi();
  const hasStrays = chat.strays.value.length > 0 || !["", dismissed.value].includes(chat.untrusted.value);
  const { state, reason } = chat.connection.value;
  const shown = useShown(state === "online" && reason === undefined);
  const Trouble = hasStrays || shown !== "nothing" ? laterPart("Trouble") : undefined;
  return (
    <div class={`offline-bar ${hasStrays ? "trouble" : shown}`} role="status">
      {Trouble !== undefined && <Trouble shown={shown} />}
    </div>
  );
}

function useShown(well: boolean): Shown {
  const shown = useSignal<Shown>("nothing");
  useEffect(() => {
    const now = shown.peek();
    if (well && now === "nothing") return undefined;
    if (well) shown.value = "relief";
    const next: Shown = well ? "nothing" : "trouble";
    const timer = setTimeout(() => (shown.value = next), well ? RELIEF_MS : PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [well]);
  // The trouble is over in the moment in which the connection is there.
  return well && shown.value === "trouble" ? "relief" : shown.value;
}
