// A dialog's request to the server: whether it is under way, and what went wrong, in words.

import { type Signal, useSignal } from "@preact/signals";
import type { Result } from "../../core/facade.ts";
import { refusal } from "../../texts/refusals.ts";
import { text } from "../../texts/texts.ts";

const PATIENCE_MS = 4_000;

export interface Task {
  readonly busy: Signal<boolean>;
  readonly complaint: Signal<string | null>;
  /** Runs it; the result if it went well. */
  readonly run: <T>(question: () => Promise<Result<T>>) => Promise<({ readonly ok: true } & T) | undefined>;
}

export function useTask(): Task {
  const busy = useSignal(false);
  const complaint = useSignal<string | null>(null);
  const run = async <T>(question: () => Promise<Result<T>>) => {
    busy.value = true;
    complaint.value = null;
    // What is kept is done some day; nobody has to wait for that before a dialog.
    const patience = setTimeout(() => (complaint.value = text("taskWaiting")), PATIENCE_MS);
    const result = await question().catch(() => ({ ok: false, code: "offline" }) as const);
    clearTimeout(patience);
    busy.value = false;
    complaint.value = null;
    if (result.ok) return result;
    complaint.value = refusal(result.code);
    return undefined;
  };
  return { busy, complaint, run };
}
