// `--demo`: something to look at, and nothing that stays.

import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { V1Person } from "../harness/person.mjs";
import { Server, run, temporaryFolder } from "../harness/server.mjs";

test("a demonstration has people, rooms and messages, and leaves nothing behind", async (t) => {
  const temporary = temporaryFolder();
  const data = join(temporaryFolder(), "data");
  const server = await Server.start(t, { args: ["--demo"], env: { TMPDIR: temporary, TIDINGS_DATA: data } });
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
  assert.equal(server.output.stderr, "", "nothing to warn of");
});

test("a demonstration in a data folder is refused", async (t) => {
  const data = join(temporaryFolder(), "data");
  for (const args of [["--demo", "--data", data], ["serve", "--data", data, "--demo"]]) {
    const { code, stderr } = await run(args);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /^error: --demo uses a temporary folder, so it cannot be used with --data\n$/);
  }
  assert.equal(existsSync(data), false);
});

for (const yes of ["true", "1", "yes", "on"]) {
  test(`TIDINGS_DEMO=${yes} starts a demonstration`, async (t) => {
    const server = await Server.start(t, { args: [], env: { TIDINGS_DEMO: yes }, data: null });
    assert.match(server.output.stdout, /data in a temporary folder, deleted at the end/);
  });
}
