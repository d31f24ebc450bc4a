// Builds the page in memory as it is built for the binary, and serves it under the policy of the binary.
//
//   node dev/stage.mjs        serves it until it is stopped, for looking at it

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

// As the binary sends it: see crates/tidings/src/http/pages.rs.
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; " +
  "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " +
  "require-trusted-types-for 'script'; trusted-types tidings";

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".png": "image/png" };

export async function stage() {
  const folder = mkdtempSync(join(tmpdir(), "tidings-stage-"));
  const input = join(root, "dev/index.html");
  await build({ root, logLevel: "warn", build: { minify: !process.env.TIDINGS_PLAIN, outDir: folder, emptyOutDir: true, rolldownOptions: { input } } });
  const server = createServer((request, response) => answer(folder, request, response));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/dev/index.html`,
    close() {
      server.close();
      server.closeAllConnections();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function answer(folder, request, response) {
  const path = normalize(new URL(request.url, "http://stage").pathname);
  try {
    const content = readFileSync(join(folder, path));
    response.setHeader("content-type", `${TYPES[extname(path)] ?? "application/octet-stream"}; charset=utf-8`);
    response.setHeader("content-security-policy", POLICY);
    response.end(content);
  } catch {
    response.statusCode = 404;
    response.end();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await stage();
  console.log(url);
}
