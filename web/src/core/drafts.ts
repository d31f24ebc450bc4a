// What somebody typed and has not sent: a message for a room, or a change of a message. The store owns it, not a view.
//
//   key ──► own (this tab, shown at once) ──► store ──► read by the other tabs
//                     └── page goes away ──► notepad ──► merged into the store at the next start
//
// Each change is a version. `at` orders the versions, and its fraction is the tab. `after` and `from` name the versions
// of other tabs that it was made from; `from` also has those of the version that it replaced. The rule: a tab shows
// what was typed in it until somebody continues from that very text, for example sends it from another tab. Everywhere
// else the latest version counts. A text that somebody replaced without having seen it is put aside and offered with
// the strays. So tabs may disagree, and nothing typed is lost.
//
// Sending moves a text from its draft to the outbox in one transaction, so it is always in exactly one of them. A
// removed draft leaves a version without a text, so that no older one returns. Later versions name the versions that
// were sent. A tab that sends one of those once more sends nothing.

import { type Signal, signal } from "@preact/signals-core";
import type { DraftPlace, Result } from "./facade.ts";
import type { Model } from "./model.ts";
import { withdrawn } from "./numbering.ts";
import type { Outbox } from "./outbox.ts";
import type { Note, Notepad, World } from "./ports.ts";
import type { DraftRecord, OutboxChange, OutboxState } from "./store.ts";
import type { Command } from "./wire.ts";

/** The most that a crash of the page takes away. */
const PAUSE_MS = 300;
const AGAIN_MS = 5_000;
/** Of so many tabs a version says what it has seen. */
const ORIGINS_MAX = 16;
/** Of so many versions it is known that they were sent. */
const SENT_MAX = 32;
const EMPTY_KEPT_MS = 7 * 24 * 3_600_000;

/** Names the place of a draft. */
export const placeName = ({ room, seq, aside }: DraftPlace): string => `${room}${seq === undefined ? "" : `/${seq}`}${aside === undefined ? "" : ` ${aside}`}`;

interface Own {
  readonly draft: DraftRecord;
  readonly isKept: boolean;
}

export class Drafts {
  readonly #model: Model;
  readonly #outbox: Outbox;
  readonly #world: World;
  readonly #notepad: Notepad | null;
  /** What the versions of this tab have behind the point: those of two tabs are never equal. */
  readonly share: number;
  /** The last version of each place that was made in this tab. */
  readonly #own = new Map<string, Own>();
  /** Sent, and not yet in the outbox; `at` is the version that removes it from the drafts. */
  readonly #leaving = new Map<string, { readonly text: string; readonly at: number }[]>();
  readonly #shown: Signal<ReadonlyMap<string, string>> = signal(new Map());
  /** The last version of this tab. */
  #made = 0;
  #returning: Promise<unknown> | null = null;
  #keptAt = -Infinity;
  #cancelKeep: (() => void) | null = null;

  constructor(model: Model, outbox: Outbox, world: World, notepad: Notepad | null) {
    this.#model = model;
    this.#outbox = outbox;
    this.#world = world;
    this.#notepad = notepad;
    this.share = parseInt(world.randomId().slice(0, 3), 16) / 0x1000;
  }

  /** Brings into the store what a page could only jot down before it went away. */
  async begin(): Promise<void> {
    const notes = this.#notepad?.read() ?? [];
    if (notes.length === 0) return;
    try {
      await this.#outbox.change({ drafts: notes }, ({ drafts }) => ({ drafts: recovered(drafts, notes), result: undefined }));
      this.#notepad?.clear();
    } catch {
      // They stay where they are, for the next start.
    }
  }

  /** Null when nothing is typed there. Tells a computed signal that reads it of every change. */
  text(place: DraftPlace): string | null {
    return this.#shown.value.get(placeName(place)) ?? null;
  }

  set(place: DraftPlace, text: string | null): void {
    const wanted = text === "" && place.seq === undefined ? null : text;
    if ((this.#shown.peek().get(placeName(place)) ?? null) === wanted) return;
    this.#write(place, wanted);
    const pause = Math.max(0, this.#keptAt + PAUSE_MS - this.#world.now());
    this.#cancelKeep ??= this.#world.setTimer(pause, () => void this.keep());
  }

  /** Keeps what is not kept yet. */
  async keep(): Promise<void> {
    this.#cancelKeep?.();
    this.#cancelKeep = null;
    this.#keptAt = this.#world.now();
    await this.#returning;
    const drafts = [...this.#unkept()].filter((draft) => !this.#isLeaving(draft));
    if (drafts.length === 0) return;
    try {
      await this.#outbox.change({ drafts }, () => ({ drafts, result: undefined }), "relaxed");
for (const draft of drafts) this.#setKept(draft);
    } catch {
      this.#cancelKeep ??= this.#world.setTimer(AGAIN_MS, () => void this.keep());
    }
  }

  /** The page may be gone in a moment. */
  async hide(): Promise<void> {
    const notes = [...this.#unkept()].map((draft): Note => ({ ...draft, leaving: this.#leaving.get(placeName(draft)) ?? [] }));
    this.#notepad?.write(notes);
    if (notes.length === 0) return;
    await this.keep();
    if ([...this.#unkept()].length === 0) this.#notepad?.write([]);
  }

  /** Sends what was typed there. What cannot be kept in the outbox stays a draft. */
  async send(place: DraftPlace, text: string): Promise<Result> {
    const name = placeName(place);
    const seen = this.#current(name);
    const written = this.#write(place, null);
    const removal = withSent(written, seen === null ? [written.at] : [seen.at, written.at]);
    const leaving = { text, at: removal.at, isNamed: true };
    this.#leaving.set(name, [...(this.#leaving.get(name) ?? []), leaving]);
    // From another tab, which could not say so: who sends the very same version again means that one.
    const isSent = ({ drafts }: OutboxState): boolean => seen?.text === text && isSentIn(drafts.get(name), seen.at);
    const row = await this.#outbox.put(commandOf(place, text), [removal], isSent);
    const others = (this.#leaving.get(name) ?? []).filter((other) => other !== leaving);
    if (others.length > 0) this.#leaving.set(name, others);
    else this.#leaving.delete(name);
    if (row === "sent" || typeof row !== "string") {
      this.#setKept(written);
      return row === "sent" ? { ok: true, room: place.room } : this.#outbox.answerTo(row);
    }
    this.set(place, joined(text, this.#shown.peek().get(name)));
    return { ok: false, code: row };
  }

  /** Makes a draft of a refused command again. */
  async takeBack(n: number): Promise<DraftPlace | null> {
    const taking = this.#taken(n);
    // Nothing may be kept over it before it is known here.
    const before = this.#returning;
    this.#returning = taking.then(
      () => before,
      () => before,
    );
    return taking;
  }

  async #taken(n: number): Promise<DraftPlace | null> {
    const taken = await this.#outbox.change({ rows: [n], drafts: "all" }, (state) => {
      const { result: command, ...change } = withdrawn(state, n);
      const place = command === null ? null : placeOf(command);
      if (command === null || place === null || !("text" in command)) return { ...change, result: null };
      const name = placeName(place);
      const seen = shownOf(this.#own.get(name)?.draft ?? null, state.drafts.get(name) ?? null);
      const draft: DraftRecord = { ...place, text: joined(command.text, seen?.text ?? undefined), at: this.#later(this.#latest(name, state)), ...originsOf(seen) };
      return { ...change, drafts: [draft], result: { place, text: command.text, at: draft.at } };
    });
    if (taken === null) return null;
    const { place, text, at } = taken;
    const own = this.#own.get(placeName(place))?.draft;
    // Typed or sent since.
    if (own !== undefined && own.at > at) this.set(place, joined(text, own.text ?? undefined));
    return place;
  }

  /** Compares what was typed here with what the store has now. */
  refresh(): void {
    const shown = new Map<string, string>();
    for (const name of new Set([...this.#model.drafts.keys(), ...this.#own.keys()])) {
      const text = this.#current(name)?.text ?? null;
      if (text !== null) shown.set(name, text);
    }
    const before = this.#shown.peek();
    const isSame = shown.size === before.size && [...shown].every(([name, text]) => before.get(name) === text);
    if (!isSame) this.#shown.value = shown;
  }

  /** Forgets versions without a text that no tab can be older than. */
  async tidy(): Promise<void> {
    const limit = this.#world.now() - EMPTY_KEPT_MS;
    const isOld = ({ text, at }: DraftRecord): boolean => text === null && at < limit;
    if (![...this.#model.drafts.values()].some(isOld)) return;
    const forget = ({ drafts }: OutboxState): OutboxChange<void> => ({
      dropDrafts: [...drafts].flatMap(([name, draft]) => (isOld(draft) ? [name] : [])),
      result: undefined,
    });
    await this.#outbox.change({ drafts: "all" }, forget, "relaxed").catch(() => undefined);
  }

  stop(): void {
    this.#cancelKeep?.();
  }

  /** The version that is shown. */
  #current(name: string): DraftRecord | null {
    const own = this.#own.get(name)?.draft ?? null;
    const shown = shownOf(own, this.#model.drafts.get(name) ?? null);
    if (shown !== own) this.#own.delete(name);
    return shown;
  }

  #write({ room, seq, aside }: DraftPlace, text: string | null): DraftRecord {
    const place: DraftPlace = { room, ...(seq === undefined ? {} : { seq }), ...(aside === undefined ? {} : { aside }) };
    const name = placeName(place);
    const seen = this.#current(name);
    const draft: DraftRecord = { ...place, text, at: this.#later(this.#latest(name, this.#model)), ...originsOf(seen) };
    this.#own.set(name, { draft, isKept: false });
    const shown = new Map(this.#shown.peek());
    if (text === null) shown.delete(name);
    else shown.set(name, text);
    this.#shown.value = shown;
    return draft;
  }

  #later(latest: DraftRecord | null): number {
    this.#made = Math.floor(Math.max(this.#world.now(), (latest?.at ?? 0) + 1, this.#made + 1)) + this.share;
    return this.#made;
  }

  #latest(name: string, { drafts }: Pick<OutboxState, "drafts">): DraftRecord | null {
    const own = this.#own.get(name)?.draft ?? null;
    const kept = drafts.get(name) ?? null;
    return (own?.at ?? 0) > (kept?.at ?? 0) ? own : kept;
  }

  *#unkept(): Iterable<DraftRecord> {
    for (const { draft, isKept } of this.#own.values()) if (!isKept) yield draft;
  }

  #isLeaving(draft: DraftRecord): boolean {
    return this.#leaving.get(placeName(draft))?.some(({ at }) => at === draft.at) === true;
  }

  #setKept(draft: DraftRecord): void {
    const own = this.#own.get(placeName(draft));
    if (own?.draft === draft) this.#own.set(placeName(draft), { ...own, isKept: true });
  }
}

const isTyped = ({ text }: DraftRecord): boolean => text !== null && text.trim() !== "";

/** Whether what is kept of a place says that a version was sent. */
const isSentIn = (kept: DraftRecord | undefined, version: number): boolean => kept?.sent?.includes(version) === true;

/** Of a version that was made here and one that is kept: the latest, unless its writer has not seen what was typed here. */
function shownOf(own: DraftRecord | null, kept: DraftRecord | null): DraftRecord | null {
  if (own === null || kept === null) return own ?? kept;
  return kept.at <= own.at || (isTyped(own) && !follows(kept, own)) ? own : kept;
}

const tabOf = ({ at }: DraftRecord): number => at % 1;

/** Whether who wrote the one had seen the other. */
function follows({ after, from = [] }: DraftRecord, { at }: DraftRecord): boolean {
  return [after, ...from].some((origin) => origin % 1 === at % 1 && origin >= at);
}

/** Of a version that is made from this one. */
function originsOf(draft: DraftRecord | null): Pick<DraftRecord, "after" | "from" | "sent"> {
  if (draft === null) return { after: 0 };
  const { at, after, from = [], sent } = draft;
  return { after: at, from: latestOf([...from, after, at]), ...(sent === undefined ? {} : { sent }) };
}

/** A version that also knows that these were sent. */
function withSent(draft: DraftRecord, versions: readonly number[]): DraftRecord {
  const unknown = versions.filter((version) => !isSentIn(draft, version));
  if (unknown.length === 0) return draft;
  return { ...draft, sent: [...(draft.sent ?? []), ...unknown].toSorted((a, b) => a - b).slice(-SENT_MAX) };
}

/** Of each tab the latest. */
function latestOf(versions: readonly number[]): readonly number[] {
  const latest = new Map(versions.toSorted((a, b) => a - b).map((version) => [version % 1, version]));
  return [...latest.values()].slice(-ORIGINS_MAX);
}

/**
 * What has to be written for the drafts of a change: of each place the latest version, if it is later than the known one; and
 * what was typed in another tab and would go with that unseen.
 */
export function laterDrafts(known: ReadonlyMap<string, DraftRecord>, drafts: readonly DraftRecord[]): ReadonlyMap<string, DraftRecord> {
  const later = new Map<string, DraftRecord>();
  const latest = (place: DraftPlace): DraftRecord | undefined => later.get(placeName(place)) ?? known.get(placeName(place));
  const put = (draft: DraftRecord): void => {
    if ((latest(draft)?.at ?? 0) < draft.at) later.set(placeName(draft), draft);
  };
  for (const draft of drafts) {
    const other = latest(draft);
    put(draft);
    if (draft.aside !== undefined) continue;
    const [old, young] = other !== undefined && draft.at <= other.at ? [draft, other] : [other, draft];
    if (old !== undefined && isTyped(old) && old.text !== young.text && tabOf(old) !== tabOf(young) && !follows(young, old)) put({ ...old, aside: tabOf(old) });
    // What the replaced one was made from is done with, though its writer may have seen nothing of that.
    let kept = young;
    if (old?.from !== undefined && young === draft) kept = { ...kept, from: latestOf([...old.from, ...(kept.from ?? [])]) };
    // What was sent stays named, whichever of the two is later.
    kept = withSent(kept, old?.sent ?? []);
    if (kept !== young) later.set(placeName(draft), kept);
    // What was put aside of this tab before is in this version, which may be put aside itself: that has to be later.
    const aside = latest({ ...draft, aside: tabOf(draft) });
    if (aside !== undefined && aside.text !== null && aside.at < draft.at) put({ ...aside, text: null, at: draft.at - 0.5 });
  }
  return later;
}

/** The notes that the store may not have. */
export function recovered(drafts: ReadonlyMap<string, DraftRecord>, notes: readonly Note[]): readonly DraftRecord[] {
  const latest = new Map(drafts);
  const found: DraftRecord[] = [];
  for (const { leaving, ...note } of notes.toSorted((a, b) => a.at - b.at)) {
    const name = placeName(note);
    const known = latest.get(name);
    const seen = known?.at ?? 0;
    // It was sent, but the outbox does not have it: the version that goes with it is not there.
    const isThere = ({ at, isNamed }: Note["leaving"][number]): boolean => at <= seen && (isNamed !== true || isSentIn(known, at));
    const unsent = leaving.filter((left) => !isThere(left)).map(({ text }) => text);
    const isOther = known !== undefined && tabOf(known) !== tabOf(note);
    if (unsent.length === 0 && note.at <= seen) {
      if (isOther) found.push(note);
      continue;
    }
    const typed = note.at > seen ? note.text : (known?.text ?? null);
    const text = [...unsent, ...(typed === null || (typed === "" && unsent.length > 0) ? [] : [typed])].join("\n");
    const draft = { ...note, text: unsent.length === 0 ? typed : text, at: Math.max(note.at, Math.floor(seen) + tabOf(note)) + unsent.length, after: isOther && note.at > seen ? note.after : seen };
    latest.set(name, draft);
    found.push(draft);
  }
  return found;
}

function commandOf({ room, seq }: DraftPlace, text: string): Command {
  return seq === undefined ? { event: "say", room, text } : { event: "edit", room, seq, text };
}

/** Where the text of a command was typed. */
export function placeOf(command: Command): DraftPlace | null {
  if (command.event === "say") return { room: command.room };
  return command.event === "edit" ? { room: command.room, seq: command.seq } : null;
}

/** A text that comes back stands before what was typed since. */
function joined(text: string, typed: string | undefined): string {
  return typed === undefined || typed.trim() === "" ? text : `${text}\n${typed}`;
}
