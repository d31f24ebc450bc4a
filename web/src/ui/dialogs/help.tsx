// The list of keys.

import { text } from "../../texts/texts.ts";
import { Modal } from "../parts/modal.tsx";
import { HELP_KEYS } from "./help-keys.ts";

export function HelpDialog() {
  return (
    <Modal title={text("keyboardHelp")}>
      <dl class="keys">
        {HELP_KEYS.map(([what, keys]) => (
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
