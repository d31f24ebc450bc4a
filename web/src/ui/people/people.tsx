// The people of the open room: who is online, and a way to write to one of them.

import { useComputed } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { RoomMember } from "../../core/facade.ts";
import { text } from "../../texts/texts.ts";
import { LaterIcon } from "../parts/later-icon.tsx";
import { useKeptFocus } from "../parts/kept-focus.ts";
import { LOBBY, personKey, personName } from "../parts/names.ts";
import { Avatar, Name } from "../parts/person.tsx";
import { spoken } from "../parts/rich.ts";
import { WaysIn } from "../rooms/ways-in.tsx";
import { roomHash } from "../state/route.ts";
import { type RoomFacts, type Ui, useUi } from "../state/ui.ts";
import { byPresence, useMembers, whyNobody } from "./members.ts";

export function People() {
  const ui = useUi();
  const { room } = ui.route.value;
  const summary = ui.room.value;
  const { members, loadMore } = useMembers(ui, room, summary);
  const state = useComputed(() => ui.chat.connection.value.state).value;
  const { known, more, failed } = members;
  const why = whyNobody(state, { isOpen: summary !== undefined, failed });
  const list = useRef<HTMLDivElement>(null);
  useKeptFocus(list);
  // Those of a room that was closed meanwhile are no concern of this person any more.
  const { online, offline } = byPresence(room, summary === undefined ? [] : known, { now: ui.chat.online.value, names: ui.chat.people.value });
  return (
    <aside class="people" aria-label={text("peopleLabel")}>
      <header class="people-header">
        <h2>{text("peopleLabel")}</h2>
        <a class="quiet square back" href={roomHash(room)} aria-label={text("close")}>
          <LaterIcon name="close" />
        </a>
      </header>
      <div class="people-list" ref={list}>
        {why === "network" && <p class="people-empty">{text("peopleNeedNetwork")}</p>}
        {why === "failed" && (
          <p class="people-empty">
            {text("loadFailed")}{" "}
            <button type="button" class="link" onClick={loadMore}>
              {text("retry")}
            </button>
          </p>
        )}
        {state === "online" ? (
          <>
            <Section ui={ui} room={summary} title={text("peopleOnline", { count: online.length })} people={online} />
            <Section ui={ui} room={summary} title={text("peopleOffline", { count: offline.length })} people={offline} />
          </>
        ) : (
          // Who is here now cannot be known.
          <Section ui={ui} room={summary} title={text("peopleBefore")} people={[...online, ...offline].map(({ online: _, ...person }) => person)} />
        )}
        {more && summary !== undefined && (
          <button type="button" class="link" onClick={loadMore}>
            {text("peopleMore")}
          </button>
        )}
        {summary?.joined === true && <WaysIn kind={summary.kind} />}
      </div>
    </aside>
  );
}

interface SectionProperties {
  readonly ui: Ui;
  readonly room: RoomFacts | undefined;
  readonly title: string;
  readonly people: readonly Present[];
}

/** Without a connection nobody knows who is online. */
type Present = Omit<RoomMember, "online"> & { readonly online?: boolean };

function Section({ ui, room, title, people }: SectionProperties) {
  if (people.length === 0) return null;
  return (
    <section>
      <h3>{title}</h3>
      <ul>
        {people.map((person) => (
          <MemberRow ui={ui} room={room} person={person} key={personKey(person)} />
        ))}
      </ul>
    </section>
  );
}

function MemberRow({ ui, room, person }: { readonly ui: Ui; readonly room: RoomFacts | undefined; readonly person: Present }) {
  const me = ui.chat.me.value;
  const isMe = person.user !== undefined && person.user === me.user;
  const name = personName(person);
  const presence = person.online === undefined ? "" : `, ${text(person.online ? "isOnline" : "isOffline")}`;
  const rules = me.owner || (room?.host !== undefined && room.host === me.user);
  const mayExpel = rules && !isMe && person.user !== undefined && room !== undefined && room.kind !== "direct" && room.room !== LOBBY;
  const open = () => (isMe ? (ui.dialog.value = { kind: "settings" }) : void ui.message(person));
  return (
    <li class="member">
      <button
        type="button"
        class="member-button"
        data-focus-key={personKey(person)}
        disabled={person.user === undefined}
        title={isMe ? text("settings") : text("messagePerson", { name })}
        onClick={open}
      >
        <span class={`sign${person.online === true ? " online" : ""}`}>
          <Avatar person={person} />
        </span>
        <span class="member-name">
          {isMe ? <Name person={person} /> : spoken("messagePerson", { name: <Name person={person} /> })}
          {isMe && <small> {text("you")}</small>}
          {(person.host === true || (room?.host !== undefined && room.host === person.user)) && <small> {text("peopleHost")}</small>}
          <span class="unseen">{presence}</span>
        </span>
      </button>
      {mayExpel && (
        <button
          type="button"
          class="quiet square small"
          data-focus-key={`remove ${personKey(person)}`}
          aria-label={text("peopleRemove", { name })}
          onClick={() => (ui.dialog.value = { kind: "remove", person })}
        >
          <LaterIcon name="close" />
        </button>
      )}
    </li>
  );
}
