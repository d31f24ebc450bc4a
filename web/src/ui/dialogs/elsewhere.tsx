// What is below a conversation of which you are not a member: a way to join, or the reason why there is none.

import type { ComponentChildren } from "preact";
import type { LostRoom } from "../../core/facade.ts";
import { text } from "../../texts/texts.ts";
import { LOBBY, personName, roomName } from "../parts/names.ts";
import { rich } from "../parts/rich.ts";
import { roomHash } from "../state/route.ts";
import { useUi } from "../state/ui.ts";

export function Elsewhere() {
  const ui = useUi();
  const room = ui.room.value;
  const here = ui.route.value.room;
  const lost = ui.chat.lost.value.get(here);
  if (room === undefined) {
    if (lost !== undefined) return <Nowhere>{farewell(lost)}</Nowhere>;
    if (ui.missing.value === here) return <Nowhere>{text("noSuchRoom")}</Nowhere>;
    return <Nowhere>{text("roomAway")}</Nowhere>;
  }
  // A removed person returns only when somebody adds them.
  if (lost?.by !== undefined) return <Nowhere>{farewell(lost)}</Nowhere>;
  const join = async () => {
    const result = await ui.chat.join(room.room);
    if (result.ok) ui.focusComposer();
    else ui.tellRefusal(result.code);
  };
  return (
    <div class="card join-card">
      <p>{lost === undefined ? rich("joinToWrite", { room: <bdi>{roomName(room)}</bdi> }) : farewell(lost)}</p>
      <button type="button" class="primary" onClick={() => void join()}>
        {text("join")}
      </button>
    </div>
  );
}

/** Why there is nothing here, and the way out. What is only on its way has come before the eye sees this. */
function Nowhere({ children }: { readonly children: ComponentChildren }) {
  return (
    <div class="card join-card nowhere">
      <p>{children}</p>
      <a class="primary" href={roomHash(LOBBY)}>
        {text("toLobby")}
      </a>
    </div>
  );
}

function farewell(lost: LostRoom) {
  const room = <bdi>{roomName(lost)}</bdi>;
  return lost.by === undefined ? rich("noLongerIn", { room }) : rich("removedFrom", { room, from: <bdi>{personName(lost.by)}</bdi> });
}
