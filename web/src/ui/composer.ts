// Where the user writes. Enter sends, Shift+Enter starts a new line.
//
// The text stays in place unless the outbox has taken it.

import type { Added } from "../core/outbox.ts";
import { element } from "./elements.ts";

const HINTS: Record<Added["kind"], string> = {
  kept: "",
  empty: "",
  "too-long": "This message is too long: 16 KiB are the limit.",
  full: "Too many messages are waiting. Please try again when some of them are sent.",
  "not-kept": "This browser has no room to keep the message until it is sent.",
};

export class Composer {
  readonly #form = element("composer", HTMLFormElement);
  readonly #text = element("text", HTMLTextAreaElement);
  readonly #hint = element("hint", HTMLParagraphElement);
  readonly #say: (text: string) => Added;

  constructor(say: (text: string) => Added) {
    this.#say = say;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#text.addEventListener("keydown", (event) => {
      // While an input method composes, Enter belongs to it.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    });
    this.#text.focus();
  }

  /** Puts a refused text back, before whatever has been written meanwhile. */
  edit(text: string): void {
    this.#text.value = this.#text.value === "" ? text : `${text}\n${this.#text.value}`;
    this.#text.focus();
  }

  #submit(): void {
    const added = this.#say(this.#text.value);
    this.#hint.textContent = HINTS[added.kind];
    if (added.kind === "kept") this.#text.value = "";
    this.#text.focus();
  }
}
