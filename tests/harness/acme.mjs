// A real certificate authority that speaks ACME: pebble of the system, with its own server of names, which sends every name
// to this machine.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Authority } from "./authority.mjs";
import { temporaryFolder } from "./server.mjs";
import { within } from "./waiting.mjs";
import { request } from "./wire.mjs";

const READY_DEADLINE_MS = 10_000;

/** Ports that were free a moment ago. */
export async function freePorts(count) {
  const servers = Array.from({ length: count }, () => net.createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => (server.close(), once(server, "close"))));
  return ports;
}

export class Pebble {
  static #web = new Authority();

  /** The file that the server has to trust. */
  static get root() {
    return Pebble.#web.rootFile;
  }

  /** Starts an authority that ends with the test; it looks for challenges at these ports. */
  static async start(test, { http, tls, validity = 3_600, listen }) {
    const folder = temporaryFolder();
    const [own, management, names, control] = await freePorts(4);
    const pebble = new Pebble(listen ?? own, management);
    const { certificate, key } = Pebble.#web.issue();
    for (const [name, text] of [["cert.pem", certificate], ["key.pem", key]]) writeFileSync(join(folder, name), text);
    const config = {
      listenAddress: `127.0.0.1:${pebble.port}`,
      managementListenAddress: `127.0.0.1:${management}`,
      certificate: join(folder, "cert.pem"),
      privateKey: join(folder, "key.pem"),
      httpPort: http,
      tlsPort: tls,
      ocspResponderURL: "",
      externalAccountBindingRequired: false,
      certificateValidityPeriod: validity,
    };
    writeFileSync(join(folder, "config.json"), JSON.stringify({ pebble: config }));
    const off = ["-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv6", ""];
    pebble.#run("pebble-challtestsrv", ["-dns01", `127.0.0.1:${names}`, "-management", `127.0.0.1:${control}`, ...off]);
    pebble.#run("pebble", ["-config", join(folder, "config.json"), "-dnsserver", `127.0.0.1:${names}`]);
    test.after(() => pebble.stop());
    await within(pebble.#serves(), READY_DEADLINE_MS, "an authority");
    return pebble;
  }

  #processes = [];
  #management;
  log = "";

  constructor(port, management) {
    this.port = port;
    this.#management = management;
  }

  get directory() {
    return `https://127.0.0.1:${this.port}/dir`;
  }

  /** How many orders have been placed. */
  get orders() {
    return this.log.match(/There are now \d+ orders in the db/g)?.length ?? 0;
  }

  /** The root of the certificates that it gives. */
  async root() {
    return (await request(`https://127.0.0.1:${this.#management}/roots/0`)).text;
  }

  async stop() {
    const processes = this.#processes.splice(0);
    for (const { child } of processes) child.kill("SIGKILL");
    await Promise.all(processes.map(({ ended }) => ended));
  }

  #run(program, args) {
    const child = spawn(program, args, { env: { ...process.env, PEBBLE_VA_NOSLEEP: "1", PEBBLE_WFE_NONCEREJECT: "0" }, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (this.log += text));
    this.#processes.push({ child, ended: once(child, "close") });
  }

  async #serves() {
    // It does not tell when it is ready.
    for (;;) {
      const answer = await request(this.directory).catch(() => undefined);
      if (answer?.status === 200) return;
      await pause(20);
    }
  }
}
