// Turns the ack of a command into the entry that it stored.
//
// The server does not send an entry to its sender: the ack is the sender's copy. From here on, own entries are handled
// like everybody else's.

import type { Person, RoomId } from "./facade.ts";
import type { Model } from "./model.ts";
import type { OutboxRow } from "./store.ts";
import type { Ack, Command, Entry } from "./wire.ts";

export type Stored = Ack & { readonly kind: "stored" };

/** Null when the command stored nothing new. */
export function entryOfAck(model: Model, row: OutboxRow, ack: Stored): Entry | null {
  const { session } = model;
  if (ack.rev === undefined || ack.room === undefined || session === null) return null;
  const me: Person = { user: session.user, ...(session.name === null ? {} : { name: session.name }) };
  const head = { cursor: "", room: ack.room, rev: ack.rev, at: ack.at, from: me };
  const { command } = row;
  switch (command.event) {
    case "say":
      if (ack.seq === undefined) return null;
      return {
        ...head,
        event: "message",
        seq: ack.seq,
        text: command.text,
        edited: false,
        deleted: false,
        device: row.device,
        n: row.n,
      };
    case "edit":
      return { ...head, event: "edited", seq: command.seq, text: command.text };
    case "delete":
      return { ...head, event: "deleted", seq: command.seq };
    case "create":
      return {
        ...head,
        event: "room created",
        kind: command.kind,
        name: command.name,
        topic: command.topic ?? "",
        members: [me],
        host: session.user,
      };
    case "direct": {
      const others = command.with.map((user): Person => model.people.get(user) ?? { user });
      return { ...head, event: "room created", kind: "direct", name: "", topic: "", members: [me, ...others] };
    }
    case "rename":
      return { ...head, event: "room renamed", name: command.name };
    case "set topic":
      return { ...head, event: "topic", topic: command.topic };
    case "join":
      return { ...head, event: "joined", who: me, ...(ack.about === undefined ? {} : { about: ack.about }) };
    case "leave":
      return { ...head, event: "left", who: me };
    case "add":
      return { ...head, event: "joined", who: model.people.get(command.user) ?? { user: command.user } };
    case "remove":
      return { ...head, event: "removed", who: model.people.get(command.user) ?? { user: command.user } };
    case "name":
      return { ...head, event: "named", who: { user: session.user, name: command.name } };
    case "claim":
      return { ...head, event: "owner", who: me };
    // Nobody but the person sees it, so it is in no room.
    case "sign out":
    case "skip":
      return { ...head, event: "unknown" };
  }
}

/** The room that a finished command was about, or made, as far as that is known here; otherwise 0. */
export function roomOfCommand(model: Model, command: Command): RoomId {
  if ("room" in command) return command.room;
  const records = [...model.rooms.values()].map(({ record }) => record);
  if (command.event === "create") return records.findLast(({ host, name }) => host === model.session?.user && name === command.name)?.room ?? 0;
  if (command.event !== "direct") return 0;
  const wanted = [...command.with].sort().join();
  return records.find(({ with: others }) => others?.map(({ user }) => user).sort().join() === wanted)?.room ?? 0;
}
