// What the bar above the messages says when it has something to say: see `offline-bar.tsx`.

import { useRef } from "preact/hooks";
import type { Connection } from "../../core/facade.ts";
import { counted, text } from "../../texts/texts.ts";
import { Icon } from "../parts/icon.tsx";
import { remember } from "../state/preferences.ts";
import { useUi } from "../state/ui.ts";

export type Shown = "nothing" | "trouble" | "relief";

export function Trouble({ shown }: { readonly shown: Shown }) {
  const ui = useUi();
  const connection = ui.chat.connection.value;
  const strays = ui.chat.strays.value.length;
  const peer = ui.chat.untrusted.value;
  const wasFull = useRef(false);
  if (shown === "trouble") wasFull.current = isFull(connection);
  return (
    <>
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
          <span>{text(wasFull.current ? "storingAgain" : "backOnline")}</span>
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
      {peer !== "" && peer !== ui.dismissed.value && (
        <>
          <Icon name="alert" />
          <span>{text("untrustedProxy", { peer })}</span>
          <button type="button" class="link" onClick={() => remember("dismissed", (ui.dismissed.value = peer))}>
            {text("close")}
          </button>
        </>
      )}
    </>
  );
}

const isFull = ({ state, reason }: Connection): boolean => state === "online" && reason === "full";

function trouble(connection: Connection): string {
  const { state, waiting, reason = "" } = connection;
  if (isFull(connection)) return counted("fullWaiting", waiting);
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
      return text(reason === "signed_out" ? "signedOut" : "unknownServer");
    case "stopped":
      return text("stopped");
  }
}
