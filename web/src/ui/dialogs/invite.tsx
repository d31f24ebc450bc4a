// The invite link of a room. For the lobby, the address of the server is enough.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { text } from "../../texts/texts.ts";
import { Copyable } from "../parts/copyable.tsx";
import { Modal } from "../parts/modal.tsx";
import { LOBBY } from "../parts/names.ts";
import { type RoomFacts, useUi } from "../state/ui.ts";
import { LoopbackWarning } from "./parts.tsx";
import { useTask } from "./task.ts";

export function InviteDialog({ room }: { readonly room: RoomFacts }) {
  const ui = useUi();
  const task = useTask();
  const here = `${location.origin}${location.pathname}`;
  const link = useSignal<string | null>(room.room === LOBBY ? here : null);
  useEffect(() => {
    if (room.room === LOBBY) return;
    void task.run(() => ui.chat.invite(room.room)).then((answer) => {
      if (answer !== undefined) link.value = `${here}#invite=${encodeURIComponent(answer.code)}`;
    });
  }, [room.room]);
  return (
    <Modal title={text("inviteHere")}>
      <LoopbackWarning />
      <p>{text(room.room === LOBBY ? "inviteLobbyHelp" : "inviteHelp")}</p>
      {link.value !== null && <Copyable label={text("inviteLink")} value={link.value} />}
      <p class="complaint" role="alert">
        {task.complaint.value}
      </p>
    </Modal>
  );
}
