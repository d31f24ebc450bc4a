// The toolbar of a message. There is only one: it moves to the row under the pointer or with the focus.

import { createPortal } from "preact";
import type { MessageRow } from "../../core/facade.ts";
import { text } from "../../texts/texts.ts";
import { Icon, type IconName } from "../parts/icon.tsx";
import { personName } from "../parts/names.ts";

export type Action = "edit" | "delete" | "copy" | "message";

export interface Allowed {
  readonly edit: boolean;
  readonly delete: boolean;
  readonly message: boolean;
}

interface Properties {
  readonly row: MessageRow;
  readonly slot: Element;
  readonly allowed: Allowed;
  readonly act: (action: Action, row: MessageRow) => void;
}

export function Toolbar({ row, slot, allowed, act }: Properties) {
  const button = (action: Action, icon: IconName, label: string) => (
    <button type="button" class="quiet square" data-tool={action} aria-label={label} title={label} onClick={() => act(action, row)}>
      <Icon name={icon} />
    </button>
  );
  const content = (
    <div class="toolbar" role="toolbar" aria-label={text("messageActions")}>
      {allowed.edit && button("edit", "edit", text("edit"))}
      {button("copy", "link", text("copyLink"))}
      {allowed.message && button("message", "message", text("messagePerson", { name: personName(row.from) }))}
      {allowed.delete && button("delete", "trash", text("remove"))}
    </div>
  );
  return createPortal(content, slot);
}
