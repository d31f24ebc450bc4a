// A connector with lines that do what the test says, in virtual time.

import { Connector } from "../../src/core/connector.ts";
import type { LineEvents, SetTimer, Way } from "../../src/core/ports.ts";
import type { Auth } from "../../src/core/wire.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** A line that ends for nobody: it says whatever it likes, whenever it likes. */
export class Stubborn {
  readonly clock = new VirtualClock();
  readonly lines: { readonly way: Way; readonly auth: () => Promise<Auth>; readonly events: LineEvents; isDiscarded: boolean }[] = [];
  readonly heard: string[] = [];
  readonly emitted: string[] = [];
  readonly connector: Connector;
  medium: "websocket" | "polling" = "websocket";
  /** How late timers are, as those of a page in the background. */
  late = 0;
  /** What a line says in the very call that begins it. */
  atOnce: (events: LineEvents) => void = () => undefined;
  /** What is done when the connector tells that there is no connection. */
  atEnd = (): void => undefined;
  /** Who this is. */
  who: () => Promise<Auth> = () => Promise.resolve({ v: 1 });

  constructor() {
    const { now } = this.clock;
    const setTimer: SetTimer = (milliseconds, due) => this.clock.setTimer(milliseconds + this.late, due);
    const dial = (way: Way, auth: () => Promise<Auth>, events: LineEvents) => {
      const line = { way, auth, events, isDiscarded: false };
      this.lines.push(line);
      const discard = (): void => void (line.isDiscarded = true);
      const emit = (name: string, _: object, answered?: (value: unknown) => void): void => {
        this.emitted.push(name);
        answered?.(name);
      };
      this.atOnce(events);
      return { medium: this.medium, emit, discard };
    };
    this.connector = new Connector(dial, { now, setTimer, random: () => 0, isWatched: () => true });
    this.connector.open(
      {
        connected: () => this.heard.push("connected"),
        disconnected: () => {
          this.heard.push("disconnected");
          this.atEnd();
        },
        refused: (code, reason) => this.heard.push(`refused ${code}${reason === undefined ? "" : `: ${reason}`}`),
        event: (name) => this.heard.push(name),
        moved: () => this.heard.push("moved"),
      },
      () => this.who(),
    );
  }

  get last() {
    const line = this.lines.at(-1);
    if (line === undefined) throw new Error("there is no line");
    return line;
  }

  async connect(): Promise<void> {
    await this.last.auth();
    this.last.events.connected();
    this.last.events.event("welcome", {});
    this.connector.welcomed();
  }
}
