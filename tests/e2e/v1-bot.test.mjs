// The bot of examples/, as it stands there.

import { test } from "node:test";
import { startBot } from "../harness/bot.mjs";
import { V1Person } from "../harness/person.mjs";
import { Proxy } from "../harness/proxy.mjs";
import { Server } from "../harness/server.mjs";

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
