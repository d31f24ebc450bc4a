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
const COMMANDS = "say edit delete create direct rename join leave add remove name claim skip".split(" ").concat("set topic");

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
    const elsewhere = ["connect", "connect_error", "typing", "typing stopped", "read"];
    const known = [...ENTRIES, ...COMMANDS, ...Object.keys(readers), ...elsewhere, "welcome", "presence"];
    expect(examples.filter(([, { event }]) => !known.includes(event)).map(([name]) => name)).toEqual([]);
  });
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
