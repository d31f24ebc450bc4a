// One user's side of the chat: outbox and transcript over a link that comes and goes.
//
//   user ── say ──► outbox ── in order, a window at a time ──► link ──► server
//                     ▲  stored / refused                       │
//                     └─────────────────────────────────────────┤
//   view ◄── show ── transcript ◄────────── message ────────────┘
//
// After every connect all unanswered messages are sent again in their order and under their old keys, so the server
// can tell a repeat from a new one. Knows neither the DOM nor Socket.IO.

import type { Answer, Credentials, Link } from "./link.ts";
import type { Added, Draft, Outbox } from "./outbox.ts";
import { Transcript, type Line } from "./transcript.ts";

const WINDOW = 32;
const ANSWER_DEADLINE_MS = 15_000;
const ANSWER_DEADLINE_MAX_MS = 120_000;

export type Connection = "connecting" | "online" | "offline";

export interface View {
  showLine(line: Line): void;
  clearLines(): void;
  showOutbox(drafts: readonly Draft[]): void;
  showConnection(connection: Connection, waiting: number): void;
}

/** Calls back once, unless the function that it returns is called before. */
export type Timer = (milliseconds: number, due: () => void) => () => void;

export class Conversation {
  readonly #link: Link;
  readonly #outbox: Outbox;
  readonly #view: View;
  readonly #timer: Timer;
  readonly #transcript: Transcript;
  readonly #underWay = new Set<string>();
  #connection: Connection = "connecting";
  #deadline = ANSWER_DEADLINE_MS;
  #cancelDeadline: (() => void) | undefined;

  constructor(link: Link, outbox: Outbox, view: View, timer: Timer) {
    this.#link = link;
    this.#outbox = outbox;
    this.#view = view;
    this.#timer = timer;
    this.#transcript = new Transcript((line) => view.showLine(line));
  }

  start(lineage: string): void {
    this.#show();
    const credentials = (): Credentials => ({ serverOffset: this.#transcript.cursor, lineage });
    this.#link.open(
      {
        connected: () => this.#connected(),
        disconnected: () => this.#disconnected(),
        message: (text, offset) => this.#message({ text, offset }),
      },
      credentials,
    );
  }

  say(text: string): Added {
    const added = this.#outbox.add(text);
    if (added.kind === "kept") {
      this.#send();
      this.#show();
    }
    return added;
  }

  discard(key: string): void {
    this.#outbox.discard(key);
    this.#show();
  }

  #connected(): void {
    this.#connection = "online";
    this.#underWay.clear();
    // A tab that was closed may have left messages behind; whoever connects next sends them.
    this.#outbox.refresh();
    this.#send();
    this.#show();
  }

  #disconnected(): void {
    this.#connection = "offline";
    this.#underWay.clear();
    this.#stopWatch();
    this.#show();
  }

  #message(line: Line): void {
    if (this.#transcript.accept(line) !== "rewritten") return;
    this.#transcript.reset();
    this.#view.clearLines();
    this.#disconnected();
    this.#link.restart();
  }

  #send(): void {
    if (this.#connection !== "online") return;
    const waiting = this.#outbox.waiting();
    for (const draft of waiting) {
      if (this.#underWay.size >= WINDOW) break;
      if (this.#underWay.has(draft.key)) continue;
      this.#underWay.add(draft.key);
      this.#link.send(draft.text, draft.key, (answer) => this.#answered(draft.key, answer));
    }
    this.#watch();
  }

  #answered(key: string, answer: Answer): void {
    this.#underWay.delete(key);
    this.#deadline = ANSWER_DEADLINE_MS;
    this.#stopWatch();
    if (answer.kind === "stored") this.#outbox.stored(key);
    else this.#outbox.refused(key, answer.code);
    this.#send();
    this.#show();
  }

  // The heartbeat takes 45 s to notice a link that swallows everything; an unanswered message notices it earlier. A
  // server that is merely slow is given more time with each attempt.
  #watch(): void {
    if (this.#underWay.size === 0 || this.#cancelDeadline !== undefined) return;
    this.#cancelDeadline = this.#timer(this.#deadline, () => {
      this.#cancelDeadline = undefined;
      this.#deadline = Math.min(2 * this.#deadline, ANSWER_DEADLINE_MAX_MS);
      this.#link.interrupt();
    });
  }

  #stopWatch(): void {
    this.#cancelDeadline?.();
    this.#cancelDeadline = undefined;
  }

  #show(): void {
    this.#view.showOutbox(this.#outbox.all());
    this.#view.showConnection(this.#connection, this.#outbox.waiting().length);
  }
}
