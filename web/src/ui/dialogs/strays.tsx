// Unsent texts that lost their place: to be copied, then discarded.

import { useEffect } from "preact/hooks";
import type { Stray } from "../../core/facade.ts";
import { text } from "../../texts/texts.ts";
import { copy } from "../parts/clipboard.ts";
import { Modal } from "../parts/modal.tsx";
import { roomName, unknownRoomName } from "../parts/names.ts";
import { rich } from "../parts/rich.ts";
import { type Ui, useUi } from "../state/ui.ts";

const ROWS = 3;

export function StraysDialog() {
  const ui = useUi();
  const strays = ui.chat.strays.value;
  const isEmpty = strays.length === 0;
  useEffect(() => {
    if (isEmpty) ui.dialog.value = null;
  }, [isEmpty]);
  return (
    <Modal title={text("straysTitle")}>
      <p class="help">{text("straysHelp")}</p>
      {strays.map((stray) => (
        <StrayText stray={stray} key={stray.key} />
      ))}
    </Modal>
  );
}

function StrayText({ stray }: { readonly stray: Stray }) {
  const ui = useUi();
  const { room, aside } = stray.place;
  const label = aside === undefined ? "strayFor" : "strayAside";
  const known = ui.chat.rooms.value.find((one) => one.room === room) ?? ui.chat.lost.value.get(room);
  const place = known === undefined ? unknownRoomName(room) : roomName(known);
  const onCopy = async () => {
    if (await copy(stray.text)) ui.tell(text("copied"));
  };
  return (
    <div class="field stray">
      <span>{rich(label, { room: <bdi>{place}</bdi> })}</span>
      <textarea readOnly rows={ROWS} dir="auto" aria-label={text(label, { room: place })} value={stray.text} />
      <footer class="form-footer">
        <button type="button" class="soft" onClick={() => discard(ui, stray)}>
          {text("discard")}
        </button>
        <button type="button" class="primary" onClick={() => void onCopy()}>
          {text("copy")}
        </button>
      </footer>
    </div>
  );
}

function discard(ui: Ui, { n, place }: Stray): void {
  if (n === undefined) ui.chat.setDraft(place, null);
  else void ui.chat.discard(n);
}
