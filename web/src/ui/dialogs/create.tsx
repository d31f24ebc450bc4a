// Creates a room.

import { useSignal } from "@preact/signals";
import { text } from "../../texts/texts.ts";
import { Icon } from "../parts/icon.tsx";
import { Modal } from "../parts/modal.tsx";
import { useUi } from "../state/ui.ts";
import { useKept } from "./kept.ts";
import { Field, Form, useOwnName } from "./parts.tsx";
import { useTask } from "./task.ts";

const NAME_MAX = 64;
const TOPIC_MAX = 256;

export function CreateDialog() {
  const ui = useUi();
  const task = useTask();
  const own = useOwnName(task);
  const { field: name, forget: forgetName } = useKept("new room", "");
  const { field: topic, forget: forgetTopic } = useKept("new topic", "");
  const kind = useSignal<"public" | "private">("public");
  const create = async () => {
    if (!(await own.take())) return;
    const made = await task.run(() => ui.chat.create(kind.peek(), name.peek().trim(), topic.peek().trim()));
    if (made === undefined) return;
    forget();
    ui.openRoom(made.room);
  };
  const forget = () => {
    forgetName();
    forgetTopic();
  };
  const cancel = () => {
    forget();
    ui.dialog.value = null;
  };
  const option = (value: "public" | "private", label: string) => (
    <label class="choice">
      <input type="radio" name="kind" checked={kind.value === value} onChange={() => (kind.value = value)} />
      <Icon name={value === "public" ? "hash" : "lock"} />
      {label}
    </label>
  );
  return (
    <Modal title={text("createRoom")}>
      <Form task={task} submit={text("roomCreate")} disabled={own.isMissing || name.value.trim() === ""} onSubmit={() => void create()} onCancel={cancel}>
        {own.field}
        <Field label={text("roomName")} value={name.value} max={NAME_MAX} autoFocus={own.field === null} onInput={(value) => (name.value = value)} />
        <Field label={text("roomTopic")} value={topic.value} max={TOPIC_MAX} help={text("roomTopicHelp")} onInput={(value) => (topic.value = value)} />
        <fieldset class="choices">
          <legend>{text("roomKind")}</legend>
          {option("public", text("roomKindPublic"))}
          {option("private", text("roomKindPrivate"))}
        </fieldset>
      </Form>
    </Modal>
  );
}
