// The packets of Socket.IO as texts, for the official client: everything of `/v1` is JSON, so no packet has attachments.
//
// Strict: what is no packet throws, and the client ends its connection. Knows nothing of what the events mean.

const CONNECT = 0;
const DISCONNECT = 1;
const EVENT = 2;
const ACK = 3;
const CONNECT_ERROR = 4;
/** The type, the namespace unless it is `/`, the number of an ack, and JSON. */
const PACKET = /^([0-4])(?:(\/[^,]*),?)?(\d*)(.*)$/s;
/** With these names the client tells what happens to itself. */
const OWN_EVENTS: readonly unknown[] = ["connect", "connect_error", "disconnect"];

export interface Packet {
  readonly type: number;
  readonly nsp: string;
  readonly id?: number;
  readonly data?: unknown;
}

export class Encoder {
  encode({ type, nsp, id, data }: Packet): string[] {
    return [`${type}${nsp === "/" ? "" : `${nsp},`}${id ?? ""}${data === undefined ? "" : JSON.stringify(data)}`];
  }
}

export class Decoder {
  #decoded: ((packet: Packet) => void) | undefined;

  /** There is one event, with one listener. */
  on(_event: "decoded", decoded: (packet: Packet) => void): void {
    this.#decoded = decoded;
  }

  off(): void {
    this.#decoded = undefined;
  }

  /** Nothing is ever half read. */
  destroy(): void {}

  add(text: string): void {
    const [, type, nsp = "/", id, json] = PACKET.exec(text) ?? [];
    const data: unknown = json ? JSON.parse(json) : undefined;
    if (!fits(Number(type), data)) throw new TypeError(`not a packet: ${text}`);
    this.#decoded?.({ type: Number(type), nsp, ...(id ? { id: Number(id) } : {}), ...(json ? { data } : {}) });
  }
}

function fits(type: number, data: unknown): boolean {
  switch (type) {
    case CONNECT:
      return data === undefined || isObject(data);
    case DISCONNECT:
      return data === undefined;
    case EVENT:
      return Array.isArray(data) && typeof data[0] === "string" && !OWN_EVENTS.includes(data[0]);
    case ACK:
      return Array.isArray(data);
    case CONNECT_ERROR:
      return typeof data === "string" || isObject(data);
    default:
      return false;
  }
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
