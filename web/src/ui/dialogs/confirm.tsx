// Asks before something that cannot be undone.

import type { Person, Result, RoomId, Seq } from "../../core/facade.ts";
import { text } from "../../texts/texts.ts";
import { Modal } from "../parts/modal.tsx";
import { LOBBY, personName, roomName } from "../parts/names.ts";
import { roomHash } from "../state/route.ts";
import { type RoomFacts, useUi } from "../state/ui.ts";
import { Form } from "./parts.tsx";
import { useTask } from "./task.ts";

interface Properties {
  readonly title: string;
  readonly help?: string;
  readonly submit: string;
  /** `wait`: the dialog stays until the answer is there; `go`: what comes of it is shown elsewhere. */
  readonly manner: "wait" | "go";
  readonly act: () => Promise<Result>;
  readonly done?: () => void;
}

function Confirm({ title, help, submit, manner, act, done }: Properties) {
  const ui = useUi();
  const task = useTask();
  const close = () => {
    ui.dialog.value = null;
  };
  const run = async () => {
    if (manner === "go") {
      void act();
      close();
    } else if ((await task.run(act)) !== undefined) {
      close();
      done?.();
    }
  };
  return (
    <Modal title={title}>
      <Form task={task} submit={submit} kind="danger" onSubmit={() => void run()} onCancel={close}>
        {help !== undefined && <p>{help}</p>}
      </Form>
    </Modal>
  );
}

export function DeleteDialog({ room, seq }: { readonly room: RoomId; readonly seq: Seq }) {
  const { chat } = useUi();
  return <Confirm title={text("deleteAsk")} help={text("deleteHelp")} submit={text("delete")} manner="go" act={() => chat.delete(room, seq)} />;
}

const LEAVE_HELP = { public: "leavePublicHelp", private: "leaveHelp", direct: "leaveDirectHelp" } as const;

export function LeaveDialog({ room }: { readonly room: RoomFacts }) {
  const ui = useUi();
  return (
    <Confirm
      title={text("leaveAsk", { room: roomName(room) })}
      help={text(LEAVE_HELP[room.kind])}
      submit={text("roomLeave")}
      manner="wait"
      act={() => ui.chat.leave(room.room)}
      done={() => ui.go(roomHash(LOBBY))}
    />
  );
}

export function ExpelDialog({ room, person }: { readonly room: RoomId; readonly person: Person }) {
  const { chat } = useUi();
  const name = personName(person);
  return (
    <Confirm
      title={text("removeAsk", { name })}
      help={text("removeHelp")}
      submit={text("peopleRemove", { name })}
      manner="wait"
      act={() => chat.remove(room, person.user ?? "")}
    />
  );
}
