// The settings of a room: name and topic for those who may change them, its people, and leaving.

import { text } from "../../texts/texts.ts";
import { LaterIcon } from "../parts/later-icon.tsx";
import { Modal } from "../parts/modal.tsx";
import { LOBBY, roomName } from "../parts/names.ts";
import { WaysIn } from "../rooms/ways-in.tsx";
import { type RoomFacts, useUi } from "../state/ui.ts";
import { useKept } from "./kept.ts";
import { Field, Form } from "./parts.tsx";
import { useTask } from "./task.ts";

const NAME_MAX = 64;
const TOPIC_MAX = 256;

export function RoomDialog({ room }: { readonly room: RoomFacts }) {
  const ui = useUi();
  const me = ui.chat.me.value;
  const mayChange = room.kind !== "direct" && (me.owner || room.host === me.user || (room.kind === "private" && room.host === undefined));
  return (
    <Modal title={roomName(room)}>
      {mayChange ? <Naming room={room} /> : room.topic !== "" && <p dir="auto">{room.topic}</p>}
      {room.room !== LOBBY && (
        <div class="room-actions">
          <WaysIn kind={room.kind} />
          <button type="button" class="soft danger-text" onClick={() => (ui.dialog.value = { kind: "leave" })}>
            <LaterIcon name="leave" />
            {text("roomLeave")}
          </button>
        </div>
      )}
    </Modal>
  );
}

function Naming({ room }: { readonly room: RoomFacts }) {
  const ui = useUi();
  const task = useTask();
  const { field: name, forget: forgetName } = useKept(`name ${room.room}`, room.name);
  const { field: topic, forget: forgetTopic } = useKept(`topic ${room.room}`, room.topic);
  const close = () => {
    forgetName();
    forgetTopic();
    ui.dialog.value = null;
  };
  const save = async () => {
    const newName = name.peek().trim();
    const newTopic = topic.peek().trim();
    if (newName !== room.name && (await task.run(() => ui.chat.rename(room.room, newName))) === undefined) return;
    if (newTopic !== room.topic && (await task.run(() => ui.chat.setTopic(room.room, newTopic))) === undefined) return;
    close();
  };
  return (
    <Form task={task} submit={text("save")} disabled={name.value.trim() === ""} onSubmit={() => void save()} onCancel={close}>
      <Field label={text("roomName")} value={name.value} max={NAME_MAX} onInput={(value) => (name.value = value)} />
      <Field label={text("roomTopic")} value={topic.value} max={TOPIC_MAX} help={text("roomTopicHelp")} onInput={(value) => (topic.value = value)} />
    </Form>
  );
}
