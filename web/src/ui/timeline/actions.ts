// What the actions on a row do, and who may use them. Loaded after the page.

import type { MessageRow, RoomView, Row } from "../../core/facade.ts";
import { text } from "../../texts/texts.ts";
import { copy } from "../parts/clipboard.ts";
import { roomHash } from "../state/route.ts";
import type { Ui } from "../state/ui.ts";

export type Action = "edit" | "delete" | "copy" | "message";

export interface Allowed {
  readonly edit: boolean;
  readonly delete: boolean;
  readonly message: boolean;
}

export function allowedOn(ui: Ui, row: MessageRow): Allowed {
  const room = ui.room.value;
  const me = ui.chat.me.value;
  const joined = room?.joined === true;
  const rules = me.owner || (room?.host !== undefined && room.host === me.user);
  return {
    edit: joined && row.own && !row.deleted,
    delete: joined && !row.deleted && (row.own || rules),
    message: !row.own && row.from.user !== undefined && room?.kind !== "direct",
  };
}

export function act(ui: Ui, view: RoomView, action: Action, row: MessageRow): void {
  const allowed = allowedOn(ui, row);
  if (action === "edit" && allowed.edit) edit(ui, row, view);
  if (action === "delete" && allowed.delete) ui.dialog.value = { kind: "delete", seq: row.seq };
  if (action === "copy") void copyLink(ui, row, view);
  if (action === "message") void ui.message(row.from);
}

/** A button in the row itself, by its name. */
export function actOnButton(ui: Ui, view: RoomView, button: string, row: Row): void {
  if (row.kind === "message" && button === "edit-draft") edit(ui, row, view);
  else if (row.kind === "message" && button === "discard-draft") ui.chat.setDraft({ room: view.room, seq: row.seq }, null);
  else void actOnRefused(ui, button, row);
}

function edit(ui: Ui, row: MessageRow, view: RoomView): void {
  ui.editing.value = { room: view.room, seq: row.seq, text: row.text };
}

async function copyLink(ui: Ui, row: MessageRow, view: RoomView): Promise<void> {
  const link = `${location.origin}${location.pathname}${roomHash(view.room, row.seq)}`;
  if (await copy(link)) ui.tell(text("copied"));
}

/** Something that was refused is sent again, taken back for another try, or forgotten. */
async function actOnRefused(ui: Ui, button: string, row: Row): Promise<void> {
  const n = refusedNumber(row);
  if (n === undefined) return;
  if (button === "retry") return ui.chat.retry(n);
  if (button === "discard") return void (await ui.chat.discard(n));
  if (button !== "edit-refused") return;
  const place = await ui.chat.takeBack(n);
  if (place === null || place.room !== ui.route.peek().room) return;
  if (row.kind === "message" && place.seq === row.seq) ui.editing.value = { ...place, seq: row.seq, text: row.text };
  ui.focusComposer();
}

function refusedNumber(row: Row): number | undefined {
  if (row.kind === "pending") return row.n;
  return row.kind === "message" && typeof row.change === "object" ? row.change.n : undefined;
}
