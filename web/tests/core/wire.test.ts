// Goal: the core reads and writes what docs/protocol/ says, the same files that hold the server to it.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as wire from "../../src/core/wire.ts";

const FOLDER = new URL("../../../docs/protocol/", import.meta.url);

interface Example {
  readonly direction: "up" | "down";
  readonly event: string;
  readonly args: readonly unknown[];
  readonly ack?: readonly unknown[];
}

const examples = (existsSync(FOLDER) ? readdirSync(FOLDER) : [])
  .filter((name) => name.endsWith(".json"))
  .map((name): readonly [string, Example] => [name, JSON.parse(readFileSync(new URL(name, FOLDER), "utf8")) as Example]);

const of = (direction: Example["direction"], events: readonly string[]): (readonly [string, Example])[] =>
  examples.filter(([, example]) => example.direction === direction && events.includes(example.event));

const ENTRIES = "message edited deleted joined left removed named owner topic unknown".split(" ").concat("room created", "room renamed");
const COMMANDS = "say edit delete create direct rename join leave add remove name claim skip".split(" ").concat("set topic", "sign out");

/** The fields of `value` that `example` has too, all the way down. */
function common(value: unknown, example: unknown): unknown {
  if (Array.isArray(value) && Array.isArray(example)) return value.map((item, index) => common(item, example[index]));
  if (typeof value !== "object" || value === null || typeof example !== "object" || example === null) return value;
  const shown = Object.entries(value).filter(([name]) => name in example);
  return Object.fromEntries(shown.map(([name, item]) => [name, common(item, (example as Record<string, unknown>)[name])]));
}

/** Without what the core has no use for. */
function without(example: unknown, names: readonly string[]): unknown {
  if (Array.isArray(example)) return example.map((item) => without(item, names));
  if (typeof example !== "object" || example === null) return example;
  const kept = Object.entries(example).filter(([name]) => !names.includes(name));
  return Object.fromEntries(kept.map(([name, item]) => [name, without(item, names)]));
}

describe("every example of docs/protocol/", () => {
  test.each(of("down", ENTRIES))("is read as an entry: %s", (_, { event, args: [payload] }) => {
    const entry = wire.readEntry(event, payload);
    expect(entry?.event).toBe(event);
    expect(common(entry, payload)).toEqual(without(payload, ["was"]));
  });

  test("a damaged message has no text, like a deleted one", () => {
    const [, { args }] = of("down", ["message"]).find(([name]) => name === "message-damaged.json") ?? ["", { args: [] }];
    expect(wire.readEntry("message", args[0])).toMatchObject({ damaged: true, deleted: true, text: "" });
  });

  test.each(of("down", ["welcome"]))("is read as a welcome: %s", (_, { args: [payload] }) => {
    const welcome = wire.readWelcome(payload);
    expect(common(welcome, payload)).toEqual(without(payload, ["limits"]));
  });

  test.each(of("down", ["typing", "typing stopped", "presence", "read"]))("is read as something that passes: %s", (_, { event, args: [payload] }) => {
    const reader = { typing: wire.readTyping, "typing stopped": wire.readTyping, presence: wire.readPresence, read: wire.readPointer }[event];
    expect(common(reader?.(payload), payload)).toEqual(without(payload, ["cursor"]));
    expect(wire.readCursor(payload)).toEqual(expect.any(String));
  });

  test.each(of("up", COMMANDS))("is a command as the core sends it: %s", (_, { event, args: [payload], ack: [answer] = [] }) => {
    const { n, ...fields } = payload as { readonly n: number };
    if (typeof n === "number") {
      const command = { event, ...fields } as unknown as wire.Command;
      expect(wire.payloadOf(command, n)).toEqual(payload);
    }
    const { ok, code, n: spent, expected } = answer as { ok: boolean; code?: string; n?: number; expected?: number };
    const ack = wire.readAck(answer);
    if (ok) expect(common(ack, answer)).toEqual(without(answer, ["ok", "n", "cursor", "skipped"]));
    else if (code === "expected") expect(ack).toEqual({ kind: "expected", expected });
    else expect(ack).toEqual({ kind: spent === undefined ? "unread" : "refused", code });
  });

  const readers: Readonly<Record<string, (answer: unknown) => unknown>> = {
    history: wire.readHistory,
    changes: wire.readChanges,
    members: wire.readMembers,
    who: wire.readWho,
    invite: wire.readCode,
    link: wire.readCode,
    "sign ins": wire.readSignIns,
    code: wire.readMeaning,
    rooms: (answer) => ({ rooms: wire.readRooms(answer) }),
    unread: (answer) => ({ unread: Object.fromEntries(wire.readUnread(answer) ?? []) }),
  };

  test.each(of("up", Object.keys(readers)))("is an answer that is read: %s", (_, { event, ack: [answer] = [] }) => {
    const read = readers[event]?.(answer);
    if ((answer as { ok: boolean }).ok === false) return expect(read).toBeNull();
    expect(common(read, answer)).toEqual(without(answer, ["ok"]));
  });

  test("has a reader or a writer", () => {
    const elsewhere = ["connect", "connect_error", "typing", "typing stopped", "read", "signed in", "signed out"];
    const known = [...ENTRIES, ...COMMANDS, ...Object.keys(readers), ...elsewhere, "welcome", "presence"];
    expect(examples.filter(([, { event }]) => !known.includes(event)).map(([name]) => name)).toEqual([]);
  });
});

/** Each way to put something of another kind into one of the fields that are read. */
function spoiled(value: unknown, read: unknown): unknown[] {
  if (Array.isArray(value)) return value.length === 0 ? [] : spoiled(value[0], (read as readonly unknown[])[0]).map((first) => [first, ...value.slice(1)]);
  if (typeof value !== "object") return [7];
  const fields = Object.entries(value as object).filter(([name]) => name in (read as object));
  return fields.flatMap(([name, item]) => {
    const inside = typeof item === "object" ? spoiled(item, (read as Record<string, unknown>)[name]) : [];
    const others = { string: [7], number: [-1, 0.5, "1"], object: [Array.isArray(item) ? { 0: item } : [item], "text"], boolean: [] }[typeof item as "string"] ?? [];
    return [...inside, ...others].map((other) => ({ ...(value as object), [name]: other }));
  });
}

describe("an example of docs/protocol/ in which one field is of another kind", () => {
  const readers: Readonly<Record<string, (value: unknown) => unknown>> = {
    ...Object.fromEntries(ENTRIES.map((event) => [event, (value: unknown) => wire.readEntry(event, value)])),
    welcome: wire.readWelcome,
    typing: wire.readTyping,
    presence: wire.readPresence,
    read: wire.readPointer,
  };

  test.each(of("down", Object.keys(readers)))("is not read: %s", (_, { event, args: [payload] }) => {
    const reader = readers[event] ?? expect.fail(event);
    const all = spoiled(payload, reader(payload));
    expect(all.length).toBeGreaterThan(1);
    for (const other of all) expect(reader(other), JSON.stringify(other)).toBeNull();
  });

  const answers: Readonly<Record<string, (value: unknown) => unknown>> = {
    history: wire.readHistory,
    changes: wire.readChanges,
    members: wire.readMembers,
    who: wire.readWho,
    link: wire.readCode,
    "sign ins": wire.readSignIns,
    code: wire.readMeaning,
  };

  test.each(of("up", Object.keys(answers)))("is no answer: %s", (_, { event, ack: [answer] = [] }) => {
    const reader = answers[event] ?? expect.fail(event);
    const read = reader(answer);
    for (const other of read === null ? [] : spoiled(answer, read)) expect(reader(other), JSON.stringify(other)).toBeNull();
    expect(reader({ ...(answer as object), ok: "true" })).toBeNull();
  });

  test.each(of("up", COMMANDS))("is an answer that says nothing of the command: %s", (_, { ack: [answer] = [] }) => {
    for (const other of spoiled(answer, wire.readAck(answer))) expect(wire.readAck(other), JSON.stringify(other)).toEqual({ kind: "unread", code: "invalid" });
  });

  test("names what is missing in place of a list of rooms or of counts", () => {
    expect(wire.readRooms({ ok: true, rooms: {} })).toBeNull();
    expect(wire.readUnread({ ok: true, unread: [] })).toBeNull();
    expect(wire.readUnread({ ok: true, unread: { 1: { count: 1, mark: "2" } } })).toBeNull();
    expect(wire.readUnread({ ok: true, unread: { 1: { count: -1, mark: 2 } } })).toBeNull();
    expect(wire.readUnread({ ok: true, unread: { 7: { count: 1, capped: true, mark: 2 }, 8: { count: 3, mark: 4 } } })).toEqual(
      new Map([[7, { count: 1, capped: true, mark: 2 }], [8, { count: 3, capped: false, mark: 4 }]]),
    );
  });
});

describe("what is left out", () => {
  const head = { room: 1, rev: 2 };

  test("of an entry has a value that says so", () => {
    expect(wire.readEntry("deleted", { ...head, seq: 3 })).toEqual({ event: "deleted", cursor: "", ...head, at: 0, from: { guest: "" }, seq: 3 });
    expect(wire.readEntry("room created", { ...head, kind: "direct", name: "" })).toEqual({ event: "room created", cursor: "", ...head, at: 0, from: { guest: "" }, kind: "direct", name: "", topic: "", members: [] });
    expect(wire.readEntry("room created", { ...head, kind: "secret", name: "" })).toBeNull();
    expect(wire.readEntry("room created", { ...head, kind: "private" })).toBeNull();
  });

  test("of a room, a welcome or an answer has one, too", () => {
    const room = { room: 1, kind: "public", seq: 3, rev: 2 };
    const read = { ...room, name: "", topic: "", joined: false, read: 0, members: 0 };
    expect(wire.readRooms({ ok: true, rooms: [room] })).toEqual([read]);
    expect(wire.readWelcome({ user: { user: "ada" }, cursor: "c", rooms: [] })).toEqual({ user: { user: "ada" }, owner: false, cursor: "c", resumed: false, reset: false, rooms: [], online: 0 });
    expect(wire.readWelcome({ user: { guest: "ada" }, cursor: "c", rooms: [] })).toBeNull();
    expect(wire.readWelcome({ user: { user: "ada" }, owner: true, resumed: true, reset: true, cursor: "c", rooms: [], token: null })).toEqual({ user: { user: "ada" }, owner: true, cursor: "c", resumed: true, reset: true, rooms: [], online: 0 });
    expect(wire.readWelcome({ user: { user: "ada" }, owner: 1, resumed: "true", reset: 1, cursor: "c", rooms: [] })).toMatchObject({ owner: false, resumed: false, reset: false });
    expect(wire.readMembers({ ok: true, members: [{ user: "ada" }] })).toEqual({ members: [{ user: "ada", online: false }], more: false });
    expect(wire.readMembers({ ok: true, members: [], more: true })).toEqual({ members: [], more: true });
    expect(wire.readChanges({ ok: true, entries: [] })).toEqual({ entries: [], more: false });
    expect(wire.readHistory({ ok: true, messages: [], first: true, last: true, seq: 0, rev: 0 })).toEqual({ messages: [], first: true, last: true, seq: 0, rev: 0 });
    expect(wire.readHistory({ ok: true, messages: [], seq: 0, rev: 0 })).toEqual({ messages: [], first: false, last: false, seq: 0, rev: 0 });
    expect(wire.readPresence({ count: 1 })).toEqual({ online: [], offline: [], count: 1, more: false });
    expect(wire.readPresence({ count: 1, offline: [7] })).toBeNull();
    expect(wire.readCode({ ok: true, code: "c" })).toEqual({ code: "c" });
    expect(wire.readAck({ ok: true })).toEqual({ kind: "stored", at: 0 });
    expect(wire.readAck({ ok: false, code: "empty", n: null })).toEqual({ kind: "refused", code: "empty" });
  });

  test("of a message is that nobody has changed it", () => {
    const message = { ...head, at: 4, seq: 3, from: { user: "ada" }, text: "hello" };
    const read = { event: "message", cursor: "", ...message, edited: false, deleted: false };
    expect(wire.readEntry("message", message)).toEqual(read);
    expect(wire.readEntry("message", { ...message, edited: true, device: "d", n: 5 })).toEqual({ ...read, edited: true, device: "d", n: 5 });
    expect(wire.readEntry("message", { ...message, deleted: true, damaged: false })).toEqual({ ...read, deleted: true });
  });

  test("of an invite is who has made it, and of no other code what it leads to", () => {
    const invite = { kind: "invite", room: 7, name: "den", members: 2 };
    expect(wire.readMeaning({ ok: true, ...invite })).toEqual({ ...invite, joined: false });
    expect(wire.readMeaning({ ok: true, ...invite, joined: true, from: { user: "ada" } })).toEqual({ ...invite, joined: true, from: { user: "ada" } });
    expect(wire.readMeaning({ ok: true, kind: "setup" })).toEqual({ kind: "setup" });
    expect(wire.readMeaning({ ok: true, kind: "link", who: { user: "ada" } })).toEqual({ kind: "link", who: { user: "ada" } });
    expect(wire.readMeaning({ ok: true, kind: "link" })).toBeNull();
    expect(wire.readMeaning({ ok: true, kind: "poster", room: 7 })).toBeNull();
  });

  test("of an answer is the reason where it is refused without one", () => {
    expect([{ ok: false, code: "busy" }, { ok: false }, null].map(wire.refusalOf)).toEqual(["busy", "invalid", "invalid"]);
  });
});

test("a mistake in the reading itself is not taken for one of the server", () => {
  const value = {
    get room(): number {
      throw new RangeError("of the reading");
    },
  };
  expect(() => wire.readPointer(value)).toThrow(RangeError);
});

test("the core speaks the namespace of the documentation", () => {
  const { args: [payload] } = examples.find(([name]) => name === "welcome.json")?.[1] ?? { args: [] };
  expect(wire.readWelcome(payload)).not.toBeNull();
  expect(readFileSync(new URL("../../../docs/protocol.md", import.meta.url), "utf8")).toContain(`amespace \`${wire.NAMESPACE}\``);
});

describe("what is not the protocol", () => {
  test.each([null, 1, "text", [], {}, { room: "1" }, { room: -1, rev: 1 }, { room: 1, rev: 1.5, at: 0 }, { ok: true }])(
    "is refused whole: %j",
    (value) => {
      expect(wire.readEntry("message", value)).toBeNull();
      expect(wire.readWelcome(value)).toBeNull();
      expect(wire.readHistory(value)).toBeNull();
      expect(wire.readPresence(value)).toBeNull();
      expect(wire.readTyping(value)).toBeNull();
    },
  );

  test("a kind of entry that is not known uses up its revision", () => {
    const value = { cursor: "c", room: 1, rev: 7, at: 0, from: { guest: "" }, pinned: 3 };
    expect(wire.readEntry("pinned", value)).toMatchObject({ event: "unknown", room: 1, rev: 7 });
  });
});
