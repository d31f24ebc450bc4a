// The one question of a first visit: a name. It can be skipped, and is not asked again.

import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { refusal } from "../../texts/refusals.ts";
import { text } from "../../texts/texts.ts";
import type { CodeMeaning } from "../../core/facade.ts";
import { personName } from "../parts/names.ts";
import { rich } from "../parts/rich.ts";
import { acceptInvite } from "../state/accept.ts";
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
  const told = useInvitation(ui, complaint);
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
      {told !== null && <p>{rich(told.from === undefined ? "inviteTo" : "inviteFrom", { who: <bdi>{personName(told.from ?? {})}</bdi>, room: <bdi>{told.name}</bdi> })}</p>}
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
        <button type="button" class="quiet" onClick={skip}>
          {text("nameSkip")}
        </button>
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

type Invitation = CodeMeaning & { readonly kind: "invite" };

/** What the invite leads to, as soon as the server has said. */
function useInvitation(ui: Ui, complaint: Signal<string | null>): Invitation | null {
  const told = useSignal<Invitation | null>(null);
  const code = ui.invite.value;
  const isOnline = ui.chat.connection.value.state === "online";
  useEffect(() => {
    if (code === null || !isOnline) return;
    void ui.chat.meaning(code).then((answer) => {
      if (answer.ok && answer.meaning.kind === "invite") told.value = answer.meaning;
      else if (!answer.ok && answer.code === "bad_code") complaint.value = refusal(answer.code);
    });
  }, [code, isOnline]);
  return told.value;
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
