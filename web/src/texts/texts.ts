// Looks up texts in the reader's language and fills their slots.
//
// The language is chosen once, before anything is rendered; to change it, the page reloads. English is part of the
// first script, the others are fetched when they are chosen. A text never becomes markup: slots hold strings here, and
// nodes in `rich`.

import { en } from "./en.ts";
import type { CountedKey, PlainKey, Texts } from "./shape.ts";

export type { CountedKey, PlainKey, PluralText, TextKey, Texts } from "./shape.ts";
export type Slots = Readonly<Record<string, string | number>>;

interface Language {
  readonly name: string;
  /** English comes in two parts. */
  readonly load: () => Promise<Partial<Texts>>;
}

/** What one can choose from; the name stands in the language itself. */
export const LANGUAGES: Readonly<Record<string, Language>> = {
  en: { name: "English", load: () => Promise.resolve(en) },
  de: { name: "Deutsch", load: async () => (await import("./de.ts")).de },
  ar: { name: "العربية", load: async () => (await import("./ar.ts")).ar },
};

const RIGHT_TO_LEFT = new Set(["ar", "fa", "he", "ur"]);

let later: Partial<Texts> = {};
let texts = withLater(en);
let tag = "en";
let rules = rulesOf(tag);

/** The tag for `Intl`: the reader's own variant where the language is theirs. */
export function locale(): string {
  return tag;
}

export function direction(): "ltr" | "rtl" {
  return RIGHT_TO_LEFT.has(tag.slice(0, 2)) ? "rtl" : "ltr";
}

/** Takes the first of the wanted languages that there is; English otherwise. */
export async function chooseLanguage(wanted: readonly string[]): Promise<void> {
  const known = (candidate: string) => LANGUAGES[candidate.slice(0, 2).toLowerCase()] !== undefined;
  const chosen = wanted.find(known) ?? "en";
  const language = LANGUAGES[chosen.slice(0, 2).toLowerCase()];
  if (language === undefined) return;
  // Without a network and a cached copy English is better than nothing.
  const loaded = await language.load().catch(() => undefined);
  texts = withLater(loaded ?? en);
  tag = loaded === undefined ? "en" : supported(chosen);
  rules = rulesOf(tag);
}

function rulesOf(language: string) {
  return {
    numbers: new Intl.NumberFormat(language),
    plurals: new Intl.PluralRules(language),
    lists: new Intl.ListFormat(language, { type: "conjunction" }),
    collator: new Intl.Collator(language, { numeric: true }),
  };
}

function supported(candidate: string): string {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf(candidate)[0] ?? "en";
  } catch {
    return "en";
  }
}

/** English texts that came with the dialogs. A language that was fetched has them already. */
export function addTexts(added: Partial<Texts>): void {
  later = added;
  texts = withLater(texts);
}

/** Nothing but a dialog asks for one of theirs. */
function withLater(known: Partial<Texts>): Texts {
  return { ...later, ...known } as Texts;
}

export function text(key: PlainKey, slots: Slots = {}): string {
  return fill(texts[key], slots);
}

/** A text that depends on a number, which stands in its slot `{count}`. */
export function counted(key: CountedKey, count: number, slots: Slots = {}): string {
  const forms = texts[key];
  return fill(forms[rules.plurals.select(count)] ?? forms.other, { ...slots, count });
}

export function number(value: number): string {
  return rules.numbers.format(value);
}

/** The names of a few, in the manner of the language: "ada, bob and cleo". */
export function list(names: readonly string[]): string {
  return rules.lists.format(names);
}

/** The order of names in the language. */
export function compareNames(one: string, other: string): number {
  return rules.collator.compare(one, other);
}

function fill(template: string, slots: Slots): string {
  return template.replace(/\{(\w+)\}/g, (slot, name: string) => {
    const value = slots[name];
    if (value === undefined) return slot;
    return typeof value === "number" ? number(value) : value;
  });
}

/** The pieces of a text around its slots; an odd index holds the name of a slot. */
export function pieces(key: PlainKey): readonly string[] {
  return texts[key].split(/\{(\w+)\}/);
}
