// The types of all texts, made from the English ones: every language must have them all.

import type { enDialogs } from "./en-dialogs.ts";
import type { en } from "./en.ts";

export type PluralText = Readonly<Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }>;
type English = typeof en & typeof enDialogs;
export type TextKey = keyof English;
export type CountedKey = { [K in TextKey]: English[K] extends string ? never : K }[TextKey];
export type PlainKey = Exclude<TextKey, CountedKey>;
export type Texts = { readonly [K in TextKey]: K extends CountedKey ? PluralText : string };
