// The conversations of this person, and ways to open more.

import { useRef } from "preact/hooks";
import type { RoomSummary } from "../../core/facade.ts";
import { text } from "../../texts/texts.ts";
import { Icon } from "../parts/icon.tsx";
import { useKeptFocus } from "../parts/kept-focus.ts";
import { Avatar, Name } from "../parts/person.tsx";
import { spoken } from "../parts/rich.ts";
import { useUi } from "../state/ui.ts";
import { RoomLink } from "./link.tsx";

export function Sidebar() {
  const ui = useUi();
  const ordered = ui.ordered.value;
  const rooms = ordered.filter((room) => room.kind !== "direct");
  const directs = ordered.filter((room) => room.kind === "direct");
  const lists = useRef<HTMLDivElement>(null);
  useKeptFocus(lists);
  return (
    <nav class="sidebar" aria-label={text("roomsLabel")}>
      <header class="sidebar-header">
        <span class="brand">
          <Mark />
          {text("appName")}
        </span>
        <button type="button" class="quiet square" aria-label={text("switchRoom")} title={`${text("switchRoom")} (Ctrl K)`} onClick={() => (ui.dialog.value = { kind: "switcher" })}>
          <Icon name="search" />
        </button>
      </header>
      <div class="sidebar-rooms" ref={lists}>
        <section>
          <header class="section-header">
            <h2>{text("roomsPublic")}</h2>
            <button type="button" class="quiet square small" aria-label={text("browseRooms")} title={text("browseRooms")} onClick={() => (ui.dialog.value = { kind: "browse" })}>
              <Icon name="compass" />
            </button>
            <button type="button" class="quiet square small" aria-label={text("createRoom")} title={text("createRoom")} onClick={() => (ui.dialog.value = { kind: "create" })}>
              <Icon name="plus" />
            </button>
          </header>
          <List rooms={rooms} />
        </section>
        <section>
          <header class="section-header">
            <h2>{text("roomsDirect")}</h2>
            <button type="button" class="quiet square small" aria-label={text("newDirect")} title={text("newDirect")} onClick={() => (ui.dialog.value = { kind: "direct" })}>
              <Icon name="plus" />
            </button>
          </header>
          {directs.length === 0 ? <p class="sidebar-empty">{text("roomsEmptyDirect")}</p> : <List rooms={directs} />}
        </section>
      </div>
      <Myself />
    </nav>
  );
}

function List({ rooms }: { readonly rooms: readonly RoomSummary[] }) {
  return (
    <ul class="room-list">
      {rooms.map((room) => (
        <li key={room.room}>
          <RoomLink room={room} />
        </li>
      ))}
    </ul>
  );
}

function Myself() {
  const ui = useUi();
  const { user, name, owner } = ui.chat.me.value;
  const me = { ...(user === null ? {} : { user }), ...(name === null ? {} : { name }) };
  return (
    <button type="button" class="myself" onClick={() => (ui.dialog.value = { kind: "settings" })}>
      <Avatar person={me} />
      <span class="myself-name">
        {spoken("settingsOf", { name: <Name person={me} /> })}
        {owner && <span class="unseen">, {text("peopleOwner")}</span>}
        {owner && <small aria-hidden="true">{text("peopleOwner")}</small>}
      </span>
      <Icon name="settings" />
    </button>
  );
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d="M4 4h16v12h-8l-5 4.5v-4.5h-3z" />
      <path class="wave" d="M7 9q1.25-1.5 2.5 0t2.5 0 2.5 0 2.5 0M7 12.5q1.25-1.5 2.5 0t2.5 0 2.5 0" />
    </svg>
  );
}
