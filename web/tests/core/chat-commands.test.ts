// Goal: each command and request of the page is the one that it names, and says why it was not done.

import { describe, expect, test } from "vitest";
import type { ChatClient, Result, RoomId } from "../../src/core/facade.ts";
import type { Transport } from "../../src/core/ports.ts";
import { MemoryDisk, MemoryStore } from "../../src/core/store-memory.ts";
import type { Auth } from "../../src/core/wire.ts";
import { LINK_EXPIRES } from "./model-requests.ts";
import { LOBBY, recorded, rowsOf, World } from "./people.ts";

async function roomOf(world: World, made: Promise<Result>): Promise<RoomId> {
  const result = await world.does(made);
  if (!result.ok) throw new Error(result.code);
  return result.room;
}

describe("a command", () => {
  test("waits in the outbox as it will be sent, with names as the server will have them", async () => {
    const world = new World();
    world.server.kill();
    const disk = new MemoryDisk();
    const ada = await world.chat({ store: new MemoryStore(disk) });
    const all = [
      ada.say(1, "hello"),
      ada.edit(1, 2, "hi"),
      ada.delete(1, 3),
      ada.create("public", "  a \u00a0 b\n", "topic"),
      ada.create("private", "cafe\u0301"),
      ada.direct(["bob"]),
      ada.rename(7, " new  name "),
      ada.setTopic(7, " as it is "),
      ada.join(7),
      ada.joinByInvite("code"),
      ada.leave(7),
      ada.add(7, "bob"),
      ada.remove(7, "bob"),
      ada.setName("  Ada  L. "),
      ada.claim("secret"),
    ];
    await world.clock.pass(100);
    expect([...disk.rows.values()].map(({ command }) => command)).toStrictEqual([
      { event: "say", room: 1, text: "hello" },
      { event: "edit", room: 1, seq: 2, text: "hi" },
      { event: "delete", room: 1, seq: 3 },
      { event: "create", kind: "public", name: "a b", topic: "topic" },
      { event: "create", kind: "private", name: "caf\u00e9" },
      { event: "direct", with: ["bob"] },
      { event: "rename", room: 7, name: "new name" },
      { event: "set topic", room: 7, topic: " as it is " },
      { event: "join", room: 7 },
      { event: "join", invite: "code" },
      { event: "leave", room: 7 },
      { event: "add", room: 7, user: "bob" },
      { event: "remove", room: 7, user: "bob" },
      { event: "name", name: "Ada L." },
      { event: "claim", code: "secret" },
    ]);
    expect(all.length).toBe(disk.rows.size);
  });

  test("that is taken away gives its text back, and one without a text nothing", async () => {
    const world = new World();
    world.server.kill();
    const ada = await world.chat();
    const answers = [ada.say(1, "hello"), ada.leave(7)];
    await world.clock.pass(100);
    expect([await world.does(ada.discard(1)), await world.does(ada.discard(2)), await world.does(ada.discard(3))]).toEqual(["hello", "", ""]);
    expect(await Promise.all(answers)).toEqual([{ ok: false, code: "discarded" }, { ok: false, code: "discarded" }]);
    expect(await world.does(ada.takeBack(9))).toBeNull();
  });
});

describe("a request", () => {
  const ask = async (world: World, ada: ChatClient, den: RoomId): Promise<readonly unknown[]> => {
    const asked = [ada.browse(), ada.members(den), ada.invite(den), ada.link(), ada.meaning("invite-2")];
    return world.does(Promise.all<unknown>(asked));
  };

  test("is answered by what the server says", async () => {
    const world = new World();
    const ada = await world.person("ada");
    const den = await roomOf(world, ada.create("private", "den"));
    const garden = await roomOf(world, ada.create("public", "garden", "green"));
    const user = ada.me.value.user;
    const [rooms, members, invite, link, meaning] = (await ask(world, ada, den)) as readonly Record<string, unknown>[];
    expect(rooms).toMatchObject({ ok: true, rooms: [{ room: LOBBY }, { room: garden, topic: "green", joined: true }] });
    expect(members).toEqual({ ok: true, members: [{ user, name: "ada", online: true, host: true }], more: false });
    expect(invite).toEqual({ ok: true, code: `invite-${den}` });
    expect(link).toMatchObject({ ok: true, code: expect.any(String) as unknown, expires: LINK_EXPIRES });
    expect(meaning).toEqual({ ok: true, meaning: { kind: "invite", room: den, name: "den", members: 1, joined: true } });
    expect(await world.does(ada.browse(LOBBY))).toMatchObject({ rooms: [{ room: garden }] });
    world.server.weather = { ...world.server.weather, members: 1 };
    expect(await world.does(ada.members(LOBBY, user ?? ""))).toEqual({ ok: true, members: [], more: false });
  });

  test("says why there is no answer: what the server says, or that there is no connection", async () => {
    const world = new World();
    const ada = await world.person("ada");
    const refused = await world.does(Promise.all([ada.members(99), ada.invite(99), ada.meaning("nothing")]));
    expect(refused).toEqual([{ ok: false, code: "not_found" }, { ok: false, code: "not_found" }, { ok: false, code: "bad_code" }]);
    world.server.kill();
    await world.clock.pass(100);
    const offline = { ok: false, code: "offline" };
    expect(await ask(world, ada, 2)).toEqual([offline, offline, offline, offline, offline]);
    await world.does(ada.stop());
    expect(await ask(world, ada, 2)).toEqual([offline, offline, offline, offline, offline]);
    await world.does(ada.stop());
  });
});

test("a list is asked for from its beginning unless somebody says after what", async () => {
  const world = new World();
  const asked: object[] = [];
  const ada = await world.person("ada", { transport: () => recorded(world.server.transport(), (event, payload) => ["rooms", "members"].includes(event) && asked.push(payload)) });
  for (const answer of [ada.browse(), ada.browse(LOBBY), ada.members(LOBBY), ada.members(LOBBY, "a")]) await world.does<unknown>(answer);
  expect(asked).toStrictEqual([{}, { after: LOBBY }, { room: LOBBY }, { room: LOBBY, after: "a" }]);
});

describe("the devices of a person", () => {
  test("are called what their pages say, if they say anything", async () => {
    const world = new World();
    const auths: Auth[] = [];
    const transport = (): Transport => {
      const inner = world.server.transport();
      return { ...recorded(inner, () => undefined), open: (events, auth) => inner.open(events, () => auth().then((told) => (auths.push(told), told))) };
    };
    for (const options of [{ label: "Firefox on Linux" }, {}]) await world.online(await world.chat({ transport, ...options }));
    expect(auths.map((auth) => ["label" in auth, auth.label])).toEqual([[true, "Firefox on Linux"], [false, undefined]]);
  });

  test("are listed, and which of them this is", async () => {
    const world = new World();
    const ada = await world.person("ada");
    const user = ada.me.value.user ?? "";
    const other = { id: "another", label: "Firefox on Linux", method: "link", at: 1 };
    world.server.otherSignIns = [other];
    const signIns = [{ id: user, label: "", method: "new", at: 0, own: true }, { ...other, own: false }];
    expect(await world.does(ada.signIns())).toEqual({ ok: true, signIns });
    world.server.kill();
    await world.clock.pass(100);
    expect(await world.does(ada.signIns())).toEqual({ ok: false, code: "offline" });
  });

  test("are signed out one by one, or all others at once, which needs to know which one this is", async () => {
    const world = new World();
    world.server.kill();
    const disk = new MemoryDisk();
    const store = new MemoryStore(disk);
    const stranger = await world.chat();
    expect(await world.does(stranger.signOut("others"))).toEqual({ ok: false, code: "offline" });
    await store.bind({ user: "aa", name: "ada", owner: false, token: "secret", signIn: "this" });
    const ada = await world.chat({ store });
    for (const which of ["another", "others"]) void ada.signOut(which);
    await world.clock.pass(100);
    expect([...disk.rows.values()].map(({ command }) => command)).toStrictEqual([
      { event: "sign out", sign_in: "another" },
      { event: "sign out", keep: "this" },
    ]);
  });
});

test("typing, its end, and a hurry go to the server", async () => {
  const world = new World();
  const sent: string[] = [];
  let [wake, stopped] = [(): void => undefined, 0];
  const ada = await world.person("ada", {
    transport: () => recorded(world.server.transport(), (event) => sent.push(event)),
    onWake: (woken) => {
      wake = woken;
      return () => (stopped += 1);
    },
    onHide: () => () => (stopped += 1),
  });
  await world.clock.pass(1_000);
  sent.length = 0;
  ada.typing(LOBBY);
  ada.typingStopped(LOBBY);
  wake();
  expect(sent).toEqual(["typing", "typing stopped", "unread"]);
  ada.setDraft({ room: LOBBY }, "typed");
  expect(ada.draft({ room: LOBBY })).toBe("typed");
  expect(await world.does(ada.send({ room: LOBBY }, "typed"))).toEqual({ ok: true, room: LOBBY });
  expect([ada.draft({ room: LOBBY }), rowsOf(ada.open(LOBBY), "message").map(({ text }) => text)]).toEqual([null, ["typed"]]);
  await world.does(ada.stop());
  expect([stopped, ada.connection.value.state]).toEqual([2, "stopped"]);
});
