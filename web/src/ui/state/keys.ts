// Decides which key does what. Listening and acting is done elsewhere.

export interface KeyPress {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
  readonly isComposing: boolean;
  /** 229 while an input method is at work, also where `isComposing` is wrong. */
  readonly keyCode?: number;
}

export type PageCommand = "switch" | "help" | "previousRoom" | "nextRoom" | "previousUnread" | "nextUnread" | "markRead";
export type ComposerCommand = "send" | "line" | "editLast" | "latest" | "escape";
export type RowCommand = "previous" | "next" | "first" | "last" | "edit" | "delete" | "copy" | "escape" | "pageUp" | "pageDown";

export interface Composing {
  readonly text: string;
  readonly inFence: boolean;
  /** Enter makes a line on a touch keyboard, which has no Shift+Enter. */
  readonly touch: boolean;
}

export function pageCommand(press: KeyPress): PageCommand | undefined {
  if (isInputMethod(press)) return undefined;
  const control = press.ctrlKey || press.metaKey;
  if (control && !press.altKey && !press.shiftKey && press.key.toLowerCase() === "k") return "switch";
  if (control && !press.altKey && press.key === "/") return "help";
  if (press.altKey && !control && press.key === "ArrowUp") return press.shiftKey ? "previousUnread" : "previousRoom";
  if (press.altKey && !control && press.key === "ArrowDown") return press.shiftKey ? "nextUnread" : "nextRoom";
  if (press.key === "Escape" && press.shiftKey && !control && !press.altKey) return "markRead";
  return undefined;
}

export function composerCommand(press: KeyPress, composing: Composing): ComposerCommand | undefined {
  if (isInputMethod(press)) return undefined;
  if (press.key === "Enter") {
    if (press.ctrlKey || press.metaKey) return "send";
    if (press.shiftKey || press.altKey || composing.touch || composing.inFence) return "line";
    return "send";
  }
  if (hasModifier(press)) return undefined;
  if (press.key === "ArrowUp" && composing.text === "") return "editLast";
  if (press.key === "End" && composing.text === "") return "latest";
  return press.key === "Escape" ? "escape" : undefined;
}

const ROW_KEYS: Readonly<Record<string, RowCommand>> = {
  ArrowUp: "previous",
  k: "previous",
  ArrowDown: "next",
  j: "next",
  Home: "first",
  End: "last",
  PageUp: "pageUp",
  PageDown: "pageDown",
  e: "edit",
  Delete: "delete",
  c: "copy",
  Escape: "escape",
};

export function rowCommand(press: KeyPress): RowCommand | undefined {
  return hasModifier(press) || isInputMethod(press) ? undefined : ROW_KEYS[press.key];
}

function isInputMethod(press: KeyPress): boolean {
  return press.isComposing || press.keyCode === 229;
}

function hasModifier(press: KeyPress): boolean {
  return press.ctrlKey || press.metaKey || press.altKey || press.shiftKey;
}
