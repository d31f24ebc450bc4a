// How the binary starts, refuses to start, and what it takes over.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import net from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Person } from "../harness/client.mjs";
import { readLog } from "../harness/history.mjs";
import { Server, run, temporaryFolder } from "../harness/server.mjs";
import { request } from "../harness/wire.mjs";

const TLS_OPTIONS = ["tls-cert", "tls-key", "acme", "acme-contact", "acme-directory", "acme-root", "redirect", "hsts"];
const OPTIONS = ["listen", "data", "demo", "pages", "host", "origin", "trusted-proxy", "limit", "memory", "metrics", "log-format", ...TLS_OPTIONS];

describe("the command line", () => {
  for (const args of [["--help"], ["serve", "--help"]]) {
    test(`explains every option and its environment variable: ${args.join(" ")}`, async () => {
      const { code, stdout } = await run(args);
      assert.equal(code, 0);
      for (const option of OPTIONS) {
        assert.ok(stdout.includes(`--${option}`), option);
        assert.ok(stdout.includes(`TIDINGS_${option.toUpperCase().replace("-", "_")}`), option);
      }
    });
  }

  const bad = [
    ["--listen", "nonsense"],
    ["--listen", "127.0.0.1:70000"],
    ["--host", "https://chat.example"],
    ["--host", "chat.example:3000"],
    ["--origin", "no url"],
    ["--limit", "requests"],
    ["--limit", "requests=0"],
    ["--limit", "unjoined-percent=150"],
    ["--limit", "no-such-limit=1"],
    ["--origin", "http://example.org/with/a/path"],
    ["--trusted-proxy", "300.0.0.1"],
    ["--trusted-proxy", "10.0.0.0/99"],
    ["--memory", "plenty"],
    ["--memory", "31M"],
    ["--memory", "1025G"],
    ["--metrics", "localhost:9464"],
    ["--metrics", "70000"],
    ["--log-format", "xml"],
    ["--pages", "/no/such/folder"],
    ["--data", ""],
    ["--no-such-option"],
    ["no-such-command"],
    ["import"],
  ];
  for (const args of bad) {
    test(`ends with code 2 and says why: ${args.join(" ")}`, async (t) => {
      const cwd = temporaryFolder();
      const { code, stderr } = await run(args, { cwd });
      assert.equal(code, 2, stderr);
      assert.notEqual(stderr.trim(), "");
      assert.doesNotMatch(stderr, /panicked/);
      assert.deepEqual(readdirSync(cwd), [], "nothing was written");
    });
  }

  test("lists the limits, of which each can be changed", async () => {
    const { code, stdout } = await run(["limits"]);
    assert.equal(code, 0);
    assert.match(stdout, /\| `requests-per-person` \| person \| 32 \|/);
  });

  test("names the limit with a value that makes no sense, and what it accepts", async () => {
    for (const [value, accepted] of [["unjoined-percent=150", "from 1 to 100"], ["disk-free=5/2/1", "such as 5/256/4096"], ["events=5", "such as 5/30"]]) {
      const { code, stderr } = await run(["--limit", value], { cwd: temporaryFolder() });
      assert.equal(code, 2);
      assert.ok(stderr.includes("--limit") && stderr.includes(value) && stderr.includes(accepted), stderr);
    }
  });

  test("names what its reader has set, if that is variables", async () => {
    const { code, stderr } = await run([], { cwd: temporaryFolder(), env: { TIDINGS_TLS_CERT: "chain.pem" } });
    assert.equal(code, 2);
    assert.match(stderr, /^error: TIDINGS_TLS_CERT needs the private key of the certificate: add --tls-key <FILE>\n$/);
  });

  test("says where an option of the server belongs, and which words TIDINGS_DEMO takes", async (t) => {
    const early = await run(["--data", "d", "verify"], { cwd: temporaryFolder() });
    assert.equal(early.code, 2);
    assert.match(early.stderr, /put the option after the name of the command/);
    const maybe = await run([], { env: { TIDINGS_DEMO: "maybe" }, cwd: temporaryFolder() });
    assert.equal(maybe.code, 2);
    assert.match(maybe.stderr, /set TIDINGS_DEMO to true, yes, on or 1/);
  });

  test("ends with code 2 when a value from the environment is bad", async (t) => {
    const { code, stderr } = await run([], { env: { TIDINGS_LISTEN: "nonsense" }, cwd: temporaryFolder() });
    assert.equal(code, 2);
    assert.notEqual(stderr.trim(), "");
  });

  test("says where it is, what the start cost and how to become the owner, and nothing else", async (t) => {
    const server = await Server.start(t);
    await Person.connect(t, server.url);
    const [ready, cost, owner, ...rest] = server.output.stdout.split("\n");
    assert.match(ready, /^tidings is ready on http:\/\/127\.0\.0\.1:\d+$/);
    assert.match(cost, /^ready in \d+ ms, (\d+ MB of memory, )?data in .+$/);
    assert.match(owner, /^open to become the owner: http:\/\/127\.0\.0\.1:\d+\/#setup=\w{4}-\w{4}-\w{4}-\w{4}$/);
    assert.deepEqual(rest, [""]);
  });

  test("says so when TIDINGS_LOG is not a filter, and warns then", async (t) => {
    const bad = await Server.start(t, { env: { TIDINGS_LOG: "inffo" } });
    assert.match(await bad.log(), /WARN.*TIDINGS_LOG=inffo is not a filter, so only warnings are logged: give a level/);
    const good = await Server.start(t, { env: { TIDINGS_LOG: "info,socketio_server=debug" } });
    assert.doesNotMatch(await good.log(), /is not a filter/);
  });

  test("lets commands take the settings of a service from its environment", async (t) => {
    const server = await Server.start(t);
    const env = { TIDINGS_DATA: server.data, TIDINGS_LISTEN: "0.0.0.0:3000" };
    const { code, stdout, stderr } = await run(["verify"], { env, cwd: temporaryFolder() });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^  faults +0$/m);
  });

  test("takes its settings from the environment as well", async (t) => {
    const pages = temporaryFolder();
    writeFileSync(join(pages, "index.html"), "from the environment");
    const server = await Server.start(t, { env: { TIDINGS_PAGES: pages } });
    assert.equal((await request(server.url)).text, "from the environment");
    assert.match(server.output.stdout, /^code to become the owner: [-\w]+ \(the app, which takes it, is not served/m);
    assert.doesNotMatch(server.output.stdout, /#setup/);
  });
});

describe("a server that cannot start", () => {
  test("names the port that is in use", async (t) => {
    const taken = net.createServer().listen(0, "127.0.0.1");
    t.after(() => taken.close());
    await once(taken, "listening");
    const address = `127.0.0.1:${taken.address().port}`;
    const data = join(temporaryFolder(), "data");
    await refuses(["--listen", address, "--data", data], address);
    await refuses(["--listen", address, "--data", data], "choose another address with --listen");
  });

  test("leaves the data alone that another server works on", async (t) => {
    const server = await Server.start(t);
    const ada = await Person.connect(t, server.url);
    await ada.say("before");
    await refuses(["--listen", "127.0.0.1:0", "--data", server.data], server.data);
    assert.deepEqual(await ada.say("after"), []);
    await ada.seesCount(2);
    assert.deepEqual(ada.connects, [false], "the first server's clients noticed nothing");
  });

  test("does not touch a database that is not its own", async (t) => {
    const foreign = join(temporaryFolder(), "data");
    const own = await Server.start(t);
    await own.stop();
    mkdirSync(foreign);
    for (const file of readdirSync(own.data)) writeFileSync(join(foreign, file), "this is somebody else's file\n");
    const before = fingerprint(foreign);
    await refuses(["--listen", "127.0.0.1:0", "--data", foreign], foreign);
    assert.deepEqual(fingerprint(foreign), before);
  });

  test("does not touch a database of another program", async (t) => {
    const foreign = join(temporaryFolder(), "data");
    const own = await Server.start(t);
    await own.stop();
    mkdirSync(foreign);
    const [file] = readdirSync(own.data).filter((name) => /\.(db|sqlite3?|log)$/.test(name));
    assert.ok(file, "the data folder holds a database");
    sqlite(join(foreign, file), "create table songs (id integer primary key, title text)");
    const before = fingerprint(foreign);
    await refuses(["--listen", "127.0.0.1:0", "--data", foreign], foreign);
    // The lock that keeps two servers apart has to be taken before the file is looked at, and may stay behind.
    assert.deepEqual({ ...fingerprint(foreign), ...before }, fingerprint(foreign));
  });

  test("says so when the data folder is a file", async (t) => {
    const file = join(temporaryFolder(), "data");
    writeFileSync(file, "not a folder");
    await refuses(["--listen", "127.0.0.1:0", "--data", file], `${file} is a file, not a folder`);
    assert.equal(readFileSync(file, "utf8"), "not a folder");
  });

  test("says so when it may not write there", async (t) => {
    // Permissions do not bind root; /proc refuses new files to everybody.
    const isRoot = process.getuid?.() === 0;
    const folder = isRoot ? "/proc/self/data" : join(temporaryFolder(), "data");
    if (!isRoot) {
      mkdirSync(folder);
      chmodSync(folder, 0o555);
    }
    await refuses(["--listen", "127.0.0.1:0", "--data", folder], folder);
  });

  async function refuses(args, named) {
    const { code, stderr } = await run(args);
    assert.notEqual(code, 0);
    assert.notEqual(code, null, "it ended by itself");
    assert.ok(stderr.includes(named), `names ${named}: ${stderr}`);
    assert.doesNotMatch(stderr, /panicked/);
  }
});

describe("pages of one's own", () => {
  test("stand in place of the built-in ones", async (t) => {
    const pages = temporaryFolder();
    writeFileSync(join(pages, "index.html"), "<h1>mine</h1>");
    mkdirSync(join(pages, "sub"));
    writeFileSync(join(pages, "sub", "a b.css"), "b {}");
    writeFileSync(join(pages, "..", "outside.txt"), "secret");
    const server = await Server.start(t, { pages });
    const index = await request(server.url);
    assert.equal(index.status, 200);
    assert.equal(index.text, "<h1>mine</h1>");
    assert.match(index.headers["content-type"], /^text\/html/);
    const style = await request(`${server.url}/sub/a%20b.css`);
    assert.match(style.headers["content-type"], /^text\/css/);
    assert.equal(style.text, "b {}");
    assert.equal((await request(`${server.url}/none.html`)).status, 404);
    for (const path of ["/../outside.txt", "/%2e%2e/outside.txt", "/..%2foutside.txt", "/sub/../../outside.txt"]) {
      const { status, text } = await request({ ...address(server), path });
      assert.notEqual(text, "secret", path);
      assert.ok(status === 404 || status === 400, path);
    }
    assert.equal((await request(`${server.url}/socket.io/socket.io.js`)).status, 200, "the bundle is still there");
  });
});

describe("import of a tutorial's database", () => {
  const SCHEMA = `create table messages (
    id integer primary key autoincrement, client_offset text unique, content text)`;

  test("keeps the ids as offsets, gaps included, and goes on behind them", async (t) => {
    const folder = temporaryFolder();
    const chat = join(folder, "chat.db");
    sqlite(
      chat,
      SCHEMA,
      "insert into messages values (1, 'abc-0', 'one'), (2, null, 'two'), (5, 'abc-1', 'пять'), (6, 'undefined-0', 'six')",
    );
    const before = fingerprint(folder);
    const data = join(folder, "data");
    const imported = await run(["import", chat, "--data", data]);
    assert.equal(imported.code, 0, imported.stderr);
    assert.equal(fingerprint(folder)["chat.db"], before["chat.db"], "the tutorial's file is only read");
    const server = await Server.start(t, { data });
    const ada = await Person.connect(t, server.url);
    await ada.seesCount(4);
    assert.deepEqual(ada.lines.map(({ text, offset }) => [offset, text]), [[1, "one"], [2, "two"], [5, "пять"], [6, "six"]]);
    const bob = await Person.connect(t, server.url, { auth: { serverOffset: 2 } });
    await bob.say("seven");
    await bob.sees("seven");
    assert.deepEqual(bob.offsets, [5, 6, 7]);
  });

  test("knows the keys of the tutorial's pages", async (t) => {
    const folder = temporaryFolder();
    sqlite(join(folder, "chat.db"), SCHEMA, "insert into messages values (1, 'abcdefghij0123456789-0', 'one')");
    const data = join(folder, "data");
    const imported = await run(["import", join(folder, "chat.db"), "--data", data]);
    assert.equal(imported.code, 0, imported.stderr);
    const server = await Server.start(t, { data });
    const ada = await Person.connect(t, server.url);
    assert.deepEqual(await ada.say("one", "abcdefghij0123456789-0"), []);
    const log = await readLog(t, server.url, 1);
    assert.deepEqual(log.map((line) => line.text), ["one", "(end)"]);
  });

  test("refuses what is no such database, and a log that has begun", async (t) => {
    const folder = temporaryFolder();
    const text = join(folder, "text.db");
    writeFileSync(text, "not a database, but long enough to be looked at as one".repeat(40));
    const songs = join(folder, "songs.db");
    sqlite(songs, "create table songs (id integer primary key, title text)");
    for (const file of [text, songs, join(folder, "none.db")]) {
      const { code, stderr } = await run(["import", file, "--data", join(folder, "data")]);
      assert.notEqual(code, 0, file);
      assert.ok(stderr.includes(file), stderr);
      assert.doesNotMatch(stderr, /panicked/);
      assert.equal(existsSync(join(folder, "data")), false, "no folder was made");
    }
    assert.equal(existsSync(join(folder, "none.db")), false);
    const chat = join(folder, "chat.db");
    sqlite(chat, SCHEMA, "insert into messages (content) values ('one')");
    const server = await Server.start(t);
    const ada = await Person.connect(t, server.url);
    await ada.say("mine");
    await server.stop();
    const twice = await run(["import", chat, "--data", server.data]);
    assert.equal(twice.code, 1);
    assert.ok(twice.stderr.includes(`${server.data} already holds a chat`), twice.stderr);
    await server.startAgain();
    const log = await readLog(t, server.url, 1);
    assert.deepEqual(log.map((line) => line.text), ["mine", "(end)"]);
  });
});

// Node 20 has no SQLite of its own; Python always has.
function sqlite(file, ...statements) {
  const program = "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\nfor s in sys.argv[2:]: db.execute(s)\ndb.commit()";
  execFileSync("python3", ["-c", program, file, ...statements]);
}

// Of everything but the empty file that keeps two servers apart.
function fingerprint(folder) {
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile() && entry.name !== "lock");
  const hash = (name) => createHash("sha256").update(readFileSync(join(folder, name))).digest("hex");
  return Object.fromEntries(files.map(({ name }) => [name, hash(name)]));
}

const address = (server) => ({ host: "127.0.0.1", port: server.port });
