// The header of a conversation: its name, its topic, its people.

import { useComputed } from "@preact/signals";
import { counted, number, text } from "../../texts/texts.ts";
import { Icon } from "../parts/icon.tsx";
import { LOBBY } from "../parts/names.ts";
import { ROOMS_HASH, peopleHash, roomHash } from "../state/route.ts";
import { type Ui, useUi } from "../state/ui.ts";
import { RoomSign } from "./link.tsx";

export function RoomHeader() {
  const ui = useUi();
  const room = ui.room.value;
  return (
    <header class="room-header">
      <a class="quiet square back" href={ROOMS_HASH} aria-label={text("backToRooms")}>
        <Icon name="back" />
        <OtherUnread ui={ui} />
      </a>
      {room !== undefined && <RoomSign room={room} />}
      <div class="room-title">
        <h1>
          <bdi>{ui.roomName.value}</bdi>
        </h1>
        {room !== undefined && room.topic !== "" && (
          <p class="topic" title={room.topic}>
            <bdi>{room.topic}</bdi>
          </p>
        )}
      </div>
      {room !== undefined && room.joined && (room.room !== LOBBY || ui.chat.me.value.owner) && (
        <button type="button" class="quiet square" aria-label={text("roomMenu")} title={text("roomMenu")} onClick={() => (ui.dialog.value = { kind: "room" })}>
          <Icon name="settings" />
        </button>
      )}
      <PeopleButton ui={ui} members={room?.members ?? 0} />
    </header>
  );
}

/** On a phone the list is elsewhere; a dot says that something waits there. */
function OtherUnread({ ui }: { readonly ui: Ui }) {
  const waiting = useComputed(() => ui.chat.rooms.value.some((room) => room.unread > 0 && room.room !== ui.route.value.room));
  return waiting.value ? <span class="waiting-dot" /> : null;
}

function PeopleButton({ ui, members }: { readonly ui: Ui; readonly members: number }) {
  const { room, pane } = ui.route.value;
  const shown = ui.narrow.value ? pane === "people" : ui.peopleShown.value;
  const label = shown ? text("peopleHide") : text("peopleShow");
  const toggle = () => {
    if (ui.narrow.peek()) ui.go(shown ? roomHash(room) : peopleHash(room));
    else ui.showPeople(!shown);
  };
  return (
    <button type="button" class="quiet people-button" aria-pressed={shown} title={label} onClick={toggle}>
      <Icon name="people" />
      <span aria-hidden="true">{members > 0 && number(members)}</span>
      <span class="unseen">{members > 0 ? `${label}, ${counted("roomMembers", members)}` : label}</span>
    </button>
  );
}
