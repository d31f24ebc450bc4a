// The messages of the open room, as a log that does not announce itself: see `Announcer`.

import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { Person, RoomView, Seq } from "../../core/facade.ts";
import { text } from "../../texts/texts.ts";
import { dayName } from "../parts/dates.ts";
import { loadedPart } from "../dialogs/later.tsx";
import { today, zone } from "../state/clock.ts";
import { type Ui, useUi } from "../state/ui.ts";
import { ActiveToolbar, activeRow } from "./active.tsx";
import { Arranger, type Day, type Item, lastSeq } from "./arrange.ts";
import { Edge } from "./edge.tsx";
import { HoleView } from "./hole.tsx";
import { Intro } from "./intro.tsx";
import { NoticesView } from "./notices.tsx";
import { Pills } from "./pills.tsx";
import { MessageView } from "./row.tsx";
import { rowEvents } from "./row-events.ts";
import { Stage } from "./stage.ts";

export function Timeline() {
  const ui = useUi();
  const view = ui.view.value;
  return <RoomTimeline view={view} key={view.room} />;
}

function RoomTimeline({ view }: { readonly view: RoomView }) {
  const ui = useUi();
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const stage = useRef<Stage | undefined>(undefined);
  const atEnd = useSignal(true);
  const skipped = useSignal<Seq | null>(null);
  const active = useSignal<HTMLElement | null>(null);
  const arranger = useMemo(() => new Arranger(), []);
  const opened = useRef<Seq | undefined>(undefined);
  const me = useMe(ui);
  // Placed anew, the rows may be the same, and have to be moved all the same.
  void view.placed.value;
  const days = arranger.arrange(view.rows.value, view.newFrom.value);
  stage.current?.rowsChange();

  useLayoutEffect(() => {
    if (scroller.current === null || content.current === null) return undefined;
    const made = new Stage(scroller.current, content.current, view, { atEnd, skipped, attended: ui.attended });
    stage.current = made;
    ui.showLatest = () => void made.toLatest();
    ui.showSent = () => void made.toEnd();
    return () => made.close();
  }, [view]);
  useLayoutEffect(() => stage.current?.rowsChanged());
  useAddressed(ui, view, stage);

  const { onClick, onKeyDown } = useMemo(() => rowEvents(ui, view), [ui, view]);
  const { onPointerOver, onPointerLeave, onFocusIn, onFocusOut } = useMemo(() => activeRow(active, () => stage.current?.rover), [active]);
  // What arrives before the part that announces it is there is announced, too.
  if (view.last.value) opened.current ??= lastSeq(view.rows.value);
  const Announcements = loadedPart("Announcements");
  return (
    <div class="timeline">
      <div class="scroller" ref={scroller}>
        <div
          id="messages"
          class="log"
          role="log"
          aria-live="off"
          aria-label={text("messagesLabel")}
          ref={content}
          onPointerOver={onPointerOver}
          onPointerLeave={onPointerLeave}
          onFocusIn={onFocusIn}
          onFocusOut={onFocusOut}
          onClick={onClick}
          onKeyDown={(event) => stage.current && onKeyDown(event, stage.current)}
        >
          <Edge view={view} side="older" />
          <Intro view={view} />
          {days.map((day) => (
            <DayView day={day} view={view} me={me} key={`${zone.value} ${day.key}`} />
          ))}
          <Edge view={view} side="newer" />
        </div>
      </div>
      {Announcements !== undefined && <Announcements view={view} opened={opened.current} />}
      <ActiveToolbar view={view} active={active} />
      <Pills atEnd={atEnd} skipped={skipped} toLatest={() => void stage.current?.toLatest()} toMessage={(seq) => void stage.current?.toMessage(seq, "plain")} />
    </div>
  );
}

/** Who I am, as the same object while nothing about it changes. */
function useMe(ui: Ui): Person {
  const { user, name } = ui.chat.me.value;
  return useMemo(() => ({ ...(user === null ? {} : { user }), ...(name === null ? {} : { name }) }), [user, name]);
}

/**
 * Goes to the message that the address names, as soon as it can be had, and says why where it cannot be. An address without
 * a message is the conversation as it opens.
 */
function useAddressed(ui: Ui, view: RoomView, stage: { readonly current: Stage | undefined }): void {
  const { room, seq, pane } = ui.route.value;
  const asked = useRef<{ readonly seq: Seq; readonly done: boolean } | null>(null);
  const isOnline = useComputed(() => ui.chat.connection.value.state === "online").value;
  const isThere = useComputed(() => view.rows.value.length > 0).value;
  useEffect(() => {
    if (room !== view.room || pane !== "timeline") return;
    if (seq === null) {
      if (asked.current !== null) void view.reopen();
      asked.current = ui.deadLink.value = null;
      return;
    }
    if (asked.current?.seq === seq && asked.current.done) return;
    asked.current = { seq, done: false };
    ui.deadLink.value = null;
    void stage.current?.toMessage(seq, "highlight").then((found) => {
      if (asked.current?.seq !== seq || found === "closed") return;
      const isKnown = found !== "hole" && isOnline && ui.room.peek() !== undefined;
      asked.current = { seq, done: found === "shown" || isKnown };
      if (found !== "shown" && (isThere || isKnown)) ui.deadLink.value = isKnown ? "missing" : "away";
    });
  }, [view, room, seq, pane, isOnline, isThere]);
}

interface DayProperties {
  readonly day: Day;
  readonly view: RoomView;
  readonly me: Person;
}

function DayView({ day, view, me }: DayProperties) {
  const name = dayName(day.at, today.value);
  return (
    <section class="day">
      <div class="day-line" role="separator" aria-label={name}>
        <span>{name}</span>
      </div>
      {day.items.map((item) => itemView(item, view, me))}
    </section>
  );
}

function itemView(item: Item, view: RoomView, me: Person) {
  switch (item.kind) {
    case "message":
      return <MessageView item={item} me={me} key={item.key} />;
    case "notices":
      return <NoticesView rows={item.rows} rowKey={item.key} key={item.key} />;
    case "hole":
      return <HoleView row={item.row} view={view} key={item.key} />;
    case "new":
      return (
        <div class="new-line" role="separator" aria-label={text("newLine")} key={item.key}>
          <span>{text("newLine")}</span>
        </div>
      );
  }
}
