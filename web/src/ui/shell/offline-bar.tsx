// The bar that shows the state of the connection: only when it has been gone for a while, and when it is back. It also
// counts unsent texts that have no place in a conversation any more.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Connection } from "../../core/facade.ts";
import { counted, text } from "../../texts/texts.ts";
import { Icon } from "../parts/icon.tsx";
import { useUi } from "../state/ui.ts";

const PATIENCE_MS = 2000;
const RELIEF_MS = 2000;

type Shown = "nothing" | "trouble" | "relief";

export function OfflineBar() {
  const ui = useUi();
  const connection = ui.chat.connection.value;
  const strays = ui.chat.strays.value.length;
  const shown = useShown(connection.state);
  return (
    <div class={`offline-bar ${strays > 0 ? "trouble" : shown}`} role="status">
      {shown === "trouble" && (
        <>
          <Icon name="alert" />
          <span>{trouble(connection)}</span>
          {connection.state === "unknown" && (
            <button type="button" class="link" onClick={() => (ui.dialog.value = { kind: "unknown" })}>
              {text("unknownChoose")}
            </button>
          )}
          {connection.state === "stopped" && (
            <button type="button" class="link" onClick={() => location.reload()}>
              {text("reload")}
            </button>
          )}
        </>
      )}
      {shown === "relief" && (
        <>
          <Icon name="check" />
          <span>{text("backOnline")}</span>
        </>
      )}
      {strays > 0 && (
        <>
          <span>{counted("strays", strays)}</span>
          <button type="button" class="link" onClick={() => (ui.dialog.value = { kind: "strays" })}>
            {text("straysShow")}
          </button>
        </>
      )}
    </div>
  );
}

function useShown(state: Connection["state"]): Shown {
  const shown = useSignal<Shown>("nothing");
  const well = state === "online";
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

function trouble({ state, waiting, reason = "" }: Connection): string {
  switch (state) {
    case "online":
    case "connecting":
      return waiting === 0 ? text("reconnecting") : counted("offlineWaiting", waiting);
    case "offline":
      if (waiting > 0) return counted("offlineWaiting", waiting);
      // Nothing keeps this page for the time until the network is back.
      return isSecureContext ? text("offline") : `${text("offline")}. ${text("offlineNeedsHttps")}`;
    case "unavailable":
      return waiting === 0 ? text("unavailable") : counted("unavailableWaiting", waiting);
    case "refused":
      return text("refusedByServer", { reason });
    case "unknown":
      return text("unknownServer");
    case "stopped":
      return text("stopped");
  }
}
