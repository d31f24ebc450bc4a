// An axum program that ends TLS itself: its own page may connect over HTTP/1.1 and HTTP/2, and the server knows that it is
// encrypted.

import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import { describe, test } from "node:test";
import { io } from "socket.io-client";
import { TRANSPORTS } from "../harness/client.mjs";
import { startOverTls } from "../harness/tls.mjs";
import { within } from "../harness/waiting.mjs";
import { engineUrl, request } from "../harness/wire.mjs";

const DEADLINE_MS = 20_000;
const HANDSHAKE = { EIO: 4, transport: "polling" };

/** One request over HTTP/2. */
async function overHttp2(t, url, headers) {
  const { origin, pathname, search } = new URL(url);
  const session = http2.connect(origin, { rejectUnauthorized: false });
  t.after(() => session.destroy());
  const stream = session.request({ ":path": pathname + search, ...headers });
  stream.end();
  const [answer] = await within(once(stream, "response"), DEADLINE_MS, "an answer over HTTP/2");
  stream.resume();
  return answer[":status"];
}

for (const [way, options] of Object.entries(TRANSPORTS)) {
  test(`the official client connects ${way} as a page of the server's own`, async (t) => {
    const url = await startOverTls(t);
    const socket = io(url, { forceNew: true, rejectUnauthorized: false, extraHeaders: { Origin: url }, ...options });
    t.after(() => socket.disconnect());
    const seen = await socket.timeout(DEADLINE_MS).emitWithAck("where");
    assert.deepEqual(seen, { secure: true, address: "127.0.0.1" });
  });
}

describe("a page", () => {
  test("is the server's own by scheme, host and port, over HTTP/1.1 and HTTP/2 alike", async (t) => {
    const url = await startOverTls(t);
    const handshake = engineUrl(url, HANDSHAKE);
    const { port } = new URL(url);
    for (const [origin, status] of [
      [url, 200],
      [`http://localhost:${port}`, 403],
      ["https://localhost", 403],
      [`https://localhost:${Number(port) + 1}`, 403],
      [`https://evil.example:${port}`, 403],
    ]) {
      assert.equal((await request(handshake, { headers: { origin } })).status, status, `HTTP/1.1 ${origin}`);
      assert.equal(await overHttp2(t, handshake, { origin }), status, `HTTP/2 ${origin}`);
    }
    assert.equal(await overHttp2(t, handshake, {}), 200, "not a page");
  });
});
