// The devices of the person: each browser and bot that is signed in, and how to sign it out.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { SignIn } from "../../core/facade.ts";
import { text } from "../../texts/texts.ts";
import { fullTime } from "../parts/dates.ts";
import { Modal } from "../parts/modal.tsx";
import { useUi } from "../state/ui.ts";
import { Form } from "./parts.tsx";
import { useTask } from "./task.ts";

/** Whom the question is about: one of the list, or all but this one. */
type Asked = SignIn | "others";

export function DevicesDialog() {
  const ui = useUi();
  const task = useTask();
  const list = useSignal<readonly SignIn[] | null>(null);
  const asked = useSignal<Asked | null>(null);
  const isOnline = ui.chat.connection.value.state === "online";
  const load = async () => {
    const answer = await task.run(() => ui.chat.signIns());
    if (answer !== undefined) list.value = answer.signIns;
  };
  useEffect(() => {
    if (isOnline) void load();
  }, [isOnline]);
  const signOut = async (which: Asked) => {
    const done = await task.run(() => ui.chat.signOut(which === "others" ? which : which.id));
    if (done === undefined) return;
    asked.value = null;
    await load();
  };
  if (asked.value !== null) return <Question asked={asked.value} task={task} act={(which) => void signOut(which)} stay={() => (asked.value = null)} />;
  const shown = list.value;
  return (
    <Modal title={text("devicesTitle")}>
      <p class="help">{text("devicesHelp")}</p>
      {shown === null ? <p role="status">{text(isOnline ? "devicesLoading" : "devicesNeedNetwork")}</p> : <List shown={shown} ask={(which) => (asked.value = which)} isOnline={isOnline} />}
      <p class="complaint" role="alert">
        {task.complaint.value}
      </p>
    </Modal>
  );
}

interface ListProperties {
  readonly shown: readonly SignIn[];
  readonly ask: (which: Asked) => void;
  readonly isOnline: boolean;
}

function List({ shown, ask, isOnline }: ListProperties) {
  if (shown.length === 0) return <p>{text("devicesNone")}</p>;
  return (
    <>
      <ul class="choose-list" aria-label={text("devicesTitle")}>
        {shown.map((signIn) => (
          <li class="choose" key={signIn.id}>
            <span class="choose-text">
              <bdi>{deviceName(signIn)}</bdi>
              <small>{text("deviceSince", { when: fullTime(signIn.at) })}</small>
            </span>
            {signIn.own ? (
              <span class="choose-end">{text("deviceOwn")}</span>
            ) : (
              <button type="button" class="soft" disabled={!isOnline} aria-label={text("deviceSignOutOf", { device: deviceName(signIn) })} onClick={() => ask(signIn)}>
                {text("deviceSignOut")}
              </button>
            )}
          </li>
        ))}
      </ul>
      {shown.some(({ own }) => !own) && shown.some(({ own }) => own) && (
        <footer class="form-footer start">
          <button type="button" class="soft" disabled={!isOnline} onClick={() => ask("others")}>
            {text("devicesSignOutOthers")}
          </button>
        </footer>
      )}
    </>
  );
}

interface QuestionProperties {
  readonly asked: Asked;
  readonly task: ReturnType<typeof useTask>;
  readonly act: (which: Asked) => void;
  readonly stay: () => void;
}

function Question({ asked, task, act, stay }: QuestionProperties) {
  const title = asked === "others" ? text("devicesAskOthers") : text("deviceAsk", { device: deviceName(asked) });
  return (
    <Modal title={title}>
      <Form task={task} kind="danger" submit={text("deviceSignOut")} onSubmit={() => act(asked)} onCancel={stay}>
        <p>{text("deviceAskHelp")}</p>
      </Form>
    </Modal>
  );
}

/** A sign-in of before there were any stands for all devices of that time. */
function deviceName({ label, method }: SignIn): string {
  if (label !== "") return label;
  return text(method === "old" ? "deviceOld" : "deviceUnnamed");
}
