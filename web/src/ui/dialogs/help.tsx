// The keys, for those who look for them.

import { type PlainKey, text } from "../../texts/texts.ts";
import { Modal } from "../parts/modal.tsx";

const KEYS: readonly (readonly [PlainKey, readonly string[]])[] = [
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

export function HelpDialog() {
  return (
    <Modal title={text("keyboardHelp")}>
      <dl class="keys">
        {KEYS.map(([what, keys]) => (
          <div key={what}>
            <dt>{text(what)}</dt>
            <dd dir="ltr">
              {keys.map((combination) => (
                <span key={combination}>
                  {combination.split(" ").map((key) => (
                    <kbd key={key}>{key}</kbd>
                  ))}
                </span>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
