// The clicks and keys on rows. What they do to messages is in `actions.ts`, which comes later than the page.

import type { RoomView, Row } from "../../core/facade.ts";
import { withLater } from "../dialogs/later.tsx";
import { rowCommand } from "../state/keys.ts";
import type { Ui } from "../state/ui.ts";
import type { Stage } from "./stage.ts";

export function rowEvents(ui: Ui, view: RoomView) {
  return {
    onClick(event: Event) {
      const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-action]") : null;
      const row = button === null ? undefined : rowAt(button, view.rows.peek());
      if (button === null || row === undefined) return;
      withLater(ui, ({ actOnButton }) => actOnButton(ui, view, button.dataset["action"] ?? "", row));
    },
    onKeyDown(event: KeyboardEvent, stage: Stage) {
      if (rowCommand(event) === "escape") return ui.focusComposer();
      // Buttons and links within a row keep their keys.
      if (!(event.target instanceof HTMLElement) || !event.target.classList.contains("row")) return;
      if (onRowKey(ui, event, stage, view)) event.preventDefault();
    },
  };
}

function onRowKey(ui: Ui, event: KeyboardEvent, stage: Stage, view: RoomView): boolean {
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
      if (row?.kind !== "message") return false;
      withLater(ui, ({ act }) => act(ui, view, command, row));
      return true;
  }
}

function rowAt(element: Element, rows: readonly Row[]): Row | undefined {
  const key = element.closest<HTMLElement>(".row")?.dataset["key"];
  return rows.find((row) => row.key === key);
}
