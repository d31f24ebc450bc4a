// Asks before a code in the address takes effect: it says who you are here, and where the code leads. Staying is the
// default.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { linkPorts, loadStore, notesFor } from "../../core/browser/link-ports.ts";
import { followLink } from "../../core/follow-link.ts";
import type { CodeMeaning, Person } from "../../core/facade.ts";
import { isUnused } from "../../core/unused.ts";
import { refusal } from "../../texts/refusals.ts";
import { text } from "../../texts/texts.ts";
import { Modal } from "../parts/modal.tsx";
import { personName } from "../parts/names.ts";
import { rich } from "../parts/rich.ts";
import { acceptInvite, acceptSetup } from "../state/accept.ts";
import type { Code } from "../state/route.ts";
import { type Ui, useUi } from "../state/ui.ts";
import { reopen } from "./identities.tsx";
import { Form, useOwnName } from "./parts.tsx";
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
      else if (answer.ok || answer.code !== "offline") complaint.value = whyNot(leads, answer.ok ? "bad_code" : answer.code);
    });
  }, [isOnline]);
  if (complaint.value !== null) return <Notice>{complaint.value}</Notice>;
  // Nobody can say where it leads before it is used.
  const { state, reason } = ui.chat.connection.value;
  if (state === "unknown" && reason === "signed_out") {
    if (leads !== "link") return <Notice>{text("signedOutHelp")}</Notice>;
    return <ReturnQuestion code={code} fail={(why) => (complaint.value = whyNot(leads, why))} />;
  }
  if (told.value === null) return <Notice>{text(isOnline ? "codeLooking" : "refusedOffline")}</Notice>;
  switch (told.value.kind) {
    case "link":
      return <LinkQuestion code={code} who={told.value.who} fail={(why) => (complaint.value = whyNot(leads, why))} />;
    case "setup":
      return <SetupQuestion code={code} />;
    case "invite":
      return <InviteQuestion code={code} invite={told.value} />;
  }
}

/** A refusal, and what can be done about it. */
function whyNot(leads: Code["kind"], code: string): string {
  const failed = text("failed", { reason: refusal(code) });
  if (code !== "bad_code" && code !== "bad_link") return failed;
  if (leads === "link") return `${failed} ${text("linkAgain")}`;
  return leads === "setup" ? `${failed} ${text("setupOver")}` : failed;
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

interface LinkProperties {
  readonly code: string;
  readonly who: Person;
  /** The link leads nowhere any more. */
  readonly fail: (code: string) => void;
}

function LinkQuestion({ code, who, fail }: LinkProperties) {
  const ui = useUi();
  const task = useTask();
  const isNew = useSignal<boolean | null>(null);
  useEffect(() => void isNobody(ui).then((unused) => (isNew.value = unused)), []);
  const me = meOf(ui);
  const { user } = who;
  const name = personName(who);
  if (user === me.user || user === undefined) return <Notice>{text("codeSelf", { who: name })}</Notice>;
  if (isNew.value === null) return <Notice>{text("codeLooking")}</Notice>;
  const slots = { who: <bdi>{name}</bdi>, me: <bdi>{personName(me)}</bdi> };
  const act = async () => {
    const why = await follow(ui, task, code, user);
    if (why === "bad_link") fail(why);
  };
  return (
    <Decision title={text(isNew.value ? "linkAskNew" : "linkAsk", { who: name })} go={text("linkGo", { who: name })} stay={text(isNew.value ? "nameSkip" : "codeStay")} task={task} act={() => void act()}>
      {isNew.value ? <p>{rich("linkOnlyOwn", slots)}</p> : <p>{rich("linkLeads", slots)}</p>}
      {!isNew.value && <p>{rich("linkStays", slots)}</p>}
    </Decision>
  );
}

/** The way back in of a device that another one has signed out. */
function ReturnQuestion({ code, fail }: Omit<LinkProperties, "who">) {
  const ui = useUi();
  const task = useTask();
  const act = async () => {
    const why = await follow(ui, task, code);
    if (why === "bad_link") fail(why);
  };
  return (
    <Decision title={text("returnAsk")} go={text("returnGo")} stay={text("codeStay")} task={task} act={() => void act()}>
      <p>{rich("returnLeads", { me: <bdi>{personName(meOf(ui))}</bdi> })}</p>
    </Decision>
  );
}

function SetupQuestion({ code }: { readonly code: string }) {
  const ui = useUi();
  const task = useTask();
  return (
    <Decision title={text("setupAsk")} go={text("setupGo")} stay={text("codeStay")} task={task} act={() => leave(ui, () => acceptSetup(ui, code))}>
      <p>{rich("setupLeads", { me: <bdi>{personName(meOf(ui))}</bdi> })}</p>
    </Decision>
  );
}

type Invite = CodeMeaning & { readonly kind: "invite" };

function InviteQuestion({ code, invite }: { readonly code: string; readonly invite: Invite }) {
  const ui = useUi();
  const task = useTask();
  // Who had no name when they were asked goes on in the form, whatever the server says meanwhile.
  const isNamed = useSignal(ui.chat.me.peek().name !== null).value;
  const { name, from, joined, room } = invite;
  if (joined) return <Inside name={name} open={() => leave(ui, () => ui.openRoom(room))} />;
  const inviter = from !== undefined && <p>{rich("inviteFrom", { who: <bdi>{personName(from)}</bdi>, room: <bdi>{name}</bdi> })}</p>;
  const join = () => leave(ui, () => acceptInvite(ui, code));
  if (!isNamed) return <JoinForm name={name} join={join} inviter={inviter} />;
  return (
    <Decision title={text("joinAsk", { room: name })} go={text("join")} stay={text("nameSkip")} task={task} act={join}>
      {inviter}
      <p>{rich("joinLeads", { me: <bdi>{personName(meOf(ui))}</bdi> })}</p>
    </Decision>
  );
}

interface JoinProperties {
  readonly name: string;
  readonly join: () => void;
  readonly inviter: ComponentChildren;
}

/** A guest is asked for the name at once: nobody joins without one. */
function JoinForm({ name, join, inviter }: JoinProperties) {
  const ui = useUi();
  const task = useTask();
  const own = useOwnName(task);
  const submit = async () => {
    if (!(await own.take())) return;
    ui.setNameAsked();
    join();
  };
  return (
    <Modal title={text("joinAsk", { room: name })}>
      <Form task={task} submit={text("join")} cancel={text("nameSkip")} disabled={own.isMissing} onSubmit={() => void submit()} onCancel={() => (ui.dialog.value = null)}>
        {inviter}
        {own.field}
      </Form>
    </Modal>
  );
}

function Inside({ name, open }: { readonly name: string; readonly open: () => void }) {
  const ui = useUi();
  return (
    <Modal title={text("joinedAlready", { room: name })}>
      <footer class="form-footer">
        <button type="button" class="soft" onClick={() => (ui.dialog.value = null)}>
          {text("close")}
        </button>
        <button type="button" class="primary" autofocus onClick={open}>
          {text("browseOpen")}
        </button>
      </footer>
    </Modal>
  );
}

interface DecisionProperties {
  readonly title: string;
  readonly go: string;
  readonly stay: string;
  readonly task: Task;
  readonly act: () => void;
  readonly children?: ComponentChildren;
}

/** Enter, Escape and a click beside it change nothing. */
function Decision({ title, go, stay, task, act, children }: DecisionProperties) {
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
          {stay}
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

/** `user`: whose link it is, if that is known. The code of a refusal, if it was refused. */
async function follow(ui: Ui, task: Task, code: string, user?: string): Promise<string | undefined> {
  const { identities } = ui;
  const { server } = ui.chat.me.peek();
  const person = user === undefined ? null : { user, ...(server === undefined ? {} : { server }) };
  let why: string | undefined;
  const followed = await task.run(async () => {
    const answer = identities === null ? ({ ok: false, code: "not_kept" } as const) : await followLink(identities, linkPorts, code, person);
    if (!answer.ok) why = answer.code;
    return answer;
  });
  if (followed !== undefined) await reopen(ui);
  return why;
}

async function isNobody(ui: Ui): Promise<boolean> {
  if (ui.chat.me.peek().name !== null || ui.identities === null) return false;
  const { own } = ui.identities;
  return loadStore(own).then((snapshot) => isUnused(snapshot, notesFor(own)), () => false);
}
