// The official client bundle and the built-in page, as files over HTTP.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { Server } from "../harness/server.mjs";
import { request } from "../harness/wire.mjs";

const client = dirname(dirname(createRequire(import.meta.url).resolve("socket.io-client")));
const official = client.endsWith("build") ? dirname(client) : client;
const version = JSON.parse(readFileSync(join(official, "package.json"), "utf8")).version;
const NAMES = ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"];

describe("the client bundle", () => {
  test("is the official one, with its maps, in every encoding", async (t) => {
    const server = await Server.start(t);
    for (const name of NAMES.flatMap((file) => [file, `${file}.map`])) {
      const url = `${server.url}/socket.io/${name}`;
      const plain = await request(url);
      assert.equal(plain.status, 200, name);
      assert.equal(plain.headers.etag, `"${version}"`);
      assert.equal(plain.headers["cache-control"], "public, max-age=0");
      assert.equal(
        plain.headers["content-type"],
        name.endsWith(".map") ? "application/json" : "application/javascript; charset=utf-8",
      );
      assert.equal(plain.headers["content-encoding"], undefined);
      const expected = readFileSync(join(official, "dist", name));
      assert.equal(hash(plain.bytes), hash(expected), name);
      for (const [encoding, decode] of [["br", brotliDecompressSync], ["gzip", gunzipSync]]) {
        const compressed = await request(url, { headers: { "accept-encoding": encoding } });
        assert.equal(compressed.headers["content-encoding"], encoding, name);
        assert.match(compressed.headers.vary ?? "", /accept-encoding/i);
        assert.ok(compressed.bytes.length < plain.bytes.length / 2);
        assert.equal(hash(decode(compressed.bytes)), hash(expected));
      }
    }
  });

  test("is sent in the encoding that the client likes best", async (t) => {
    const server = await Server.start(t);
    const url = `${server.url}/socket.io/socket.io.min.js`;
    const wishes = {
      "gzip, deflate, br": "br",
      "br;q=0.1, gzip": "gzip",
      "br;q=0, gzip": "gzip",
      "identity": undefined,
      "deflate": undefined,
      "*": "br",
      "*;q=0, identity": undefined,
      "": undefined,
    };
    for (const [wish, encoding] of Object.entries(wishes)) {
      const { headers } = await request(url, { headers: { "accept-encoding": wish } });
      assert.equal(headers["content-encoding"], encoding, wish);
    }
  });

  test("is not sent again to those who have it", async (t) => {
    const server = await Server.start(t);
    const url = `${server.url}/socket.io/socket.io.js?v=1`;
    for (const tag of [`"${version}"`, `W/"${version}"`, `"1.0.0", "${version}"`, "*"]) {
      const { status, bytes } = await request(url, { headers: { "if-none-match": tag } });
      assert.equal(status, 304, tag);
      assert.equal(bytes.length, 0);
    }
    assert.equal((await request(url, { headers: { "if-none-match": '"1.0.0"' } })).status, 200);
  });

  test("answers HEAD without a body, and an unknown name as an engine error", async (t) => {
    const server = await Server.start(t);
    const head = await request(`${server.url}/socket.io/socket.io.js`, { method: "HEAD" });
    assert.equal(head.status, 200);
    assert.equal(head.bytes.length, 0);
    const unknown = await request(`${server.url}/socket.io/socket.io.none.js`);
    assert.equal(unknown.status, 400);
    assert.deepEqual(JSON.parse(unknown.text), { code: 0, message: "Transport unknown" });
  });
});

describe("the built-in page", () => {
  test("comes with a strict policy; what has a hash in its name may be kept for ever, all else is asked for again", async (t) => {
    const server = await Server.start(t);
    const page = await request(server.url);
    assert.equal(page.status, 200);
    assert.match(page.headers["content-type"], /^text\/html; charset=utf-8$/i);
    const policy = page.headers["content-security-policy"] ?? "";
    assert.match(policy, /default-src '(none|self)'/);
    assert.doesNotMatch(policy, /unsafe|\*|data:|https?:/);
    assert.equal(page.headers["x-content-type-options"], "nosniff");
    assert.doesNotMatch(page.text, /<style|style="|<script>| on[a-z]+=|https?:\/\//);
    const unchanged = await request(server.url, { headers: { "if-none-match": page.headers.etag } });
    assert.equal(unchanged.status, 304);

    const files = [...page.text.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map((match) => match[1]);
    assert.ok(files.length >= 3, "script, style and icon");
    for (const path of files) {
      const plain = await request(server.url + path);
      assert.equal(plain.status, 200, path);
      assert.match(plain.headers["cache-control"], path.startsWith("/assets/") ? /immutable/ : /^no-cache$/, path);
      const compressed = await request(server.url + path, { headers: { "accept-encoding": "br" } });
      if (compressed.headers["content-encoding"] === "br") {
        assert.equal(hash(brotliDecompressSync(compressed.bytes)), hash(plain.bytes));
      }
    }
  });

  test("can be installed: its worker and its manifest have their types and are never old", async (t) => {
    const server = await Server.start(t);
    for (const [path, type] of [
      ["/sw.js", /^application\/javascript/],
      ["/manifest.webmanifest", /^application\/manifest\+json$/],
    ]) {
      const file = await request(server.url + path);
      assert.equal(file.status, 200, path);
      assert.match(file.headers["content-type"], type);
      assert.equal(file.headers["cache-control"], "no-cache");
      assert.match(file.headers["content-security-policy"], /require-trusted-types-for 'script'/);
    }
    const { icons } = JSON.parse((await request(`${server.url}/manifest.webmanifest`)).text);
    assert.ok(icons.length > 0);
    for (const { src, type } of icons) {
      const icon = await request(new URL(src, server.url).href);
      assert.deepEqual([icon.status, icon.headers["content-type"]], [200, type], src);
    }
  });

  test("keeps its budget: 60 kB of script and 12 kB of style before anything is seen", async (t) => {
    const server = await Server.start(t);
    const accept = { headers: { "accept-encoding": "br" } };
    const html = (await request(server.url)).text;
    const sizes = { js: 0, css: 0 };
    for (const [, path, kind] of html.matchAll(/(?:src|href)="(\/[^"]+\.(js|css))"/g)) {
      sizes[kind] += (await request(server.url + path, accept)).bytes.length;
    }
    assert.ok(sizes.js > 0 && sizes.js <= 60_000, `${sizes.js} bytes of script`);
    assert.ok(sizes.css > 0 && sizes.css <= 12_000, `${sizes.css} bytes of style`);
  });

  test("is one page: other paths and methods are not answered by it", async (t) => {
    const server = await Server.start(t);
    assert.equal((await request(`${server.url}/nothing`)).status, 404);
    assert.ok([404, 405].includes((await request(server.url, { method: "POST", body: "x" })).status));
  });
});

const hash = (bytes) => createHash("sha256").update(bytes).digest("hex");
