// What stands below the messages: the question for a name, the message field, or why there is none.

import { useComputed } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import type { LostRoom } from "../../core/facade.ts";
import { text } from "../../texts/texts.ts";
import { useKeptFocus } from "../parts/kept-focus.ts";
import { roomName, LOBBY, personName } from "../parts/names.ts";
import { rich } from "../parts/rich.ts";
import { roomHash } from "../state/route.ts";
import { useUi } from "../state/ui.ts";
import { Typing } from "../timeline/typing.tsx";
import { Composer } from "./composer.tsx";
import { NameCard } from "./name-card.tsx";

export function Foot() {
  const ui = useUi();
  const room = ui.room.value;
  const askName = useComputed(() => ui.invite.value !== null || (ui.chat.me.value.name === null && !ui.nameAsked.value));
  // The field of another room is another field.
  const foot = useRef<HTMLElement>(null);
  useKeptFocus(foot);
  if (askName.value) return <NameCard />;
  const here = ui.route.value.room;
  const lost = ui.chat.lost.value.get(here);
  if (room === undefined) {
    if (lost !== undefined) return <Nowhere>{farewell(lost)}</Nowhere>;
    if (ui.missing.value === here) return <Nowhere>{text("noSuchRoom")}</Nowhere>;
    return here === LOBBY ? <footer class="foot" /> : <Nowhere>{text("roomAway")}</Nowhere>;
  }
  if (!room.joined) {
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
  return (
    <footer class="foot" ref={foot}>
      <Typing />
      <Composer room={room} key={room.room} />
    </footer>
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
