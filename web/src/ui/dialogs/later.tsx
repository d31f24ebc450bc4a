// Loads dialogs, the list of people and explanations after the page, because nobody needs them in the first second.
// They are loaded when they are shown, or when the page is idle.

import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { refusal } from "../../texts/refusals.ts";
import { text } from "../../texts/texts.ts";
import { type Ui, useUi } from "../state/ui.ts";

const IDLE_MS = 1500;

type Part = "Dialogs" | "People" | "Elsewhere" | "DeadLink";

const parts = signal<Readonly<Record<Part, ComponentType>> | null>(null);
let loading: Promise<void> | undefined;

export function LaterDialogs() {
  const ui = useUi();
  const Dialogs = parts.value?.Dialogs;
  if (ui.dialog.value === null) return null;
  if (Dialogs !== undefined) return <Dialogs />;
  void load().catch(() => excuse(ui));
  return null;
}

/** Its place is empty until it is there. */
export function Later({ part }: { readonly part: Exclude<Part, "Dialogs"> }) {
  const Shown = parts.value?.[part];
  if (Shown !== undefined) return <Shown />;
  void load().catch(() => undefined);
  return part === "People" ? <aside class="people" /> : <footer class="foot" />;
}

export function loadDialogsSoon(): void {
  setTimeout(() => void load().catch(() => undefined), IDLE_MS);
}

async function load(): Promise<void> {
  loading ??= import("./dialogs.tsx").then((loaded) => {
    parts.value = loaded;
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
