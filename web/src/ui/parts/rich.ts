// Puts nodes into the slots of a text: "{who} joined" with a name that is isolated from the surrounding text direction.

import { type ComponentChild, h } from "preact";
import { type PlainKey, pieces } from "../../texts/texts.ts";

export function rich(key: PlainKey, slots: Readonly<Record<string, ComponentChild>>): ComponentChild[] {
  return pieces(key).map((piece, index) => (index % 2 === 0 ? piece : slots[piece]));
}

/** The same for the ear: the eye sees only what stands in the slots. */
export function spoken(key: PlainKey, slots: Readonly<Record<string, ComponentChild>>): ComponentChild[] {
  return pieces(key).map((piece, index) => (index % 2 === 0 ? piece !== "" && h("span", { class: "unseen" }, piece) : slots[piece]));
}
