// Goal: the list of members is that of the room which is asked about, in whatever order its pages come.

import { describe, expect, test } from "vitest";
import type { ChatClient, RoomId } from "../../src/core/facade.ts";
import { MemberPages, marksOf } from "../../src/ui/people/members.ts";
import { FAIR_WEATHER } from "../core/model-server.ts";
import { World } from "../core/people.ts";
import { BusyStore } from "../core/slow-store.ts";

/** Ada, and two rooms: ada, bob, cleo and dan are in the first, ada and bob in the second; a page names two people. */
async function rooms(): Promise<{ readonly world: World; readonly ada: ChatClient; readonly den: RoomId; readonly attic: RoomId; readonly dan: string }> {
  const world = new World();
  const ada = await world.person("ada");
  const others = [];
  for (const name of ["bob", "cleo", "dan"]) others.push((await world.person(name)).me.value.user ?? "");
  const made = [];
  for (const [name, users] of [["den", others], ["attic", others.slice(0, 1)]] as const) {
    const room = await world.does(ada.create("private", name));
    if (!room.ok) throw new Error(room.code);
    for (const user of users) await world.does(ada.add(room.room, user));
    made.push(room.room);
  }
  const [den = 0, attic = 0] = made;
  world.server.weather = { ...FAIR_WEATHER, members: 2 };
  return { world, ada, den, attic, dan: others[2] ?? "" };
}

const shown = (pages: MemberPages): string => {
  const { room, known, more, failed } = pages.shown.value;
  return `${room}: ${known.map(({ name }) => name).join(" ")}${more ? " …" : ""}${failed ? " failed" : ""}`;
};

const late = (world: World, milliseconds: number): void => {
  world.server.weather = { ...world.server.weather, thinks: () => milliseconds };
};

describe("the members of a room", () => {
  test("come page by page", async () => {
    const { world, ada, den } = await rooms();
    const pages = new MemberPages(ada);
    pages.ask(den);
    await world.clock.pass(100);
    expect(shown(pages)).toBe(`${den}: ada bob …`);
    pages.askMore();
    await world.clock.pass(100);
    expect(shown(pages)).toBe(`${den}: ada bob cleo dan`);
  });

  test("are those of the room that was asked about last, though the answer of the one before comes later", async () => {
    const { world, ada, den, attic } = await rooms();
    const pages = new MemberPages(ada);
    late(world, 2_000);
    const leave = pages.ask(den);
    await world.clock.pass(500);
    leave();
    late(world, 0);
    pages.ask(attic);
    await world.clock.pass(100);
    expect(shown(pages)).toBe(`${attic}: ada bob`);
    await world.clock.pass(5_000);
    expect(shown(pages)).toBe(`${attic}: ada bob`);
  });

  test("are not shown any more once nobody wants to know", async () => {
    const { world, ada, den } = await rooms();
    const pages = new MemberPages(ada);
    late(world, 2_000);
    pages.ask(den)();
    await world.clock.pass(5_000);
    expect(shown(pages)).toBe("0: ");
  });

  test("are those of now, though a page that was asked for before somebody left comes later", async () => {
    const { world, ada, den, dan } = await rooms();
    const pages = new MemberPages(ada);
    pages.ask(den);
    await world.clock.pass(100);
    late(world, 2_000);
    pages.askMore();
    await world.clock.pass(500);
    await world.does(ada.remove(den, dan));
    late(world, 0);
    pages.ask(den);
    await world.clock.pass(5_000);
    expect(shown(pages)).toBe(`${den}: ada bob …`);
    pages.askMore();
    await world.clock.pass(100);
    expect(shown(pages)).toBe(`${den}: ada bob cleo`);
  });

  test("are those of now, though the first page that was asked for before comes later", async () => {
    const { world, ada, den, dan } = await rooms();
    world.server.weather = FAIR_WEATHER;
    const pages = new MemberPages(ada);
    late(world, 2_000);
    pages.ask(den);
    await world.clock.pass(500);
    await world.does(ada.remove(den, dan));
    late(world, 0);
    pages.ask(den);
    await world.clock.pass(5_000);
    expect(shown(pages)).toBe(`${den}: ada bob cleo`);
  });

  test("that cannot be had are said to be missing, and are there when they are asked for again", async () => {
    const { world, ada, den } = await rooms();
    const pages = new MemberPages(ada);
    world.server.kill();
    pages.ask(den);
    await world.clock.pass(100);
    expect(shown(pages)).toBe(`${den}:  failed`);
    world.server.start();
    await world.online(ada);
    pages.askMore();
    await world.clock.pass(100);
    expect(shown(pages)).toBe(`${den}: ada bob …`);
    world.server.kill();
    await world.clock.pass(100);
    pages.askMore();
    await world.clock.pass(100);
    expect(shown(pages)).toBe(`${den}: ada bob failed`);
  });

  test("are asked for again when one comes and another goes at the same moment", async () => {
    const world = new World();
    const store = new BusyStore();
    const ada = await world.person("ada", { store });
    const [bob, cleo, host] = [await world.person("bob"), await world.person("cleo"), await world.person("dan")];
    const made = await world.does(host.create("public", "hall"));
    if (!made.ok) throw new Error(made.code);
    for (const chat of [ada, bob]) await world.does(chat.join(made.room));
    await world.clock.pass(1_000);
    const seen: string[] = [];
    ada.rooms.subscribe((rooms) => seen.push(marksOf(rooms.find(({ room }) => room === made.room)).join(" ")));
    const [before] = seen;
    // The disk is busy with this one while the others come.
    const letGo = store.hold();
    void host.say(made.room, "wait");
    await world.clock.pass(100);
    void bob.leave(made.room);
    await world.clock.pass(100);
    void cleo.join(made.room);
    await world.clock.pass(100);
    letGo();
    await world.clock.pass(1_000);
    expect(new Set(seen.map((marks) => marks.split(" ")[0]))).toEqual(new Set(["3"]));
    expect(seen.at(-1)).not.toBe(before);
    const pages = new MemberPages(ada);
    pages.ask(made.room);
    await world.clock.pass(1_000);
    expect(shown(pages)).toBe(`${made.room}: ada cleo dan`);
  });

  test("of the lobby are asked for again when somebody gets a name, however many the server has counted", async () => {
    const world = new World();
    const ada = await world.person("ada");
    await world.clock.pass(1_000);
    const lobby = (): string => marksOf(ada.rooms.value.find(({ room }) => room === 1)).join(" ");
    const before = lobby();
    await world.person("bob");
    await world.clock.pass(1_000);
    expect(lobby()).not.toBe(before);
  });
});
