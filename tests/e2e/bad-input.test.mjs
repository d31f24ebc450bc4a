// What no well-behaved client sends: each gets the documented answer, and a canary notices nothing.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Person } from "../harness/client.mjs";
import { Server } from "../harness/server.mjs";
import { Polling, Wire, engineUrl, raw, request } from "../harness/wire.mjs";

/** Runs `act` beside a client that must keep its connection and hear everything, and nothing else. */
async function besideCanary(t, act, options = {}) {
  const server = await Server.start(t, options);
  const canary = await Person.connect(t, server.url, { transports: ["websocket"] });
  await canary.say("before");
  const extra = (await act(server)) ?? [];
  assert.deepEqual(await canary.say("after"), []);
  await canary.sees("after");
  assert.deepEqual(canary.texts, ["before", ...extra, "after"]);
  assert.deepEqual(canary.connects, [false]);
  assert.doesNotMatch(server.output.stderr, /panicked/);
}

describe("HTTP requests", () => {
  const ENGINE = { EIO: "4", transport: "polling" };
  const errors = [
    ["no query", {}, {}, 0, "Transport unknown"],
    ["an unknown transport", { ...ENGINE, transport: "pigeon" }, {}, 0, "Transport unknown"],
    ["WebTransport", { ...ENGINE, transport: "webtransport" }, {}, 0, "Transport unknown"],
    ["an unknown sid", { ...ENGINE, sid: "AAAAAAAAAAAAAAAAAAAA" }, {}, 1, "Session ID unknown"],
    ["a sid that is none", { ...ENGINE, sid: "../../etc/passwd\n" }, {}, 1, "Session ID unknown"],
    ["a very long sid", { ...ENGINE, sid: "x".repeat(4_000) }, {}, 1, "Session ID unknown"],
    ["an empty sid", { ...ENGINE, sid: "" }, {}, undefined, undefined],
    ["a POST without a session", ENGINE, { method: "POST", body: "40" }, 2, "Bad handshake method"],
    ["a PUT without a session", ENGINE, { method: "PUT", body: "40" }, 2, "Bad handshake method"],
    ["WebSocket without an upgrade", { ...ENGINE, transport: "websocket" }, {}, 3, "Bad request"],
    ["revision 3", { ...ENGINE, EIO: "3" }, {}, 5, "Unsupported protocol version"],
    ["revision 5", { ...ENGINE, EIO: "5" }, {}, 5, "Unsupported protocol version"],
    ["no revision", { transport: "polling" }, {}, 5, "Unsupported protocol version"],
  ];
  for (const [what, query, options, code, message] of errors) {
    test(`with ${what} get the documented error`, async (t) => {
      await besideCanary(t, async (server) => {
        const answer = await request(engineUrl(server.url, query), options);
        if (code === undefined) return assert.ok(answer.status < 500);
        assert.equal(answer.status, 400);
        assert.equal(answer.headers["content-type"], "application/json");
        assert.deepEqual(JSON.parse(answer.text), { code, message });
      });
    });
  }

  test("from a foreign origin are refused on both transports, those of an allowed one are not", async (t) => {
    const other = "http://chat.example.org";
    await besideCanary(
      t,
      async (server) => {
        const url = engineUrl(server.url, ENGINE);
        for (const origin of ["http://evil.example", "null", "http://chat.example.org.evil.example", `${other}:81`]) {
          assert.ok((await request(url, { headers: { origin } })).status >= 400, origin);
          const wire = await Wire.open(t, server.url, undefined, { headers: { origin } });
          assert.ok(wire.closed && wire.received.length === 0, origin);
        }
        for (const origin of [other, server.url]) {
          const answer = await request(url, { headers: { origin } });
          assert.equal(answer.status, 200, origin);
          const wire = await Wire.open(t, server.url, undefined, { headers: { origin } });
          assert.ok(wire.received[0].startsWith("0{"), origin);
        }
        const answer = await request(url, { headers: { origin: other } });
        assert.equal(answer.headers["access-control-allow-origin"], other);
      },
      { args: ["--origin", other] },
    );
  });

  test("with an oversize body get 413 and the session lives", async (t) => {
    await besideCanary(t, async (server) => {
      const polling = await Polling.open(server.url);
      await polling.join();
      assert.equal((await polling.post("4".repeat(1_000_001))).status, 413);
      assert.equal((await polling.post('42["chat message","lives"]')).status, 200);
      return ["lives"];
    });
  });

  test("that overlap end their session and no other", async (t) => {
    await besideCanary(t, async (server) => {
      const polling = await Polling.open(server.url);
      await polling.join();
      await polling.post("42[\"nothing\"]");
      const [first, second] = await Promise.all([polling.poll(), polling.poll()]);
      assert.deepEqual([first.status, second.status].sort(), [200, 400]);
      assert.equal((await polling.poll()).status, 400);
    });
  });

  test("that are no HTTP at all are survived", async (t) => {
    await besideCanary(t, async (server) => {
      await raw(server.port, "\u0016\u0003\u0001 this is not HTTP\r\n\r\n");
      await raw(server.port, `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(1_000_000)}\r\n\r\n`);
      await raw(server.port, "POST /socket.io/?EIO=4 HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n");
    });
  });
});

describe("polling payloads", () => {
  const broken = {
    "an unknown packet digit": "9",
    "no packet at all": "\u001e\u001e",
    "binary that is not base64": "b***",
    "a client's ping": "2",
    "binary without a header": "bAAEC",
    "a packet that is not JSON": "42{",
  };
  for (const [what, body] of Object.entries(broken)) {
    test(`with ${what} end their session`, async (t) => {
      await besideCanary(t, async (server) => {
        const polling = await Polling.open(server.url);
        await polling.join();
        await polling.post(body);
        for (;;) {
          const { status, text } = await polling.poll();
          if (status === 400 || text.split("\u001e").includes("1")) return;
        }
      });
    });
  }
});

describe("frames", () => {
  const fatal = {
    "an unknown engine digit": "9",
    "an empty frame": "",
    "a client's ping": "2",
    "a Socket.IO packet of an unknown type": "4abc",
    "an event that is no array": '42{"a":1}',
    "an event without a name": "42[]",
    "an event with a name of another type": "42[{}]",
    "an event with a reserved name": '42["disconnect"]',
    "an event that is not JSON": '42["chat message",',
    "an event with something behind it": '42["chat message","x"]]',
    "an ack that is no array": '431{"a":1}',
    "a CONNECT error from a client": '44{"message":"x"}',
    "an event for a namespace that was never joined": '42/other,["x"]',
    "an ack for a namespace that was never joined": "43/other,1[]",
    "a DISCONNECT for a namespace that was never joined": "41/other,",
    "no attachments where some are announced": '450-["x"]',
    "eleven attachments": `4511-["x"]`,
    "far too many attachments": `4599999999999999999999-["x"]`,
    "binary without a header": Buffer.from([1, 2, 3]),
    "an ack id that is no number": '42-1["x"]x',
  };
  for (const [what, frame] of Object.entries(fatal)) {
    test(`with ${what} close the connection of their sender`, async (t) => {
      await besideCanary(t, async (server) => {
        const wire = await Wire.join(t, server.url);
        wire.send(frame);
        await wire.untilClosed();
        assert.ok([1002, 1008].includes(wire.code), `the close frame says ${wire.code}`);
      });
    });
  }

  test("of text while attachments are awaited close the connection", async (t) => {
    await besideCanary(t, async (server) => {
      const wire = await Wire.join(t, server.url);
      wire.send('451-["x",{"_placeholder":true,"num":0}]');
      wire.send('42["chat message","smuggled"]');
      await wire.untilClosed();
    });
  });

  for (const num of ["1", "-1", '"0"', "0.5", "99999999999999999999", "null"]) {
    test(`with a placeholder of number ${num} close the connection or refuse the message`, async (t) => {
      await besideCanary(t, async (server) => {
        const wire = await Wire.join(t, server.url);
        wire.send(`451-7["chat message",{"_placeholder":true,"num":${num}}]`);
        wire.send(Buffer.from([1]));
        const answer = await wire.receives("437");
        if (!wire.closed) assert.match(answer, /^437\[\{"ok":false,"code":"[a-z_-]+"\}\]$/);
      });
    });
  }

  test("that answer nobody's question are ignored", async (t) => {
    await besideCanary(t, async (server) => {
      const wire = await Wire.join(t, server.url);
      wire.send("4312345[1,2,3]");
      wire.send("43999999999999999[]");
      wire.send("3");
      wire.send("6");
      wire.send('427["chat message","still here"]');
      assert.equal(await wire.receives("437"), "437[]");
      return ["still here"];
    });
  });

  test("over the limit close with 1009", async (t) => {
    await besideCanary(t, async (server) => {
      const wire = await Wire.join(t, server.url);
      wire.send(`42["chat message","${"x".repeat(1_000_001)}"]`);
      await wire.untilClosed();
      assert.equal(wire.code, 1009);
    });
  });

  test("of a foreign namespace are answered, and the connection stays", async (t) => {
    await besideCanary(t, async (server) => {
      const wire = await Wire.join(t, server.url);
      wire.send("40/nowhere,");
      assert.equal(await wire.receives("44/nowhere,"), '44/nowhere,{"message":"Invalid namespace"}');
      wire.send('427["chat message","still here"]');
      assert.equal(await wire.receives("437"), "437[]");
      return ["still here"];
    });
  });

  test("of a WebSocket for an unknown session or revision never open", async (t) => {
    await besideCanary(t, async (server) => {
      for (const query of [
        { EIO: 4, transport: "websocket", sid: "AAAAAAAAAAAAAAAAAAAA" },
        { EIO: 3, transport: "websocket" },
        { EIO: 4, transport: "pigeon" },
      ]) {
        const wire = await Wire.open(t, server.url, query);
        assert.equal(wire.status, 400);
        assert.ok(wire.closed);
      }
    });
  });

  test("deep inside each other do not exhaust anybody's stack", async (t) => {
    await besideCanary(t, async (server) => {
      const wire = await Wire.join(t, server.url);
      wire.send(`427["chat message",${"[".repeat(100_000)}${"]".repeat(100_000)}]`);
      const answer = await wire.receives("437");
      if (!wire.closed) assert.match(answer, /"ok":false/);
    });
  });
});

describe("the auth of a connect", () => {
  const odd = [
    { serverOffset: "2" },
    { serverOffset: "abc" },
    { serverOffset: -5 },
    { serverOffset: 1.5 },
    { serverOffset: 1e300 },
    { serverOffset: null },
    { serverOffset: {} },
    { serverOffset: [1] },
    { serverOffset: true },
    { lineage: 7 },
    { lineage: {} },
    { lineage: "" },
    { lineage: "x".repeat(15_000) },
    { pid: 7, offset: 7 },
    { pid: "nobody's", offset: "nothing" },
    { pid: {}, offset: [] },
    { pid: "x".repeat(7_000), offset: "x".repeat(7_000) },
    { pid: "", offset: "" },
    { offset: "0.0.zzzzzzzzzzzzzzzzzzzzzzzzzzzz" },
    { anything: { else: [1, 2, 3] } },
  ];
  for (const auth of odd) {
    test(`may be ${JSON.stringify(auth).slice(0, 60)} and the client still gets to chat`, async (t) => {
      await besideCanary(t, async (server) => {
        const wire = await Wire.join(t, server.url, auth);
        assert.ok(!wire.closed);
        wire.send('427["chat message","still here"]');
        assert.equal(await wire.receives("437"), "437[]");
        return ["still here"];
      });
    });
  }

  // Whoever has not joined may make the server hold 16 KiB.
  for (const body of ["[]", '"text"', "null", "{", "{}{}", JSON.stringify({ lineage: "x".repeat(17_000) })]) {
    test(`that is ${body.slice(0, 60)} closes the connection of its sender`, async (t) => {
      await besideCanary(t, async (server) => {
        const wire = await Wire.open(t, server.url);
        wire.send(`40${body}`);
        await wire.untilClosed();
      });
    });
  }

  for (const key of [7, null, true, {}, ["key"], "x".repeat(100_000)]) {
    test(`and a message's key of ${JSON.stringify(key).slice(0, 20)} get an answer`, async (t) => {
      const server = await Server.start(t);
      const ada = await Person.connect(t, server.url);
      const answer = await ada.say("text", key);
      if (answer.length > 0) assert.equal(answer[0].ok, false);
      assert.deepEqual(await ada.say("after"), []);
    });
  }
});
