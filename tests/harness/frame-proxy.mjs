// A TCP proxy that knows what passes: HTTP requests, HTTP responses and, after the handshake, WebSocket frames.
//
// It counts them, over all connections and in both directions, and does something at the n-th: so a test can hit each
// single step of connecting without waiting for a time to pass. It passes on whole frames only.

import { once } from "node:events";
import net from "node:net";
import { Observable } from "./waiting.mjs";

/** What happens to the connection of the frame at which it happens; the frame is not passed on. */
export const ACTIONS = {
  /** It is reset. */
  cut: (link) => link.cut(),
  /** Nothing passes any more in either direction, and nobody is told. */
  stall: (link) => link.stall("up", "down"),
  /** What the client says is lost. */
  "freeze up": (link) => link.stall("up"),
  /** What the server says is lost. */
  "freeze down": (link) => link.stall("down"),
};

export class FrameProxy extends Observable {
  /** All that passed or was stopped: `up GET polling`, `down 200`, `down 0{"sid"…`. */
  frames = [];
  #links = new Set();
  #at;
  #hit = null;
  #act;
  #answers;

  /** `at` is the number of the frame at which `act` happens, once, or what the first one looks like; `answers` is what upgrades get: a status, or "nothing". */
  static async start(test, targetPort, { at = Infinity, act, answers = null } = {}) {
    const proxy = new FrameProxy();
    proxy.#at = at;
    proxy.#act = act;
    proxy.#answers = answers;
    const server = net.createServer((client) => proxy.#links.add(new Link(proxy, client, targetPort, (link) => proxy.#links.delete(link))));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    proxy.url = `http://127.0.0.1:${server.address().port}`;
    test.after(() => {
      server.close();
      proxy.cut();
    });
    return proxy;
  }

  get hasActed() {
    return this.#hit !== null;
  }

  /** How many connections a client still holds though nothing passes on them. */
  get hanging() {
    return [...this.#links].filter((link) => link.isHanging).length;
  }

  /** How many WebSockets were asked for. */
  get upgrades() {
    return this.frames.filter((frame) => frame.endsWith("upgrade")).length;
  }

  cut() {
    for (const link of this.#links) link.cut();
  }

  /** Whether the frame passes. */
  passes(link, direction, what) {
    const number = this.frames.push(`${direction} ${what}`) - 1;
    const isUpgrade = what.endsWith("upgrade");
    if (isUpgrade && this.#answers !== null) {
      if (this.#answers === "nothing") link.stall("up", "down");
      else link.answer(this.#answers);
    }
    const isHit = this.#hit === null && (this.#at instanceof RegExp ? this.#at.test(this.frames[number]) : number === this.#at);
    if (isHit) {
      this.#hit = number;
      ACTIONS[this.#act](link);
    }
    this.changed();
    return !isHit && !(isUpgrade && this.#answers !== null);
  }

  toJSON() {
    return { frames: this.frames.slice(-12), at: String(this.#at), act: this.#act };
  }
}

class Link {
  #stalled = new Set();
  #isWebSocket = false;

  constructor(proxy, client, port, closed) {
    this.client = client;
    this.server = net.connect(port, "127.0.0.1");
    this.client.setNoDelay(true);
    this.server.setNoDelay(true);
    const ways = [
      ["up", client, this.server],
      ["down", this.server, client],
    ];
    let open = 2;
    for (const [direction, from, to] of ways) {
      let rest = Buffer.alloc(0);
      from.on("data", (bytes) => {
        rest = Buffer.concat([rest, bytes]);
        for (let unit = this.#take(rest); unit !== null && !from.destroyed; unit = this.#take(rest)) {
          rest = rest.subarray(unit.length);
          if (unit.isHandshake) this.#isWebSocket = true;
          if (this.#stalled.has(direction) || !proxy.passes(this, direction, unit.what)) continue;
          if (!to.destroyed) to.write(unit.bytes);
        }
      });
      from.on("end", () => this.#stalled.size > 0 || to.end());
      from.on("error", () => this.cut());
      from.on("close", () => {
        open -= 1;
        if (this.#stalled.size === 0) to.destroy();
        if (open === 0) closed(this);
        proxy.changed();
      });
    }
  }

  get isHanging() {
    return this.#stalled.size > 0 && !this.client.closed;
  }

  cut() {
    for (const socket of [this.client, this.server]) {
      if (socket.writableEnded) socket.destroy();
      else socket.resetAndDestroy();
    }
  }

  stall(...directions) {
    for (const direction of directions) this.#stalled.add(direction);
  }

  answer(status) {
    this.client.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
  }

  /** The first whole unit, or null. */
  #take(bytes) {
    return this.#isWebSocket ? frameOf(bytes) : messageOf(bytes);
  }
}

function messageOf(bytes) {
  const head = bytes.indexOf("\r\n\r\n");
  if (head < 0) return null;
  const text = bytes.toString("latin1", 0, head);
  const length = head + 4 + Number(/^content-length: *(\d+)/imu.exec(text)?.[1] ?? 0);
  if (bytes.length < length) return null;
  const [first] = text.split("\r\n");
  const [, status] = /^HTTP\/1.1 (\d+)/u.exec(first) ?? [];
  const body = bytes.toString("utf8", head + 4, length).slice(0, 60);
  const isUpgrade = status === undefined && /^upgrade: *websocket/imu.test(text);
  const what = status === undefined ? `${first.split(" ")[0]} ${body}${isUpgrade ? "upgrade" : ""}` : `${status} ${body}`;
  return { length, what, bytes: bytes.subarray(0, length), isHandshake: status === "101" };
}

function frameOf(bytes) {
  if (bytes.length < 2) return null;
  const isMasked = bytes[1] >= 0x80;
  let size = bytes[1] & 0x7f;
  let at = 2;
  if (size === 126) {
    if (bytes.length < 4) return null;
    size = bytes.readUInt16BE(2);
    at = 4;
  } else if (size === 127) {
    if (bytes.length < 10) return null;
    size = Number(bytes.readBigUInt64BE(2));
    at = 10;
  }
  const mask = isMasked ? bytes.subarray(at, at + 4) : null;
  if (isMasked) at += 4;
  const length = at + size;
  if (bytes.length < length) return null;
  const payload = Buffer.from(bytes.subarray(at, Math.min(length, at + 60)));
  if (mask !== null && mask.length === 4) for (let i = 0; i < payload.length; i += 1) payload[i] ^= mask[i % 4];
  return { length, what: `frame ${payload.toString("utf8")}`, bytes: bytes.subarray(0, length), isHandshake: false };
}
