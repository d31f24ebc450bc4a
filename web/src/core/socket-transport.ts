// The transport over the official Socket.IO client.
//
// The client's own buffering and retries stay unused: a buffered event would leave before the older ones that the
// outbox sends again. It stays away for good after a refusal or a disconnect by the server; a chat should not.

import { io, type Socket } from "socket.io-client";
import type { SetTimer, Transport, TransportEvents } from "./ports.ts";
import { NAMESPACE, type Auth } from "./wire.ts";

const CONNECT_DEADLINE_MS = 8_000;
const DELAY_MS = 300;
const DELAY_MAX_MS = 5_000;
const REFUSED_DELAY_MS = 3_000;
const UNAVAILABLE_STATUS = 503;

export interface SocketTransportOptions {
  /** Without an address it goes to where the page came from. */
  readonly url?: string;
  readonly namespace?: string;
  readonly setTimer: SetTimer;
}

export class SocketTransport implements Transport {
  readonly #options: SocketTransportOptions;
  #socket: Socket | null = null;
  #cancelComeBack: (() => void) | null = null;

  constructor(options: SocketTransportOptions) {
    this.#options = options;
  }

  open(events: TransportEvents, auth: () => Promise<Auth>): void {
    const { url = "", namespace = NAMESPACE } = this.#options;
    const socket = io(`${url}${namespace}`, {
      forceNew: true,
      timeout: CONNECT_DEADLINE_MS,
      reconnectionDelay: DELAY_MS,
      reconnectionDelayMax: DELAY_MAX_MS,
      auth: (give: (credentials: object) => void) => void auth().then(give),
    });
    this.#socket = socket;
    socket.on("connect", () => events.connected());
    socket.on("disconnect", () => {
      socket.sendBuffer = [];
      events.disconnected();
      this.#comeBack(socket);
    });
    socket.on("connect_error", (error: Error & { readonly data?: unknown; readonly description?: unknown }) => {
      events.disconnected();
      const code = codeOf(error);
      if (code !== null) events.refused(code);
      this.#comeBack(socket);
    });
    socket.onAny((name: unknown, payload: unknown) => {
      if (typeof name === "string") events.event(name, payload);
    });
  }

  emit(name: string, payload: object, answered?: (value: unknown) => void): void {
    const socket = this.#socket;
    if (socket === null || !socket.connected) return;
    if (answered === undefined) socket.emit(name, payload);
    else socket.emit(name, payload, answered);
  }

  interrupt(): void {
    // Before the first try there is no engine, whatever its type says.
    (this.#socket?.io.engine as Socket["io"]["engine"] | undefined)?.close();
  }

  hurry(): void {
    const socket = this.#socket;
    // A try that is under way is left alone; this ends the pause before the next one.
    if (socket === null || socket.connected || socket.io._readyState === "opening") return;
    socket.disconnect().connect();
  }

  close(): void {
    this.#cancelComeBack?.();
    this.#socket?.disconnect();
    this.#socket?.offAny();
    this.#socket = null;
  }

  #comeBack(socket: Socket): void {
    if (socket.active || this.#cancelComeBack !== null || this.#socket !== socket) return;
    this.#cancelComeBack = this.#options.setTimer(REFUSED_DELAY_MS, () => {
      this.#cancelComeBack = null;
      if (this.#socket === socket && !socket.connected) socket.connect();
    });
  }
}

function codeOf(error: Error & { readonly data?: unknown; readonly description?: unknown }): string | null {
  const { data, description } = error;
  if (description === UNAVAILABLE_STATUS) return "unavailable";
  if (typeof data !== "object" || data === null) return null;
  const { code } = data as { readonly code?: unknown };
  return typeof code === "string" ? code : null;
}
