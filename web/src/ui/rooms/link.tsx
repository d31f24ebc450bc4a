// One conversation in the list: its kind, its name, and its unread messages.

import type { RoomKind, RoomSummary } from "../../core/facade.ts";
import { type PlainKey, counted, number, text } from "../../texts/texts.ts";
import { Icon } from "../parts/icon.tsx";
import { roomName } from "../parts/names.ts";
import { Avatar } from "../parts/person.tsx";
import { roomHash } from "../state/route.ts";
import { type RoomFacts, useUi } from "../state/ui.ts";

const KINDS: Readonly<Record<RoomKind, PlainKey>> = { public: "roomPublic", private: "roomPrivate", direct: "roomDirect" };

export function RoomLink({ room: known }: { readonly room: RoomSummary }) {
  const ui = useUi();
  const current = ui.route.value.room === known.room;
  const room = current && ui.attended.value === known.room ? { ...known, unread: 0 } : known;
  return (
    <a
      class={`room-link${room.unread > 0 ? " unread" : ""}`}
      data-focus-key={room.room}
      href={roomHash(room.room)}
      aria-current={current ? "page" : undefined}
      onClick={() => ui.focusComposer()}
    >
      <RoomSign room={room} />
      <span class="room-name">
        <bdi>{roomName(room)}</bdi>
        <span class="unseen">{describe(room)}</span>
      </span>
      {room.pending > 0 && <Icon name="clock" />}
      {room.draft !== "" && !current && <Icon name="edit" />}
      {room.unread > 0 && <span class="badge" aria-hidden="true">{room.unreadCapped ? text("capped", { count: room.unread }) : number(room.unread)}</span>}
    </a>
  );
}

export function RoomSign({ room }: { readonly room: RoomFacts }) {
  if (room.kind === "direct") return <Presence room={room} />;
  return (
    <span class="sign">
      <Icon name={room.kind === "public" ? "hash" : "lock"} />
    </span>
  );
}

function Presence({ room }: { readonly room: RoomFacts }) {
  const { chat } = useUi();
  const others = room.with ?? [];
  const [first] = others;
  const online = chat.online.value.people.some((person) => others.some((other) => other.user !== undefined && other.user === person.user));
  return (
    <span class={`sign${online ? " online" : ""}`} aria-hidden="true">
      {others.length > 1 || first === undefined ? <span class="avatar count">{number(others.length)}</span> : <Avatar person={first} />}
    </span>
  );
}

/** What the signs beside the name mean, for those who hear the name. */
function describe(room: RoomSummary): string {
  const parts = ["", text(KINDS[room.kind])];
  if (room.unread > 0) parts.push(room.unreadCapped ? text("roomUnreadCapped", { count: room.unread }) : counted("roomUnread", room.unread));
  if (room.pending > 0) parts.push(counted("roomPending", room.pending));
  if (room.draft !== "") parts.push(text("roomDraft"));
  return parts.join(", ");
}
