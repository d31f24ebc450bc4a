// The public rooms of this server. Everybody may look into a room before joining it.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { RoomId, RoomSummary } from "../../core/facade.ts";
import { counted, text } from "../../texts/texts.ts";
import { Modal } from "../parts/modal.tsx";
import { LOBBY, roomName } from "../parts/names.ts";
import { useUi } from "../state/ui.ts";
import { RoomSign } from "../rooms/link.tsx";
import { useTask } from "./task.ts";

const PAGE = 50;

export function BrowseDialog() {
  const ui = useUi();
  const task = useTask();
  const rooms = useSignal<readonly RoomSummary[] | null>(null);
  const more = useSignal(false);
  const load = async (after?: RoomId) => {
    const answer = await task.run(() => ui.chat.browse(after));
    if (answer === undefined) return;
    rooms.value = [...(rooms.peek() ?? []), ...answer.rooms];
    more.value = answer.rooms.length >= PAGE;
    ui.browsed.value = new Map([...ui.browsed.peek(), ...answer.rooms.map((room) => [room.room, room] as const)]);
  };
  useEffect(() => void load(), []);
  const known = rooms.value?.filter((room) => room.room !== LOBBY);
  return (
    <Modal title={text("browseRooms")}>
      {known?.length === 0 && <p>{text("browseEmpty")}</p>}
      <ul class="choose-list">
        {known?.map((room) => (
          <li key={room.room}>
            <button type="button" class="choose" onClick={() => ui.openRoom(room.room)}>
              <RoomSign room={room} />
              <span class="choose-text">
                <bdi>{roomName(room)}</bdi>
                <small>
                  {counted("roomMembers", room.members)}
                  {room.topic !== "" && " · "}
                  <bdi>{room.topic}</bdi>
                </small>
              </span>
              <span class="choose-end">{text("browseOpen")}</span>
            </button>
          </li>
        ))}
      </ul>
      {more.value && (
        <button type="button" class="soft" onClick={() => void load(rooms.peek()?.at(-1)?.room)}>
          {text("browseMore")}
        </button>
      )}
      <p class="complaint" role="alert">
        {task.complaint.value}
      </p>
      <footer class="form-footer">
        <button type="button" class="primary" onClick={() => (ui.dialog.value = { kind: "create" })}>
          {text("createRoom")}
        </button>
      </footer>
    </Modal>
  );
}
