// The example beside axum that ends TLS itself, with a certificate of the test's own.

import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { startExample } from "./example.mjs";
import { makeCertificate } from "./front.mjs";
import { temporaryFolder } from "./server.mjs";

const CLIENT = fileURLToPath(new URL("../node_modules/socket.io-client/dist/socket.io.js", import.meta.url));

/** Its URL, by the name that is in the certificate. */
export async function startOverTls(test) {
  const folder = temporaryFolder();
  const file = join(folder, "tls.pem");
  makeCertificate(file);
  const url = await startExample(test, "AXUM_TLS_BIN", [file, `${file}.key`, CLIENT]);
  return url.replace("127.0.0.1", "localhost");
}
