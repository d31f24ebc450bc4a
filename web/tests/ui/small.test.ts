// Small decisions of the page: the order of rooms, what is read aloud, who is there, what is meant by a few letters.

import { describe, expect, test } from "vitest";
import type { RoomKind, RoomMember, RoomSummary } from "../../src/core/facade.ts";
import { enDialogs } from "../../src/texts/en-dialogs.ts";
import { addTexts, chooseLanguage } from "../../src/texts/texts.ts";
import { shortTime, timeOfDay } from "../../src/ui/parts/dates.ts";
import { isLoopback, portOf } from "../../src/ui/parts/hosts.ts";
import { matches } from "../../src/ui/parts/match.ts";
import { roomName } from "../../src/ui/parts/names.ts";
import { byPresence, whyNobody } from "../../src/ui/people/members.ts";
import { RoomOrder, inOrder, neighbour } from "../../src/ui/rooms/order.ts";
import { Announcer } from "../../src/ui/state/announcer.ts";

function room(id: number, kind: RoomKind, name: string, unread = 0): RoomSummary {
  return { room: id, kind, name, topic: "", joined: true, unread, unreadCapped: false, members: 1, changes: 0, draft: "", pending: 0 };
}

const LOBBY = room(1, "public", "Lobby");
const ROOMS = [room(4, "direct", "bob"), room(3, "private", "tea", 2), room(2, "public", "attic 10"), room(5, "public", "attic 9"), LOBBY];

describe("an empty list of people", () => {
  test.each([
    ["offline", true, false, "network"],
    ["unavailable", true, true, "network"],
    ["online", true, true, "failed"],
    ["online", true, false, null],
    // Another tab may be about to lead, or the page has only just begun.
    ["connecting", true, true, null],
    // Whoever was removed sees nobody there, with a network or without.
    ["online", false, true, null],
    ["offline", false, true, null],
  ] as const)("of a page that is %s (open: %s, failed: %s) is explained by: %s", (state, isOpen, failed, why) => {
    expect(whyNobody(state, { isOpen, failed })).toBe(why);
  });
});

describe("rooms", () => {
  test("stand by name, the lobby first and conversations last", () => {
    expect(inOrder(ROOMS).map(({ name }) => name)).toEqual(["Lobby", "attic 9", "attic 10", "tea", "bob"]);
  });

  test("that were left are not listed", () => {
    expect(inOrder([{ ...LOBBY, joined: false }])).toEqual([]);
  });

  test("keep their order and show their new counts", () => {
    const order = new RoomOrder();
    const before = order.of(ROOMS);
    const after = order.of(ROOMS.map((one) => ({ ...one, unread: 7 })));
    expect(after.map((one) => one.room)).toEqual(before.map((one) => one.room));
    expect(after.every((one) => one.unread === 7)).toBe(true);
    expect(order.of([...ROOMS, room(9, "public", "aaa")]).map((one) => one.name)[1]).toBe("aaa");
  });

  test.each([
    [1, 1, "any", "attic 9"],
    [1, -1, "any", "bob"],
    [4, 1, "any", "Lobby"],
    [1, 1, "unread", "tea"],
    [4, -1, "unread", "tea"],
    [3, 1, "unread", undefined],
    [99, 1, "any", "Lobby"],
    [99, -1, "any", "bob"],
  ] as const)("next to %i in direction %i (%s)", (current, step, which, expected) => {
    expect(neighbour(inOrder(ROOMS), current, step, which)?.name).toBe(expected);
  });
});

describe("what is read aloud", () => {
  addTexts(enDialogs);

  function announcer() {
    const said: string[] = [];
    const due: (() => void)[] = [];
    const made = new Announcer((text) => said.push(text), (callback) => due.push(callback));
    return { said, due, made };
  }

  test("is one message as it is", () => {
    const { said, due, made } = announcer();
    made.message({ name: "bob", text: "hello" });
    expect(said).toEqual([]);
    due.shift()?.();
    expect(said).toEqual(["bob: hello"]);
  });

  test("is the number of a burst, once", () => {
    const { said, due, made } = announcer();
    for (let index = 0; index < 5; index += 1) made.message({ name: "bob", text: `${index}` });
    expect(due.length).toBe(1);
    due.shift()?.();
    made.message({ name: "bob", text: "and" });
    due.shift()?.();
    expect(said).toEqual(["5 new messages", "bob: and"]);
  });
});

describe("people", () => {
  const member = (user: string, name: string, online: boolean): RoomMember => ({ user, name, online });
  const names = (people: readonly RoomMember[]) => people.map(({ name }) => name);

  test("are here if they are in the list of those online, whatever was asked earlier", () => {
    const known = [member("a", "ada", false), member("b", "bob", true)];
    const { online, offline } = byPresence(2, known, { now: { people: [{ user: "a", name: "ada" }], count: 1 }, names: new Map() });
    expect([names(online), names(offline)]).toEqual([["ada"], ["bob"]]);
  });

  test("are as they were asked where that list is cut", () => {
    const known = [member("b", "bob", true)];
    const { online } = byPresence(2, known, { now: { people: [], count: 5000 }, names: new Map() });
    expect(names(online)).toEqual(["bob"]);
  });

  test("of the lobby are all who are online, and have the names of now", () => {
    const now = { people: [{ user: "c", name: "cleo" }], count: 1 };
    const { online, offline } = byPresence(1, [member("a", "ada", false)], { now, names: new Map([["a", { user: "a", name: "adele" }]]) });
    expect([names(online), names(offline)]).toEqual([["cleo"], ["adele"]]);
  });
});

test.each([
  ["Émile Zola", "emile", true],
  ["Émile Zola", "zo em", true],
  ["Émile Zola", "zx", false],
  ["anything", "", true],
])("%s is meant by %j: %s", (name, query, expected) => {
  expect(matches(name, query)).toBe(expected);
});

test.each([
  ["localhost", true],
  ["127.0.0.1", true],
  ["127.8.9.1", true],
  ["[::1]", true],
  ["chat.localhost", true],
  ["192.168.1.7", false],
  ["127.0.0.1.example.org", false],
  ["localhost.example.org", false],
  ["chat.example.org", false],
])("the address %s is this computer's alone: %s", (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});

describe("in the language of the reader", () => {
  test.each([
    ["en-US", "10:07 AM", "10:07"],
    ["de", "10:07", "10:07"],
    ["ar-EG", "١٠:٠٧ ص", "١٠:٠٧"],
  ])("the short time in %s has no half of the day", async (language, long, short) => {
    await chooseLanguage([language]);
    const at = new Date(2026, 10, 20, 10, 7).getTime();
    expect(timeOfDay(at).replaceAll(/\s/g, " ")).toBe(long);
    expect(shortTime(at)).toBe(short);
    await chooseLanguage(["en"]);
  });

  test("the lobby has its name unless somebody gave it another", async () => {
    await chooseLanguage(["ar"]);
    expect(roomName(LOBBY)).toBe("البهو");
    expect(roomName({ ...LOBBY, name: "Market" })).toBe("Market");
    expect(roomName(room(2, "public", "Lobby"))).toBe("Lobby");
    await chooseLanguage(["en"]);
  });
});

test.each([
  ["http://127.0.0.1:22000/", "22000"],
  ["http://localhost/", "80"],
  ["https://localhost/", "443"],
])("the port of %s is %s", (address, port) => {
  expect(portOf(new URL(address))).toBe(port);
});
