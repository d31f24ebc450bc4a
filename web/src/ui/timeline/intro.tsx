// What is before the first message of a room.

import type { RoomView } from "../../core/facade.ts";
import { text } from "../../texts/texts.ts";
import { LOBBY, nameList, roomName } from "../parts/names.ts";
import { rich } from "../parts/rich.ts";
import { WaysIn } from "../rooms/ways-in.tsx";
import { useUi } from "../state/ui.ts";

export function Intro({ view }: { readonly view: RoomView }) {
  const ui = useUi();
  const room = ui.room.value;
  if (room === undefined || !view.first.value) return null;
  const name = <bdi>{roomName(room)}</bdi>;
  const isDirect = room.kind === "direct";
  return (
    <div class="intro">
      <h2>{name}</h2>
      <p>
        {room.room === LOBBY
          ? text("beginningLobby")
          : isDirect
            ? rich("beginningDirect", { people: <bdi>{nameList(room.with ?? [])}</bdi> })
            : rich("beginningRoom", { room: name })}
      </p>
      {room.joined && <WaysIn kind={room.kind} />}
    </div>
  );
}
