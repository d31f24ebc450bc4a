// The keys that work wherever the focus is.

import { useEffect } from "preact/hooks";
import { readAll } from "../composer/composer.tsx";
import { neighbour } from "../rooms/order.ts";
import { pageCommand } from "../state/keys.ts";
import type { Ui } from "../state/ui.ts";

export function usePageKeys(ui: Ui): void {
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (!event.defaultPrevented && act(ui, event)) event.preventDefault();
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, [ui]);
}

function act(ui: Ui, event: KeyboardEvent): boolean {
  const command = pageCommand(event);
  if (command === undefined) return typeElsewhere(ui, event);
  switch (command) {
    case "switch":
      ui.dialog.value = ui.dialog.peek()?.kind === "switcher" ? null : { kind: "switcher" };
      return true;
    case "help":
      ui.dialog.value = { kind: "help" };
      return true;
    case "previousRoom":
      return walk(ui, -1, "any");
    case "nextRoom":
      return walk(ui, 1, "any");
    case "previousUnread":
      return walk(ui, -1, "unread");
    case "nextUnread":
      return walk(ui, 1, "unread");
    case "markRead":
      readAll(ui);
      return true;
  }
}

function walk(ui: Ui, step: 1 | -1, which: "any" | "unread"): boolean {
  const next = neighbour(ui.ordered.peek(), ui.route.peek().room, step, which);
  if (next !== undefined) ui.openRoom(next.room);
  return true;
}

/** Who types while nothing is focused means the message field. The key itself still arrives there. */
function typeElsewhere(ui: Ui, event: KeyboardEvent): false {
  const nothingFocused = document.activeElement === document.body;
  const printable = event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (nothingFocused && printable && ui.dialog.peek() === null) document.getElementById("message-field")?.focus();
  return false;
}
