// What stands below the messages: the question for a name, the message field, or why there is none.

import { useComputed } from "@preact/signals";
import { useRef } from "preact/hooks";
import { text } from "../../texts/texts.ts";
import { useKeptFocus } from "../parts/kept-focus.ts";
import { roomName, LOBBY } from "../parts/names.ts";
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
  if (room === undefined) return ui.missing.value === ui.route.value.room ? <Nowhere /> : <footer class="foot" />;
  if (!room.joined) {
    const join = async () => {
      const result = await ui.chat.join(room.room);
      if (result.ok) ui.focusComposer();
      else ui.tellRefusal(result.code);
    };
    return (
      <div class="card join-card">
        <p>{rich("joinToWrite", { room: <bdi>{roomName(room)}</bdi> })}</p>
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

function Nowhere() {
  return (
    <div class="card join-card">
      <p>{text("noSuchRoom")}</p>
      <a class="primary" href={roomHash(LOBBY)}>
        {text("toLobby")}
      </a>
    </div>
  );
}
