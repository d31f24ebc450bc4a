// Keeps the focus when a list is reordered or rendered elsewhere.
//
// An element that is moved or replaced loses the focus, and somebody who uses the keyboard loses their place: people
// come and go, and rooms get other names, while they move through the list.

import { useLayoutEffect } from "preact/hooks";

/**
 * Called by a component that moves or replaces what is below `root`. What is to keep the focus has the same
 * `data-focus-key` before and after, and nothing else below `root` has it.
 */
export function useKeptFocus(root: { readonly current: HTMLElement | null }): void {
  const focused = document.activeElement;
  const key = focused instanceof HTMLElement && root.current?.contains(focused) === true ? focused.dataset["focusKey"] : undefined;
  useLayoutEffect(() => {
    if (key === undefined || document.activeElement !== document.body) return;
    const candidates = root.current?.querySelectorAll<HTMLElement>("[data-focus-key]") ?? [];
    [...candidates].find((candidate) => candidate.dataset["focusKey"] === key)?.focus({ preventScroll: true });
  });
}
