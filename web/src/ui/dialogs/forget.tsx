// Asks before a person is removed from this device, and says what is deleted with them.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { forgetPorts, loadStore, notesFor } from "../../core/browser/link-ports.ts";
import { forget, unsentIn } from "../../core/forget.ts";
import type { Identity } from "../../core/identities.ts";
import { counted, text } from "../../texts/texts.ts";
import { Modal } from "../parts/modal.tsx";
import { personName } from "../parts/names.ts";
import { useUi } from "../state/ui.ts";
import { personOf } from "./identities.tsx";
import { useTask } from "./task.ts";

interface Losses {
  readonly unsent: number;
  readonly owner: boolean;
}

export function ForgetDialog({ identity }: { readonly identity: Identity }) {
  const ui = useUi();
  const task = useTask();
  const losses = useSignal<Losses | null>(null);
  const { store } = identity;
  useEffect(() => {
    // What cannot be read is lost already.
    void lossesOf(store)
      .catch(() => ({ unsent: 0, owner: false }))
      .then((found) => (losses.value = found));
  }, [store]);
  const who = personName(personOf(identity));
  const back = () => (ui.dialog.value = { kind: "identities" });
  const act = async () => {
    const { identities } = ui;
    const done = await task.run(async () => ({ ok: true, isForgotten: identities !== null && (await forget(identities, forgetPorts, store)) }) as const);
    if (done?.isForgotten === true) back();
    else if (done !== undefined) task.complaint.value = text("forgetInUse", { who });
  };
  return (
    <Modal title={text("forgetAsk", { who })}>
      <p>{text("forgetHelp", { who })}</p>
      {losses.value !== null && losses.value.unsent > 0 && <p>{counted("forgetUnsent", losses.value.unsent)}</p>}
      {losses.value?.owner === true && <p>{text("forgetOwner", { who })}</p>}
      <p class="complaint" role="alert">
        {task.complaint.value}
      </p>
      <footer class="form-footer">
        <button type="button" class="danger" disabled={losses.value === null || task.busy.value} onClick={() => void act()}>
          {text("forgetDo", { who })}
        </button>
        <button type="button" class="primary" autofocus onClick={back}>
          {text("cancel")}
        </button>
      </footer>
    </Modal>
  );
}

async function lossesOf(store: string): Promise<Losses> {
  const snapshot = await loadStore(store);
  return { unsent: unsentIn(snapshot, notesFor(store)), owner: snapshot.session?.owner === true };
}
