// What a page says to the server and hears from it, packet by packet, over WebSocket and polling alike.
//
// `sent` and `heard` are Engine.IO packets as text, in order, for each WebSocket and each poll. Knows Socket.IO just well
// enough to take an event of a namespace out of a packet.

import { Observable } from "./waiting.mjs";

const UPGRADE = "5";
const WELCOME = '42/v1,["welcome"';
const SEPARATOR = "\x1e";
const EVENT = /^42(?:(\/[^,]*),)?\d*(\[.*\])$/su;

export class Frames extends Observable {
  sent = [];
  heard = [];
  webSockets = [];
  /** How many connections went by WebSocket: after an upgrade, or from their welcome on. */
  overWebSocket = 0;

  constructor(page) {
    super();
    page.on("websocket", (webSocket) => this.#watch(webSocket));
    page.on("request", (request) => {
      if (isPoll(request) && request.method() === "POST") this.#note(this.sent, (request.postData() ?? "").split(SEPARATOR));
    });
    page.on("response", async (response) => {
      if (!isPoll(response.request()) || response.request().method() !== "GET") return;
      // A poll that was cut off has no text.
      const text = await response.text().catch(() => "");
      this.#note(this.heard, text.split(SEPARATOR));
    });
  }

  /** The WebSockets that are open now. */
  get open() {
    return this.webSockets.filter((webSocket) => !webSocket.isClosed());
  }

  /** Events that the server sent: `[name, ...args]`. */
  events(namespace = "/v1") {
    return this.heard.flatMap((packet) => eventOf(packet, namespace));
  }

  /** Events that the page sent. */
  commands(namespace = "/v1") {
    return this.sent.flatMap((packet) => eventOf(packet, namespace));
  }

  toJSON() {
    return { sent: this.sent.slice(-4), heard: this.heard.slice(-4), open: this.open.length };
  }

  #watch(webSocket) {
    this.webSockets.push(webSocket);
    webSocket.on("framesent", ({ payload }) => {
      if (payload === UPGRADE) this.overWebSocket += 1;
      this.#note(this.sent, [String(payload)]);
    });
    webSocket.on("framereceived", ({ payload }) => {
      if (String(payload).startsWith(WELCOME)) this.overWebSocket += 1;
      this.#note(this.heard, [String(payload)]);
    });
    webSocket.on("close", () => this.changed());
    this.changed();
  }

  #note(list, packets) {
    list.push(...packets);
    this.changed();
  }
}

function isPoll(request) {
  return request.url().includes("/socket.io/") && request.url().includes("transport=polling");
}

function eventOf(packet, namespace) {
  const [, of = "/", json] = EVENT.exec(packet) ?? [];
  return json === undefined || of !== namespace ? [] : [JSON.parse(json)];
}
