// A server that speaks Engine.IO, as much of it as a line needs; the test decides what it says to each packet.

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

const SEPARATOR = "\x1e";
const MESSAGE = "4";
const CLOSE = "1";
const PROBE = "2probe";
const UPGRADE = "5";
const NOOP = "6";
/** Of RFC 6455. */
const ACCEPTS = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const TEXT_FRAME = 0x81;

export class EngineServer {
  /** The packets of Socket.IO that have arrived. */
  readonly heard: string[] = [];
  /** The queries of all requests. */
  readonly queries: URLSearchParams[] = [];
  /** Of what kind the packets are that arrive by polling. */
  readonly kinds: (string | undefined)[] = [];
  /** What it says to a packet. */
  answers: (packet: string) => readonly string[] = () => [];
  /** How it answers every request instead, if it does. */
  refusal: { readonly status: number; readonly body: string } | null = null;
  upgrades: readonly string[] = [];
  /** What becomes of WebSockets; one that hangs never says goodbye, one that is cut ends at the probe, or before its first packet. */
  sockets: "refused" | "work" | "hang" | "are cut" = "refused";
  /** A WebSocket has ended. */
  isSocketOver = false;
  /** The client has said that it ends the connection. */
  isLeft = false;
  /** A request of the client was given up. */
  isAborted = false;
  #url = "";
  #waiting: string[] = [];
  #poll: ServerResponse | null = null;
  #socket: Socket | null = null;
  #awaited: (() => void)[] = [];
  readonly #server: Server = createServer((request, response) => this.#take(request, response));

  static async start(): Promise<EngineServer> {
    const server = new EngineServer();
    server.#server.on("upgrade", (request: IncomingMessage, socket: Socket) => server.#upgrade(request, socket));
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    server.#url = `http://127.0.0.1:${(server.#server.address() as AddressInfo).port}`;
    return server;
  }

  get url(): string {
    return this.#url;
  }

  /** Says packets of Socket.IO, unasked. */
  say(...packets: readonly string[]): void {
    this.#waiting.push(...packets.map((packet) => `${MESSAGE}${packet}`));
    this.#flush();
  }

  /** Resolves when something holds that comes with a request, or with the end of one. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#awaited.push(resolve));
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
    this.#socket?.destroy();
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const query = new URL(request.url ?? "", "http://server").searchParams;
    this.queries.push(query);
    if (this.refusal !== null) {
      response.writeHead(this.refusal.status).end(this.refusal.body);
    } else if (query.get("transport") !== "polling") {
      response.writeHead(400).end();
    } else if (request.method === "POST") {
      this.#hear(request, response);
    } else if (query.get("sid") === null) {
      response.end(this.#hello);
    } else {
      this.#poll = response;
      response.once("close", () => {
        this.isAborted ||= !response.writableFinished;
        this.#changed();
      });
      this.#flush();
    }
    this.#changed();
  }

  #hear(request: IncomingMessage, response: ServerResponse): void {
    const parts: string[] = [];
    this.kinds.push(request.headers["content-type"]);
    request.setEncoding("utf8").on("data", (part: string) => parts.push(part));
    request.once("end", () => {
      response.end("ok");
      for (const packet of parts.join("").split(SEPARATOR)) this.#hearPacket(packet);
      this.#changed();
    });
  }

  get #hello(): string {
    return `0${JSON.stringify({ sid: "s", upgrades: this.upgrades, pingInterval: 25_000, pingTimeout: 20_000, maxPayload: 100_000 })}`;
  }

  #hearPacket(packet: string): void {
    if (packet === CLOSE) this.isLeft = true;
    if (!packet.startsWith(MESSAGE)) return;
    this.heard.push(packet.slice(1));
    this.say(...this.answers(packet.slice(1)));
  }

  #upgrade(request: IncomingMessage, socket: Socket): void {
    const query = new URL(request.url ?? "", "http://server").searchParams;
    this.queries.push(query);
    this.#changed();
    if (this.sockets === "refused") return void socket.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"] ?? ""}${ACCEPTS}`).digest("base64");
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    socket.on("error", () => undefined);
    socket.on("end", () => {
      this.isSocketOver = true;
      socket.end();
      this.#changed();
    });
    socket.on("data", (data: Buffer) => {
      for (const packet of framesIn(data)) this.#hearFrame(packet, socket);
      this.#changed();
    });
    if (query.has("sid")) return;
    if (this.sockets === "are cut") return void socket.end();
    this.#socket = socket;
    socket.write(frame(this.#hello));
  }

  #hearFrame(packet: string, socket: Socket): void {
    if (packet === PROBE) {
      if (this.sockets === "are cut") {
        // The client asks by polling, and waits for the end of that before it changes its way.
        void this.until(() => this.heard.length > 0 && this.#poll !== null).then(() => socket.end(frame("3probe")));
        return;
      }
      socket.write(frame("3probe"));
      this.#poll?.end(NOOP);
      this.#poll = null;
    } else if (packet === UPGRADE) {
      this.#socket = socket;
      this.#flush();
    } else {
      this.#hearPacket(packet);
    }
  }

  /** Ends the WebSocket without a goodbye. */
  cut(): void {
    this.#socket?.destroy();
  }

  #flush(): void {
    if (this.#socket !== null) {
      for (const packet of this.#waiting.splice(0)) this.#socket.write(frame(packet));
      return;
    }
    if (this.#poll === null || this.#waiting.length === 0) return;
    this.#poll.end(this.#waiting.splice(0).join(SEPARATOR));
    this.#poll = null;
  }

  #changed(): void {
    for (const heard of this.#awaited.splice(0)) heard();
  }
}

/** A short text as a frame of a WebSocket. */
function frame(text: string): Buffer {
  const body = Buffer.from(text);
  const length = body.length < 126 ? [body.length] : [126, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([TEXT_FRAME, ...length]), body]);
}

/** The texts in what a client has sent: short frames, each with a mask. */
function* framesIn(data: Buffer): Iterable<string> {
  for (let at = 0; at < data.length; ) {
    const kind = data[at];
    const short = (data[at + 1] ?? 0) & 0x7f;
    const length = short === 126 ? data.readUInt16BE(at + 2) : short;
    const start = at + (short === 126 ? 8 : 6);
    const mask = data.subarray(start - 4, start);
    const body = data.subarray(start, start + length).map((byte, index) => byte ^ (mask[index % 4] ?? 0));
    if (kind === TEXT_FRAME) yield Buffer.from(body).toString();
    at = start + length;
  }
}
