// The one question of the first visit: a name. One field, one key; it can be skipped and is not asked again.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { refusal } from "../../texts/refusals.ts";
import { text } from "../../texts/texts.ts";
import { type Ui, useUi } from "../state/ui.ts";

const NAME_MAX = 32;

export function NameCard() {
  const ui = useUi();
  const field = useRef<HTMLInputElement>(null);
  const complaint = useSignal<string | null>(null);
  const waiting = useSignal(false);
  const invited = ui.invite.value !== null;
  const title = invited ? "nameAskInvite" : ui.owning.value ? "nameAskOwner" : "nameAsk";
  useEffect(() => field.current?.focus(), []);
  const submit = async () => {
    const name = field.current?.value.trim() ?? "";
    if (name === "") return;
    complaint.value = null;
    waiting.value = true;
    const answer = await start(ui, name);
    waiting.value = false;
    complaint.value = answer;
    if (answer !== null) field.current?.select();
  };
  const skip = () => {
    ui.invite.value = null;
    ui.setNameAsked();
    ui.focusComposer();
  };
  return (
    <form
      class="card name-card"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <h2>{text(title)}</h2>
      <div class="name-line">
        <input
          ref={field}
          class="name-field"
          aria-label={text("nameLabel")}
          placeholder={text("nameLabel")}
          aria-describedby="name-help"
          aria-invalid={complaint.value !== null}
          dir="auto"
          maxLength={NAME_MAX}
          autocomplete="nickname"
          enterkeyhint="go"
        />
        <button type="submit" class="primary" disabled={waiting.value}>
          {text(invited ? "nameSaveInvite" : "nameSave")}
        </button>
        {!invited && (
          <button type="button" class="quiet" onClick={skip}>
            {text("nameSkip")}
          </button>
        )}
      </div>
      <p class="complaint" role="alert">
        {complaint.value}
      </p>
      <p class="help" id="name-help">
        {waiting.value && ui.chat.connection.value.state !== "online" ? text("nameWaiting") : text("nameHelp")}
      </p>
    </form>
  );
}

/** Takes the name, then the invitation; says what was wrong. */
async function start(ui: Ui, name: string): Promise<string | null> {
  const named = await ui.chat.setName(name);
  if (!named.ok) return refusal(named.code);
  ui.setNameAsked();
  const invite = ui.invite.peek();
  if (invite !== null) await acceptInvite(ui, invite);
  ui.focusComposer();
  return null;
}

export async function acceptInvite(ui: Ui, code: string): Promise<void> {
  const joined = await ui.chat.joinByInvite(code);
  ui.invite.value = null;
  if (joined.ok) ui.openRoom(joined.room);
  else ui.tellRefusal(joined.code);
}
