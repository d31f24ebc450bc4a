// Speaks Engine.IO by hand, for what no well-behaved client would send.

import http from "node:http";
import https from "node:https";
import net from "node:net";
import WebSocket from "ws";
import { Observable, PATIENCE_MS, within } from "./waiting.mjs";

/** One HTTP request, answered whatever its status; nothing of it is decoded. */
export function request(url, { method = "GET", headers = {}, body } = {}) {
  const answered = new Promise((resolve, reject) => {
    // A path given apart from its address is sent as it is, `..` included.
    const target = typeof url === "string" ? [url] : [];
    const options = { method, headers, agent: false, ...(typeof url === "string" ? {} : url) };
    // The certificates of tests are made by the tests.
    const secure = typeof url === "string" && url.startsWith("https:");
    const sent = (secure ? https : http).request(...target, { ...options, rejectUnauthorized: false }, async (response) => {
      try {
        const chunks = [];
        for await (const chunk of response) chunks.push(chunk);
        const bytes = Buffer.concat(chunks);
        resolve({ status: response.statusCode, headers: response.headers, bytes, text: bytes.toString("utf8") });
      } catch (err) {
        reject(err);
      }
    });
    sent.on("error", reject);
    sent.end(body);
  });
  return within(answered, PATIENCE_MS, `the answer to ${method} ${url.path ?? url}`);
}

/** Sends bytes as they are and gives back all that came until the connection closed. */
export async function raw(port, bytes) {
  const socket = net.connect(port, "127.0.0.1");
  const chunks = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  // A server that has seen enough may close while we still write: that is an end like any other, and `once` would throw it.
  socket.on("error", () => undefined);
  const closed = new Promise((resolve) => socket.on("close", resolve));
  socket.write(bytes);
  await within(closed, PATIENCE_MS, "the close of a raw connection");
  return Buffer.concat(chunks).toString("latin1");
}

export const engineUrl = (url, query) => `${url}/socket.io/?${new URLSearchParams(query)}`;

/** A session by long-polling. */
export class Polling {
  static async open(url) {
    const polling = new Polling();
    const response = await request(engineUrl(url, { EIO: 4, transport: "polling" }));
    if (response.status !== 200) throw new Error(`the handshake was answered ${response.status}: ${response.text}`);
    polling.handshake = JSON.parse(response.text.slice(1));
    polling.url = engineUrl(url, { EIO: 4, transport: "polling", sid: polling.handshake.sid });
    return polling;
  }

  post(body, headers = { "content-type": "text/plain;charset=UTF-8" }) {
    return request(this.url, { method: "POST", body, headers });
  }

  poll() {
    return request(this.url);
  }

  /** Joins namespace `/` and polls until the answer is there. */
  async join() {
    await this.post("40");
    for (;;) {
      const { status, text } = await this.poll();
      if (status !== 200) throw new Error(`a poll was answered ${status}`);
      if (text.includes("40{")) return;
    }
  }
}

/** A session by WebSocket. */
export class Wire extends Observable {
  received = [];
  closed = false;
  code = undefined;

  static async open(test, url, query = { EIO: 4, transport: "websocket" }, options = {}) {
    const wire = new Wire(url, query, options);
    test.after(() => wire.socket.terminate());
    await wire.until(() => wire.received.length > 0 || wire.closed, "the first frame");
    return wire;
  }

  static async join(test, url, auth = undefined) {
    const wire = await Wire.open(test, url);
    wire.send(`40${auth === undefined ? "" : JSON.stringify(auth)}`);
    await wire.until(() => wire.received.some((frame) => frame.startsWith("40")) || wire.closed, "the CONNECT");
    return wire;
  }

  constructor(url, query, options) {
    super();
    this.socket = new WebSocket(engineUrl(url.replace("http", "ws"), query), options);
    this.socket.on("message", (data, isBinary) => {
      const frame = isBinary ? data : data.toString("utf8");
      if (frame === "2") return this.socket.send("3");
      this.received.push(frame);
      this.changed();
    });
    this.socket.on("unexpected-response", (_, response) => {
      this.status = response.statusCode;
      this.socket.terminate();
    });
    this.socket.on("error", () => undefined);
    this.socket.on("close", (code) => {
      this.closed = true;
      this.code = code;
      this.changed();
    });
  }

  send(frame) {
    this.socket.send(frame);
  }

  async untilClosed() {
    await this.until(() => this.closed, "the close of the connection");
  }

  async receives(start) {
    const found = () => this.received.find((frame) => typeof frame === "string" && frame.startsWith(start));
    await this.until(() => found() !== undefined || this.closed, `a frame that starts with ${start}`);
    return found();
  }

  toJSON() {
    return { received: this.received.slice(-10), closed: this.closed, code: this.code };
  }
}
