// The server behind nginx and haproxy, plain and with TLS, under the official client with the headers of a browser.

import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { io } from "socket.io-client";
import { Person, TRANSPORTS } from "../harness/client.mjs";
import { BARE_FRONTS, FRONTS, Front, HOSTLESS_FRONT, RECIPES } from "../harness/front.mjs";
import { V1Person, otherDevice } from "../harness/person.mjs";
import { Server, run } from "../harness/server.mjs";
import { within } from "../harness/waiting.mjs";
import { engineUrl, request } from "../harness/wire.mjs";

const DEADLINE_MS = 20_000;

/** What a browser says of a page that the same server has served. */
const asPage = (url, more = {}) => ({ rejectUnauthorized: false, extraHeaders: { Origin: url, ...more } });

/** Whether a proxy says for whom it asks. */
const forwards = ({ config }) => /X-Forwarded|option forwardfor/.test(config);

/** The failure of a client that is refused. */
async function failure(t, url, options) {
  const socket = io(url, { forceNew: true, reconnection: false, ...options });
  t.after(() => socket.disconnect());
  const [error] = await within(once(socket, "connect_error"), DEADLINE_MS, "a refusal");
  return error;
}

for (const [name, config] of Object.entries(FRONTS)) {
  describe(`behind ${name}`, () => {
    for (const args of [[], ["--trusted-proxy", "127.0.0.1"]]) {
      test(`the server's own page chats over every transport (${args.join(" ") || "no options"})`, async (t) => {
        const server = await Server.start(t, { args });
        const front = await Front.start(t, config, server.port);
        for (const [way, options] of Object.entries(TRANSPORTS)) {
          const ada = await Person.connect(t, front.url, { ...options, ...asPage(front.url) });
          const bob = await Person.connect(t, server.url);
          await ada.say(`hello ${way}`);
          await bob.sees(`hello ${way}`);
        }
        const log = await server.log();
        assert.doesNotMatch(log, /may not connect|WebSocket|refused/);
        const told = log.match(/.*X-Forwarded.*/g) ?? [];
        assert.equal(told.length, args.length > 0 || forwards(config) ? 1 : 0, "it is told once that the proxy is not trusted, or names nobody");
        for (const line of told) {
          if (args.length > 0) {
            // bob has come without the proxy, and ada from its address.
            assert.match(line, /WARN.*X-Forwarded-For named nobody behind the trusted proxy 127\.0\.0\.1: .*one address, to which rates apply/);
            continue;
          }
          assert.match(line, /WARN.*X-Forwarded-For was ignored, because 127\.0\.0\.1 is not a trusted proxy: .*one address, and no rate applies/);
          assert.match(line, /start tidings with --trusted-proxy 127\.0\.0\.1: see tidings --help/);
        }
      });
    }

    test("a foreign page is refused", async (t) => {
      const server = await Server.start(t);
      const front = await Front.start(t, config, server.port);
      for (const transports of [["polling"], ["websocket"]]) {
        const error = await failure(t, front.url, { transports, ...asPage("https://evil.example") });
        assert.equal(error.type, "TransportError");
      }
      const lines = (await server.log()).match(/.*evil\.example.*/g);
      assert.equal(lines.length, 1, "one line for one origin");
      assert.match(lines[0], /--origin https:\/\/evil\.example/);
    });
  });
}

for (const [name, config] of Object.entries(BARE_FRONTS)) {
  describe(`behind ${name}`, () => {
    test("the server's own page chats by polling, and the log says what WebSocket lacks", async (t) => {
      const server = await Server.start(t);
      const front = await Front.start(t, config, server.port);
      const page = asPage(front.url, { "Sec-Fetch-Site": "same-origin" });
      const ada = await Person.connect(t, front.url, page);
      await ada.say("hello");
      await ada.sees("hello");
      assert.equal(ada.socket.io.engine.transport.name, "polling");
      await failure(t, front.url, { transports: ["websocket"], ...page });
      assert.match(await server.log(), /WebSocket came without its Upgrade header/);
    });

    test("a browser that does not name the site is told what the proxy lacks", async (t) => {
      const server = await Server.start(t);
      const front = await Front.start(t, config, server.port);
      const url = engineUrl(front.url, { EIO: 4, transport: "polling" });
      const answer = await request(url, { headers: { origin: front.url } });
      const { code, message } = JSON.parse(answer.text);
      assert.deepEqual([answer.status, code], [403, 4]);
      for (const text of [message, await server.log()]) {
        assert.ok(text.includes(`pages of ${front.url} may not connect to 127.0.0.1:${server.port}`), text);
        assert.ok(text.includes("let the proxy pass the browser's Host header on, and name that host with --host: see tidings --help"), text);
      }
    });
  });
}

describe("behind a proxy that changes the host and lets WebSocket through", () => {
  test("the server's own page falls back to polling, and the log says how to have WebSocket", async (t) => {
    const server = await Server.start(t);
    const front = await Front.start(t, HOSTLESS_FRONT, server.port);
    // Chromium names the site with polling, and with WebSocket the origin alone.
    const error = await failure(t, front.url, { transports: ["websocket"], ...asPage(front.url) });
    assert.equal(error.type, "TransportError");
    const ada = await Person.connect(t, front.url, {
      transports: ["polling"],
      ...asPage(front.url, { "Sec-Fetch-Site": "same-origin" }),
    });
    await ada.say("hello");
    ada.leave();
    const lines = (await server.log()).match(/.*may not connect.*/g);
    assert.equal(lines.length, 1);
    assert.ok(lines[0].includes("let the proxy pass the browser's Host header on"), lines[0]);
  });

  test("a trusted proxy that names the host makes it all work", async (t) => {
    const server = await Server.start(t, { args: ["--trusted-proxy", "127.0.0.1"] });
    const config = HOSTLESS_FRONT.config.replace("proxy_pass", "proxy_set_header X-Forwarded-Host $http_host; proxy_pass");
    const front = await Front.start(t, { ...HOSTLESS_FRONT, config }, server.port);
    for (const options of Object.values(TRANSPORTS)) {
      const ada = await Person.connect(t, front.url, { ...options, ...asPage(front.url) });
      await ada.say("hello");
    }
  });
});

describe("behind a proxy that says something wrong or is not trusted", () => {
  /** What a page is told that is refused, and what the log says. */
  async function refused(t, args, headers) {
    const server = await Server.start(t, { args });
    const answer = await request(engineUrl(server.url, { EIO: 4, transport: "polling" }), { headers });
    assert.equal(answer.status, 403);
    return [JSON.parse(answer.text).message, await server.log()];
  }

  test("a page over http is told that the proxy's X-Forwarded-Proto is wrong", async (t) => {
    const headers = { host: "chat.example", origin: "http://chat.example", "x-forwarded-proto": "https" };
    for (const text of await refused(t, ["--host", "chat.example", "--trusted-proxy", "127.0.0.1"], headers)) {
      assert.match(text, /the trusted proxy 127\.0\.0\.1 says that the browser uses https.*X-Forwarded-Proto/);
      assert.doesNotMatch(text, /--(origin|host)/);
    }
  });

  test("a page is told that X-Forwarded-Host was ignored, and by which option it counts", async (t) => {
    const headers = { origin: "https://chat.example", "x-forwarded-host": "chat.example" };
    for (const text of await refused(t, ["--trusted-proxy", "10.0.0.1"], headers)) {
      assert.match(text, /X-Forwarded-Host was ignored, because 127\.0\.0\.1 is not a trusted proxy/);
      assert.match(text, /--trusted-proxy 127\.0\.0\.1/);
    }
  });
});

describe("a proxy that is not trusted", () => {
  const { "nginx as Socket.IO documents it": NGINX } = FRONTS;
  const claim = async (owner, server) => owner.must("claim", { code: /#setup=(\S+)/.exec(server.output.stdout)[1] });
  const untrusted = async (t, url, person) => (await otherDevice(t, url, person)).welcome.untrusted;

  test("is told to the owner and to nobody else, and to nobody when it is trusted", async (t) => {
    for (const [args, told] of [[[], "127.0.0.1"], [["--trusted-proxy", "127.0.0.1"], undefined]]) {
      const server = await Server.start(t, { args });
      const owner = await V1Person.connect(t, server.url, { name: "olga" });
      await claim(owner, server);
      assert.equal(await untrusted(t, server.url, owner), undefined, "nobody came through a proxy yet");
      const front = await Front.start(t, NGINX, server.port);
      const ada = await V1Person.connect(t, front.url, { name: "ada" });
      assert.equal(await untrusted(t, server.url, owner), told);
      assert.equal(await untrusted(t, front.url, owner), told);
      assert.equal(await untrusted(t, front.url, ada), undefined);
    }
  });

  test("is told of for each header that proxies send, and only Forwarded is not read from any", async (t) => {
    for (const header of ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded"]) {
      const server = await Server.start(t);
      for (let round = 0; round < 3; round += 1) {
        await request(engineUrl(server.url, { EIO: 4, transport: "polling" }), { headers: { [header]: "for=192.0.2.1" } });
      }
      const lines = (await server.log()).match(/.*is not a trusted proxy.*/g);
      assert.equal(lines?.length, 1, header);
      assert.ok(lines[0].includes(`${header} was ignored`), lines[0]);
      assert.equal(lines[0].includes("Only X-Forwarded-For"), header === "Forwarded");
    }
  });

  test("is not told of for a name that is not the server's, because any site could send such headers", async (t) => {
    const server = await Server.start(t);
    const headers = { host: "evil.example", "x-forwarded-for": "192.0.2.1" };
    assert.equal((await request(engineUrl(server.url, { EIO: 4, transport: "polling" }), { headers })).status, 421);
    assert.doesNotMatch(await server.log(), /X-Forwarded/);
  });
});

describe("--origin", () => {
  const cases = {
    null: { taken: ["null"], refused: ["file://", "http://null"] },
    "file://": { taken: ["file://"], refused: ["null"] },
    "https://*.example.org": {
      taken: ["https://a.example.org", "https://b.a.example.org"],
      refused: ["https://example.org", "http://a.example.org", "https://a.example.org.evil.example", "https://aexample.org"],
    },
    "https://chat.example/": { taken: ["https://chat.example"], refused: ["https://chat.example:8443"] },
    "*": { taken: ["https://anything.example", "null", "file://"], refused: [] },
  };
  for (const [pattern, { taken, refused }] of Object.entries(cases)) {
    test(`${pattern} allows what it says, from the environment as well`, async (t) => {
      for (const settings of [{ args: ["--origin", pattern] }, { env: { TIDINGS_ORIGIN: `https://other.example,${pattern}` } }]) {
        const server = await Server.start(t, settings);
        for (const transports of [["polling"], ["websocket"]]) {
          for (const origin of taken) {
            const ada = await Person.connect(t, server.url, { transports, ...asPage(origin) });
            ada.leave();
          }
          for (const origin of refused) await failure(t, server.url, { transports, ...asPage(origin) });
        }
      }
    });
  }

  for (const [pattern, reason] of [
    ["chat.example", "an origin begins with a scheme"],
    ["https://chat.example/app", "an origin has no path"],
    ["https://*", "a * stands alone, or for the subdomains of a named host"],
  ]) {
    test(`${pattern} is refused with its reason`, async () => {
      for (const [args, env] of [[["--origin", pattern], {}], [[], { TIDINGS_ORIGIN: pattern }]]) {
        const { code, stderr } = await run(args, { env });
        assert.equal(code, 2);
        assert.ok(stderr.includes(reason), stderr);
      }
    });
  }
});

describe("the recipes of docs/proxy.md", () => {
  const words = (text) => text.replace(/\s+/g, " ").trim();
  const [, location] = /location \/ \{(.*?)\}/s.exec(RECIPES.nginx);

  test("are those of --help", async () => {
    for (const args of [["--help"], ["serve", "--help"]]) {
      const { stdout } = await run(args);
      assert.ok(words(stdout).includes(words(location)), "nginx");
      assert.ok(words(stdout).includes(words(RECIPES.haproxy)), "haproxy");
    }
  });
});
