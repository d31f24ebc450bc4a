// Keys of private ids: a new one signs, the old ones verify for ever, also out of a backup.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Person } from "../harness/client.mjs";
import { LOBBY, V1Person } from "../harness/person.mjs";
import { run, Server, temporaryFolder } from "../harness/server.mjs";

describe("tidings rotate-key", () => {
  test("signs with a new key, and whoever came before is recovered all the same", async (t) => {
    const server = await Server.start(t);
    const ada = await Person.connect(t, server.url);
    await ada.say("before");
    // One more with each key.
    const people = [ada];
    for (const round of [1, 2, 3]) {
      const before = people.map(({ socket }) => [true, socket.id, socket._pid]);
      const rotate = async () => {
        await server.stop();
        const { code, stdout, stderr } = await run(["rotate-key", "--data", server.data]);
        assert.equal(code, 0, stderr);
        assert.match(stdout, new RegExp(`^new signing key in .*; still valid: ${round} older keys?\n$`));
        await server.startAgain();
      };
      const rotated = rotate();
      await Promise.all(people.map((person) => person.reconnects(() => rotated)));
      assert.deepEqual(people.map(({ socket }) => [socket.recovered, socket.id, socket._pid]), before);
      const next = await Person.connect(t, server.url);
      await next.say(`round ${round}`);
      for (const person of people) await person.sees(`round ${round}`);
      people.push(next);
    }
    assert.equal((await run(["verify", "--data", server.data])).code, 0);
  });

  test("the keys of before are part of a backup", async (t) => {
    const server = await Server.start(t);
    const ada = await Person.connect(t, server.url);
    await ada.say("before");
    const folder = temporaryFolder();
    const file = join(folder, "backup.db");
    const data = join(folder, "data");
    await ada.reconnects(async () => {
      await server.stop();
      assert.equal((await run(["rotate-key", "--data", server.data])).code, 0);
      assert.equal((await run(["backup", file, "--data", server.data])).code, 0);
      assert.equal((await run(["restore", file, "--data", data])).code, 0);
      await Server.start(t, { data, listen: [new URL(server.url).host] });
    });
    // Nothing was said after the backup, so nothing is missing: the old id is as good as before.
    assert.equal(ada.socket.recovered, true);
  });

  test("with --revoke ends what old keys have signed, and nobody's sign-in", async (t) => {
    const server = await Server.start(t);
    const page = await Person.connect(t, server.url);
    const ada = await V1Person.connect(t, server.url, { name: "ada" });
    await ada.must("claim", { code: /#setup=(\S+)/.exec(server.output.stdout)[1] });
    const { room } = await ada.must("create", { kind: "private", name: "den" });
    const { code: invite } = await ada.ask("invite", { room });
    const visitor = await V1Person.connect(t, server.url);
    await ada.say("before");
    const { server: id } = ada.welcome;
    const { id: before } = page.socket;
    visitor.leave();
    const revoke = async () => {
      await server.stop();
      const { code, stdout, stderr } = await run(["rotate-key", "--revoke", "--data", server.data]);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^new signing key in .*; no older key is valid any more; people with a name who cannot come back: 0\n$/);
      await server.startAgain();
    };
    const revoked = revoke();
    await Promise.all([page.reconnects(() => revoked), ada.reconnects(() => revoked)]);
    assert.equal(page.socket.recovered, false);
    assert.notEqual(page.socket.id, before);
    assert.deepEqual([ada.welcome.server, ada.welcome.reset, ada.welcome.owner], [id, true, true], "the server and the people are the same");
    const { messages } = await ada.ask("history", { room: LOBBY });
    assert.deepEqual(messages.map(({ text }) => text), ["before"]);
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    assert.equal((await bob.do("join", { invite })).code, "bad_code");
    const again = new V1Person(server.url, { auth: { token: visitor.token } });
    t.after(() => again.leave());
    await again.until(() => again.refusals.some(({ data }) => data?.code === "bad_token"), "a refusal");
    assert.equal((await run(["verify", "--data", server.data])).code, 0);
  });

  test("a chat that is served, or none at all, is left as it is", async (t) => {
    const server = await Server.start(t);
    const served = await run(["rotate-key", "--data", server.data]);
    assert.equal(served.code, 1);
    assert.match(served.stderr, /in use by another process/);
    const nothing = await run(["rotate-key", "--data", join(temporaryFolder(), "nothing")]);
    assert.equal(nothing.code, 1);
    assert.match(nothing.stderr, /nothing does not exist/);
  });
});
