// How others can join a room: a member adds them, if it is private, or they follow a link.

import type { RoomKind } from "../../core/facade.ts";
import { text } from "../../texts/texts.ts";
import { Icon } from "../parts/icon.tsx";
import { useUi } from "../state/ui.ts";

export function WaysIn({ kind }: { readonly kind: RoomKind }) {
  const ui = useUi();
  if (kind === "direct") return null;
  return (
    <div class="ways-in">
      {kind === "private" && (
        <button type="button" class="soft" onClick={() => (ui.dialog.value = { kind: "add" })}>
          <Icon name="plus" />
          {text("addPeople")}
        </button>
      )}
      <button type="button" class="soft" onClick={() => (ui.dialog.value = { kind: "invite" })}>
        <Icon name="link" />
        {text("inviteHere")}
      </button>
    </div>
  );
}
