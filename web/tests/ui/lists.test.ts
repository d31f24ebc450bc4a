// Lists that stand in two places say the same: codes, events, kinds, classes, texts, keys.
//
// What no type holds together is read out of the sources. A source that is written differently one day gives an empty
// list, which fails as well.

import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { readEntry, readRooms } from "../../src/core/wire.ts";
import { ar } from "../../src/texts/ar.ts";
import { de } from "../../src/texts/de.ts";
import { en as enPage } from "../../src/texts/en.ts";
import { enDialogs } from "../../src/texts/en-dialogs.ts";
import { REFUSALS, refusal } from "../../src/texts/refusals.ts";
import { LANGUAGES, type PluralText, type TextKey, type Texts } from "../../src/texts/texts.ts";
import { HELP_KEYS } from "../../src/ui/dialogs/help-keys.ts";
import { type KeyPress, composerCommand, pageCommand, rowCommand } from "../../src/ui/state/keys.ts";

const root = path.join(import.meta.dirname, "../../..");
const read = (file: string): string => readFileSync(path.join(root, file), "utf8");
const protocol = read("docs/protocol.md");

function found(text: string, pattern: RegExp): readonly string[] {
  const words = [...new Set([...text.matchAll(pattern)].map(([, word]) => word ?? ""))].sort();
  expect(words.length, `${pattern}`).toBeGreaterThan(2);
  return words;
}

/** The names in the first column of the table that follows a heading. */
function table(heading: string): readonly string[] {
  const section = protocol.split(`\n${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return found(section, /^\| ((?:`[a-z_ ]+`(?:, )?)+)/gm).flatMap((cell) => [...cell.matchAll(/`([a-z_ ]+)`/g)].map(([, name]) => name ?? ""));
}

/** The files of the app and what stands in them. */
const sources = readdirSync(path.join(root, "web/src"), { recursive: true, encoding: "utf8" })
  .filter((file) => /\.(?:tsx?|css)$/.test(file))
  .map((file) => ({ file, code: read(`web/src/${file}`) }));
const codeOf = (pattern: RegExp): string => sources.flatMap(({ file, code }) => (pattern.test(file) ? [code] : [])).join("\n");

describe("the codes of refusals", () => {
  const delivery = found(read("crates/chat/src/outcome.rs"), /^ +\w+ = "([a-z_]+)",$/gm);
  const trouble = found(read("crates/tidings/src/v1/ack.rs"), /Self::\w+ => "([a-z_]+)"/g);
  const connecting = found(read("crates/tidings/src/v1/admission.rs") + read("crates/tidings/src/v1/code.rs"), /"(bad_[a-z]+|invalid)"/g);
  /** The command is to be sent again later, or others before it: nothing is refused, and the app shows no such code. */
  const NO_REFUSALS = ["expected", "storage_full"];
  const ofServer = new Set([...delivery, ...trouble, ...connecting]);
  /** The app takes care of them itself; should one be shown, its name helps whoever mends the app. */
  const MISTAKES_OF_PROGRAMS = ["invalid", "no_device", "bad_token"];
  /** Only a later version could say it in words: the code is shown. */
  const OF_LATER_VERSIONS = ["unknown"];
  /** What the core answers without the server. */
  const OF_THE_CORE = ["offline", "not_kept", "full"];

  test("that the server may answer have words in the app", () => {
    expect([...ofServer].filter((code) => REFUSALS[code] === undefined).sort()).toEqual([...MISTAKES_OF_PROGRAMS, ...OF_LATER_VERSIONS].sort());
  });

  test("that have words in the app are answered by the server or the core", () => {
    const core = codeOf(/^core/);
    for (const code of OF_THE_CORE) expect(core).toContain(`"${code}"`);
    expect(Object.keys(REFUSALS).filter((code) => !ofServer.has(code) && !OF_THE_CORE.includes(code))).toEqual([]);
  });

  test("stand in the documentation", () => {
    for (const code of ofServer) expect(protocol, code).toMatch(new RegExp(`["\`]${code}["\`]`));
    expect(table("## Durable commands").filter((word) => /_|^(?:conflict|forbidden|empty|limit|invalid)$/.test(word) && !ofServer.has(word) && !NO_REFUSALS.includes(word))).toEqual([]);
    const rows = protocol.split("| code | is `n` used up?")[1]?.split("\n\n")[0] ?? "";
    const codes = found(rows, /^\| ([^|]*) \| (?:yes|no) \|/gm).join();
    const inTable = found(codes, /`([a-z_]+)`/g).filter((word) => word !== "n");
    expect(inTable).toEqual([...new Set([...NO_REFUSALS, ...delivery, ...trouble])].sort());
  });

  test("have words of their own", () => {
    const words = Object.keys(REFUSALS).map(refusal);
    expect(new Set(words).size).toBe(words.length);
    expect(refusal("never_heard_of")).toContain("never_heard_of");
  });
});

describe("the names of events", () => {
  const names = read("crates/tidings/src/names.rs");
  const [commands, requests] = ["enum CommandName", "enum RequestName"].map((start) => found(names.split(start)[1]?.split("\n}\n")[0] ?? "", /^ +\w+ = "([a-z ]+)",$/gm));
  const entries = found(names.split("// Down: entries of the log.")[1] ?? "", /: &str = "([a-z ]+)"/g);
  const wire = read("web/src/core/wire.ts");

  test("of commands are those of the app and of the documentation", () => {
    const own = found(wire.split("export type Command")[1]?.split(";\n\n")[0] ?? "", /event: ("[^;}]+)/g).flatMap((event) => event.match(/(?<=")[a-z ]+(?=")/g) ?? []);
    expect([...new Set(own)].filter((event) => event !== " | ").sort()).toEqual(commands);
    expect(found(protocol.split("\n## Durable commands\n")[1]?.split("\nAnswers:")[0] ?? "", /^\| `([a-z ]+)`/gm)).toEqual(commands);
  });

  test("of requests are those of the documentation", () => {
    const documented = found(protocol.split("\n## Requests\n")[1]?.split("\n## ")[0] ?? "", /^\| `([a-z ]+)`/gm);
    expect(documented.filter((name) => !["read", "typing", "typing stopped"].includes(name))).toEqual(requests);
  });

  test("of entries are those of the app and of the documentation", () => {
    const fields = { room: 1, rev: 1, at: 1, seq: 1, text: "", name: "", topic: "", kind: "public", who: { user: "a" }, from: { user: "a" } };
    for (const event of entries) expect(readEntry(event, fields)?.event).toBe(event);
    expect(found(protocol.split("\n## Entries of the log\n")[1]?.split("\n## ")[0] ?? "", /^\| `([a-z ]+)`/gm)).toEqual(entries);
  });
});

test("the kinds of rooms are those of the server", () => {
  const kinds = found(read("crates/tidings/src/v1/view.rs"), /RoomKind::\w+ => "([a-z]+)"/g);
  const room = { room: 1, name: "", topic: "", seq: 0, rev: 0, joined: true, read: 0, members: 0 };
  for (const kind of kinds) expect(readRooms({ ok: true, rooms: [{ ...room, kind }] })?.[0]?.kind).toBe(kind);
  expect(readRooms({ ok: true, rooms: [{ ...room, kind: "other" }] })).toBeNull();
});

describe("the texts", () => {
  const en = { ...enPage, ...enDialogs };
  const languages: Readonly<Record<string, Texts>> = { en, de, ar };
  const keys = Object.keys(en) as TextKey[];
  const slots = (text: string) => [...new Set(text.match(/\{\w+\}/g))].sort();
  const forms = (text: string | PluralText) => (typeof text === "string" ? [text] : Object.values(text));

  test("are those of all languages", () => {
    expect(Object.keys(languages).sort()).toEqual(Object.keys(LANGUAGES).sort());
  });

  test.each(Object.keys(languages))("in %s have the slots that they have in English", (name) => {
    for (const key of keys) {
      // "One message" may do without its number.
      const of = (text: string | PluralText) => slots(forms(text).at(-1) ?? "");
      expect(of(languages[name]?.[key] ?? ""), key).toEqual(of(en[key]));
      for (const form of forms(languages[name]?.[key] ?? "")) expect(form.trim(), key).not.toBe("");
    }
  });

  test.each(Object.keys(languages))("in %s have one form or one for every kind of number", (name) => {
    // No text is shown for none.
    const categories = new Intl.PluralRules(name).resolvedOptions().pluralCategories.filter((category) => category !== "zero");
    for (const key of keys) {
      const text = languages[name]?.[key];
      if (typeof text === "object" && Object.keys(text).length > 1) expect(Object.keys(text).sort(), key).toEqual([...categories].sort());
    }
  });

  test("are all shown somewhere", () => {
    const code = `${codeOf(/^(?:ui|main|core)/)}\n${read("web/src/texts/refusals.ts")}`;
    expect(keys.filter((key) => !code.includes(`"${key}"`))).toEqual([]);
  });
});

describe("the classes of the style sheets", () => {
  const styles = codeOf(/\.css$/).replaceAll(/\/\*[^]*?\*\//g, "");
  const code = codeOf(/\.tsx?$/) + read("web/index.html");
  /** Made of two words: `pane-${pane}`. */
  const made = (name: string) => name.startsWith("pane-") && code.includes(`"${name.slice(5)}"`);
  const styled = found(styles, /\.([a-z][a-z-]*(?:-\d)?)/g).filter((name) => !/^(?:css|tone-\d)$/.test(name));

  test("are used by the app", () => {
    expect(styled.filter((name) => !made(name) && !new RegExp(`(?<![\\w-])${name}(?![\\w-])`).test(code))).toEqual([]);
  });

  test("are there for every class of the app", () => {
    const HOOKS = ["actions", "content", "day", "dot", "newer", "older", "room-list", "slot"];
    const used = found(code, /class="([^"]+)"/g).flatMap((classes) => classes.split(" "));
    expect([...new Set(used)].filter((name) => !styled.includes(name) && !HOOKS.includes(name))).toEqual([]);
  });
});

test("every icon is shown somewhere", () => {
  const icons = found(read("web/src/ui/parts/icon.tsx").split("const PATHS")[1]?.split("} as const")[0] ?? "", /^ {2}(\w+):/gm);
  const code = sources.flatMap(({ file, code }) => (file.endsWith("icon.tsx") ? [] : [code])).join("\n");
  expect(icons.filter((name) => !code.includes(`"${name}"`))).toEqual([]);
});

describe("the keys in the help", () => {
  const NAMES: Readonly<Record<string, string>> = { "↑": "ArrowUp", "↓": "ArrowDown", Esc: "Escape" };
  const press = (written: string): KeyPress => {
    const parts = written.split(" ");
    const key = parts.at(-1) ?? "";
    const has = (name: string) => parts.slice(0, -1).includes(name);
    return { key: NAMES[key] ?? (key.length === 1 ? key.toLowerCase() : key), ctrlKey: has("Ctrl"), metaKey: false, altKey: has("Alt"), shiftKey: has("Shift"), isComposing: false };
  };
  const commandsOf = (combination: string) => {
    const given = press(combination);
    return [pageCommand(given), composerCommand(given, { text: "", inFence: false, touch: false }), rowCommand(given)].filter((command) => command !== undefined);
  };
  /** Keys that stand side by side without being pressed together. */
  const all = HELP_KEYS.flatMap(([, combinations]) => combinations.flatMap((written) => (/^(?:Ctrl|Alt|Shift) /.test(written) ? [written] : written.split(" "))));

  test("do something", () => {
    for (const combination of all) expect(commandsOf(combination), combination).not.toEqual([]);
  });

  test("are all that there are, but for those that move in lists as everywhere", () => {
    const known = found(read("web/src/ui/state/keys.ts").match(/export type \w+Command = [^;]+/g)?.join("\n") ?? "", /"(\w+)"/g);
    const shown = new Set<string>(all.flatMap(commandsOf));
    expect(known.filter((command) => !shown.has(command))).toEqual(["first", "pageDown", "pageUp"]);
  });
});
