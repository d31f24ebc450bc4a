// Puts nodes into the slots of a text: "{who} joined" with a name that is isolated from the direction around it.

import type { ComponentChild } from "preact";
import { type PlainKey, pieces } from "../../texts/texts.ts";

export function rich(key: PlainKey, slots: Readonly<Record<string, ComponentChild>>): ComponentChild[] {
  return pieces(key).map((piece, index) => (index % 2 === 0 ? piece : slots[piece]));
}
