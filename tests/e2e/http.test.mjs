// What every answer says to browsers, what a folder of pages gives out, and what the log says of what was turned away.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Server, temporaryFolder } from "../harness/server.mjs";
import { Polling, engineUrl, raw, request } from "../harness/wire.mjs";

const NO_PAGE = "default-src 'none'; frame-ancestors 'none'";

/** What an answer tells a browser. */
const said = ({ headers }) => ({
  sniffed: headers["x-content-type-options"] !== "nosniff",
  policy: headers["content-security-policy"],
  users: headers["cross-origin-resource-policy"],
});

describe("every answer", () => {
  test("that is no page says so", async (t) => {
    const server = await Server.start(t);
    const polling = await Polling.open(server.url);
    const answers = {
      health: await request(`${server.url}/health`),
      "health by HEAD": await request(`${server.url}/health`, { method: "HEAD" }),
      handshake: await request(engineUrl(server.url, { EIO: 4, transport: "polling" })),
      post: await polling.post("40"),
      poll: await polling.poll(),
      error: await request(engineUrl(server.url, { EIO: 3, transport: "polling" })),
      refusal: await request(engineUrl(server.url, { EIO: 4, transport: "polling" }), { headers: { origin: "null" } }),
      client: await request(`${server.url}/socket.io/socket.io.js`),
    };
    for (const [what, answer] of Object.entries(answers)) {
      assert.deepEqual(said(answer), { sniffed: false, policy: NO_PAGE, users: "same-origin" }, what);
    }
  });

  test("of the app lets nothing in and is framed by nobody", async (t) => {
    const server = await Server.start(t);
    for (const path of ["/", "/no-such-page"]) {
      const { sniffed, policy, users } = said(await request(`${server.url}${path}`));
      assert.deepEqual([sniffed, users], [false, "same-origin"], path);
      assert.match(policy, /default-src 'none'.*frame-ancestors 'none'/, path);
    }
  });

  test("of somebody's own pages is framed and used by those who may connect", async (t) => {
    const pages = temporaryFolder();
    writeFileSync(join(pages, "index.html"), "<script>1</script>");
    for (const [args, policy, users] of [
      [[], "frame-ancestors 'self'", "same-origin"],
      [["--origin", "https://site.example"], "frame-ancestors 'self' https://site.example", "cross-origin"],
    ]) {
      const server = await Server.start(t, { pages, args });
      assert.deepEqual(said(await request(`${server.url}/`)), { sniffed: false, policy, users });
      const nothing = said(await request(`${server.url}/nothing.html`));
      assert.deepEqual(nothing, { sniffed: false, policy: NO_PAGE, users: "same-origin" });
      // The client is loaded by a script of the page that may connect.
      assert.equal(said(await request(`${server.url}/socket.io/socket.io.js`)).users, users);
    }
  });
});

test("the health is asked for by GET and by HEAD, by nothing else, and is never kept", async (t) => {
  const server = await Server.start(t);
  const [get, head] = [await request(`${server.url}/health`), await request(`${server.url}/health`, { method: "HEAD" })];
  assert.deepEqual([get.status, get.text], [200, "ready\n"]);
  assert.deepEqual([head.status, head.text, head.headers["content-length"]], [200, "", "6"]);
  for (const { headers } of [get, head]) assert.equal(headers["cache-control"], "no-store");
  for (const method of ["POST", "PUT", "DELETE"]) {
    assert.equal((await request(`${server.url}/health`, { method })).status, 404, method);
  }
});

test("a folder of pages gives out its own files, and none that are hidden or elsewhere", async (t) => {
  const folder = temporaryFolder();
  const pages = join(folder, "pages");
  mkdirSync(join(pages, ".git"), { recursive: true });
  for (const file of ["pages/index.html", "pages/.env", "pages/.git/config", "secret"]) writeFileSync(join(folder, file), file);
  for (const [link, target] of [["link", "index.html"], ["out", "../secret"], ["up", ".."], ["hidden", ".env"]]) {
    symlinkSync(target, join(pages, link));
  }
  const server = await Server.start(t, { pages });
  const port = server.port;
  for (const [path, status] of [
    ["/", 200],
    ["/link", 200],
    ["/out", 404],
    ["/up/secret", 404],
    ["/hidden", 404],
    ["/.env", 404],
    ["/%2Eenv", 404],
    ["/.git/config", 404],
    ["/link/../.env", 404],
    ["/nothing", 404],
  ]) {
    const answer = await request({ host: "127.0.0.1", port, path });
    assert.equal(answer.status, status, path);
    if (status === 404) assert.equal(answer.text, "", path);
  }
});

test("a folder of pages opens no pipe and follows no loop, and says so twice in ten times", async (t) => {
  const pages = temporaryFolder();
  mkdirSync(join(pages, "sub"));
  execFileSync("mkfifo", [join(pages, "pipe"), join(pages, "sub", "index.html")]);
  symlinkSync("loop", join(pages, "loop"));
  const server = await Server.start(t, { pages });
  const paths = ["/pipe", "/pipe/", "//pipe", "/%70ipe", "/sub/", "/sub", "/loop", "/loop/x", "/pipe?x", "/loop"];
  for (const path of paths) {
    const { status, text } = await request({ host: "127.0.0.1", port: server.port, path });
    assert.deepEqual([status, text], [404, ""], path);
  }
  const log = await server.log();
  assert.equal(log.split("a page cannot be read (404)").length - 1, 2, log);
});

test("refused requests leave one log line of each kind", async (t) => {
  const server = await Server.start(t);
  const polling = await Polling.open(server.url);
  for (let time = 0; time < 3; time += 1) {
    assert.equal((await request(server.url, { headers: { cookie: "c".repeat(20_000) } })).status, 431);
    assert.equal((await polling.post("4".repeat(1_000_001))).status, 413);
    assert.match(await raw(server.port, "GET / HTTP/1.1\r\n\r\n"), /^HTTP\/1.1 400 /);
    assert.match(await raw(server.port, "GET / HTTP/1.1\r\nno field\r\n\r\n"), /^HTTP\/1.1 400 /);
    assert.equal((await request(engineUrl(server.url, { EIO: 3, transport: "polling" }))).status, 400);
  }
  const log = await server.log();
  for (const kind of ["(431)", "(413)", "not valid HTTP (400)", "another version than Engine.IO 4 (400)"]) {
    assert.equal(log.split(kind).length - 1, 1, `${kind}: ${log}`);
  }
});
