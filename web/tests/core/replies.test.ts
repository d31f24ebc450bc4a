// Goal: the ack of a command says the same as the event that everybody else gets.

import { expect, test } from "vitest";
import { unknownRoom } from "../../src/core/effects.ts";
import { Model } from "../../src/core/model.ts";
import { entryOfAck, roomOfCommand } from "../../src/core/replies.ts";
import type { Command, Entry, Room } from "../../src/core/wire.ts";

const ADA = { user: "ada", name: "Ada" };
const BOB = { user: "bob", name: "Bob" };

function model(): Model {
  const known = new Model();
  known.apply({ kind: "session", session: { user: "ada", name: "Ada", owner: false, token: "" } });
  known.apply({ kind: "person", person: BOB });
  return known;
}

/** What the command stored, without what all entries have. */
function stored(command: Command, fields: { readonly seq?: number } = {}): Partial<Entry> | null {
  const entry = entryOfAck(model(), { id: 1, device: "mine", n: 4, command, at: 0 }, { kind: "stored", room: 7, rev: 9, at: 8, ...fields });
  if (entry === null) return null;
  const { cursor, room, rev, at, from, ...rest } = entry;
  expect({ cursor, room, rev, at, from }).toEqual({ cursor: "", room: 7, rev: 9, at: 8, from: ADA });
  return rest;
}

test("each command becomes its entry", () => {
  expect(stored({ event: "say", room: 7, text: "hello" }, { seq: 3 })).toEqual({ event: "message", seq: 3, text: "hello", edited: false, deleted: false, device: "mine", n: 4 });
  expect(stored({ event: "edit", room: 7, seq: 3, text: "hello!" })).toEqual({ event: "edited", seq: 3, text: "hello!" });
  expect(stored({ event: "delete", room: 7, seq: 3 })).toEqual({ event: "deleted", seq: 3 });
  expect(stored({ event: "create", kind: "public", name: "garden" })).toEqual({ event: "room created", kind: "public", name: "garden", topic: "", members: [ADA], host: "ada" });
  expect(stored({ event: "direct", with: ["bob", "cleo"] })).toEqual({ event: "room created", kind: "direct", name: "", topic: "", members: [ADA, BOB, { user: "cleo" }] });
  expect(stored({ event: "rename", room: 7, name: "yard" })).toEqual({ event: "room renamed", name: "yard" });
  expect(stored({ event: "set topic", room: 7, topic: "green" })).toEqual({ event: "topic", topic: "green" });
  expect(stored({ event: "join", room: 7 })).toEqual({ event: "joined", who: ADA });
  expect(stored({ event: "leave", room: 7 })).toEqual({ event: "left", who: ADA });
  expect(stored({ event: "add", room: 7, user: "bob" })).toEqual({ event: "joined", who: BOB });
  expect(stored({ event: "remove", room: 7, user: "bob" })).toEqual({ event: "removed", who: BOB });
  expect(stored({ event: "name", name: "Ida" })).toEqual({ event: "named", who: { user: "ada", name: "Ida" } });
  expect(stored({ event: "claim", code: "secret" })).toEqual({ event: "owner", who: ADA });
});

test("a command about somebody who has no name here names their id, and a skip is an entry of its own", () => {
  expect(stored({ event: "add", room: 7, user: "cleo" })).toEqual({ event: "joined", who: { user: "cleo" } });
  expect(stored({ event: "remove", room: 7, user: "cleo" })).toEqual({ event: "removed", who: { user: "cleo" } });
  expect(stored({ event: "create", kind: "private", name: "den", topic: "quiet" })).toMatchObject({ kind: "private", name: "den", topic: "quiet" });
  expect(stored({ event: "skip" })).toEqual({ event: "unknown" });
});

test("the ack of joining tells what the room is", () => {
  const about: Room = { room: 7, kind: "public", name: "garden", topic: "", joined: true, members: 2, rev: 9, seq: 3, read: 0 };
  const row = { id: 1, device: "mine", n: 4, command: { event: "join", room: 7 } as const, at: 0 };
  expect(entryOfAck(model(), row, { kind: "stored", room: 7, rev: 9, at: 8, about })).toEqual({ event: "joined", cursor: "", room: 7, rev: 9, at: 8, from: ADA, who: ADA, about });
  expect(Object.keys(entryOfAck(model(), row, { kind: "stored", room: 7, rev: 9, at: 8 }) ?? {})).not.toContain("about");
});

test("who has no name has none in an own entry, and nobody has entries without being somebody", () => {
  const [guest, nobody] = [new Model(), new Model()];
  guest.apply({ kind: "session", session: { user: "ada", name: null, owner: false, token: "" } });
  const row = { id: 1, device: "mine", n: 4, command: { event: "leave", room: 7 } as const, at: 0 };
  const ack = { kind: "stored", room: 7, rev: 9, at: 8 } as const;
  expect(Object.keys(entryOfAck(guest, row, ack)?.from ?? {})).toEqual(["user"]);
  expect(entryOfAck(nobody, row, ack)).toBeNull();
  expect(entryOfAck(guest, row, { kind: "stored", rev: 9, at: 8 })).toBeNull();
});

test("an ack without an entry stores nothing", () => {
  const row = { id: 1, device: "mine", n: 4, command: { event: "rename", room: 7, name: "yard" } as const, at: 0 };
  expect(entryOfAck(model(), row, { kind: "stored", room: 7, at: 8 })).toBeNull();
  expect(stored({ event: "say", room: 7, text: "hello" })).toBeNull();
});

test("a finished command that made a room tells which", () => {
  const known = model();
  known.apply({ kind: "room", room: { ...unknownRoom(4), kind: "direct", with: [BOB, { user: "cleo" }] } });
  known.apply({ kind: "room", room: { ...unknownRoom(5), name: "garden", host: "bob" } });
  known.apply({ kind: "room", room: { ...unknownRoom(6), name: "garden", host: "ada" } });
  expect(roomOfCommand(known, { event: "say", room: 9, text: "" })).toBe(9);
  expect(roomOfCommand(known, { event: "create", kind: "public", name: "garden" })).toBe(6);
  expect(roomOfCommand(known, { event: "direct", with: ["cleo", "bob"] })).toBe(4);
  expect(roomOfCommand(known, { event: "direct", with: ["bob"] })).toBe(0);
  expect(roomOfCommand(known, { event: "create", kind: "public", name: "yard" })).toBe(0);
  known.apply({ kind: "room", room: { ...unknownRoom(8), name: "yard", host: "bob" } });
  known.apply({ kind: "room", room: { ...unknownRoom(9), name: "", with: [{ user: "dan" }, BOB] } });
  expect(roomOfCommand(known, { event: "create", kind: "public", name: "yard" })).toBe(0);
  expect(roomOfCommand(known, { event: "direct", with: ["bob", "dan"] })).toBe(9);
  expect(roomOfCommand(new Model(), { event: "create", kind: "public", name: "yard" })).toBe(0);
  expect(roomOfCommand(known, { event: "name", name: "Ida" })).toBe(0);
});
