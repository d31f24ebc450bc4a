// The keys that the help lists, by what they do. A test compares them with the keys that the page handles.

import type { PlainKey } from "../../texts/texts.ts";

export const HELP_KEYS: readonly (readonly [PlainKey, readonly string[]])[] = [
  ["keySend", ["Enter"]],
  ["keyLine", ["Shift Enter"]],
  ["keyEditLast", ["↑"]],
  ["keyCancel", ["Esc"]],
  ["keySwitch", ["Ctrl K"]],
  ["keyRooms", ["Alt ↑", "Alt ↓"]],
  ["keyUnread", ["Alt Shift ↑", "Alt Shift ↓"]],
  ["keyAllRead", ["Shift Esc"]],
  ["keyRows", ["↑ ↓", "J K"]],
  ["keyRowEdit", ["E", "Delete", "C"]],
  ["keyLatest", ["End"]],
  ["keyHelp", ["Ctrl /"]],
];
