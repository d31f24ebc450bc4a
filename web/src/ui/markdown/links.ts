// Decides what may become a link: absolute web addresses and mail addresses, nothing else.
//
// Where an address ends in a sentence is a guess. Spaces, quotes and Chinese and Japanese punctuation always end it;
// other punctuation belongs to it only if more of the address follows.

import { isOwnCode } from "./own-code.ts";

const ALLOWED = new Set(["http:", "https:", "mailto:"]);
// Of the quotes, ’ alone may stand within an address: it is an apostrophe as well.
const RUN =
  /(?:https?:\/\/|mailto:)(?:[^\s<>"`\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\u3001-\u3003\u3008-\u3011\u3014-\u301f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\u201a\u201e\p{Pi}\p{Pf}]|\u2019)+/iuy;
const PUNCTUATION = /\p{P}/u;
const ENDS_ADDRESS = new Set("/-#%&@\\");
const CLOSES: ReadonlyMap<string, string> = new Map([
  [")", "("],
  ["]", "["],
  ["}", "{"],
]);

const ADDRESS_MAX = 2048;

/** The address in its normal form, or nothing where it must stay text. */
export function safeAddress(written: string): string | undefined {
  // The parser of addresses drops control characters, so "java\nscript:" has to be refused before it.
  if (written.length > ADDRESS_MAX || !/^(?:https?:\/\/|mailto:)/i.test(written) || /[\s\u0000-\u001f\u007f]/.test(written)) return undefined;
  try {
    const address = new URL(written);
    // A name before the host looks like the host: https://good.example@evil.example.
    const hasUser = address.username !== "" || address.password !== "";
    return ALLOWED.has(address.protocol) && !hasUser && !isOwnCode(address) ? address.href : undefined;
  } catch {
    return undefined;
  }
}

/** What looks like an address from `start` on; the next one begins behind it. */
export function addressRun(text: string, start: number): string | undefined {
  RUN.lastIndex = start;
  return RUN.exec(text)?.[0];
}

/** The address in a run, without the punctuation of the sentence around it. */
export function addressIn(run: string): { readonly written: string; readonly href: string } | undefined {
  const written = trimmed(run);
  if (!/[:/][^:/]/.test(written)) return undefined;
  const href = safeAddress(written);
  return href === undefined ? undefined : { written, href };
}

/** Counts the brackets once and walks back with the counts: a bracket that closes one of the address belongs to it. */
function trimmed(run: string): string {
  const counts = new Map<string, number>();
  for (const character of run) counts.set(character, (counts.get(character) ?? 0) + 1);
  const characters = [...run];
  while (characters.length > 0) {
    const last = characters.at(-1) ?? "";
    const opener = CLOSES.get(last);
    if (!isLoose(last) || (opener !== undefined && (counts.get(opener) ?? 0) >= (counts.get(last) ?? 0))) break;
    counts.set(last, (counts.get(last) ?? 0) - 1);
    characters.pop();
  }
  return characters.join("");
}

/** Punctuation that ends a sentence rather than an address. "~" is none by the book, but closes what is struck out. */
function isLoose(character: string): boolean {
  return character === "~" || (PUNCTUATION.test(character) && !ENDS_ADDRESS.has(character));
}
