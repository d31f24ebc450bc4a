// Goal: what the core sends is what the documentation says, for every command and request that it knows.
// Method: somebody does all that the app can do, and each event that leaves is looked up in docs/protocol.md and its examples.

import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { ChatClient } from "../../src/core/facade.ts";
import type { Command, RequestName } from "../../src/core/wire.ts";
import { FAIR_WEATHER } from "./model-server.ts";
import { LOBBY, recorded, rowsOf, World } from "./people.ts";

const DOCS = new URL("../../../docs/", import.meta.url);

/** The compiler demands each of them here. */
const COMMANDS: Readonly<Record<Command["event"], true>> = {
  say: true,
  edit: true,
  delete: true,
  create: true,
  direct: true,
  rename: true,
  "set topic": true,
  join: true,
  leave: true,
  add: true,
  remove: true,
  name: true,
  claim: true,
  "sign out": true,
  skip: true,
};
const REQUESTS: Readonly<Record<RequestName, true>> = {
  history: true,
  changes: true,
  rooms: true,
  members: true,
  who: true,
  unread: true,
  invite: true,
  link: true,
  "sign ins": true,
  code: true,
  read: true,
};
const NAMES = [...Object.keys(COMMANDS), ...Object.keys(REQUESTS), "typing", "typing stopped"].sort();

interface Example {
  readonly direction: "up" | "down";
  readonly event: string;
  readonly args: readonly [Readonly<Record<string, unknown>>];
  readonly ack?: readonly [{ readonly ok?: boolean }];
}

const page = readFileSync(new URL("protocol.md", DOCS), "utf8");
const up = page.split("\n## ").filter((section) => /^(?:Durable commands|Requests)\n/.test(section));
const examples = readdirSync(new URL("protocol/", DOCS))
  .map((name) => JSON.parse(readFileSync(new URL(`protocol/${name}`, DOCS), "utf8")) as Example)
  .filter(({ direction, event }) => direction === "up" && event !== "connect");

function fieldsOf(event: string): string {
  const rows = up.flatMap((section) => section.split("\n").filter((line) => line.startsWith(`| \`${event}\` `)));
  expect(rows.length, event).toBe(1);
  return rows[0]?.split(" | ")[1] ?? "";
}

/** Everything, so that every kind of event leaves. */
async function doesAll(world: World, ada: ChatClient, bob: ChatClient): Promise<void> {
  const does = (promise: Promise<unknown>): Promise<unknown> => world.does(promise);
  const user = bob.me.value.user ?? "";
  await does(ada.setName("ada"));
  await does(ada.create("private", "den", "what we plan"));
  const [den] = ada.rooms.value.filter(({ name }) => name === "den").map(({ room }) => room);
  if (den === undefined) throw new Error("there is a den");
  await does(ada.direct([user]));
  await does(ada.rename(den, "cave"));
  await does(ada.setTopic(den, "what we planned"));
  await does(ada.add(den, user));
  await does(ada.remove(den, user));
  await does(ada.invite(den));
  const garden = await world.does(bob.create("public", "garden"));
  if (!garden.ok) throw new Error(garden.code);
  await does(ada.join(garden.room));
  await does(ada.leave(garden.room));
  await does(ada.joinByInvite("none"));
  await does(ada.claim("none"));
  await does(ada.meaning("none"));
  await does(ada.link());
  await does(ada.signIns());
  await does(ada.signOut("another"));
  await does(ada.signOut("others"));
  await does(ada.browse(LOBBY));
  await does(ada.members(LOBBY, user));
  const view = ada.open(LOBBY);
  await does(ada.say(LOBBY, "helo"));
  await does(ada.edit(LOBBY, 1, "hello"));
  await does(ada.delete(LOBBY, 1));
  await does(bob.say(LOBBY, "read this"));
  view.markRead(2);
  ada.typing(LOBBY);
  await world.clock.pass(100);
  ada.typingStopped(LOBBY);
  await does(view.around(1));
  // Asks for nothing, so that something is answered.
  ada.hurry();
  await takesBack(world, ada);
  await misses(world, bob);
}

/** A command is taken back before it can be sent. */
async function takesBack(world: World, ada: ChatClient): Promise<void> {
  world.server.kill();
  await world.clock.pass(1_000);
  void ada.say(LOBBY, "never mind");
  await world.clock.pass(100);
  const [row] = rowsOf(ada.open(LOBBY), "pending");
  await world.does(ada.discard(row?.n ?? 0));
  world.server.start();
  await world.online(ada);
  await world.clock.until(() => ada.connection.value.waiting === 0, "the answer");
}

/** A message is lost on its way, and another one comes. */
async function misses(world: World, bob: ChatClient): Promise<void> {
  await world.online(bob);
  world.server.weather = { ...FAIR_WEATHER, fate: (direction, name) => (direction === "down" && name === "message" ? "lost" : "arrives") };
  await world.does(bob.say(LOBBY, "lost"));
  world.server.weather = FAIR_WEATHER;
  await world.does(bob.say(LOBBY, "found"));
  await world.clock.pass(10_000);
}

test("every command and request of the core has an example with an answer that is no refusal", () => {
  const answered = examples.filter(({ event, ack }) => ack?.[0].ok === true || event.startsWith("typing")).map(({ event }) => event);
  expect([...new Set(answered)].sort()).toEqual(NAMES);
});

test("every event that the core sends has the fields of the documentation, and there is none that it does not send", async () => {
  const world = new World();
  const sent = new Map<string, Set<string>>();
  const bob = await world.person("bob");
  const transport = () => recorded(world.server.transport(), (event, payload) => sent.set(event, new Set([...(sent.get(event) ?? []), ...Object.keys(payload)])));
  const ada = await world.chat({ transport });
  await world.online(ada);
  await doesAll(world, ada, bob);
  expect([...sent.keys()].sort()).toEqual(NAMES);
  for (const [event, fields] of sent) {
    const documented = fieldsOf(event);
    for (const field of fields) expect(documented, `${field} of ${event}`).toMatch(new RegExp(`\\b${field}\\b`));
    const shown = examples.find((example) => example.event === event && example.ack?.[0].ok !== false)?.args[0] ?? {};
    if (event in COMMANDS) expect([...fields], event).toEqual(expect.arrayContaining(Object.keys(shown)));
  }
});
