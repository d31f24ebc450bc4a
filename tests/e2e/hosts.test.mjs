// The names that a server answers to, and what its process gives away.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { hostname } from "node:os";
import { test } from "node:test";
import { Person } from "../harness/client.mjs";
import { FRONTS, Front } from "../harness/front.mjs";
import { V1Person } from "../harness/person.mjs";
import { Server } from "../harness/server.mjs";
import { engineUrl, request } from "../harness/wire.mjs";

const PATHS = ["/", "/health", "/socket.io/socket.io.js", "/socket.io/?EIO=4&transport=polling", "/no-such-page"];

/** The status that each of the names gets, on a page and on the endpoint. */
async function statuses(server, hosts) {
  const answered = [];
  for (const host of hosts) {
    const both = ["/", "/socket.io/?EIO=4&transport=polling"].map((path) => request(`${server.url}${path}`, { headers: { host } }));
    const [page, endpoint] = await Promise.all(both);
    assert.equal(page.status, endpoint.status, host);
    answered.push([host, page.status]);
  }
  return answered;
}

test("a name that a site has pointed at the server gets nothing from it, and those who use it notice nothing", async (t) => {
  const server = await Server.start(t);
  const ada = await V1Person.connect(t, server.url, { name: "ada" });
  const bob = await Person.connect(t, server.url);
  const host = `evil.example:${server.port}`;
  for (const path of PATHS) {
    for (const headers of [{ host }, { host, origin: `http://${host}`, "sec-fetch-site": "same-origin" }, { host, "x-forwarded-host": "localhost" }]) {
      const { status, text, headers: said } = await request(`${server.url}${path}`, { headers });
      assert.equal(status, 421, path);
      assert.match(path.startsWith("/socket.io") ? JSON.parse(text).message : text, /^Misdirected request: .* the name evil\.example\. .*start tidings with --host evil\.example/);
      assert.equal(said["x-content-type-options"], "nosniff");
      assert.equal(said["content-security-policy"], "default-src 'none'; frame-ancestors 'none'");
    }
  }
  await ada.say("hello");
  await bob.sees("hello");
  const log = await server.log();
  assert.equal(log.match(/--host evil\.example/g).length, 1, log);
});

test("invented names neither fill the log nor hide themselves from it", async (t) => {
  // All in one second, so that lines of one kind would be left out.
  const server = await Server.start(t, { args: ["--limit", "log-lines=1000"] });
  const asked = Array.from({ length: 120 }, (_, number) => request(`${server.url}/`, { headers: { host: `site-${number}.evil.example` } }));
  for (const { status } of await Promise.all(asked)) assert.equal(status, 421);
  const log = await server.log();
  const named = log.match(/start tidings with --host site-\d+\.evil\.example/g);
  assert.equal(named.length, 64);
  assert.equal(new Set(named).size, 64);
  // Beyond that, at the tenfolds of a count.
  assert.match(log, /count=100 newest="site-\d+\.evil\.example"/);
});

test("names that nobody else can point at a machine need no option, and others do", async (t) => {
  const needless = ["127.0.0.1", "[::1]:80", "localhost:1", "app.localhost", "box.local", hostname(), `${hostname().toUpperCase()}.`];
  const named = ["chat.example", "Chat.Example.:443", "a.b.example.org", "site.example"];
  const never = ["example.org", "chat.example.evil.example", "xchat.example", "localhost.evil.example", "evil.example"];
  const options = ["--host", "chat.example,*.example.org", "--origin", "https://site.example"];
  const env = { TIDINGS_HOST: "*.example.org,chat.example", TIDINGS_ORIGIN: "https://site.example" };
  for (const settings of [{ args: options }, { env }]) {
    const server = await Server.start(t, settings);
    const expected = [...needless, ...named].map((host) => [host, 200]).concat(never.map((host) => [host, 421]));
    assert.deepEqual(await statuses(server, expected.map(([host]) => host)), expected);
  }
  const plain = await Server.start(t);
  assert.deepEqual(await statuses(plain, [...needless, ...named]), [...needless.map((host) => [host, 200]), ...named.map((host) => [host, 421])]);
  for (const everyone of [["--host", "*"], ["--origin", "*"]]) {
    const open = await Server.start(t, { args: everyone });
    assert.deepEqual(await statuses(open, ["anything.example"]), [["anything.example", 200]]);
  }
});

for (const name of ["nginx with our recipe", "haproxy with our recipe"]) {
  test(`behind ${name}, a name is served if it was given`, async (t) => {
    const server = await Server.start(t, { args: ["--host", "chat.example", "--trusted-proxy", "127.0.0.1"] });
    const front = await Front.start(t, FRONTS[name], server.port);
    const url = engineUrl(front.url, { EIO: 4, transport: "polling" });
    for (const [host, status] of [["chat.example", 200], ["evil.example", 421]]) {
      const answer = await request(url, { headers: { host, origin: `https://${host}` } });
      assert.equal(answer.status, status, host);
    }
  });
}

test("no thread of the server can gain privileges", { skip: process.platform !== "linux" }, async (t) => {
  const server = await Server.start(t);
  const threads = readdirSync(`/proc/${server.process}/task`);
  assert.ok(threads.length > 3, `${threads.length}`);
  for (const thread of threads) {
    assert.match(readFileSync(`/proc/${server.process}/task/${thread}/status`, "utf8"), /^NoNewPrivs:\t1$/m);
  }
});
