// Chooses people for a direct conversation, or to add to a private room.

import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Person } from "../../core/facade.ts";
import { compareNames, text } from "../../texts/texts.ts";
import { useKeptFocus } from "../parts/kept-focus.ts";
import { Modal } from "../parts/modal.tsx";
import { LOBBY, personKey, personName } from "../parts/names.ts";
import { Avatar, Name } from "../parts/person.tsx";
import { matches } from "../parts/match.ts";
import { type RoomFacts, type Ui, useUi } from "../state/ui.ts";
import { Form, useOwnName } from "./parts.tsx";
import { useTask } from "./task.ts";

const SHOWN_MAX = 60;

const PAGES_MAX = 20;

/** Has the server name the members of the lobby, offline or not: the chat learns them from its answers. */
export function useEverybody(ui: Ui): void {
  useEffect(() => {
    let closed = false;
    const ask = async () => {
      for (let [page, after]: [number, string | undefined] = [0, undefined]; page < PAGES_MAX && !closed; page += 1) {
        const answer = await ui.chat.members(LOBBY, after);
        if (!answer.ok || !answer.more) return;
        after = answer.members.at(-1)?.user;
      }
    };
    void ask().catch(() => undefined);
    return () => {
      closed = true;
    };
  }, []);
}

/** Everybody known and online but oneself; those with a name first, by name. */
export function others(ui: Ui): readonly Person[] {
  const me = ui.chat.me.value.user;
  const all = new Map<string, Person>();
  for (const person of [...ui.chat.people.value.values(), ...ui.chat.online.value.people]) {
    if (person.user !== undefined && person.user !== me) all.set(personKey(person), person);
  }
  const rank = (person: Person) => (person.name === undefined ? 1 : 0);
  return [...all.values()].sort((one, other) => rank(one) - rank(other) || compareNames(personName(one), personName(other)));
}

interface Properties {
  readonly title: string;
  readonly submit: string;
  readonly choose: (users: readonly string[]) => Promise<boolean>;
  readonly task: ReturnType<typeof useTask>;
}

function ChoosePeople({ title, submit, choose, task }: Properties) {
  const ui = useUi();
  const own = useOwnName(task);
  const query = useSignal("");
  const chosen = useSignal<ReadonlySet<string>>(new Set());
  useEverybody(ui);
  const people = useComputed(() => others(ui)).value;
  const found = people.filter((person) => matches(personName(person), query.value)).slice(0, SHOWN_MAX);
  const list = useRef<HTMLUListElement>(null);
  useKeptFocus(list);
  const toggle = (user: string) => {
    const after = new Set(chosen.peek());
    if (!after.delete(user)) after.add(user);
    chosen.value = after;
  };
  const close = () => {
    ui.dialog.value = null;
  };
  const start = async () => {
    if (await own.take()) await choose([...chosen.peek()]);
  };
  return (
    <Modal title={title}>
      <Form task={task} submit={submit} disabled={own.isMissing || chosen.value.size === 0} onSubmit={() => void start()} onCancel={close}>
        {own.field}
        <input
          type="search"
          class="find"
          aria-label={text("directFind")}
          placeholder={text("directFind")}
          dir="auto"
          autofocus={own.field === null}
          value={query.value}
          onInput={(event) => (query.value = event.currentTarget.value)}
        />
        {people.length === 0 ? <p>{text("directNobody")}</p> : <p class="help">{text("directHelp")}</p>}
        <ul class="choose-list" ref={list}>
          {found.map((person) => (
            <li key={personKey(person)}>
              <label class="choose">
                <Avatar person={person} />
                <span class="choose-text">
                  <Name person={person} />
                </span>
                <input type="checkbox" data-focus-key={personKey(person)} checked={chosen.value.has(person.user ?? "")} onChange={() => toggle(person.user ?? "")} />
              </label>
            </li>
          ))}
        </ul>
        {people.length > 0 && found.length === 0 && <p class="help">{text("switcherNone")}</p>}
      </Form>
    </Modal>
  );
}

export function DirectDialog() {
  const ui = useUi();
  const task = useTask();
  const start = async (users: readonly string[]) => {
    const made = await task.run(() => ui.chat.direct(users));
    if (made !== undefined) ui.openRoom(made.room);
    return made !== undefined;
  };
  return <ChoosePeople title={text("newDirect")} submit={text("directStart")} choose={start} task={task} />;
}

export function AddDialog({ room }: { readonly room: RoomFacts }) {
  const ui = useUi();
  const task = useTask();
  const add = async (users: readonly string[]) => {
    for (const user of users) {
      if ((await task.run(() => ui.chat.add(room.room, user))) === undefined) return false;
    }
    ui.dialog.value = null;
    return true;
  };
  return <ChoosePeople title={text("addPeople")} submit={text("addPeople")} choose={add} task={task} />;
}
