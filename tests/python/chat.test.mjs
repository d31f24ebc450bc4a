// python-socketio, written after the tutorial: a client without recovery, by polling, WebSocket and upgrade.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Person } from "../harness/client.mjs";
import { judge, readLog } from "../harness/history.mjs";
import { Proxy } from "../harness/proxy.mjs";
import { PythonPerson } from "../harness/python.mjs";
import { Server } from "../harness/server.mjs";

const WAYS = {
  "by polling": ["polling"],
  "by WebSocket": ["websocket"],
  "with the upgrade": ["polling", "websocket"],
};

for (const [way, transports] of Object.entries(WAYS)) {
  describe(`python-socketio ${way}`, () => {
    test("sends, is acked, is refused, and chats with the JavaScript client", async (t) => {
      const server = await Server.start(t);
      const bob = await Person.connect(t, server.url);
      const ada = await PythonPerson.connect(t, server.url, transports);
      assert.equal(await ada.say("hello from Python, Grüße", "py-1"), null);
      assert.equal(await ada.say("hello from Python, Grüße", "py-1"), null);
      assert.equal(await ada.say("without a key"), null);
      assert.deepEqual((await ada.say("", "py-2")).ok, false);
      await bob.say("hello from JavaScript");
      await ada.sees("hello from JavaScript");
      assert.deepEqual(ada.texts, ["hello from Python, Grüße", "without a key", "hello from JavaScript"]);
      assert.deepEqual(ada.texts, bob.texts);
    });

    test("comes back after a cut and a restart with nothing lost or doubled", async (t) => {
      const server = await Server.start(t);
      const proxy = await Proxy.start(t, server.port);
      const bob = await Person.connect(t, server.url);
      const ada = await PythonPerson.connect(t, proxy.url, transports);
      await ada.say("before", "py-1");
      await ada.reconnects(async () => {
        proxy.refuse();
        await ada.until(() => !ada.connected, "the end of the connection");
        await bob.say("missed");
        proxy.allow();
      });
      await ada.sees("missed");
      // Without a pid the key's scope is the content: a repeat is still known.
      assert.equal(await ada.say("before", "py-1"), null);
      await ada.reconnects(() => bob.reconnects(() => server.restart()));
      assert.equal(await ada.say("before", "py-1"), null);
      assert.equal(await ada.say("after", "py-2"), null);
      await ada.sees("after");
      const log = await readLog(t, server.url, 3);
      assert.deepEqual(log.map((line) => line.text), ["before", "missed", "after", "(end)"]);
      judge({ log, views: [ada.lines, bob.lines.slice(0, 3)], acked: ["before", "missed", "after"] });
    });
  });
}

test("a lineage of its own gives a Python client's keys their scope", async (t) => {
  const server = await Server.start(t);
  const lineage = "fedcba9876543210fedcba9876543210";
  const ada = await PythonPerson.connect(t, server.url, ["websocket"], lineage);
  assert.equal(await ada.say("one", "undefined-0"), null);
  const again = await PythonPerson.connect(t, server.url, ["websocket"], lineage);
  assert.equal(await again.say("one", "undefined-0"), null);
  assert.deepEqual(await again.say("two", "undefined-0"), { ok: false, code: "conflict" });
});
