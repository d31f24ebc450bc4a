// The load generator as its users meet it: what it prints, and that it fails when a chat breaks its contract.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Authority } from "../harness/authority.mjs";
import { HABITS, startRelay } from "../harness/relay.mjs";
import { Server, runBench, temporaryFolder } from "../harness/server.mjs";

const FEW = ["--clients", "10", "--seconds", "1"];
const RATES = ["--rate", "20"];

async function report(args) {
  const { code, stdout, stderr } = await runBench([...args, "--json"]);
  return { code, stderr, ...JSON.parse(stdout) };
}

describe("tidings-bench", () => {
  test("starts a server of its own and prints a report for people", async () => {
    const { code, stdout, stderr } = await runBench(["fanout", ...FEW, ...RATES]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^fanout: nothing lost, doubled or out of order$/m);
    for (const line of ["deliveries", "deliveries per server cpu second", "delivery p999 ms", "ack p50 ms"]) {
      assert.match(stdout, new RegExp(`\\d  ${line}$`, "m"));
    }
  });

  test("prints the same for programs", async () => {
    const { code, workload, verdict, measures, faults } = await report(["fanout", ...FEW, ...RATES]);
    assert.deepEqual([code, workload, verdict], [0, "fanout", "good"]);
    assert.ok(measures.deliveries >= 10, JSON.stringify(measures));
    assert.ok(measures.delivery_p50_ms <= measures.delivery_max_ms);
    assert.ok(Object.values(faults).every((count) => count === 0));
  });

  const workloads = {
    connect: ["--clients", "10", "--seconds", "1", "--rate", "50"],
    replay: ["--clients", "10", "--messages", "60"],
    storm: ["--clients", "10", "--senders", "2", "--rate", "10"],
    ingest: ["--senders", "2", "--seconds", "1"],
    idle: ["--clients", "10", "--seconds", "1"],
    start: ["--messages", "2000", "--runs", "2"],
  };
  for (const [workload, args] of Object.entries(workloads)) {
    test(`measures ${workload} of a chat that it starts`, async () => {
      const { code, verdict, stderr, measures } = await report([workload, ...args]);
      assert.deepEqual([code, verdict], [0, "good"], stderr);
      assert.ok(Object.values(measures).every(Number.isFinite));
    });
  }

  for (const workload of ["fanout", "connect"]) {
    test(`measures ${workload} over TLS while the metrics are read`, async () => {
      const { code, verdict, stderr, measures } = await report([workload, ...FEW, "--rate", "20", "--tls", "--metrics"]);
      assert.deepEqual([code, verdict], [0, "good"], stderr);
      assert.ok((measures.deliveries ?? measures.connections) >= 10, JSON.stringify(measures));
    });
  }

  test("measures a server with a certificate, and only one that it is told to trust", async (t) => {
    const folder = temporaryFolder();
    const [chain, key, root] = ["chain.pem", "key.pem", "root.pem"].map((name) => join(folder, name));
    const authority = new Authority();
    const issued = authority.issue();
    for (const [file, text] of [[chain, issued.certificate], [key, issued.key], [root, new Authority().root]]) writeFileSync(file, text);
    const server = await Server.start(t, { args: ["--tls-cert", chain, "--tls-key", key] });
    const trusting = (file) => runBench(["fanout", "--url", server.url, "--ca", file, ...FEW, ...RATES]);
    const good = await trusting(authority.rootFile);
    assert.equal(good.code, 0, good.stderr);
    const foreign = await trusting(root);
    assert.deepEqual([foreign.code, foreign.stdout], [1, ""]);
    assert.match(foreign.stderr, /invalid peer certificate/);
    const none = await runBench(["fanout", "--url", server.url, ...FEW, ...RATES]);
    assert.match(none.stderr, /--ca/);
  });

  for (const kind of ["pings", "unfinished", "requests", "rooms", "invites"]) {
    test(`attacks a chat with ${kind}, says what was sent, and the chat goes on`, async (t) => {
      const server = await Server.start(t);
      const hostile = ["hostile", kind, "--sockets", "3", "--seconds", "1", "--url", server.url];
      const { code, verdict, stderr, measures } = await report(hostile);
      assert.deepEqual([code, verdict], [0, "open"], stderr);
      assert.ok(measures.connections >= 3 && measures.bytes_sent > 1_000, JSON.stringify(measures));
      const after = await report(["fanout", "--url", server.url, ...FEW, ...RATES]);
      assert.deepEqual([after.code, after.verdict], [0, "good"], after.stderr);
    });
  }

  test("measures what polite clients from several addresses notice", async (t) => {
    const server = await Server.start(t);
    const few = ["--clients", "20", "--senders", "2", "--readers", "2", "--sources", "5", "--seconds", "1"];
    const { code, verdict, stderr, measures } = await report(["polite", "--url", server.url, ...few]);
    assert.deepEqual([code, verdict], [0, "good"], stderr);
    assert.ok(measures.ack_p99_ms > 0 && measures.history_p99_ms > 0, JSON.stringify(measures));
  });

  test("attacks no server on another machine", async () => {
    const { code, stderr } = await runBench(["hostile", "pings", "--url", "http://192.0.2.1:3000"]);
    assert.equal(code, 1);
    assert.match(stderr, /only a server on this machine may be attacked/);
  });

  test("measures a chat that runs already, twice", async (t) => {
    const server = await Server.start(t);
    for (const turn of ["first", "second"]) {
      const { code, verdict, measures } = await report(["fanout", "--url", server.url, ...FEW, ...RATES]);
      assert.deepEqual([code, verdict], [0, "good"], turn);
      assert.equal(measures.deliveries_per_server_cpu_second, undefined, "nobody has said which process it is");
    }
  });

  test("measures any chat that keeps the contract", async (t) => {
    const url = await startRelay(t, HABITS.keepsAll);
    const { code, verdict } = await report(["fanout", "--url", url, ...FEW, "--rate", "50"]);
    assert.deepEqual([code, verdict], [0, "good"]);
  });

  test("lets clients poll beside the others, and judges what they receive", async () => {
    const { code, verdict, measures } = await report(["fanout", "--polling", "5", ...FEW, ...RATES]);
    assert.deepEqual([code, verdict], [0, "good"]);
    assert.ok(measures.polled_p50_ms > 0 && measures.delivery_p50_ms > 0, JSON.stringify(measures));
  });

  test("fails when a client has lost a message, and says how many", async (t) => {
    const url = await startRelay(t, HABITS.losesSome);
    const { code, verdict, faults, stderr } = await report(["fanout", "--url", url, ...FEW, "--rate", "50"]);
    assert.deepEqual([code, verdict], [1, "failed"]);
    assert.ok(faults.lost > 0);
    assert.match(stderr, /broken the contract/);
  });

  test("fails when a client has received a message twice", async (t) => {
    const url = await startRelay(t, HABITS.doublesSome);
    const { code, verdict, faults } = await report(["fanout", "--url", url, ...FEW, "--rate", "50"]);
    assert.deepEqual([code, verdict], [1, "failed"]);
    assert.ok(faults.doubled > 0 && faults.lost === 0, JSON.stringify(faults));
  });

  test("says what is wrong when there is no chat", async () => {
    const { code, stdout, stderr } = await runBench(["fanout", "--url", "http://127.0.0.1:1", ...FEW]);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^tidings-bench: a connection broke: /m);
  });
});
