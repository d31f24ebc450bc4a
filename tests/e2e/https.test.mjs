// TLS by the server itself, with certificates from files: who can connect, what is told to those who cannot, and what
// happens when the files change.

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import https from "node:https";
import net from "node:net";
import { basename, join } from "node:path";
import { describe, test } from "node:test";
import tls from "node:tls";
import { Authority } from "../harness/authority.mjs";
import { Person, TRANSPORTS } from "../harness/client.mjs";
import { Server, run, temporaryFolder } from "../harness/server.mjs";
import { PATIENCE_MS, within } from "../harness/waiting.mjs";
import { engineUrl, raw, request } from "../harness/wire.mjs";

const authority = new Authority();
const usual = authority.issue();

/** Where the files of a server are, with this certificate in them. */
function filesOf(issued) {
  const folder = temporaryFolder();
  const files = { certificate: join(folder, "chain.pem"), key: join(folder, "key.pem") };
  replace(files, issued);
  return files;
}

/** Replaces both files, as programs do that renew certificates. */
function replace(files, issued) {
  for (const [kind, file] of Object.entries(files)) {
    writeFileSync(`${file}.new`, issued[kind]);
    renameSync(`${file}.new`, file);
  }
}

const argsOf = ({ certificate, key }) => ["--tls-cert", certificate, "--tls-key", key];

const start = (t, files = filesOf(usual), args = []) =>
  Server.start(t, { args: [...argsOf(files), ...args], env: { TIDINGS_LOG: "info" } });

/** What every answer says that has a body. */
const hardened = [/\r\nx-content-type-options: nosniff\r\n/, /\r\ncontent-security-policy: default-src 'none'; /, /\r\ncross-origin-resource-policy: same-origin\r\n/];

const trusting = (options = {}) => ({ ca: authority.root, ...options });

/** The certificate that a new connection gets; with a session, of one that goes on. */
async function shown({ port }, session) {
  const socket = tls.connect({ host: "127.0.0.1", port, ca: authority.root, session });
  const sessions = [];
  socket.on("session", (session) => sessions.push(session));
  await within(once(socket, "secureConnect"), PATIENCE_MS, "a handshake");
  // Tickets come after the handshake, before the answer to anything.
  socket.write("GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  socket.resume();
  const answered = once(socket, "end");
  const seen = { fingerprint: socket.getPeerCertificate().fingerprint256, resumed: socket.isSessionReused() };
  await within(answered, PATIENCE_MS, "the end of an answer");
  return { ...seen, session: sessions.at(-1) };
}

/** When a certificate expires, in milliseconds. */
const expiry = ({ certificate }) => Date.parse(new X509Certificate(certificate).validTo);

/** The same as monitors are told. */
async function expiryInMetrics(server) {
  const text = await (await fetch(/^metrics on (\S+)$/m.exec(server.output.stdout)[1])).text();
  return Number(/^tidings_certificate_expiry_timestamp_seconds (\S+)$/m.exec(text)[1]) * 1000;
}

describe("a server with a certificate", () => {
  for (const [way, options] of Object.entries(TRANSPORTS)) {
    test(`has the official client ${way}`, async (t) => {
      const server = await start(t);
      assert.match(server.url, /^https:/);
      const [ada, bob] = await Person.all(t, server.url, 2, trusting(options));
      if (options.transports.length > 1) await ada.until(() => ada.upgraded, "the upgrade");
      const long = "x".repeat(1_900);
      for (let n = 0; n < 20; n += 1) await ada.say(`${n} ${long}`);
      await bob.seesCount(20);
      assert.deepEqual(bob.texts, Array.from({ length: 20 }, (_, n) => `${n} ${long}`));
      await bob.cut();
      await ada.say("after the cut");
      await bob.sees("after the cut");
    });
  }

  test("serves the app, and is not trusted by those who do not know its authority", async (t) => {
    const server = await start(t);
    const page = await request(server.url);
    assert.equal(page.status, 200);
    assert.match(page.headers["content-type"], /^text\/html/);
    assert.equal(page.headers["strict-transport-security"], undefined);
    const distrust = once(https.get(server.url, { agent: false }), "response");
    await assert.rejects(within(distrust, PATIENCE_MS, "a refusal"), /unable to (verify|get)|self-signed/);
  });

  test("takes pages of its own over https only", async (t) => {
    const server = await start(t);
    const own = `https://localhost:${server.port}`;
    for (const [origin, status] of [[own, 200], [own.replace("https", "http"), 403], ["https://localhost", 403]]) {
      const url = engineUrl(own, { EIO: 4, transport: "polling" });
      assert.equal((await request(url, { headers: { origin } })).status, status, `polling from ${origin}`);
      const ada = new Person(own, trusting({ transports: ["websocket"], extraHeaders: { origin }, reconnection: false }));
      t.after(() => ada.leave());
      const outcome = new Promise((resolve) => {
        ada.socket.on("connect", () => resolve(200));
        ada.socket.on("connect_error", () => resolve(403));
      });
      assert.equal(await within(outcome, PATIENCE_MS, "an outcome"), status, `WebSocket from ${origin}`);
    }
  });

  test("answers to the names in it, and links to the first one", async (t) => {
    const files = filesOf(authority.issue(["DNS:*.wild.example", "DNS:Chat.example", "IP:127.0.0.1"]));
    const server = await start(t, files);
    const at = async (host) => (await request(`${server.url}/health`, { headers: { host } })).status;
    assert.equal(await at(`chat.example:${server.port}`), 200);
    assert.equal(await at("a.wild.example"), 200);
    assert.equal(await at("evil.example"), 421);
    assert.match(server.output.stdout, new RegExp(`owner: https://chat\\.example:${server.port}/#setup=`));
  });

  test("tells those who speak http that it speaks https", async (t) => {
    const server = await start(t);
    const answer = await raw(server.port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert.match(answer, /^HTTP\/1\.1 400 .*\r\n\r\nThis port speaks https, not http\. [^\n]*\n$/s);
    for (const field of hardened) assert.match(answer, field);
    const post = await raw(server.port, `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n${"x".repeat(200_000)}`);
    assert.match(post, /^HTTP\/1\.1 400 /);
  });

  test("closes half handshakes when they hold too much together, before their time is over, and nobody else", async (t) => {
    const server = await start(t, undefined, ["--limit", "input-bytes=1048576"]);
    const ada = await Person.connect(t, server.url, trusting({ transports: ["websocket"] }));
    // One whole record of a long message, and most of a second: the server has to keep both.
    const begun = Buffer.from("1603013ff00100fff0", "hex");
    const half = Buffer.concat([begun, Buffer.alloc(0x3ff0 - 4), begun.subarray(0, 5), Buffer.alloc(0x3fe0)]);
    const sockets = Array.from({ length: 60 }, () => net.connect(server.port, "127.0.0.1").on("error", () => {}).resume());
    t.after(() => sockets.forEach((socket) => socket.destroy()));
    let closed = 0;
    const most = new Promise((resolve) => {
      for (const socket of sockets) {
        socket.on("close", () => {
          closed += 1;
          if (closed === 35) resolve();
        });
        socket.write(half);
      }
    });
    await within(most, 8_000, "the end of most half handshakes, which have ten seconds");
    await ada.say("undisturbed");
  });

  test("goes on beside handshakes that fail", async (t) => {
    const server = await start(t);
    const ada = await Person.connect(t, server.url, trusting({ transports: ["websocket"] }));
    const hello = Buffer.from("16030100050100000100", "hex");
    const garbage = [Buffer.alloc(5), Buffer.from("160301ffff", "hex"), hello, Buffer.from("SSH-2.0\r\n"), Buffer.alloc(70_000, 0x16)];
    const closing = [];
    for (let n = 0; n < 100; n += 1) {
      const socket = net.connect(server.port, "127.0.0.1");
      socket.on("error", () => undefined);
      socket.resume();
      closing.push(new Promise((resolve) => socket.on("close", resolve)));
      socket.end(garbage[n % garbage.length]);
    }
    for (let n = 0; n < 20; n += 1) await ada.say(`${n}`);
    await ada.seesCount(20);
    await within(Promise.all(closing), PATIENCE_MS, "the ends of bad handshakes");
    assert.deepEqual(ada.connects, [false], "she noticed nothing");
  });
});

describe("a new certificate in the files", { concurrency: true }, () => {
  test("is for new connections; those that are open stay", async (t) => {
    const files = filesOf(usual);
    const server = await start(t, files);
    const ada = await Person.connect(t, server.url, trusting({ transports: ["websocket"] }));
    const before = await shown(server);
    assert.equal(before.fingerprint, usual.fingerprint);
    assert.equal((await shown(server, before.session)).resumed, true, "a session goes on");
    const renewed = authority.issue();
    replace(files, renewed);
    await server.logged(/new connections get the new certificate/);
    const after = await shown(server, before.session);
    assert.deepEqual([after.fingerprint, after.resumed], [renewed.fingerprint, false]);
    await ada.say("still here");
    await ada.sees("still here");
    assert.deepEqual(ada.connects, [false]);
  });

  test("is found behind links, whichever of them leads elsewhere now", async (t) => {
    const folder = temporaryFolder();
    const files = { certificate: join(folder, "tls.crt"), key: join(folder, "tls.key") };
    // As an orchestrator mounts a secret: the files lead through a link to the folder of a version.
    const lead = (version, issued) => {
      mkdirSync(join(folder, version));
      for (const [kind, file] of Object.entries(files)) writeFileSync(join(folder, version, basename(file)), issued[kind]);
      symlinkSync(version, join(folder, "..new"));
      renameSync(join(folder, "..new"), join(folder, "..data"));
    };
    lead("..1", usual);
    for (const file of Object.values(files)) symlinkSync(join("..data", basename(file)), file);
    const server = await start(t, files);
    assert.equal((await shown(server)).fingerprint, usual.fingerprint);
    const renewed = authority.issue();
    lead("..2", renewed);
    await server.logged(/new connections get the new certificate/);
    assert.equal((await shown(server)).fingerprint, renewed.fingerprint);
  });

  test("is asked for before the old one expires", async (t) => {
    const old = authority.issue(undefined, { from: -2, until: 0.01 });
    const files = filesOf(old);
    const server = await start(t, files, ["--metrics", "127.0.0.1:0"]);
    const [, told] = await server.logged(/WARN.*the certificate will expire at (\S+): renew \S+chain\.pem/);
    assert.match(told, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.equal(Date.parse(told), expiry(old));
    assert.equal(await expiryInMetrics(server), expiry(old));
    const renewed = authority.issue();
    replace(files, renewed);
    await server.logged(/new connections get the new certificate/);
    assert.equal(await expiryInMetrics(server), expiry(renewed));
  });

  test("that is broken is reported once, and the old one stays", async (t) => {
    const files = filesOf(usual);
    const server = await start(t, files);
    const other = authority.issue();
    writeFileSync(files.certificate, other.certificate);
    const mismatch = /WARN.*the old certificate stays in use: --tls-key \S+key\.pem: the key does not belong to the first certificate/;
    await server.logged(mismatch);
    rmSync(files.key);
    await server.logged(/the old certificate stays in use: --tls-key \S+key\.pem: cannot be read/);
    assert.equal((await shown(server)).fingerprint, usual.fingerprint);
    writeFileSync(files.key, other.key);
    await server.logged(/the files can be used again: new connections get the certificate/);
    assert.equal((await shown(server)).fingerprint, other.fingerprint);
    const log = await server.log();
    assert.equal(log.match(/the old certificate stays in use/g).length, 2, log);
  });
});

describe("a certificate that cannot be used", () => {
  const other = authority.issue();
  const damaged = usual.certificate.replace(/\n(.{8})/, "\nAAAAAAAA");
  const wrong = {
    "no such file": [{ certificate: undefined, key: usual.key }, "--tls-cert", "cannot be read"],
    "no such key": [{ certificate: usual.certificate, key: undefined }, "--tls-key", "cannot be read"],
    "an empty file": [{ certificate: "", key: usual.key }, "--tls-cert", "there is no certificate in it"],
    "a key in place of the certificate": [{ certificate: usual.key, key: usual.key }, "--tls-cert", "there is no certificate in it"],
    "a certificate in place of the key": [{ certificate: usual.certificate, key: usual.certificate }, "--tls-key", "there is no private key in it"],
    "an encrypted key": [
      { certificate: usual.certificate, key: usual.key.replaceAll("PRIVATE", "ENCRYPTED PRIVATE") },
      "--tls-key",
      "store it without a passphrase",
    ],
    "a damaged certificate": [{ certificate: damaged, key: usual.key }, "--tls-cert", "damaged"],
    "the key of another one": [{ certificate: usual.certificate, key: other.key }, "--tls-key", "does not belong to the first certificate of --tls-cert"],
    "an expired one": [authority.issue(undefined, { from: -3, until: -2 }), "--tls-cert", "has expired: it was valid until 20"],
    "one of tomorrow": [authority.issue(undefined, { from: 1, until: 2 }), "--tls-cert", "is not valid before 20"],
  };
  for (const [what, [contents, option, why]] of Object.entries(wrong)) {
    test(`keeps the server from starting, which says why: ${what}`, async () => {
      const cwd = temporaryFolder();
      const files = { certificate: join(cwd, "chain.pem"), key: join(cwd, "key.pem") };
      for (const [kind, text] of Object.entries(contents)) {
        if (files[kind] !== undefined && text !== undefined) writeFileSync(files[kind], text);
      }
      const before = readdirSync(cwd);
      const { code, stdout, stderr } = await run(["--listen", "127.0.0.1:0", ...argsOf(files)], { cwd });
      assert.equal(code, 2, stderr);
      assert.equal(stdout, "");
      assert.equal(stderr.trim().split("\n").length, 1, stderr);
      assert.ok(stderr.startsWith(`tidings: ${option} ${option === "--tls-key" ? files.key : files.certificate}: `), stderr);
      assert.ok(stderr.includes(why), stderr);
      assert.deepEqual(readdirSync(cwd), before, "nothing was written");
    });
  }

  for (const args of [
    ["--tls-cert", "chain.pem"],
    ["--tls-key", "key.pem"],
    ["--redirect", "127.0.0.1:0"],
    ["--hsts", "30"],
    [...argsOf({ certificate: "chain.pem", key: "key.pem" }), "--hsts", "1000"],
    [...argsOf({ certificate: "chain.pem", key: "key.pem" }), "--redirect", "localhost:80"],
  ]) {
    test(`is not even looked at with options that do not go together: ${args.join(" ")}`, async () => {
      const { code, stderr } = await run(args, { cwd: temporaryFolder() });
      assert.equal(code, 2, stderr);
      assert.match(stderr, /--(tls-cert|tls-key|hsts|redirect) /);
      if (args.length === 2) assert.match(stderr, /^error: --[a-z-]+ needs .*: add --[^\n]*\n$/, "one line");
    });
  }
});

describe("http beside https", () => {
  test("is redirected to the same address", async (t) => {
    const server = await start(t, undefined, ["--redirect", "127.0.0.1:0", "--hsts", "30"]);
    const [, redirect] = /^http on 127\.0\.0\.1:(\d+) is redirected to https$/m.exec(server.output.stdout);
    const page = await request(`http://localhost:${redirect}/a%20b?c=d`);
    assert.equal(page.status, 308);
    assert.equal(page.headers.location, `https://localhost:${server.port}/a%20b?c=d`);
    assert.equal(page.headers["strict-transport-security"], undefined);
    const posted = await request(`http://127.0.0.1:${redirect}/`, { method: "POST", body: "x" });
    assert.deepEqual([posted.status, posted.headers.location], [308, `https://127.0.0.1:${server.port}/`]);
    assert.match(await raw(redirect, "GET / HTTP/1.0\r\n\r\n"), /^HTTP\/1\.0 400 /);
    for (const head of ["GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"]) {
      const answer = await raw(redirect, head);
      for (const field of hardened) assert.match(answer, field, head);
    }
    // It answers by itself before anybody is asked, and says nothing that could be a page.
    assert.match(await raw(redirect, "GET / HTTP/1.1\r\nno field\r\n\r\n"), /^HTTP\/1\.1 400 .*\r\ncontent-length: 0\r\n.*\r\n\r\n$/s);
    const secure = await request(`https://localhost:${server.port}/`);
    assert.equal(secure.headers["strict-transport-security"], "max-age=2592000");
    assert.equal((await request(`https://localhost:${server.port}/health`)).headers["strict-transport-security"], "max-age=2592000");
  });

  test("has a port of its own, or the server says so", async (t) => {
    const taken = net.createServer().listen(0, "127.0.0.1");
    t.after(() => taken.close());
    await once(taken, "listening");
    const address = `127.0.0.1:${taken.address().port}`;
    const args = ["--listen", "127.0.0.1:0", "--redirect", address, "--data", join(temporaryFolder(), "data")];
    const { code, stderr } = await run([...argsOf(filesOf(usual)), ...args]);
    assert.equal(code, 1);
    assert.ok(stderr.includes(`cannot listen on ${address}`) && stderr.includes("--redirect"), stderr);
  });
});
