// The members of a room, requested from the server, with their current presence.

import { useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ChatClient, Connection, Person, RoomId, RoomMember, UserId } from "../../core/facade.ts";
import { compareNames } from "../../texts/texts.ts";
import { LOBBY, personKey, personName } from "../parts/names.ts";
import type { Ui } from "../state/ui.ts";

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

export function useMembers(ui: Ui, room: RoomId, count: number): { readonly members: Members; readonly loadMore: () => void } {
  const members = useSignal<Members>(nobody(room));
  const online = useComputed(() => ui.chat.connection.value.state === "online").value;
  useEffect(() => {
    if (!online) return undefined;
    let closed = false;
    void ask(ui.chat, room, undefined).then((answer) => {
      if (!closed) members.value = answer;
    });
    return () => {
      closed = true;
    };
  }, [room, count, online]);
  const loadMore = () => {
    const before = members.peek().known;
    void ask(ui.chat, room, before.at(-1)?.user).then((answer) => {
      if (members.peek().known === before) members.value = { ...answer, known: [...before, ...answer.known] };
    });
  };
  // Those of the room before are nobody here.
  return { members: members.value.room === room ? members.value : nobody(room), loadMore };
}

async function ask(chat: ChatClient, room: RoomId, after: string | undefined): Promise<Members> {
  const answer = await chat.members(room, after).catch(() => undefined);
  if (answer?.ok !== true) return { ...nobody(room), failed: true };
  return { room, known: answer.members, more: answer.more, failed: false };
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
