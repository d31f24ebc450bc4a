// What people type in one browser, and what has to be found of it: the drafts' half of the history checker.

import { expect } from "vitest";
import { placeName } from "../../src/core/drafts.ts";
import type { ChatClient, DraftPlace } from "../../src/core/facade.ts";
import type { MemoryDisk } from "../../src/core/store-memory.ts";

/** Those who type at the same instant may come in any order. */
const INSTANT_MS = 5;

interface Typed {
  readonly tab: string;
  readonly text: string | null;
  readonly at: number;
}

export class Desk {
  readonly faults: string[] = [];
  readonly #name: string;
  readonly #disk: MemoryDisk;
  readonly #now: () => number;
  /** After so long at the latest it is kept: the pause of the drafts, and a slow disk. */
  readonly #patience: number;
  readonly #last = new Map<string, { readonly place: DraftPlace; readonly typed: Typed; readonly isSure: boolean }>();

  constructor(name: string, disk: MemoryDisk, now: () => number, patience: number) {
    this.#name = name;
    this.#disk = disk;
    this.#now = now;
    this.#patience = patience;
  }

  type(tab: string, chat: ChatClient, place: DraftPlace, text: string): void {
    chat.setDraft(place, text);
    if (chat.draft(place) !== text) this.faults.push(`${tab} does not show ${text}`);
    this.#note(tab, place, text);
  }

  /** Whether the tab has typed something elsewhere that is not kept yet. */
  isTyping(tab: string, place: DraftPlace): boolean {
    return [...this.#last].some(([name, { typed, place: { room } }]) => typed.tab === tab && typed.text !== null && room !== place.room && this.#kept(name) !== typed.text);
  }

  /** What stood there was sent. */
  sent(tab: string, place: DraftPlace): void {
    this.#note(tab, place, null);
  }

  /** It could not be sent: it is a draft again, before what was typed since. */
  returned(tab: string, chat: ChatClient, place: DraftPlace, text: string): void {
    const shown = chat.draft(place);
    if (!`\n${shown}\n`.includes(`\n${text}\n`)) this.faults.push(`${tab} could not send ${text} of ${placeName(place)}, and shows ${shown} there`);
    const last = this.#last.get(placeName(place));
    if (last !== undefined) this.#last.set(placeName(place), { ...last, isSure: false });
  }

  #note(tab: string, place: DraftPlace, text: string | null): void {
    const before = this.#last.get(placeName(place))?.typed;
    const isSure = before === undefined || before.tab === tab || this.#now() - before.at > INSTANT_MS;
    this.#last.set(placeName(place), { place, typed: { tab, text, at: this.#now() }, isSure });
  }

  /** The tab has slept: what was typed before gets its moment now. */
  woke(tab: string): void {
    for (const [name, { place, typed, isSure }] of this.#last) {
      if (typed.tab === tab) this.#last.set(name, { place, typed: { ...typed, at: this.#now() }, isSure });
    }
  }

  /** The tab is gone, without a warning: all but its last moment is kept. */
  crashed(tab: string, lastAwake: number): void {
    for (const [name, { place, typed, isSure }] of this.#last) {
      if (typed.tab !== tab || this.#kept(name) === typed.text) continue;
      const age = lastAwake - typed.at;
      if (isSure && age > this.#patience) this.faults.push(`${this.#name} typed ${typed.text} ${age} ms ago in ${name}, but kept ${this.#kept(name)}`);
      this.#last.set(name, { place, typed, isSure: false });
    }
  }

  #kept(name: string): string | null {
    return this.#disk.drafts.get(name)?.text ?? null;
  }

  /** Nothing stands in two places. */
  judgeDisk(logged: ReadonlySet<string>): void {
    const sent = new Set([...this.#disk.rows.values()].flatMap(({ command }) => ("text" in command ? [command.text] : [])));
    for (const [name, { text }] of this.#disk.drafts) {
      if (text !== null && (sent.has(text) || logged.has(text))) this.faults.push(`${this.#name} has sent ${text}, and it is the draft of ${name}`);
    }
  }

  /** When nobody has typed for a while, each tab shows the text that has the place, or its own, which is put aside. */
  judge(tabs: readonly ChatClient[]): void {
    for (const [name, { place, typed, isSure }] of this.#last) {
      const asides = [...this.#disk.drafts.values()].filter((draft) => draft.aside !== undefined && placeName({ ...place, aside: draft.aside }) === placeName(draft));
      const kept = [this.#kept(name), ...asides.map(({ text }) => text)];
      for (const chat of tabs) expect(kept, `${this.#name}'s draft of ${name}`).toContain(chat.draft(place));
      if (isSure) expect(this.#kept(name), `${this.#name}'s draft of ${name}`).toBe(typed.text);
    }
    expect(this.faults).toEqual([]);
  }
}
