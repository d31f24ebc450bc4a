// Dialogs come after the page: nobody opens one in the first second. They are fetched when the page has nothing to do,
// or when the first one is asked for.

import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { refusal } from "../../texts/refusals.ts";
import { text } from "../../texts/texts.ts";
import { type Ui, useUi } from "../state/ui.ts";

const IDLE_MS = 1500;

const dialogs = signal<ComponentType | null>(null);
let loading: Promise<void> | undefined;

export function LaterDialogs() {
  const ui = useUi();
  const Dialogs = dialogs.value;
  if (ui.dialog.value === null) return null;
  if (Dialogs !== null) return <Dialogs />;
  void load().catch(() => excuse(ui));
  return null;
}

export function loadDialogsSoon(): void {
  setTimeout(() => void load().catch(() => undefined), IDLE_MS);
}

async function load(): Promise<void> {
  loading ??= import("./dialogs.tsx").then(({ Dialogs }) => {
    dialogs.value = Dialogs;
  });
  try {
    await loading;
  } catch (err) {
    // The next one tries again.
    loading = undefined;
    throw err;
  }
}

function excuse(ui: Ui): void {
  ui.dialog.value = null;
  ui.tell(text("failed", { reason: refusal("offline") }));
}
