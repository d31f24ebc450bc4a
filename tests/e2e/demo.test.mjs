// `--demo`: something to look at, and nothing that stays.

import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { V1Person } from "../harness/person.mjs";
import { Server, temporaryFolder } from "../harness/server.mjs";

test("a demonstration has people, rooms and messages, and leaves nothing behind", async (t) => {
  const temporary = temporaryFolder(t);
  const data = join(temporaryFolder(t), "data");
  const server = await Server.start(t, { data, args: ["--demo"], env: { TMPDIR: temporary } });
  assert.match(server.output.stdout, /data in a temporary folder, deleted at the end/);
  assert.equal(readdirSync(temporary).length, 1);
  const ada = await V1Person.connect(t, server.url);
  const { rooms } = await ada.ask("rooms", {});
  assert.deepEqual(rooms.map(({ name }) => name), ["Lobby", "Bread"]);
  for (const { room } of rooms) {
    const { messages } = await ada.ask("history", { room });
    assert.ok(messages.length >= 3 && messages.every(({ from }) => from.name !== undefined), `room ${room}`);
  }
  await ada.say("I can join in");
  assert.deepEqual(await server.stop(), { code: 0, signal: null });
  assert.deepEqual([readdirSync(temporary), existsSync(data)], [[], false]);
});
