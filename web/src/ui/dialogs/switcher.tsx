// Finds a conversation or a person by a few letters: a combobox whose list is always open.

import { useSignal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";
import type { Person, RoomSummary } from "../../core/facade.ts";
import { number, text } from "../../texts/texts.ts";
import { Modal } from "../parts/modal.tsx";
import { matches } from "../parts/match.ts";
import { personName, roomName } from "../parts/names.ts";
import { Avatar, Name } from "../parts/person.tsx";
import { RoomSign } from "../rooms/link.tsx";
import { type Ui, useUi } from "../state/ui.ts";
import { others, useEverybody } from "./choose-people.tsx";

const SHOWN_MAX = 12;

type Target = { readonly key: string } & ({ readonly room: RoomSummary } | { readonly person: Person });

export function Switcher() {
  const ui = useUi();
  const query = useSignal("");
  // By its key: messages and people come while somebody chooses, and what is lit is what Enter opens.
  const lit = useSignal<string | null>(null);
  useEverybody(ui);
  const targets = find(ui, query.value);
  const active = Math.max(0, targets.findIndex(({ key }) => key === lit.value));
  const light = (position: number) => {
    lit.value = targets[position]?.key ?? null;
  };
  useLayoutEffect(() => light(active));
  const open = (target: Target | undefined) => {
    if (target === undefined) return;
    ui.dialog.value = null;
    if ("room" in target) ui.openRoom(target.room.room);
    else void ui.message(target.person);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0 && targets.length > 0) light((active + step + targets.length) % targets.length);
    else if (event.key === "Enter" && !event.isComposing) open(targets[active]);
    else return;
    event.preventDefault();
  };
  return (
    <Modal title={text("switchRoom")}>
      <input
        class="find"
        role="combobox"
        aria-label={text("switcherLabel")}
        placeholder={text("switcherLabel")}
        aria-expanded
        aria-autocomplete="list"
        aria-controls="switcher-list"
        aria-activedescendant={targets.length > 0 ? `switcher-${active}` : undefined}
        autocomplete="off"
        autofocus
        dir="auto"
        value={query.value}
        onInput={(event) => {
          query.value = event.currentTarget.value;
          lit.value = null;
        }}
        onKeyDown={onKeyDown}
      />
      <ul class="choose-list" id="switcher-list" role="listbox" aria-label={text("switchRoom")}>
        {targets.map((target, position) => (
          <li
            key={target.key}
            id={`switcher-${position}`}
            class="choose"
            role="option"
            aria-selected={position === active}
            onClick={() => open(target)}
            onPointerMove={() => light(position)}
          >
            <TargetView target={target} />
          </li>
        ))}
      </ul>
      {targets.length === 0 && <p class="help">{text("switcherNone")}</p>}
    </Modal>
  );
}

function TargetView({ target }: { readonly target: Target }) {
  if ("person" in target) {
    return (
      <>
        <Avatar person={target.person} />
        <span class="choose-text">
          <Name person={target.person} />
        </span>
      </>
    );
  }
  const { room } = target;
  return (
    <>
      <RoomSign room={room} />
      <span class="choose-text">
        <bdi>{roomName(room)}</bdi>
      </span>
      {room.unread > 0 && <span class="badge">{number(room.unread)}</span>}
    </>
  );
}

/** Unread conversations first, then the others, then people without one. */
function find(ui: Ui, query: string): readonly Target[] {
  const all = ui.ordered.value;
  const fitting = all.filter((room) => matches(roomName(room), query));
  const rooms = [...fitting.filter((room) => room.unread > 0), ...fitting.filter((room) => room.unread === 0)];
  const spokenTo = new Set(all.filter((room) => room.with?.length === 1).map((room) => room.with?.[0]?.user));
  const people = query.trim() === "" ? [] : others(ui).filter((person) => !spokenTo.has(person.user) && matches(personName(person), query));
  return [
    ...rooms.map((room) => ({ key: `room ${room.room}`, room })),
    ...people.map((person) => ({ key: `person ${person.user}`, person })),
  ].slice(0, SHOWN_MAX);
}
