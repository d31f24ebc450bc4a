// Goal: an answer that comes late says nothing against what has happened since it was asked for. Method: the server reads the
// answer at once and sends it two seconds later, and what happens meanwhile is told before it.

import { describe, expect, test } from "vitest";
import type { ChatClient, Result, RoomId } from "../../src/core/facade.ts";
import type { Transport } from "../../src/core/ports.ts";
import { FAIR_WEATHER, type Weather } from "./model-server.ts";
import { LOBBY, recorded, rowsOf, texts, World } from "./people.ts";

const LATE_MS = 2_000;

/** From now on these requests are answered late; gives back what is asked. */
function slow(world: World, request: string, change: Partial<Weather> = {}): readonly string[] {
  const asked: string[] = [];
  const thinks = (name: string): number => {
    asked.push(name);
    return name === request ? LATE_MS : 0;
  };
  world.server.weather = { ...FAIR_WEATHER, thinks, ...change };
  return asked;
}

const losing = (name: string): Partial<Weather> => ({ fate: (direction, event) => (direction === "down" && event === name ? "lost" : "arrives") });

async function roomOf(world: World, made: Promise<Result>): Promise<RoomId> {
  const result = await world.does(made);
  if (!result.ok) throw new Error(result.code);
  return result.room;
}

/** Another device of the same person. */
async function phoneOf(world: World, chat: ChatClient): Promise<ChatClient> {
  const link = await world.does(chat.link());
  if (!link.ok) throw new Error(link.code);
  const phone = await world.device(link.code);
  await world.online(phone);
  return phone;
}

const userOf = (chat: ChatClient): string => chat.me.value.user ?? "";

describe("the name that somebody has got meanwhile", () => {
  type People = { readonly world: World; readonly ada: ChatClient; readonly bob: ChatClient };
  const asks: Record<string, (people: People) => Promise<readonly string[]>> = {
    members: async ({ world, ada }) => {
      const asked = slow(world, "members");
      void ada.members(LOBBY);
      return Promise.resolve(asked);
    },
    who: async ({ world, ada, bob }) => {
      const asked = slow(world, "who");
      world.server.cutAll();
      await world.clock.until(() => ada.connection.value.state === "offline", "the end of the connection");
      for (const chat of [ada, bob]) await world.online(chat);
      return asked;
    },
    history: async ({ world, ada }) => {
      const asked = slow(world, "history");
      void ada.open(LOBBY).around(1);
      return Promise.resolve(asked);
    },
    changes: async ({ world, bob }) => {
      slow(world, "changes", losing("message"));
      await world.does(bob.say(LOBBY, "lost"));
      const asked = slow(world, "changes");
      await world.does(bob.say(LOBBY, "found"));
      return asked;
    },
  };

  test.each(Object.entries(asks))("is not overwritten by an answer to `%s`", async (request, ask) => {
    const world = new World();
    const bob = await world.person("bob");
    await world.does(bob.say(LOBBY, "hello"));
    const ada = await world.person("ada");
    await world.clock.pass(3_000);
    const asked = await ask({ world, ada, bob });
    await world.clock.pass(300);
    expect(asked).toContain(request);
    await world.does(bob.setName("rob"));
    await world.clock.pass(100);
    expect(ada.people.value.get(userOf(bob))?.name).toBe("rob");
    await world.clock.pass(5_000);
    expect(ada.people.value.get(userOf(bob))?.name).toBe("rob");
  });
});

describe("a page of the history", () => {
  test("that was asked for before joining shows no message as it was before a change", async () => {
    const world = new World();
    const [ada, bob] = [await world.person("ada"), await world.person("bob")];
    const garden = await roomOf(world, ada.create("public", "garden"));
    await world.does(ada.say(garden, "helo"));
    const asked = slow(world, "history");
    const view = bob.open(garden);
    await world.clock.pass(500);
    expect(asked).toContain("history");
    // Nobody tells him of this: he is no member yet.
    await world.does(ada.edit(garden, 1, "hello"));
    await world.does(bob.join(garden));
    await world.clock.pass(10_000);
    expect(texts(view)).toEqual(["hello"]);
  });

  test("that was asked for before a removal shows nothing of then to somebody who was added again", async () => {
    const world = new World();
    const [ada, bob] = [await world.person("ada"), await world.person("bob")];
    const den = await roomOf(world, ada.create("private", "den"));
    await world.does(ada.add(den, userOf(bob)));
    await world.does(ada.say(den, "before"));
    const phone = await phoneOf(world, bob);
    const asked = slow(world, "history");
    const view = phone.open(den);
    await world.clock.pass(500);
    expect(asked).toContain("history");
    await world.does(ada.remove(den, userOf(bob)));
    await world.does(ada.add(den, userOf(bob)));
    await world.does(ada.say(den, "after"));
    await world.clock.pass(10_000);
    await world.does(view.latest());
    expect([texts(view), rowsOf(view, "hole"), view.first.value]).toEqual([["after"], [], true]);
  });

  test("that a busy server did not give is not asked for on the next connection, which nobody has watched for changes", async () => {
    const world = new World();
    const ada = await world.person("ada");
    for (const text of ["helo", "bye"]) await world.does(ada.say(LOBBY, text));
    let isBusy = true;
    const busy = (transport: Transport): Transport => ({
      ...recorded(transport, () => undefined),
      emit: (event, payload, answered) => {
        if (event === "history" && isBusy) return void world.clock.setTimer(1, () => answered?.({ ok: false, code: "busy" }));
        return transport.emit(event, payload, answered);
      },
    });
    const bob = await world.chat({ transport: () => busy(world.server.transport()) });
    const view = bob.open(LOBBY);
    await world.online(bob);
    await world.clock.pass(10);
    isBusy = false;
    const asked = slow(world, "history");
    world.server.cutAll();
    await world.clock.until(() => asked.includes("history"), "the page");
    await world.does(ada.edit(LOBBY, 1, "hello"));
    await world.clock.pass(10_000);
    expect(texts(view)).toEqual(["hello", "bye"]);
  });
});

test("a count of unread messages that was made before a deletion is made anew", async () => {
  const world = new World();
  const [ada, bob] = [await world.person("ada"), await world.person("bob")];
  for (let i = 1; i <= 5; i += 1) await world.does(ada.say(LOBBY, `line ${i}`));
  await world.clock.pass(100);
  const link = await world.does(bob.link());
  if (!link.ok) throw new Error(link.code);
  const asked = slow(world, "unread");
  const phone = await world.device(link.code);
  await world.clock.until(() => asked.includes("unread"), "the question");
  await world.does(ada.delete(LOBBY, 3));
  await world.clock.pass(10_000);
  expect(phone.rooms.value[0]).toMatchObject({ unread: 4, unreadCapped: false });
});

describe("what a room is that was joined without being told so", () => {
  /** As a server would talk that does not say what somebody has joined. */
  const terse = (transport: Transport): Transport => ({
    ...recorded(transport, () => undefined),
    open: (events, auth) =>
      transport.open({ ...events, event: (name, payload) => events.event(name, name === "joined" ? { ...(payload as object), about: undefined } : payload) }, auth),
  });

  /** A page that asks about the garden, which another device of the same person has joined. */
  async function asking(): Promise<{ readonly world: World; readonly ada: ChatClient; readonly phone: ChatClient; readonly page: ChatClient; readonly garden: RoomId; readonly asked: readonly string[] }> {
    const world = new World();
    const ada = await world.person("ada");
    const page = await world.person("bob", { transport: () => terse(world.server.transport()) });
    const phone = await phoneOf(world, page);
    const garden = await roomOf(world, ada.create("public", "garden"));
    const asked = slow(world, "rooms");
    await world.does(phone.join(garden));
    await world.clock.pass(500);
    expect(asked).toContain("rooms");
    return { world, ada, phone, page, garden, asked };
  }

  test("is asked for", async () => {
    const { world, page, garden } = await asking();
    expect(page.rooms.value.find(({ room }) => room === garden)?.name).toBe("");
    await world.clock.pass(5_000);
    expect(page.rooms.value.find(({ room }) => room === garden)).toMatchObject({ name: "garden", joined: true, members: 2 });
  });

  test("brings it back to nobody who has left it meanwhile", async () => {
    const { world, phone, page, garden } = await asking();
    await world.does(phone.leave(garden));
    await world.clock.pass(5_000);
    expect(page.rooms.value.map(({ room }) => room)).toEqual([LOBBY]);
  });

  test("is asked for again when it has changed meanwhile", async () => {
    const { world, ada, page, garden } = await asking();
    await world.does(ada.rename(garden, "orchard"));
    await world.clock.pass(1_000);
    world.server.weather = FAIR_WEATHER;
    await world.clock.pass(5_000);
    expect(page.rooms.value.find(({ room }) => room === garden)).toMatchObject({ name: "orchard", joined: true });
    await world.does(ada.say(garden, "welcome"));
    await world.clock.pass(1_000);
    expect(texts(page.open(garden))).toEqual(["welcome"]);
  });

  test("comes with the next connection where it is private, unless it was left meanwhile", async () => {
    const world = new World();
    const ada = await world.person("ada");
    const page = await world.person("bob", { transport: () => terse(world.server.transport()) });
    const den = await roomOf(world, ada.create("private", "den"));
    for (const stays of [true, false]) {
      const tries = world.server.tries.length;
      slow(world, "rooms");
      await world.does(ada.add(den, userOf(page)));
      await world.clock.pass(500);
      if (!stays) await world.does(ada.remove(den, userOf(page)));
      await world.clock.pass(10_000);
      expect(world.server.tries.length - tries).toBe(stays ? 1 : 0);
      expect(page.rooms.value.map(({ name }) => name)).toEqual(stays ? ["Lobby", "den"] : ["Lobby"]);
      await world.does(ada.remove(den, userOf(page)));
      await world.clock.pass(1_000);
    }
  });
});
