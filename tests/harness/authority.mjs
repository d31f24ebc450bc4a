// A certificate authority of the test's own, by the system's openssl.

import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./server.mjs";

const CONFIG = `
[ca]
default_ca = test
[test]
new_certs_dir = .
database = index.txt
rand_serial = yes
default_md = sha256
policy = anything
unique_subject = no
[anything]
commonName = supplied
[req]
distinguished_name = name
prompt = no
[name]
commonName = A test
`;

const DAY_MS = 24 * 60 * 60 * 1_000;

export class Authority {
  #folder = temporaryFolder();
  #issued = 0;

  constructor() {
    writeFileSync(join(this.#folder, "openssl.cnf"), CONFIG);
    writeFileSync(join(this.#folder, "index.txt"), "");
    this.#openssl("req", "-config", "openssl.cnf", "-x509", ...NEW_KEY, "-days", "2", "-subj", "/CN=A test authority", "-keyout", "root.key", "-out", "root.pem");
  }

  /** What a client has to trust. */
  get root() {
    return readFileSync(this.rootFile, "utf8");
  }

  get rootFile() {
    return join(this.#folder, "root.pem");
  }

  /** A certificate and its key, as PEM texts; valid from and until so many days from now. */
  issue(names = ["DNS:localhost", "IP:127.0.0.1"], { from = -1, until = 1 } = {}) {
    this.#issued += 1;
    const name = `issued-${this.#issued}`;
    this.#openssl("req", "-config", "openssl.cnf", ...NEW_KEY, "-subj", "/CN=A test server", "-keyout", `${name}.key`, "-out", `${name}.csr`);
    writeFileSync(join(this.#folder, "extensions"), `subjectAltName=${names.join(",")}\n`);
    const validity = ["-startdate", asn1(from), "-enddate", asn1(until)];
    const made = ["-in", `${name}.csr`, "-out", `${name}.pem`, "-extfile", "extensions", "-notext"];
    this.#openssl("ca", "-config", "openssl.cnf", "-batch", "-cert", "root.pem", "-keyfile", "root.key", ...validity, ...made);
    const [certificate, key] = ["pem", "key"].map((kind) => readFileSync(join(this.#folder, `${name}.${kind}`), "utf8"));
    return { certificate, key, fingerprint: new X509Certificate(certificate).fingerprint256 };
  }

  #openssl(...args) {
    execFileSync("openssl", args, { cwd: this.#folder, stdio: "pipe" });
  }
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** A day as `openssl ca` wants it. */
const asn1 = (days) => new Date(Date.now() + days * DAY_MS).toISOString().replace(/[-:T]|\.\d+/g, "");
