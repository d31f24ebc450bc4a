// The toolbar of a message. There is only one: it moves to the row under the pointer or with the focus.

import { createPortal } from "preact";
import type { MessageRow, RoomView } from "../../core/facade.ts";
import { text } from "../../texts/texts.ts";
import type { IconName } from "../parts/icon.tsx";
import { LaterIcon, type LaterIconName } from "../parts/later-icon.tsx";
import { personName } from "../parts/names.ts";
import { useUi } from "../state/ui.ts";
import { type Action, act, allowedOn } from "./actions.ts";

interface Properties {
  readonly row: MessageRow;
  readonly slot: Element;
  readonly view: RoomView;
}

export function Toolbar({ row, slot, view }: Properties) {
  const ui = useUi();
  const allowed = allowedOn(ui, row);
  const button = (action: Action, icon: IconName | LaterIconName, label: string) => (
    <button type="button" class="quiet square" data-tool={action} aria-label={label} title={label} onClick={() => act(ui, view, action, row)}>
      <LaterIcon name={icon} />
    </button>
  );
  const content = (
    <div class="toolbar" role="toolbar" aria-label={text("messageActions")}>
      {allowed.edit && button("edit", "edit", text("edit"))}
      {button("copy", "link", text("copyLink"))}
      {allowed.message && button("message", "message", text("messagePerson", { name: personName(row.from) }))}
      {allowed.delete && button("delete", "trash", text("delete"))}
    </div>
  );
  return createPortal(content, slot);
}
