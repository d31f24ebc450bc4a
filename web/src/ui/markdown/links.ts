// Decides what may become a link: absolute addresses of the web and of mail, nothing else.

import { isOwnCode } from "./own-code.ts";

const ALLOWED = new Set(["http:", "https:", "mailto:"]);
const ADDRESS = /(?:https?:\/\/|mailto:)[^\s<>"`\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+/iy;
const TRAILING = /[.,;:!?'*_~)\]}]$/;
const PAIRS: Readonly<Record<string, string>> = { ")": "(", "]": "[", "}": "{" };

/** The address in its normal form, or nothing where it must stay text. */
export function safeAddress(written: string): string | undefined {
  // The parser of addresses drops control characters, so "java\nscript:" has to be refused before it.
  if (!/^(?:https?:\/\/|mailto:)/i.test(written) || /[\s\u0000-\u001f\u007f]/.test(written)) return undefined;
  try {
    const address = new URL(written);
    return ALLOWED.has(address.protocol) && !isOwnCode(address) ? address.href : undefined;
  } catch {
    return undefined;
  }
}

/** The address that starts exactly at `start`, without the punctuation of the sentence around it. */
export function addressAt(text: string, start: number): string | undefined {
  ADDRESS.lastIndex = start;
  let found = ADDRESS.exec(text)?.[0];
  while (found !== undefined && TRAILING.test(found) && !closesPair(found)) found = found.slice(0, -1);
  if (found === undefined || !/[:/][^:/]/.test(found)) return undefined;
  return safeAddress(found) === undefined ? undefined : found;
}

function closesPair(found: string): boolean {
  const last = found.slice(-1);
  const opener = PAIRS[last];
  return opener !== undefined && count(found, opener) >= count(found, last);
}

function count(text: string, character: string): number {
  return text.split(character).length - 1;
}
