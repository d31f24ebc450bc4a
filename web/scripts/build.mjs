// Builds the page and gathers the official client bundle, both ready to be served.
//
//   node scripts/build.mjs [OUT]      (or TIDINGS_WEB_OUT; ./dist otherwise)
//
// OUT then holds `pages/`, `client/` and `manifest.tsv`. A file that is worth compressing has a `.br` and a `.gz`
// sibling. The manifest has one line per file, tab separated, because the build script that reads it has no JSON
// parser: table, path, content type, etag, freshness, encodings (comma separated). Its first line names the version
// of the client.

import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, extname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "vite";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = resolve(process.argv[2] ?? process.env.TIDINGS_WEB_OUT ?? join(root, "dist"));

const CLIENT_FILES = ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"];
const CONTENT_TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "application/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".webmanifest": "application/manifest+json",
  ".map": "application/json",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".webp": "image/webp",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
};

rmSync(out, { recursive: true, force: true });
mkdirSync(join(out, "client"), { recursive: true });
await build({ root, logLevel: "warn", build: { outDir: join(out, "pages"), emptyOutDir: true } });
tellWorker(join(out, "pages"));
const version = copyClient(join(root, "node_modules", "socket.io-client"), join(out, "client"));

const lines = [`client-version\t${version}`];
for (const path of filesBelow(join(out, "pages"))) lines.push(entry("pages", path, contentEtag(path)));
for (const path of filesBelow(join(out, "client"))) lines.push(entry("client", path, `"${version}"`));
writeFileSync(join(out, "manifest.tsv"), `${lines.join("\n")}\n`);

/** Puts the list of all files, and a version that changes with any of them, before the text of the service worker. */
function tellWorker(pages) {
  const worker = join(pages, "sw.js");
  const files = filesBelow(pages).filter((file) => file !== worker);
  const digest = createHash("sha256");
  for (const file of [...files, worker]) digest.update(readFileSync(file));
  // The page is asked for by its folder.
  const paths = files.map((file) => `/${relative(pages, file).split(sep).join("/")}`.replace(/^\/index\.html$/, "/"));
  const known = { version: digest.digest("base64url").slice(0, 16), files: paths };
  writeFileSync(worker, `self.tidings = ${JSON.stringify(known)};\n${readFileSync(worker, "utf8")}`);
}

function copyClient(source, target) {
  for (const name of CLIENT_FILES.flatMap((file) => [file, `${file}.map`])) {
    copyFileSync(join(source, "dist", name), join(target, name));
  }
  return JSON.parse(readFileSync(join(source, "package.json"), "utf8")).version;
}

function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name))
    .sort();
}

function entry(table, file, etag) {
  const path = relative(join(out, table), file).split(sep).join("/");
  const type = CONTENT_TYPES[extname(file)];
  if (type === undefined) throw new Error(`no content type is known for ${path}`);
  // Vite puts what carries a hash in its name into assets/.
  const freshness = table === "pages" && path.startsWith("assets/") ? "immutable" : "revalidate";
  return [table, path, type, etag, freshness, compress(file).join(",")].join("\t");
}

function contentEtag(file) {
  return `"${createHash("sha256").update(readFileSync(file)).digest("base64url").slice(0, 22)}"`;
}

/** Writes the siblings that are smaller than the file itself, and names their encodings. */
function compress(file) {
  const content = readFileSync(file);
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  const siblings = { br: brotliCompressSync(content, { params }), gz: gzipSync(content, { level: 9 }) };
  return Object.entries(siblings).flatMap(([encoding, compressed]) => {
    if (compressed.length >= content.length) return [];
    writeFileSync(`${file}.${encoding}`, compressed);
    return [encoding];
  });
}
