// A server that speaks Engine.IO by polling, as much of it as a line needs; the test decides what it says to each packet.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

const SEPARATOR = "\x1e";
const MESSAGE = "4";
const CLOSE = "1";

export class PollingServer {
  /** The packets of Socket.IO that have arrived. */
  readonly heard: string[] = [];
  /** The queries of all requests. */
  readonly queries: URLSearchParams[] = [];
  /** What it says to a packet. */
  answers: (packet: string) => readonly string[] = () => [];
  /** How it answers every request instead, if it does. */
  refusal: { readonly status: number; readonly body: string } | null = null;
  upgrades: readonly string[] = [];
  /** The client has said that it ends the connection. */
  isLeft = false;
  /** A request of the client was given up. */
  isAborted = false;
  #url = "";
  #waiting: string[] = [];
  #poll: ServerResponse | null = null;
  #awaited: (() => void)[] = [];
  readonly #server: Server = createServer((request, response) => this.#take(request, response));

  static async start(): Promise<PollingServer> {
    const server = new PollingServer();
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
      response.end(`0${JSON.stringify({ sid: "s", upgrades: this.upgrades, pingInterval: 25_000, pingTimeout: 20_000, maxPayload: 100_000 })}`);
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
    request.setEncoding("utf8").on("data", (part: string) => parts.push(part));
    request.once("end", () => {
      response.end("ok");
      for (const packet of parts.join("").split(SEPARATOR)) {
        if (packet === CLOSE) this.isLeft = true;
        if (!packet.startsWith(MESSAGE)) continue;
        this.heard.push(packet.slice(1));
        this.say(...this.answers(packet.slice(1)));
      }
      this.#changed();
    });
  }

  #flush(): void {
    if (this.#poll === null || this.#waiting.length === 0) return;
    this.#poll.end(this.#waiting.splice(0).join(SEPARATOR));
    this.#poll = null;
  }

  #changed(): void {
    for (const heard of this.#awaited.splice(0)) heard();
  }
}
