// The dashboards and the rules of docs/dashboard, beside the metrics of a server: what they name is there, and Prometheus
// takes both.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Authority } from "../harness/authority.mjs";
import { V1Person } from "../harness/person.mjs";
import { Server, temporaryFolder } from "../harness/server.mjs";

const file = (path) => fileURLToPath(new URL(path, import.meta.url));
const read = (name) => readFileSync(file(`../../docs/dashboard/${name}`), "utf8");

function promtool(args, input) {
  const { status, stdout, stderr, error } = spawnSync("promtool", args, { input, encoding: "utf8" });
  if (error !== undefined) throw error;
  return { status, said: stdout + stderr };
}

/** What a server tells, which has a certificate. */
async function metrics(t) {
  const folder = temporaryFolder();
  const [chain, key] = ["chain.pem", "key.pem"].map((name) => join(folder, name));
  const issued = new Authority().issue();
  writeFileSync(chain, issued.certificate);
  writeFileSync(key, issued.key);
  const server = await Server.start(t, { args: ["--metrics", "127.0.0.1:0", "--tls-cert", chain, "--tls-key", key] });
  const ada = await V1Person.connect(t, server.url, { rejectUnauthorized: false });
  await ada.say("hello");
  return (await fetch(/^metrics on (\S+)$/m.exec(server.output.stdout)[1])).text();
}

/** The names of the series in a text of metrics, with those of their labels. */
function series(text) {
  const all = new Map();
  for (const [, name, labels = ""] of text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    all.set(name, new Set([...(all.get(name) ?? []), ...[...labels.matchAll(/(\w+)="/g)].map(([, label]) => label)]));
  }
  return all;
}

/** The expressions of the dashboard for Grafana. */
function expressions() {
  const { panels, annotations } = JSON.parse(read("tidings.json"));
  return [...panels.flatMap(({ targets = [] }) => targets), ...annotations.list].map(({ expr }) => expr);
}

describe("the dashboards", () => {
  test("name metrics and labels that a server has", async (t) => {
    const known = series(await metrics(t));
    const texts = { "tidings.json": expressions().join("\n"), "console.html": read("console.html"), "alerts.yml": read("alerts.yml") };
    for (const [name, text] of Object.entries(texts)) {
      const named = new Set([...text.matchAll(/\b(?:tidings|process)_\w+/g)].map(([metric]) => metric));
      // The console puts the suffix to a name that it is given.
      const is = (metric) => known.has(metric) || (name === "console.html" && known.has(`${metric}_bucket`));
      assert.deepEqual([...named].filter((metric) => !is(metric)), [], name);
      assert.ok(named.size >= 10, `${name} names ${named.size} metrics`);
    }
    const labels = new Set(["job", "instance", ...[...known.values()].flatMap((labels) => [...labels])]);
    const used = expressions().concat(texts["alerts.yml"], texts["console.html"]);
    for (const [, list] of used.join("\n").matchAll(/ by \(([^)]+)\)/g)) {
      for (const label of list.split(/, */)) assert.ok(labels.has(label), `${label} in ${list}`);
    }
  });

  test("show every panel of Grafana from a data source that is chosen", () => {
    const { panels, templating, uid } = JSON.parse(read("tidings.json"));
    assert.equal(uid, "tidings");
    assert.deepEqual(templating.list.map(({ name }) => name), ["datasource", "job", "instance"]);
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    for (const { type, title, targets = [], datasource } of panels) {
      if (type === "row") continue;
      assert.ok(targets.length > 0 && datasource.uid === "${datasource}", title);
      for (const { expr } of targets) assert.ok(expr.includes('{job="$job", instance=~"$instance"'), `${title}: ${expr}`);
    }
    const places = panels.flatMap(({ gridPos: { x, y, w, h } }) => Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`));
    assert.equal(new Set(places).size, places.length, "no panel is on top of another");
  });

  test("have expressions that Prometheus understands", () => {
    const plain = expressions().map((expr) => expr.replaceAll("$__rate_interval", "5m").replaceAll("$job", "tidings").replaceAll("$instance", ".*"));
    const rules = plain.map((expr, n) => ({ record: `dashboard:expression:${n}`, expr }));
    const path = join(temporaryFolder(), "rules.yml");
    // JSON is YAML.
    writeFileSync(path, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
    const { status, said } = promtool(["check", "rules", path]);
    assert.equal(status, 0, said);
    assert.match(said, new RegExp(`${rules.length} rules found`));
  });
});

describe("Prometheus", () => {
  test("takes the metrics of a server without a complaint", async (t) => {
    const { status, said } = promtool(["check", "metrics"], await metrics(t));
    assert.deepEqual([status, said], [0, ""]);
  });

  test("takes the rules, and they fire when they should", () => {
    const rules = promtool(["check", "rules", file("../../docs/dashboard/alerts.yml")]);
    assert.equal(rules.status, 0, rules.said);
    const { status, said } = promtool(["test", "rules", file("fixtures/alerts.yml")]);
    assert.equal(status, 0, said);
  });
});
