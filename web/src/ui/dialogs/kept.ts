// What was typed into a dialog that was closed by accident: it is there when the dialog is opened again.
//
// Names and topics are kept as long as the page lives. `Cancel` and success forget them. Search texts are not kept.

import { type Signal, signal } from "@preact/signals";
import { useMemo } from "preact/hooks";

const kept = new Map<string, { readonly field: Signal<string>; readonly initial: string }>();

/** The text of the field of this name; `forget` makes it begin with `initial` again. */
export function useKept(name: string, initial: string): { readonly field: Signal<string>; readonly forget: () => void } {
  return useMemo(() => {
    const known = kept.get(name);
    // Where nothing was typed, what stands there may be out of date.
    const typed = known !== undefined && known.field.peek() !== known.initial ? known : { field: signal(initial), initial };
    kept.set(name, typed);
    return { field: typed.field, forget: () => kept.delete(name) };
  }, [name]);
}
