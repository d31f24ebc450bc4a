// The link over the official Socket.IO client.
//
// The client's own buffering and retries stay unused: a buffered event would leave before the older ones that the
// conversation sends again, which breaks their order.

import { io, type Socket } from "socket.io-client";
import type { Answer, Credentials, Link, LinkEvents } from "./link.ts";

const EVENT = "chat message";
const REFUSED_CONNECT_DELAY_MS = 3_000;

export class SocketLink implements Link {
  readonly #address: string | undefined;
  #socket: Socket | undefined;
  #events: LinkEvents | undefined;
  #credentials: (() => Credentials) | undefined;

  /** Without an address the link goes to where the page came from. */
  constructor(address?: string) {
    this.#address = address;
  }

  open(events: LinkEvents, credentials: () => Credentials): void {
    this.#events = events;
    this.#credentials = credentials;
    this.#connect();
  }

  send(text: string, key: string, answered: (answer: Answer) => void): void {
    this.#socket?.emit(EVENT, text, key, (...args: unknown[]) => answered(answerOf(args)));
  }

  interrupt(): void {
    this.#socket?.io.engine.close();
  }

  restart(): void {
    const old = this.#socket;
    this.#socket = undefined;
    old?.disconnect();
    this.#connect();
  }

  close(): void {
    const old = this.#socket;
    this.#socket = undefined;
    old?.disconnect();
  }

  #connect(): void {
    const options = {
      forceNew: true,
      reconnectionDelay: 300,
      reconnectionDelayMax: 3_000,
      auth: (give: (credentials: object) => void) => give({ ...this.#credentials?.() }),
    };
    const socket = this.#address === undefined ? io(options) : io(this.#address, options);
    this.#socket = socket;
    const isCurrent = () => this.#socket === socket;

    socket.on("connect", () => {
      if (isCurrent()) this.#events?.connected();
    });
    socket.on("disconnect", () => {
      socket.sendBuffer = [];
      if (!isCurrent()) return;
      this.#events?.disconnected();
      this.#comeBack(socket);
    });
    socket.on("connect_error", () => {
      if (isCurrent()) this.#comeBack(socket);
    });
    socket.on(EVENT, (text: unknown, offset: unknown) => {
      if (!isCurrent()) return;
      if (typeof text !== "string" || typeof offset !== "number" || !Number.isSafeInteger(offset)) return;
      this.#events?.message(text, offset);
    });
  }

  // The client stays away for good after a refusal or a disconnect by the server; a chat page should not.
  #comeBack(socket: Socket): void {
    if (socket.active) return;
    setTimeout(() => {
      if (this.#socket === socket) socket.connect();
    }, REFUSED_CONNECT_DELAY_MS);
  }
}

function answerOf(args: readonly unknown[]): Answer {
  const [first] = args;
  if (typeof first !== "object" || first === null) return { kind: "stored" };
  const { ok, code } = first as Record<string, unknown>;
  if (ok !== false) return { kind: "stored" };
  return { kind: "refused", code: typeof code === "string" ? code : "refused" };
}
