// Says why the message in the address is not here, and leads to the messages that are.

import { text } from "../../texts/texts.ts";
import { roomHash } from "../state/route.ts";
import { useUi } from "../state/ui.ts";

export function DeadLink() {
  const ui = useUi();
  const reason = ui.deadLink.value;
  if (reason === null) return null;
  return (
    <>
      <p>{text(reason === "missing" ? "linkMissing" : "linkAway")}</p>
      <a href={roomHash(ui.route.value.room)}>{text("toConversation")}</a>
    </>
  );
}
