// A real reverse proxy in front of a server: nginx or haproxy of the system, as a process of the test's own.
//
// The proxy runs in the foreground, without privileges, in a temporary folder, on a port that was free a moment ago. The
// configurations are those that people copy: `RECIPES` are read out of docs/proxy.md, so the documentation cannot be wrong.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { temporaryFolder } from "./server.mjs";
import { within } from "./waiting.mjs";

const READY_DEADLINE_MS = 10_000;
const ATTEMPTS = 5;

/** The code blocks of docs/proxy.md, by language: `conf` is what haproxy needs besides. */
export const RECIPES = Object.fromEntries(
  [...readFileSync(new URL("../../docs/proxy.md", import.meta.url), "utf8").matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(
    ([, language, text]) => [language, text],
  ),
);

/** As the documentation of Socket.IO has it (docs/v4/reverse-proxy). */
const DOCUMENTED = `
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header Host $host;
  proxy_pass http://127.0.0.1:3000;
  proxy_http_version 1.1;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection "upgrade";`;

const HAPROXY_DOCUMENTED = `
listen chat
  bind :443
  default-server inter 10s
  server first 127.0.0.1:3000 check`;

const nginxServer = (listen, location) => `server { ${listen} location / { ${location} } }`;
const PLAIN = "listen 443;";
const TLS = "listen 443 ssl; ssl_certificate /etc/ssl/chat.pem; ssl_certificate_key /etc/ssl/chat.pem;";
const BARE = "proxy_pass http://127.0.0.1:3000;";
// Lets WebSocket through, but not the browser's host.
const HOSTLESS = DOCUMENTED.replace("proxy_set_header Host $host;", "");

/** What stands in front of the server, by name; ports and paths are put in by `Front.start`. */
export const FRONTS = {
  "nginx as Socket.IO documents it": { program: "nginx", scheme: "http", config: nginxServer(PLAIN, DOCUMENTED) },
  "nginx with TLS as Socket.IO documents it": { program: "nginx", scheme: "https", config: nginxServer(TLS, DOCUMENTED) },
  "nginx with our recipe": { program: "nginx", scheme: "https", config: RECIPES.nginx },
  "haproxy as Socket.IO documents it": { program: "haproxy", scheme: "http", config: HAPROXY_DOCUMENTED },
  "haproxy with TLS as Socket.IO documents it": {
    program: "haproxy",
    scheme: "https",
    config: HAPROXY_DOCUMENTED.replace("bind :443", "bind :443 ssl crt /etc/ssl/chat.pem"),
  },
  "haproxy with our recipe": { program: "haproxy", scheme: "https", config: RECIPES.haproxy },
};

/** Proxies that keep the browser's host to themselves. */
export const BARE_FRONTS = {
  "nginx with a bare proxy_pass": { program: "nginx", scheme: "http", config: nginxServer(PLAIN, BARE) },
  "nginx with TLS and a bare proxy_pass": { program: "nginx", scheme: "https", config: nginxServer(TLS, BARE) },
};

/** One that lets WebSocket through and changes the host. */
export const HOSTLESS_FRONT = { program: "nginx", scheme: "https", config: nginxServer(TLS, HOSTLESS) };

export class Front {
  /** Starts a proxy that ends with the test. */
  static async start(test, { program, scheme, config }, targetPort) {
    const folder = temporaryFolder();
    if (scheme === "https") makeCertificate(join(folder, "chat.pem"));
    for (let attempt = 1; ; attempt += 1) {
      const port = await freePort();
      const filled = config
        .replace(/(listen |bind :)443/, program === "nginx" ? `listen 127.0.0.1:${port}` : `bind 127.0.0.1:${port}`)
        .replaceAll("/etc/ssl/chat.pem", join(folder, "chat.pem"))
        .replaceAll("127.0.0.1:3000", `127.0.0.1:${targetPort}`);
      const front = new Front(`${scheme}://localhost:${port}`, launch(program, folder, filled));
      if (await front.#serves(port)) {
        test.after(() => front.#end());
        return front;
      }
      await front.#end();
      // Somebody else may have taken the port in between.
      if (attempt === ATTEMPTS) throw new Error(`${program} does not start: ${front.#output}`);
    }
  }

  #process;
  #ended;
  #output = "";

  constructor(url, process) {
    this.url = url;
    this.#process = process;
    this.#ended = once(process, "close");
    for (const stream of [process.stdout, process.stderr]) stream.setEncoding("utf8").on("data", (text) => (this.#output += text));
  }

  /** True when it takes connections, false when it has ended. */
  async #serves(port) {
    let over = false;
    void this.#ended.then(() => (over = true));
    const asked = (async () => {
      // A proxy does not tell when it is ready.
      while (!over && !(await takesConnections(port))) await pause(10);
      return !over;
    })();
    return within(asked, READY_DEADLINE_MS, `the proxy on port ${port}`);
  }

  async #end() {
    this.#process.kill("SIGKILL");
    await this.#ended;
  }
}

/** A certificate for localhost and its key, in one file. */
export function makeCertificate(path) {
  const request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  execFileSync("openssl", [...request, ...names, "-keyout", `${path}.key`, "-out", path], { stdio: "pipe" });
  writeFileSync(path, readFileSync(path, "utf8") + readFileSync(`${path}.key`, "utf8"));
}

function launch(program, folder, config) {
  const file = join(folder, `${program}.conf`);
  const path = [`/usr/sbin/${program}`, `/usr/local/sbin/${program}`].find((place) => existsSync(place)) ?? program;
  if (program === "nginx") {
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder}/${name};`);
    writeFileSync(
      file,
      `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr; events {}
http { access_log off; ${temporary.join(" ")} ${config} }`,
    );
    return spawn(path, ["-p", folder, "-e", "stderr", "-c", file], { stdio: ["ignore", "pipe", "pipe"] });
  }
  writeFileSync(file, `${RECIPES.conf}${config}\n`);
  return spawn(path, ["-db", "-f", file], { stdio: ["ignore", "pipe", "pipe"] });
}

async function freePort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

function takesConnections(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.on("connect", () => (socket.destroy(), resolve(true)));
    socket.on("error", () => resolve(false));
  });
}
