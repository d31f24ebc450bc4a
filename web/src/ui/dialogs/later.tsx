// Loads dialogs, the list of people, explanations, announcements and the actions on messages after the page, because
// nobody needs them in the first second. They are loaded when they are shown, or when the page is idle. Until they are there, the page
// tries again and again: what is loaded by then also works without a network.

import { signal } from "@preact/signals";
import { refusal } from "../../texts/refusals.ts";
import { text } from "../../texts/texts.ts";
import { type Ui, useUi } from "../state/ui.ts";

const IDLE_MS = 1500;

type Parts = typeof import("./dialogs.tsx");

const parts = signal<Parts | null>(null);
let loading: Promise<Parts> | undefined;

export function LaterDialogs() {
  const ui = useUi();
  const Dialogs = parts.value?.Dialogs;
  if (ui.dialog.value === null) return null;
  if (Dialogs !== undefined) return <Dialogs />;
  void load().catch(() => excuse(ui));
  return null;
}

/** Its place is empty until it is there. */
export function Later({ part }: { readonly part: "People" | "Elsewhere" | "DeadLink" }) {
  const Shown = laterPart(part);
  if (Shown !== undefined) return <Shown />;
  return part === "People" ? <aside class="people" /> : <footer class="foot" />;
}

/** For what is being rendered, which is rendered again when the part is there. */
export function laterPart<P extends keyof Parts>(part: P): Parts[P] | undefined {
  const shown = loadedPart(part);
  if (shown === undefined) void load().catch(() => undefined);
  return shown;
}

/** In the same turn if they are there. */
export function withLater(ui: Ui, use: (loaded: Parts) => void): void {
  const loaded = parts.peek();
  if (loaded !== null) use(loaded);
  else void load().then(use, () => excuse(ui));
}

/** For what nobody waits for. */
export function loadedPart<P extends keyof Parts>(part: P): Parts[P] | undefined {
  return parts.value?.[part];
}

export function loadSoon(): void {
  setTimeout(() => void load().catch(loadSoon), IDLE_MS);
}

async function load(): Promise<Parts> {
  loading ??= import("./dialogs.tsx");
  try {
    return (parts.value = await loading);
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
