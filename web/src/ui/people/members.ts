// The members of a room, requested from the server, with their current presence.

import { type Signal, signal, useComputed } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import type { ChatClient, Connection, Person, RoomId, RoomMember, UserId } from "../../core/facade.ts";
import { compareNames } from "../../texts/texts.ts";
import { LOBBY, personKey, personName } from "../parts/names.ts";
import type { RoomFacts, Ui } from "../state/ui.ts";

/** Above this the list of those who are online is not complete. */
const ONLINE_NAMES_MAX = 100;

export interface Members {
  readonly room: RoomId;
  readonly known: readonly RoomMember[];
  readonly more: boolean;
  readonly failed: boolean;
}

function nobody(room: RoomId): Members {
  return { room, known: [], more: false, failed: false };
}

/** The pages that have come of one room's members. What comes late, when another list was asked for, is not shown. */
export class MemberPages {
  readonly shown: Signal<Members> = signal(nobody(0));
  readonly #chat: Pick<ChatClient, "members">;
  #question = {};

  constructor(chat: Pick<ChatClient, "members">) {
    this.#chat = chat;
  }

  /** Asks for the list anew, until the function that it returns is called. */
  ask(room: RoomId): () => void {
    const question = (this.#question = {});
    void this.#page(room, undefined).then((answer) => {
      if (question === this.#question) this.shown.value = answer;
    });
    return () => {
      this.#question = {};
    };
  }

  /** Asks for the page after those that are here. */
  askMore(): void {
    const { room, known } = this.shown.peek();
    void this.#page(room, known.at(-1)?.user).then((answer) => {
      if (this.shown.peek().known === known) this.shown.value = { ...answer, known: [...known, ...answer.known] };
    });
  }

  async #page(room: RoomId, after: UserId | undefined): Promise<Members> {
    const answer = await this.#chat.members(room, after).catch(() => undefined);
    if (answer?.ok !== true) return { ...nobody(room), failed: true };
    return { room, known: answer.members, more: answer.more, failed: false };
  }
}

/** When one of these is another than before, the list is out of date. */
export function marksOf(facts: RoomFacts | undefined): readonly [number, number] {
  return [facts?.members ?? 0, facts?.changes ?? 0];
}

export function useMembers(ui: Ui, room: RoomId, facts: RoomFacts | undefined): { readonly members: Members; readonly loadMore: () => void } {
  const [pages] = useState(() => new MemberPages(ui.chat));
  const online = useComputed(() => ui.chat.connection.value.state === "online").value;
  useEffect(() => (online ? pages.ask(room) : undefined), [room, ...marksOf(facts), online]);
  const shown = pages.shown.value;
  // Those of the room before are nobody here.
  return { members: shown.room === room ? shown : nobody(room), loadMore: () => pages.askMore() };
}

/** Why the list may be empty: nothing is said of a room that is closed to one, and nothing while it is still being tried. */
export function whyNobody(state: Connection["state"], { isOpen, failed }: { readonly isOpen: boolean; readonly failed: boolean }): "network" | "failed" | null {
  if (!isOpen || state === "connecting") return null;
  if (state !== "online") return "network";
  return failed ? "failed" : null;
}

export interface Present {
  readonly online: readonly RoomMember[];
  readonly offline: readonly RoomMember[];
}

export interface Knowledge {
  readonly now: { readonly people: readonly Person[]; readonly count: number };
  /** What people are called by now: newer than the list of members. */
  readonly names: ReadonlyMap<UserId, Person>;
}

/** The members by presence and name; in the lobby everybody who is online is one. */
export function byPresence(room: RoomId, known: readonly RoomMember[], { now, names }: Knowledge): Present {
  const here = new Set(now.people.map(personKey));
  const complete = now.count <= ONLINE_NAMES_MAX;
  const all = new Map<string, RoomMember>();
  for (const member of known) {
    const key = personKey(member);
    all.set(key, { ...member, ...names.get(member.user ?? ""), online: here.has(key) || (!complete && member.online) });
  }
  if (room === LOBBY) {
    for (const person of now.people) if (!all.has(personKey(person))) all.set(personKey(person), { ...person, ...names.get(person.user ?? ""), online: true });
  }
  const sorted = [...all.values()].sort((one, other) => compareNames(personName(one), personName(other)));
  return { online: sorted.filter((member) => member.online), offline: sorted.filter((member) => !member.online) };
}
