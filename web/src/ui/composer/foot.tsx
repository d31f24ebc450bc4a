// What is below the messages: the question for a name, the message field, or the reason why there is none
// (`elsewhere.tsx`).

import { useComputed } from "@preact/signals";
import { useRef } from "preact/hooks";
import { useKeptFocus } from "../parts/kept-focus.ts";
import { LOBBY } from "../parts/names.ts";
import { useUi } from "../state/ui.ts";
import { Later } from "../dialogs/later.tsx";
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
  // The lobby is always there: only its facts are still to come.
  if (room === undefined && ui.route.value.room === LOBBY) return <footer class="foot" />;
  if (room?.joined !== true) return <Later part="Elsewhere" />;
  return (
    <footer class="foot" ref={foot}>
      <Typing />
      <Composer room={room} key={room.room} />
    </footer>
  );
}
