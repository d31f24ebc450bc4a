// The row under the pointer or with the focus: it has the toolbar.

import type { Signal } from "@preact/signals";
import type { MessageRow, RoomView, Row } from "../../core/facade.ts";
import { laterPart } from "../dialogs/later.tsx";
import type { Rover } from "./rover.ts";

/** Listeners on the log; hundreds of rows have none of their own. */
export function activeRow(active: Signal<HTMLElement | null>, rover: () => Rover | undefined) {
  // The hand or the keys: whichever moved last.
  let focused: HTMLElement | null = null;
  return {
    onPointerOver(event: PointerEvent) {
      if (event.pointerType !== "mouse") return;
      active.value = rowOf(event.target) ?? focused;
    },
    onPointerLeave() {
      active.value = focused;
    },
    onFocusIn(event: FocusEvent) {
      focused = rowOf(event.target);
      if (focused !== null) rover()?.focused(focused);
      active.value = focused;
    },
    onFocusOut(event: FocusEvent) {
      focused = rowOf(event.relatedTarget);
      if (focused === null) active.value = null;
    },
  };
}

function rowOf(target: EventTarget | null): HTMLElement | null {
  return target instanceof Element ? target.closest<HTMLElement>(".row") : null;
}

interface Properties {
  readonly view: RoomView;
  readonly active: Signal<HTMLElement | null>;
}

export function ActiveToolbar({ view, active }: Properties) {
  const element = active.value;
  const row = messageOf(element, view.rows.value);
  const slot = element?.querySelector(".slot");
  if (row === undefined || slot === null || slot === undefined || element?.isConnected !== true) return null;
  const Toolbar = laterPart("Toolbar");
  return Toolbar !== undefined && <Toolbar row={row} slot={slot} view={view} key={row.key} />;
}

export function messageOf(element: HTMLElement | null, rows: readonly Row[]): MessageRow | undefined {
  const key = element?.dataset["key"];
  const row = key === undefined ? undefined : rows.find((candidate) => candidate.key === key);
  return row?.kind === "message" ? row : undefined;
}
