// What the metrics and the log tell of a life whose names, texts and secrets are known, and what they do not tell.

import assert from "node:assert/strict";
import { request } from "node:http";
import { describe, test } from "node:test";
import { Person } from "../harness/client.mjs";
import { otherDevice, V1Person } from "../harness/person.mjs";
import { run, Server } from "../harness/server.mjs";

const METRICS = ["--metrics", "127.0.0.1:0"];

function metricsUrl(server) {
  return /^metrics on (\S+)$/m.exec(server.output.stdout)[1];
}

async function scrape(server) {
  const response = await fetch(metricsUrl(server));
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-type"), /^text\/plain; version=0\.0\.4/);
  return response.text();
}

/** The sum of a metric over the series with these labels. */
function value(text, name, labels = "") {
  const lines = text.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return lines.filter((line) => line.includes(labels)).reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

/** A request whose Host header may be any. */
function status(url, { host, method = "GET" }) {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers: { host } }, (answer) => resolve(answer.resume().statusCode));
    sent.on("error", reject).end();
  });
}

/** A line for people, as a program would read it. */
function readText(line) {
  const plain = line.replaceAll(/\u001b\[\d*m/g, "");
  const [, message, fields] = /^\S+ +[A-Z]+ [\w:]+: (.*?)((?: \w+=.*)?)$/.exec(plain) ?? [];
  const [, connection] = / connection=(\S+)/.exec(fields) ?? [];
  const [, namespace] = / namespace="([^"]*)"/.exec(fields) ?? [];
  return { message, connection, namespace };
}

/** People who name, write, invite, link and fail. Returns all that nobody else may read. */
async function live(t, server) {
  const ada = await V1Person.connect(t, server.url, { name: "zanzibarada" });
  const bob = await V1Person.connect(t, server.url, { name: "zanzibarbob" });
  const { room } = await ada.must("create", { kind: "private", name: "zanzibar plans", topic: "zanzibar topic" });
  const { code: invite } = await ada.ask("invite", { room });
  await bob.must("join", { invite });
  await ada.must("say", { room, text: "zanzibar text" });
  await ada.say("zanzibar lobby");
  const { code: link } = await ada.ask("link", {});
  const other = await otherDevice(t, server.url, ada);
  const guess = "zanz-ibar-zanz-ibar";
  assert.equal((await bob.ask("code", { code: guess })).ok, false);
  assert.equal((await bob.do("join", { invite: guess })).ok, false);
  const setup = /#setup=([^\s]+)/.exec(server.output.stdout)?.[1];
  await ada.must("claim", { code: setup });
  bob.socket.emit("zanzibar event", { zanzibar: true });
  await bob.ask("who", {});
  const codes = [invite, link, setup, guess, ada.welcome.token, bob.welcome.token, ada.device, bob.device];
  other.leave();
  return ["zanzibar", ...codes.filter((code) => code !== undefined)];
}

describe("the log and the metrics", () => {
  for (const format of ["text", "json"]) {
    test(`have no name, text or secret of anybody, as ${format} and with every line`, async (t) => {
      const server = await Server.start(t, { args: [...METRICS, "--log-format", format], env: { TIDINGS_LOG: "trace" } });
      const secrets = await live(t, server);
      assert.ok(secrets.length >= 8, "the life has secrets");
      const metrics = await scrape(server);
      const log = await server.log();
      assert.match(log, /somebody has become the owner of this chat/);
      for (const [where, text] of Object.entries({ metrics, log })) {
        for (const secret of secrets) {
          const line = text.split("\n").find((line) => line.toLowerCase().includes(secret.toLowerCase()));
          assert.equal(line, undefined, `${secret} in the ${where}`);
        }
      }
      if (format === "json") {
        for (const line of log.trim().split("\n")) {
          const { timestamp, level, target } = JSON.parse(line);
          assert.ok(Number.isFinite(Date.parse(timestamp)) && /^(ERROR|WARN|INFO|DEBUG|TRACE)$/.test(level) && target.length > 0, line);
        }
      }
    });
  }

  for (const [format, read] of Object.entries({ json: JSON.parse, text: readText })) {
    test(`tells connections and their namespaces apart, as ${format}`, async (t) => {
      const env = { TIDINGS_LOG: "socketio_server=debug,tidings=info" };
      const server = await Server.start(t, { args: ["--log-format", format], env });
      await V1Person.connect(t, server.url, { name: "zanzibarada" });
      const bob = await V1Person.connect(t, server.url, { reconnection: false });
      const closed = new Promise((resolve) => bob.socket.once("disconnect", resolve));
      bob.socket.io.engine.write("9no packet of Socket.IO");
      await closed;
      const tutorial = await Person.connect(t, server.url);
      await tutorial.say("zanzibar text");
      const lines = (await server.log()).trim().split("\n").map((line) => read(line));
      const joined = lines.filter(({ message }) => message === "a socket has joined");
      assert.deepEqual(joined.map(({ namespace }) => namespace), ["/v1", "/v1", "/"]);
      const ids = joined.map(({ connection }) => connection);
      assert.ok(new Set(ids).size === 3 && ids.every((id) => /^\d+\.\d+\.\d+$/.test(id)), ids.join());
      const of = (id) => lines.filter(({ connection }) => connection === id).map(({ message }) => message);
      const [opened, broken, ended] = ["a connection was opened", "a client broke the protocol; its connection is closed", "a connection has ended"];
      assert.deepEqual(of(ids[0]), [opened, joined[0].message, ended], "ada");
      assert.deepEqual(of(ids[1]), [opened, joined[0].message, broken, ended], "bob");
      assert.ok(!server.output.stderr.includes("zanzibar"));
    });
  }

  test("a monitor reads what the server has done", async (t) => {
    const server = await Server.start(t, { args: METRICS });
    const before = await scrape(server);
    assert.equal(value(before, "tidings_ready"), 1);
    await live(t, server);
    const after = await scrape(server);
    const gained = (name, labels) => value(after, name, labels) - value(before, name, labels);
    assert.ok(gained("tidings_connections_opened_total") >= 3);
    assert.ok(gained("tidings_deliveries_total") > 0 && gained("tidings_commit_seconds_count") > 0);
    assert.equal(gained("tidings_refusals_total", 'code="bad_code"'), 2);
    assert.ok(gained("tidings_events_total", 'kind="say"') >= 2, after);
    assert.ok(value(after, "tidings_budget_bound") > 0 && value(after, "process_resident_memory_bytes") > 1e6);
  });

  test("are not for everybody: not at the chat's address, under no foreign name, and nothing else is there", async (t) => {
    const server = await Server.start(t, { args: METRICS });
    const url = metricsUrl(server);
    assert.equal(await status(url, { host: "rebound.example" }), 421);
    assert.equal(await status(url.replace("/metrics", "/health"), { host: "localhost" }), 404);
    assert.equal(await status(url, { host: "localhost", method: "POST" }), 405);
    const chat = await fetch(`${server.url}/metrics`);
    assert.ok(!(await chat.text()).includes("tidings_ready"));
  });

  test("ten lines of one kind are written in a second, and the others are counted", async (t) => {
    const server = await Server.start(t, { args: METRICS, env: { TIDINGS_LOG: "socketio_server=debug,tidings=warn" } });
    const clients = await Promise.all(Array.from({ length: 60 }, () => V1Person.connect(t, server.url)));
    const closed = clients.map((client) => new Promise((resolve) => client.socket.once("disconnect", resolve)));
    for (const { socket } of clients) socket.io.engine.write("9no packet of Socket.IO");
    await Promise.all(closed);
    await server.logged(/were left out/);
    const text = await scrape(server);
    const left = value(text, "tidings_log_lines_left_out_total", 'level="debug"');
    const log = await server.log();
    const broken = log.split("\n").filter((line) => line.includes("broke the protocol")).length;
    assert.ok(left > 0 && broken >= 10 && broken + left >= 60, `${broken} were written and ${left} left out`);
    assert.ok(broken <= 40, `${broken} of 60 lines were written`);
  });

  test("options that are wrong end the server with what to give", async () => {
    for (const [option, wrong] of [["--metrics", "somewhere"], ["--log-format", "xml"]]) {
      const { code, stderr } = await run([option, wrong]);
      assert.equal(code, 2, stderr);
      assert.ok(stderr.includes(option), stderr);
    }
  });
});
