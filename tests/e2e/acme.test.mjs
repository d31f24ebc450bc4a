// Certificates by ACME, from a real authority: pebble. Every name leads to this machine.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import tls from "node:tls";
import { Pebble, freePorts } from "../harness/acme.mjs";
import { Person } from "../harness/client.mjs";
import { Server, run, temporaryFolder } from "../harness/server.mjs";
import { PATIENCE_MS, within } from "../harness/waiting.mjs";
import { request } from "../harness/wire.mjs";

const NAME = "chat.example";
const GIVEN = /the authority has given a certificate for chat\.example/;

/** A server that orders from this directory. */
function start(t, directory, port, args = [], options = {}) {
  const acme = ["--acme", NAME, "--acme-contact", "admin@example.org", "--acme-directory", directory, "--acme-root", Pebble.root];
  return Server.start(t, { listen: [`127.0.0.1:${port}`], args: [...acme, ...args], env: { TIDINGS_LOG: "info" }, ...options });
}

/** The serial number of the certificate that a client of the authority sees. */
async function shown(port, ca) {
  const socket = tls.connect({ host: "127.0.0.1", port, servername: NAME, ca });
  await within(once(socket, "secureConnect"), PATIENCE_MS, "a handshake");
  const { serialNumber, subjectaltname } = socket.getPeerCertificate();
  socket.destroy();
  assert.equal(subjectaltname, `DNS:${NAME}`);
  return serialNumber;
}

describe("a server that orders its certificate", { concurrency: true }, () => {
  test("proves its name in a handshake, keeps what it gets, and does not order again", async (t) => {
    const [port] = await freePorts(1);
    const pebble = await Pebble.start(t, { tls: port, http: 1 });
    const server = await start(t, pebble.directory, port);
    assert.match(server.output.stdout, new RegExp(`owner: https://chat\\.example:${port}/#setup=`));
    await server.logged(GIVEN);
    const ca = await pebble.root();
    const before = await shown(port, ca);
    const ada = await Person.connect(t, server.url, { rejectUnauthorized: false, extraHeaders: { Host: NAME } });
    await ada.say("hello");
    const folder = join(server.data, "acme");
    assert.deepEqual(readdirSync(folder).sort(), ["account.json", "certificate.json"]);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
    ada.leave();
    const { orders } = pebble;
    // The authority is not needed for what is kept.
    await pebble.stop();
    await server.restart();
    assert.equal(await shown(port, ca), before);
    assert.equal(pebble.orders, orders);
    assert.doesNotMatch(server.output.stderr, /WARN/);
  });

  test("proves its name over http if the handshake cannot be seen", async (t) => {
    const [port, http, closed] = await freePorts(3);
    const pebble = await Pebble.start(t, { tls: closed, http });
    const server = await start(t, pebble.directory, port, ["--redirect", `127.0.0.1:${http}`]);
    await server.logged(GIVEN);
    await shown(port, await pebble.root());
    assert.equal((await request(`http://127.0.0.1:${http}/.well-known/acme-challenge/none`)).status, 308);
  });

  test("renews it in time, and open connections stay", async (t) => {
    const [port] = await freePorts(1);
    const pebble = await Pebble.start(t, { tls: port, http: 1, validity: 6 });
    const server = await start(t, pebble.directory, port);
    await server.logged(GIVEN);
    const ca = await pebble.root();
    const before = await shown(port, ca);
    const ada = await Person.connect(t, server.url, { transports: ["websocket"], rejectUnauthorized: false });
    await server.logged(/(given a certificate.*\n[^]*){2}/);
    assert.notEqual(await shown(port, ca), before);
    await ada.say("still here");
    assert.deepEqual(ada.connects, [false]);
  });

  test("says what is wrong when the name leads elsewhere, and serves on", async (t) => {
    const [port, http, closed] = await freePorts(3);
    const pebble = await Pebble.start(t, { tls: closed, http: closed });
    const server = await start(t, pebble.directory, port, ["--redirect", `127.0.0.1:${http}`]);
    const why = /WARN.*no new certificate for chat\.example: the authority refuses: chat\.example: .*the name has to lead to this server.*https does not work yet; the next try is in 300 s/;
    await server.logged(why);
    assert.equal((await request(`http://127.0.0.1:${http}/`)).status, 308);
    await assert.rejects(request(`https://127.0.0.1:${port}/health`), /alert|ECONNRESET|hang up/);
  });

  test("waits for an authority that is down, and says so", async (t) => {
    const [port, later] = await freePorts(2);
    const server = await start(t, `https://127.0.0.1:${later}/dir`, port);
    await server.logged(/WARN.*the authority cannot be reached: .*refused.*check the network.*https does not work yet; the next try is in 5 s/);
    await Pebble.start(t, { tls: port, http: 1, listen: later });
    await server.logged(GIVEN);
  });
});

describe("an order that cannot be placed", () => {
  for (const args of [
    ["--acme", "localhost"],
    ["--acme", "*.chat.example"],
    ["--acme", "192.0.2.1"],
    ["--acme", NAME, "--acme-contact", "admin"],
    ["--acme", NAME, "--acme-directory", "http://acme.example/dir"],
    ["--acme", NAME, "--tls-cert", "chain.pem", "--tls-key", "key.pem"],
    ["--acme", NAME, "--demo"],
    ["--acme-contact", "admin@example.org"],
  ]) {
    test(`keeps the server from starting: ${args.join(" ")}`, async () => {
      const { code, stderr } = await run(args, { cwd: temporaryFolder() });
      assert.equal(code, 2, stderr);
      assert.match(stderr, /--acme/);
      if (/cannot be used with|: add /.test(stderr)) assert.equal(stderr.trim().split("\n").length, 1, stderr);
      assert.doesNotMatch(stderr, /after the name of the command/);
    });
  }

  test("keeps the server from starting if the authority is to be trusted by a file that is none", async () => {
    const { code, stderr } = await run(["--acme", NAME, "--acme-root", "none.pem"], { cwd: temporaryFolder() });
    assert.equal(code, 2);
    assert.match(stderr, /^tidings: --acme-root none\.pem: cannot be read/);
  });
});
