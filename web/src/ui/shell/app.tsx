// The layout of the page: the list of conversations, the open one, its people, and dialogs on top.

import { effect, useComputed } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { RoomSummary } from "../../core/facade.ts";
import { text } from "../../texts/texts.ts";
import { Foot } from "../composer/foot.tsx";
import { LaterDialogs, Later } from "../dialogs/later.tsx";
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
        <main class="room" aria-label={text("timelineLabel", { room: ui.roomName.value })}>
          <RoomHeader />
          <OfflineBar />
          <div class="dead-link" role="status">{ui.deadLink.value !== null && <Later part="DeadLink" />}</div>
          <Timeline />
          <div id="composer">
            <Foot />
          </div>
        </main>
        {people && <Later part="People" />}
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

/** The name is that of the room at once. What is unread comes a little later, and comes even while more arrives all the time. */
function useTitle({ chat, roomName, attended }: Ui): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let others: readonly RoomSummary[] = [];
    let latest = others;
    const stopName = effect(() => showTitle(roomName.value, others));
    const stopCount = effect(() => {
      latest = chat.rooms.value.filter(({ room }) => room !== attended.value);
      // What arrives in the open room is read in the same moment.
      timer ??= setTimeout(() => {
        timer = undefined;
        showTitle(roomName.peek(), (others = latest));
      }, TITLE_MS);
    });
    return () => {
      stopName();
      stopCount();
      clearTimeout(timer);
    };
  }, []);
}

function showTitle(name: string, others: readonly RoomSummary[]): void {
  const unread = others.reduce((sum, room) => sum + room.unread, 0);
  const count = others.some((room) => room.unreadCapped) ? text("capped", { count: unread }) : String(unread);
  const title = `${name} – ${text("appName")}`;
  document.title = unread === 0 ? title : `(${count}) ${title}`;
  // The badge of an installed page, where there is one.
  if ("setAppBadge" in navigator) void (unread === 0 ? navigator.clearAppBadge() : navigator.setAppBadge(unread)).catch(() => undefined);
}
