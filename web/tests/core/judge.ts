// The history checker for the core: what people sent, were told and saw, against the log as it is in the end.
//
// Watches every state of every view, not only the last. Texts are unique, so a text names a send.

import { effect } from "@preact/signals-core";
import { expect } from "vitest";
import type { ChatClient, Result, RoomId, RoomView } from "../../src/core/facade.ts";
import type { OutboxRow } from "../../src/core/store.ts";
import type { LogEntry } from "./model-state.ts";
import { rowsOf, type World } from "./people.ts";

interface Send {
  readonly sender: string;
  readonly room: RoomId;
  readonly text: string;
  /** It was in the outbox: from then on it must not be lost. */
  isKept: boolean;
  result: Result | null;
  /** The log was set back after it was stored: it may be gone, unless it was still to be sent then. */
  isForgiven: boolean;
  isUnsent: boolean;
  /** It was refused, and is offered to be sent again. */
  isRefused: boolean;
  /** It was refused, and was then sent again or taken away. */
  isMended: boolean;
}

const newSend = (sender: string, room: RoomId, text: string): Send => ({
  sender,
  room,
  text,
  isKept: false,
  result: null,
  isForgiven: false,
  isUnsent: false,
  isRefused: false,
  isMended: false,
});

/** It is in an outbox already, and nobody waits for its answer. */
export const keptSend = (sender: string, room: RoomId, text: string): Send => ({ ...newSend(sender, room, text), isKept: true });

export class Judge {
  readonly sends: Send[] = [];
  readonly faults: string[] = [];
  /** Where each text was typed. */
  readonly #rooms = new Map<string, RoomId>();
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  say(sender: string, chat: ChatClient, room: RoomId, text: string, manner: "at once" | "from its draft" = "at once"): Promise<Result> {
    const send = newSend(sender, room, text);
    this.sends.push(send);
    this.typed(room, text);
    return (manner === "at once" ? chat.say(room, text) : chat.send({ room }, text)).then((result) => (send.result = result));
  }

  /** Somebody typed this in that room; what was typed before may stand above it. */
  typed(room: RoomId, text: string): void {
    for (const line of text.split("\n")) if (!this.#rooms.has(line)) this.#rooms.set(line, room);
  }

  /** A text stands only where it was typed. */
  judgePlace(place: string, room: RoomId, text: string): void {
    for (const line of text.split("\n")) {
      const typed = this.#rooms.get(line);
      if (typed !== undefined && typed !== room) this.faults.push(`${place}: ${line} was typed in room ${typed} and stands in room ${room}`);
    }
  }

  /** These stand in an outbox at this moment. */
  keep(rows: Iterable<OutboxRow>): void {
    const texts = textsOf(rows);
    for (const send of this.sends) if (texts.has(send.text)) send.isKept = true;
  }

  /** Somebody sends it again, or takes it away. */
  mend(text: string): void {
    for (const send of this.sends) if (send.text === text) send.isMended = true;
  }

  /** What is refused in the end is not lost. */
  excuse(rows: Iterable<OutboxRow>): void {
    const texts = new Set([...rows].flatMap(({ command, refused }) => (command.event === "say" && refused !== undefined ? [command.text] : [])));
    for (const send of this.sends) if (texts.has(send.text)) send.isRefused = true;
  }

  /** The log goes back from `now` to `then`: what was answered between is lost, and it is not the core's fault. */
  forgive(now: readonly LogEntry[], then: readonly LogEntry[], rows: Iterable<OutboxRow>): void {
    const [stored, kept, unsent] = [messagesOf(now), messagesOf(then), textsOf(rows)];
    for (const send of this.sends) {
      if (!stored.has(send.text) || kept.has(send.text)) continue;
      send.isForgiven = true;
      send.isUnsent = unsent.has(send.text);
    }
  }

  /** Looks at all that a view shows, from now on. */
  watch(name: string, view: RoomView): () => void {
    return effect(() => {
      const rows = view.rows.value;
      const keys = rows.map(({ key }) => key);
      if (new Set(keys).size !== keys.length) this.faults.push(`${name} shows a key twice: ${keys.join(" ")}`);
      const seqs = rows.flatMap((row) => (row.kind === "message" ? [row.seq] : row.kind === "hole" ? [row.from, row.to] : []));
      const sorted = seqs.every((seq, index) => index === 0 || (seqs[index - 1] ?? 0) <= seq);
      if (!sorted) this.faults.push(`${name} shows ${seqs.join(" ")}`);
      const messages = rows.flatMap((row) => (row.kind === "message" && !row.deleted ? [row.text] : []));
      const pending = rows.flatMap((row) => (row.kind === "pending" ? [row.text] : []));
      const all = [...messages, ...pending].filter((text) => text !== "");
      if (new Set(all).size !== all.length) this.faults.push(`${name} shows a text twice: ${all.join(" ")}`);
      for (const text of all) this.judgePlace(name, view.room, text);
    });
  }

  /** What must hold of the log in the end. */
  judgeLog(room: RoomId): void {
    const log = this.#world.server.state.rooms.get(room)?.messages ?? [];
    const original = new Map<string, number>();
    for (const entry of this.#world.server.state.log) {
      if (entry.event === "message" && entry.room === room) {
        const text = String(entry.payload["text"]);
        original.set(text, (original.get(text) ?? 0) + 1);
        this.judgePlace("the log", room, text);
      }
    }
    expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
    const last = new Map<string, number>();
    const places = new Map([...original.keys()].map((text, index) => [text, index]));
    for (const { sender, room: at, text, isKept, result, isForgiven, isUnsent, isRefused, isMended } of this.sends) {
      if (at !== room) continue;
      const times = original.get(text) ?? 0;
      if (times > 1) this.faults.push(`${text} stands ${times} times in the log`);
      if (result?.ok === false && times > 0 && !isMended) this.faults.push(`${text} was refused (${result.code}) and is in the log`);
      const isDue = !isMended && (result === null ? isKept && !isRefused : result.ok);
      // An answer may have been on its way from the store when the log went back.
      const mayBeGone = isForgiven && (!isUnsent || result?.ok === true);
      if (isDue && times === 0 && !mayBeGone) this.faults.push(`${text} of ${sender} is lost (${JSON.stringify(result)})`);
      const place = places.get(text);
      if (place === undefined || isMended) continue;
      if (place < (last.get(sender) ?? -1)) this.faults.push(`${text} of ${sender} stands out of order`);
      last.set(sender, place);
    }
  }

  /** What a view must show in the end: the log, whole and once. */
  async judgeView(name: string, chat: ChatClient, room: RoomId): Promise<void> {
    const view = chat.open(room);
    const shown = new Map<number, string>();
    await this.#world.does(view.latest());
    for (let page = 0; page < 60; page += 1) {
      for (let hole = rowsOf(view, "hole").at(-1); hole !== undefined; hole = rowsOf(view, "hole").at(-1)) {
        await this.#world.does(view.fill(hole));
        const next = rowsOf(view, "hole").at(-1);
        if (next?.to === hole.to && next.from === hole.from) throw new Error(`${name} cannot fill ${hole.from}..${hole.to}`);
      }
      for (const row of rowsOf(view, "message")) {
        shown.set(row.seq, describe(row.from.user, row.text, row.edited, row.deleted));
      }
      if (view.first.value) break;
      await this.#world.does(view.older());
    }
    const log = this.#world.server.state.rooms.get(room)?.messages ?? [];
    const wanted = log.map(({ seq, user, text, edited, deleted }) => [seq, describe(user, text, edited === true, deleted === true)]);
    expect([...shown].sort((a, b) => a[0] - b[0]), `${name} in room ${room}`).toEqual(wanted);
    expect(rowsOf(view, "pending"), `${name} has nothing left to send`).toEqual([]);
    const user = chat.me.value.user;
    const { read } = view;
    const unread = log.filter((message) => message.seq > read.value && message.user !== user && message.deleted !== true).length;
    const summary = chat.rooms.value.find((other) => other.room === room);
    expect(summary?.unread, `${name}'s unread count of room ${room}`).toBe(Math.min(unread, 100));
    view.close();
  }

  verdict(): void {
    expect(this.faults).toEqual([]);
  }
}

const messagesOf = (log: readonly LogEntry[]): ReadonlySet<string> =>
  new Set(log.flatMap(({ event, payload }) => (event === "message" ? [String(payload["text"])] : [])));

const textsOf = (rows: Iterable<OutboxRow>): ReadonlySet<string> =>
  new Set([...rows].flatMap(({ command, refused, withdrawn }) => (command.event === "say" && refused === undefined && withdrawn === undefined ? [command.text] : [])));

// A deleted message has lost its text and whether it was edited.
const describe = (user: string | undefined, text: string, edited: boolean, deleted: boolean): string =>
  deleted ? `${user} deleted` : `${user} ${text}${edited ? " (edited)" : ""}`;
