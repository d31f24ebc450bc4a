// A link to read, with a button that copies it.

import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { text } from "../../texts/texts.ts";
import { copy } from "./clipboard.ts";
import { useUi } from "../state/ui.ts";
import { LaterIcon } from "./later-icon.tsx";

export function Copyable({ label, value }: { readonly label: string; readonly value: string }) {
  const ui = useUi();
  const id = useId();
  const copied = useSignal(false);
  const onCopy = async () => {
    copied.value = await copy(value);
    if (copied.value) ui.speak(text("copied"));
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="copyable">
        <input id={id} readOnly dir="ltr" value={value} onFocus={(event) => event.currentTarget.select()} />
        <button type="button" class="primary" onClick={() => void onCopy()}>
          <LaterIcon name={copied.value ? "check" : "copy"} />
          {copied.value ? text("copied") : text("copy")}
        </button>
      </div>
    </div>
  );
}
