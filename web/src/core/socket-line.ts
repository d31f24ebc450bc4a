// A line over the official Socket.IO client: one manager, one socket, one attempt.
//
// The client's own retries, buffers and deadlines are not used: it may wait for an event that has already happened, and
// then `close` waits for ever. So each line has its own transports. It closes politely, and shortly afterwards ends
// them, whatever the client does.

import { Fetch, Manager, NodeWebSocket, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import { Connector } from "./connector.ts";
import * as packets from "./packets.ts";
import type { Dial, Line, LineEnd, LineEvents, SetTimer, Surroundings, Transport, Way } from "./ports.ts";
import { NAMESPACE, type Auth } from "./wire.ts";

/** The client may say goodbye for so long. */
const GOODBYE_MS = 1_000;
const UNAVAILABLE_STATUS = 503;
/** A page of another origin, of another host, or a request that is none: the body says why. */
const REFUSED_STATUSES: readonly unknown[] = [400, 403, 421];
const REASON_MAX = 300;
/** A proxy is there, and nobody behind it. */
const GATEWAY_STATUSES = [502, 504];

export interface SocketLineOptions {
  /** The origin of the server. */
  readonly url: string;
  readonly namespace?: string;
  readonly setTimer: SetTimer;
}

export function socketDial({ url, namespace = NAMESPACE, setTimer }: SocketLineOptions): Dial {
  return (way, auth, events, pass) => new SocketLine(url, namespace, way, auth, events, setTimer, pass);
}

/** The connection of a page, or of a bot. */
export function socketTransport({ url, namespace }: Pick<SocketLineOptions, "url" | "namespace">, world: Surroundings): Transport {
  const { setTimer } = world;
  return new Connector(socketDial({ setTimer, url, ...(namespace === undefined ? {} : { namespace }) }), world);
}

interface Endable {
  end(): void;
}

class SocketLine implements Line {
  readonly #socket: Socket;
  readonly #events: LineEvents;
  readonly #setTimer: SetTimer;
  /** All that the client has ever made for this line. */
  readonly #transports: Endable[] = [];
  /** Somebody has answered a request, if only with a page of their own. */
  #isAnswered = false;
  #isOver = false;

  constructor(url: string, namespace: string, way: Way, auth: () => Promise<Auth>, events: LineEvents, setTimer: SetTimer, pass: string | undefined) {
    this.#events = events;
    this.#setTimer = setTimer;
    const options: Partial<ManagerOptions & SocketOptions> = {
      ...transportsOf(way, this.#transports, () => (this.#isAnswered = true)),
      autoConnect: false,
      reconnection: false,
      parser: packets,
      ...(pass === undefined ? {} : { query: { pass } }),
      auth: (give: (credentials: object) => void) => void auth().then(give),
    };
    this.#socket = new Manager(url, options).socket(namespace, options);
    this.#watch();
  }

  get medium(): "websocket" | "polling" {
    return this.#socket.io.engine.transport.name === "polling" ? "polling" : "websocket";
  }

  emit(name: string, payload: object, answered?: (value: unknown) => void): void {
    if (answered === undefined) this.#socket.emit(name, payload);
    else this.#socket.emit(name, payload, answered);
  }

  discard(): void {
    this.#isOver = true;
    this.#socket.offAny();
    this.#socket.off();
    this.#socket.disconnect();
    this.#setTimer(GOODBYE_MS, () => {
      for (const transport of this.#transports) transport.end();
    });
  }

  #watch(): void {
    const socket = this.#socket;
    socket.on("connect", () => this.#events.connected());
    socket.on("disconnect", () => this.#end({ kind: "broken" }));
    socket.on("connect_error", (error) => this.#end(endOf(error, this.#isAnswered)));
    socket.onAny((name: unknown, payload: unknown) => {
      if (typeof name === "string") this.#events.event(name, payload);
    });
    socket.connect();
    const { engine } = socket.io;
    let isUpgrading = false;
    engine.on("upgrading", () => {
      isUpgrading = true;
      this.#events.upgrading();
    });
    engine.on("upgrade", () => this.#events.upgraded());
    // Polling is paused by then, and the client never goes on with it.
    engine.on("upgradeError", () => isUpgrading && this.#end({ kind: "broken" }));
    // The manager does not hear of a transport that ends between its opening and the first packet. A refusal closes it too,
    // and is told only after that, in the same turn.
    engine.on("close", () => queueMicrotask(() => this.#end({ kind: "broken" })));
  }

  #end(end: LineEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.ended(end);
  }
}

function endOf(error: Error & { readonly data?: unknown; readonly description?: unknown; readonly context?: unknown }, isAnswered: boolean): LineEnd {
  const { data, description, context } = error;
  const reason = REFUSED_STATUSES.includes(description) && typeof context === "string" ? reasonIn(context) : null;
  if (reason !== null) return { kind: "refused", code: "refused", reason };
  if (description === UNAVAILABLE_STATUS) return { kind: "refused", code: "unavailable" };
  const code = typeof data === "object" && data !== null ? (data as { readonly code?: unknown }).code : undefined;
  if (typeof code === "string") return { kind: "refused", code };
  return { kind: isAnswered || data !== undefined ? "broken" : "unreachable" };
}

/** The message of a body `{"code":…,"message":…}`; of proxies and pages of somebody else's there is none. */
function reasonIn(body: string): string | null {
  try {
    const { message } = JSON.parse(body) as { readonly message?: unknown };
    return typeof message === "string" ? message.slice(0, REASON_MAX) : null;
  } catch {
    return null;
  }
}

/** Classes of its own for each line, that note what is made of them. */
function transportsOf(way: Way, made: Endable[], answered: () => void): Partial<ManagerOptions> {
  class EndableWebSocket extends NodeWebSocket implements Endable {
    #made: { terminate?: () => void } | null = null;

    constructor(options: object) {
      super(options);
      made.push(this);
    }

    override createSocket(...how: Parameters<NodeWebSocket["createSocket"]>): unknown {
      this.#made = super.createSocket(...how) as { terminate?: () => void };
      return this.#made;
    }

    end(): void {
      this.close();
      // Only in Node, where a socket may wait for the other end's goodbye for half a minute.
      this.#made?.terminate?.();
      this.onClose();
    }
  }

  class EndablePolling extends Fetch implements Endable {
    readonly #aborted = new AbortController();

    constructor(options: object) {
      super(options);
      made.push(this);
    }

    override doPoll(): void {
      this.#request({}, (payload) => this.onData(payload));
    }

    override doWrite(data: string, written: () => void): void {
      this.#request({ method: "POST", headers: { "Content-Type": "text/plain;charset=UTF-8" }, body: data }, written);
    }

    end(): void {
      this.#aborted.abort();
      this.onClose();
    }

    #request(init: RequestInit, done: (text: string) => void): void {
      const { signal } = this.#aborted;
      fetch(this.uri(), { ...init, credentials: "same-origin", signal })
        .then(async (response) => {
          if (!GATEWAY_STATUSES.includes(response.status)) answered();
          const text = await response.text();
          if (response.status === 200) done(text);
          else this.onError("refused", response.status, text);
        })
        // A page of somebody else's, where the answer should be, ends here too.
        .catch((error: unknown) => this.onError("unreachable", error));
    }
  }

  const both = way === "websocket first" ? [EndableWebSocket, EndablePolling] : [EndablePolling, EndableWebSocket];
  return { transports: way === "polling only" ? [EndablePolling] : both, tryAllTransports: true };
}
