// The bot in Python of examples/, as it stands there.

import { test } from "node:test";
import { startPythonBot } from "../harness/bot.mjs";
import { V1Person } from "../harness/person.mjs";
import { Proxy } from "../harness/proxy.mjs";
import { Server } from "../harness/server.mjs";

test("the bot in Python answers, also after its connection broke", async (t) => {
  const server = await Server.start(t);
  const proxy = await Proxy.start(t, server.port);
  const ada = await V1Person.connect(t, server.url, { name: "ada" });
  startPythonBot(t, proxy.url);
  await ada.seesEvent("named", (named) => named.who.name === "pybot");
  await ada.say("!ping");
  await ada.sees("pong, ada");
  proxy.refuse();
  await ada.say("!ping");
  proxy.allow();
  await ada.until(() => ada.texts().filter((text) => text === "pong, ada").length === 2, "the second answer");
});
