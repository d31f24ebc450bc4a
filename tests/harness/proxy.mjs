// A TCP proxy that can misbehave: cut, stall, swallow, refuse.

import { once } from "node:events";
import net from "node:net";

export class Proxy {
  #links = new Set();
  #refusing = false;
  #stalled = false;
  #allowances = [];

  static async start(test, targetPort) {
    const proxy = new Proxy();
    proxy.server = net.createServer((client) => proxy.#accept(client, targetPort));
    proxy.server.listen(0, "127.0.0.1");
    await once(proxy.server, "listening");
    proxy.url = `http://127.0.0.1:${proxy.server.address().port}`;
    test.after(() => {
      proxy.server.close();
      proxy.cut();
    });
    return proxy;
  }

  /** Resets every connection. */
  cut() {
    for (const link of this.#links) link.destroy();
  }

  /** Nothing passes any more, in either direction, and nobody is told: a half-open link. New connections pass. */
  freeze() {
    for (const link of this.#links) link.freeze();
  }

  /** The next connections end when the server has said so many bytes, one number for each: the client gets these, and no more. */
  endAfter(...allowances) {
    this.#allowances.push(...allowances);
  }

  /** What the server says is lost, what the client says arrives. New connections pass. */
  mute() {
    for (const link of this.#links) link.mute();
  }

  /** Holds back everything until `resume`; TCP's own back-pressure reaches both ends. */
  stall() {
    this.#stalled = true;
    for (const link of this.#links) link.pause();
  }

  resume() {
    this.#stalled = false;
    for (const link of this.#links) link.resume();
  }

  refuse() {
    this.#refusing = true;
    this.cut();
  }

  allow() {
    this.#refusing = false;
  }

  #accept(client, targetPort) {
    if (this.#refusing) return void client.resetAndDestroy();
    const server = net.connect(targetPort, "127.0.0.1");
    const allowance = this.#allowances.shift() ?? Infinity;
    const link = new ProxiedLink(client, server, allowance, () => this.#links.delete(link));
    this.#links.add(link);
    if (this.#stalled) link.pause();
  }
}

class ProxiedLink {
  #frozen = false;
  #muted = false;
  #open = 2;

  constructor(client, server, allowance, closed) {
    this.sockets = [client, server];
    let said = 0;
    for (const [from, to] of [[client, server], [server, client]]) {
      from.on("data", (bytes) => {
        if (this.#frozen || (this.#muted && from === server)) return;
        if (from === server) said += bytes.length;
        if (said > allowance) {
          client.end(bytes.subarray(0, bytes.length - (said - allowance)));
          this.#frozen = true;
          return void server.resetAndDestroy();
        }
        if (!to.write(bytes)) from.pause();
      });
      to.on("drain", () => from.resume());
      from.on("end", () => this.#frozen || to.end());
      from.on("error", () => this.destroy());
      from.on("close", () => {
        if (!this.#frozen) to.destroy();
        // A frozen link has one end left, which still has to be ended with the test.
        this.#open -= 1;
        if (this.#open === 0) closed();
      });
    }
  }

  freeze() {
    this.#frozen = true;
  }

  mute() {
    this.#muted = true;
  }

  pause() {
    for (const socket of this.sockets) socket.pause();
  }

  resume() {
    for (const socket of this.sockets) socket.resume();
  }

  destroy() {
    for (const socket of this.sockets) {
      // Node cannot reset a socket that is saying its goodbye: it would keep the handle for ever, and wait for it at its
      // own end.
      if (socket.writableEnded) socket.destroy();
      else socket.resetAndDestroy();
    }
  }
}
