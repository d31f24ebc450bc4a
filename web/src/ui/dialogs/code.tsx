// A code of the address asks before it does anything: who one is here, whom or where it leads to. Staying is the default.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { linkPorts } from "../../core/browser/link-ports.ts";
import { followLink } from "../../core/follow-link.ts";
import type { CodeMeaning, Person } from "../../core/facade.ts";
import { refusal } from "../../texts/refusals.ts";
import { text } from "../../texts/texts.ts";
import { Modal } from "../parts/modal.tsx";
import { personName } from "../parts/names.ts";
import { rich } from "../parts/rich.ts";
import { acceptInvite, acceptSetup } from "../state/accept.ts";
import type { Code } from "../state/route.ts";
import { type Ui, useUi } from "../state/ui.ts";
import { reopen } from "./identities.tsx";
import { type Task, useTask } from "./task.ts";

interface Properties {
  readonly leads: Code["kind"];
  readonly code: string;
}

export function CodeDialog({ leads, code }: Properties) {
  const ui = useUi();
  const told = useSignal<CodeMeaning | null>(null);
  const complaint = useSignal<string | null>(null);
  const isOnline = ui.chat.connection.value.state === "online";
  useEffect(() => {
    if (!isOnline || told.peek() !== null) return;
    void ui.chat.meaning(code).then((answer) => {
      if (answer.ok && answer.meaning.kind === leads) told.value = answer.meaning;
      else if (answer.ok || answer.code !== "offline") complaint.value = text("failed", { reason: refusal(answer.ok ? "bad_code" : answer.code) });
    });
  }, [isOnline]);
  if (complaint.value !== null) return <Notice>{complaint.value}</Notice>;
  if (told.value === null) return <Notice>{text(isOnline ? "codeLooking" : "refusedOffline")}</Notice>;
  return <Question meaning={told.value} code={code} />;
}

/** There is nothing to decide, or not yet. */
function Notice({ children }: { readonly children: ComponentChildren }) {
  const ui = useUi();
  return (
    <Modal title={text("codeTitle")}>
      <p role="status">{children}</p>
      <footer class="form-footer">
        <button type="button" class="primary" autofocus onClick={() => (ui.dialog.value = null)}>
          {text("close")}
        </button>
      </footer>
    </Modal>
  );
}

function Question({ meaning, code }: { readonly meaning: CodeMeaning; readonly code: string }) {
  const ui = useUi();
  const task = useTask();
  const me = meOf(ui);
  const names = { me: <bdi>{personName(me)}</bdi> };
  switch (meaning.kind) {
    case "link": {
      const { who } = meaning;
      const { user } = who;
      if (user === me.user || user === undefined) return <Notice>{text("codeSelf", { who: personName(who) })}</Notice>;
      const other = { who: <bdi>{personName(who)}</bdi>, me: <bdi>{personName(me)}</bdi> };
      return (
        <Decision title={text("linkAsk", { who: personName(who) })} go={text("linkGo", { who: personName(who) })} task={task} act={() => void follow(ui, task, code, user)}>
          <p>{rich("linkLeads", other)}</p>
          <p>{rich("linkStays", names)}</p>
        </Decision>
      );
    }
    case "setup":
      return (
        <Decision title={text("setupAsk")} go={text("setupGo")} task={task} act={() => leave(ui, () => acceptSetup(ui, code))}>
          <p>{rich("setupLeads", names)}</p>
        </Decision>
      );
    case "invite": {
      const { name, from, joined, room } = meaning;
      if (joined) return <Decision title={text("joinAsk", { room: name })} go={text("browseOpen")} task={task} act={() => leave(ui, () => ui.openRoom(room))} />;
      const join = () => leave(ui, () => (me.name === undefined ? (ui.invite.value = code) : acceptInvite(ui, code)));
      return (
        <Decision title={text("joinAsk", { room: name })} go={text("join")} task={task} act={join}>
          {from !== undefined && <p>{rich("inviteFrom", { who: <bdi>{personName(from)}</bdi>, room: <bdi>{name}</bdi> })}</p>}
          <p>{rich("joinLeads", names)}</p>
        </Decision>
      );
    }
  }
}

interface DecisionProperties {
  readonly title: string;
  readonly go: string;
  readonly task: Task;
  readonly act: () => void;
  readonly children?: ComponentChildren;
}

/** Enter, Escape and a click beside it change nothing. */
function Decision({ title, go, task, act, children }: DecisionProperties) {
  const ui = useUi();
  return (
    <Modal title={title}>
      {children}
      <p class="complaint" role="alert">
        {task.complaint.value}
      </p>
      <footer class="form-footer">
        <button type="button" class="soft" disabled={task.busy.value} onClick={act}>
          {go}
        </button>
        <button type="button" class="primary" autofocus onClick={() => (ui.dialog.value = null)}>
          {text("codeStay")}
        </button>
      </footer>
    </Modal>
  );
}

function meOf(ui: Ui): Person {
  const { user, name } = ui.chat.me.value;
  return { ...(user === null ? {} : { user }), ...(name === null ? {} : { name }) };
}

function leave(ui: Ui, act: () => unknown): void {
  ui.dialog.value = null;
  void act();
}

async function follow(ui: Ui, task: Task, code: string, user: string): Promise<void> {
  const { identities } = ui;
  const { server } = ui.chat.me.peek();
  const person = server === undefined ? { user } : { user, server };
  const followed = await task.run(async () => (identities === null ? { ok: false, code: "not_kept" } : followLink(identities, linkPorts, code, person)));
  if (followed !== undefined) await reopen(ui);
}
