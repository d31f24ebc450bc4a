// The bot of examples/, as it stands there.

import assert from "node:assert/strict";
import { test } from "node:test";
import { botFile, botIsAt, startBot } from "../harness/bot.mjs";
import { V1Person } from "../harness/person.mjs";
import { Proxy } from "../harness/proxy.mjs";
import { Server } from "../harness/server.mjs";

/** The answers that a person has got. */
const pongs = (person) => person.of("message").filter(({ text }) => text.startsWith("pong, "));

test("the bot answers in every room that it is in, also after its connection broke and the server was restarted", async (t) => {
  const server = await Server.start(t);
  const proxy = await Proxy.start(t, server.port);
  const ada = await V1Person.connect(t, server.url, { name: "ada" });
  startBot(t, proxy.url);
  const { who } = await ada.seesEvent("named", (named) => named.who.name === "pingbot");
  await ada.say("!ping");
  await ada.sees("pong, ada");
  const { room } = await ada.must("create", { kind: "private", name: "Bots" });
  await ada.must("add", { room, user: who.user });
  // It is away when it is asked, and comes back to the question.
  proxy.refuse();
  await ada.say("!ping", room);
  proxy.allow();
  await ada.sees("pong, ada", room);
  await ada.reconnects(() => server.restart());
  await ada.say("!ping", room);
  await ada.until(() => ada.texts(room).length === 2, "the second answer");
});

test("the bot is the same person after a second start, and answers what was asked in between, once", async (t) => {
  const server = await Server.start(t);
  const file = botFile();
  const ada = await V1Person.connect(t, server.url, { name: "ada" });
  const bot = startBot(t, server.url, file);
  const { who } = await ada.seesEvent("named", (named) => named.who.name === "pingbot");
  await ada.say("!ping");
  await ada.sees("pong, ada");
  await bot.end();
  await ada.say("!ping");
  startBot(t, server.url, file);
  await ada.until(() => pongs(ada).length === 2, "the second answer");
  await ada.say("!ping");
  await ada.until(() => pongs(ada).length === 3, "the third answer");
  for (const { from } of pongs(ada)) assert.deepEqual(from, { user: who.user, name: "pingbot" });
});

test("the bot says that another server does not know it, waits, and goes on when its own is back", async (t) => {
  const server = await Server.start(t);
  const ada = await V1Person.connect(t, server.url, { name: "ada" });
  const bot = startBot(t, server.url);
  await ada.seesEvent("named", (named) => named.who.name === "pingbot");
  ada.leave();
  const listen = [new URL(server.url).host];
  await server.stop();
  const other = await Server.start(t, { listen });
  await bot.complains(/cannot connect: .*bad_token/);
  await other.stop();
  await ada.reconnects(async () => {
    await server.startAgain();
    ada.socket.connect();
  });
  await ada.say("!ping");
  await ada.until(() => pongs(ada).length === 1, "the answer");
  assert.equal(pongs(ada)[0].from.name, "pingbot");
});

test("the bot says when its name is taken, and answers without one", async (t) => {
  const server = await Server.start(t);
  const ada = await V1Person.connect(t, server.url, { name: "pingbot" });
  const bot = startBot(t, server.url);
  await bot.complains(/was refused: name_taken/);
  await ada.say("!ping");
  await ada.sees("pong, pingbot");
});

test("the bot moves its cursor at every entry, not only at messages", async (t) => {
  const server = await Server.start(t);
  const file = botFile();
  const ada = await V1Person.connect(t, server.url, { name: "ada" });
  startBot(t, server.url, file);
  await ada.seesEvent("named", (named) => named.who.name === "pingbot");
  const { cursor } = await ada.must("create", { kind: "public", name: "Bread" });
  await botIsAt(file, cursor);
});
