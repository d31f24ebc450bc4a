// What an address means, and how things are written.

import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { chooseLanguage, counted, direction, text } from "../../src/texts/texts.ts";
import { dayName } from "../../src/ui/parts/dates.ts";
import { initial, nameList, personName } from "../../src/ui/parts/names.ts";
import { parseCode, parseRoute, roomHash } from "../../src/ui/state/route.ts";

describe("an address", () => {
  test.each([
    ["", { room: 1, seq: null, pane: "timeline" }],
    ["#/rooms", { room: 1, seq: null, pane: "rooms" }],
    ["#/room/5", { room: 5, seq: null, pane: "timeline" }],
    ["#/room/5/seq/120", { room: 5, seq: 120, pane: "timeline" }],
    ["#/room/5/people", { room: 5, seq: null, pane: "people" }],
    ["#/foo", null],
    ["#/room/0", null],
    ["#/room/-1", null],
    ["#/room/abc", null],
    ["#/room/9999999999999999", null],
    ["#/room/99999999999999999999", null],
    ["#/room/5/seq/x", null],
    ["#invite=x", null],
  ])("%s", (hash, expected) => {
    expect(parseRoute(hash)).toEqual(expected);
  });

  test.each([
    ["", 1],
    ["#", 1],
    ["#/rooms", 5],
    ["#/room/7", 7],
  ])("%s, seen while room 5 is open, is room %i", (hash, room) => {
    expect(parseRoute(hash, 5)?.room).toBe(room);
  });

  test("of a message beyond all numbers is that of a number", () => {
    expect(parseRoute("#/room/5/seq/9999999999999999")?.seq).toBe(Number.MAX_SAFE_INTEGER);
  });

  test("of a message leads back to it", () => {
    expect(parseRoute(roomHash(5, 120))).toEqual({ room: 5, seq: 120, pane: "timeline" });
  });

  test.each([
    ["#setup=7K2Q", { kind: "setup", code: "7K2Q" }],
    ["#invite=a%2Bb", { kind: "invite", code: "a+b" }],
    ["#link=%", undefined],
    ["#other=1", undefined],
    ["#setup=", undefined],
  ])("with a code: %s", (hash, expected) => {
    expect(parseCode(hash)).toEqual(expected);
  });
});

describe("names", () => {
  test("of those without one are made of their id", () => {
    expect(personName({ user: "00000000000012ef" })).toBe("guest-12ef");
    expect(personName({ guest: "4f2a" })).toBe("guest-4f2a");
    expect(personName({ guest: "" })).toBe("guest");
  });

  test("of many are cut", () => {
    const people = ["ada", "bob", "cleo", "dan", "eve"].map((name) => ({ name }));
    expect(nameList(people.slice(0, 2))).toBe("ada and bob");
    expect(nameList(people)).toBe("ada, bob, cleo, and 2 others");
  });

  test("have an initial that is a whole character", () => {
    expect([initial("ada"), initial(" (bob)"), initial("émile"), initial("")]).toEqual(["A", "B", "É", "?"]);
  });
});

describe("days", () => {
  const now = new Date(2026, 2, 1, 0, 30).getTime();
  test.each([
    [new Date(2026, 2, 1, 0, 1), "Today"],
    [new Date(2026, 1, 28, 23, 59), "Yesterday"],
    [new Date(2026, 1, 27), "Friday, February 27"],
    [new Date(2025, 1, 27), "February 27, 2025"],
  ])("%s", (date, expected) => {
    expect(dayName(date.getTime(), now)).toBe(expected);
  });
});

describe("languages", () => {
  beforeAll(() => chooseLanguage(["en"]));

  test("follow the reader's wish as far as there are texts", async () => {
    await chooseLanguage(["xx", "de-AT", "en"]);
    expect(text("today")).toBe("Heute");
    expect(counted("roomUnread", 1)).toBe("1 ungelesene Nachricht");
    await chooseLanguage(["ar"]);
    expect(direction()).toBe("rtl");
    await chooseLanguage(["xx"]);
    expect([text("today"), direction()]).toEqual(["Today", "ltr"]);
  });

  test("have no text of a dialog that the page asks for, which may not be there yet", async () => {
    const { enDialogs } = await import("../../src/texts/en-dialogs.ts");
    const isLater = (path: string) => /dialogs\/(?!later\.)|people\/|parts\/(?:modal|copyable)\.|shell\/trouble\.|state\/announcer\.|timeline\/(?:toolbar|actions|announcements)\./.test(path);
    const root = new URL("../../src/ui/", import.meta.url);
    const page = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((path) => /\.tsx?$/.test(path) && !isLater(path));
    const sources = [...page, "../texts/refusals.ts"].map((path) => readFileSync(new URL(path, root), "utf8")).join();
    expect(page.length).toBeGreaterThan(40);
    expect(Object.keys(enDialogs).filter((key) => sources.includes(`"${key}"`))).toEqual([]);
  });

  test("have the same slots in every text", async () => {
    const en = { ...(await import("../../src/texts/en.ts")).en, ...(await import("../../src/texts/en-dialogs.ts")).enDialogs };
    const others = [(await import("../../src/texts/de.ts")).de, (await import("../../src/texts/ar.ts")).ar];
    const slots = (value: string | object) => {
      const forms = typeof value === "string" ? [value] : (Object.values(value) as string[]);
      return new Set(forms.flatMap((form) => form.match(/\{\w+\}/g) ?? []));
    };
    for (const other of others) {
      for (const [key, value] of Object.entries(en)) {
        expect([...slots(other[key as keyof typeof en])].sort(), key).toEqual([...slots(value)].sort());
      }
    }
  });
});
