// The page: conversations, the open one, its people; and what lies over them.

import { useComputed } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { text } from "../../texts/texts.ts";
import { Foot } from "../composer/foot.tsx";
import { LaterDialogs } from "../dialogs/later.tsx";
import { roomName, unknownRoomName } from "../parts/names.ts";
import { People } from "../people/people.tsx";
import { RoomHeader } from "../rooms/header.tsx";
import { Sidebar } from "../rooms/sidebar.tsx";
import { type Ui, useUi } from "../state/ui.ts";
import { Timeline } from "../timeline/timeline.tsx";
import { OfflineBar } from "./offline-bar.tsx";
import { usePageKeys } from "./page-keys.ts";

const TITLE_MS = 250;

export function App() {
  const ui = useUi();
  const { pane } = ui.route.value;
  const people = ui.narrow.value ? pane === "people" : ui.peopleShown.value;
  const isConnected = useComputed(() => ui.chat.connection.value.state === "online").value;
  usePageKeys(ui);
  useTitle(ui);
  return (
    <>
      <a class="skip" href="#composer" onClick={(event) => skip(event, "composer")}>
        {text("skipToComposer")}
      </a>
      <a class="skip" href="#messages" onClick={(event) => skip(event, "messages")}>
        {text("skipToMessages")}
      </a>
      <div class={`page pane-${pane}${people ? " with-people" : ""}${isConnected ? "" : " cut-off"}`}>
        <Sidebar />
        <main class="room" aria-label={text("timelineLabel", { room: currentName(ui) })}>
          <RoomHeader />
          <OfflineBar />
          <Timeline />
          <div id="composer">
            <Foot />
          </div>
        </main>
        {people && <People />}
      </div>
      <LaterDialogs />
      <Note />
      <p class="unseen" aria-live="polite">
        {ui.spoken.value}
      </p>
    </>
  );
}

// The address means a room here, so a skip link may not change it.
function skip(event: Event, id: string): void {
  event.preventDefault();
  const target = document.getElementById(id);
  const row = target?.querySelector<HTMLElement>("textarea, input, .row[tabindex='0']");
  (row ?? target)?.focus();
}

/** What was done, for the eye; the ear has it from the polite region. */
function Note() {
  const { note } = useUi();
  return (
    <div class="note" aria-hidden="true">
      {note.value !== null && <span>{note.value}</span>}
    </div>
  );
}

function currentName(ui: Ui): string {
  const room = ui.room.value;
  return room === undefined ? unknownRoomName(ui.route.value.room) : roomName(room);
}

function useTitle(ui: Ui): void {
  const unread = useComputed(() => ui.chat.rooms.value.reduce((sum, room) => sum + (room.room === ui.attended.value ? 0 : room.unread), 0)).value;
  const name = currentName(ui);
  useEffect(() => {
    // Not at once: what arrives in the open room is read in the same moment.
    const timer = setTimeout(() => showTitle(name, unread), TITLE_MS);
    return () => clearTimeout(timer);
  }, [unread, name]);
}

function showTitle(name: string, unread: number): void {
  const title = `${name} – ${text("appName")}`;
  document.title = unread === 0 ? title : `(${unread}) ${title}`;
  // The badge of an installed page, where there is one.
  if ("setAppBadge" in navigator) void (unread === 0 ? navigator.clearAppBadge() : navigator.setAppBadge(unread)).catch(() => undefined);
}
