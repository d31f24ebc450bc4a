// The actions on a message: who may use them, and by which key or button.

import type { MessageRow, RoomView, Row } from "../../core/facade.ts";
import { text } from "../../texts/texts.ts";
import { copy } from "../parts/clipboard.ts";
import { rowCommand } from "../state/keys.ts";
import { roomHash } from "../state/route.ts";
import type { Ui } from "../state/ui.ts";
import type { Stage } from "./stage.ts";
import type { Action, Allowed } from "./toolbar.tsx";

export type { Action };

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

export function actions(ui: Ui, view: RoomView) {
  const act = (action: Action, row: MessageRow) => {
    const allowed = allowedOn(ui, row);
    if (action === "edit" && allowed.edit) edit(ui, row, view);
    if (action === "delete" && allowed.delete) ui.dialog.value = { kind: "delete", seq: row.seq };
    if (action === "copy") void copyLink(ui, row, view);
    if (action === "message") void ui.message(row.from);
  };
  return {
    act,
    onClick(event: Event) {
      const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-action]") : null;
      const row = button === null ? undefined : rowAt(button, view.rows.peek());
      if (button === null || row === undefined) return;
      const action = button.dataset["action"] ?? "";
      if (row.kind === "message" && action === "edit-draft") edit(ui, row, view);
      else if (row.kind === "message" && action === "discard-draft") ui.chat.setDraft({ room: view.room, seq: row.seq }, null);
      else void actOnRefused(ui, action, row);
    },
    onKeyDown(event: KeyboardEvent, stage: Stage) {
      if (rowCommand(event) === "escape") return ui.focusComposer();
      // Buttons and links within a row keep their keys.
      if (!(event.target instanceof HTMLElement) || !event.target.classList.contains("row")) return;
      if (onRowKey(ui, event, stage, view, act)) event.preventDefault();
    },
  };
}

function onRowKey(ui: Ui, event: KeyboardEvent, stage: Stage, view: RoomView, act: (action: Action, row: MessageRow) => void): boolean {
  const command = rowCommand(event);
  const row = event.target instanceof HTMLElement ? rowAt(event.target, view.rows.peek()) : undefined;
  switch (command) {
    case undefined:
      return false;
    case "previous":
      stage.rover.move(-1);
      return true;
    case "next":
      stage.rover.move(1);
      return true;
    case "first":
      stage.rover.focusAt(0);
      return true;
    case "last":
      void stage.toLatest().then(() => stage.rover.focusLast());
      return true;
    case "pageUp":
      stage.scroller.page(-1);
      return true;
    case "pageDown":
      stage.scroller.page(1);
      return true;
    case "escape":
      ui.focusComposer();
      return true;
    case "edit":
    case "delete":
    case "copy":
      if (row?.kind === "message") act(command, row);
      return row?.kind === "message";
  }
}

function edit(ui: Ui, row: MessageRow, view: RoomView): void {
  ui.editing.value = { room: view.room, seq: row.seq, text: row.text };
}

async function copyLink(ui: Ui, row: MessageRow, view: RoomView): Promise<void> {
  const link = `${location.origin}${location.pathname}${roomHash(view.room, row.seq)}`;
  if (await copy(link)) ui.tell(text("copied"));
}

/** Something that was refused is sent again, taken back for another try, or forgotten. */
async function actOnRefused(ui: Ui, action: string, row: Row): Promise<void> {
  const n = refusedNumber(row);
  if (n === undefined) return;
  if (action === "retry") return ui.chat.retry(n);
  if (action === "discard") return void (await ui.chat.discard(n));
  if (action !== "edit-refused") return;
  const place = await ui.chat.takeBack(n);
  if (place === null || place.room !== ui.route.peek().room) return;
  if (row.kind === "message" && place.seq === row.seq) ui.editing.value = { ...place, seq: row.seq, text: row.text };
  ui.focusComposer();
}

function refusedNumber(row: Row): number | undefined {
  if (row.kind === "pending") return row.n;
  return row.kind === "message" && typeof row.change === "object" ? row.change.n : undefined;
}

function rowAt(element: Element, rows: readonly Row[]): Row | undefined {
  const key = element.closest<HTMLElement>(".row")?.dataset["key"];
  return rows.find((row) => row.key === key);
}
