// The list of messages, the outbox below it, and the scrolling of both.
//
// Follows the newest message while the reader is at the end, and leaves the reader alone otherwise.

import type { Draft } from "../core/outbox.ts";
import type { Line } from "../core/transcript.ts";
import { element } from "./elements.ts";

const END_SLACK_PX = 80;

export interface OutboxActions {
  edit(draft: Draft): void;
  discard(draft: Draft): void;
}

export class Messages {
  readonly #scroller = element("scroller", HTMLElement);
  readonly #list = element("messages", HTMLOListElement);
  readonly #outbox = element("outbox", HTMLOListElement);
  readonly #empty = element("empty", HTMLParagraphElement);
  readonly #newest = element("newest", HTMLButtonElement);
  readonly #actions: OutboxActions;
  #following = true;
  #scrollAsked = false;

  constructor(actions: OutboxActions) {
    this.#actions = actions;
    this.#scroller.addEventListener("scroll", () => this.#noteScroll(), { passive: true });
    this.#newest.addEventListener("click", () => this.follow());
    window.addEventListener("resize", () => this.#askScroll());
  }

  show(line: Line): void {
    const row = document.createElement("li");
    row.className = "message";
    row.dir = "auto";
    row.dataset["offset"] = String(line.offset);
    row.textContent = line.text;
    this.#list.append(row);
    this.#empty.hidden = true;
    if (this.#following) this.#askScroll();
    else this.#newest.hidden = false;
  }

  clear(): void {
    this.#list.replaceChildren();
  }

  showOutbox(drafts: readonly Draft[]): void {
    this.#outbox.replaceChildren(...drafts.map((draft) => this.#outboxRow(draft)));
    if (this.#following) this.#askScroll();
  }

  /** Shown only once it is known that there is nothing: an empty list while connecting says nothing. */
  noteOnline(): void {
    this.#empty.hidden = this.#list.childElementCount > 0 || this.#outbox.childElementCount > 0;
  }

  follow(): void {
    this.#following = true;
    this.#newest.hidden = true;
    this.#askScroll();
  }

  #outboxRow(draft: Draft): HTMLLIElement {
    const row = document.createElement("li");
    row.className = draft.code === undefined ? "message waiting" : "message refused";
    const text = document.createElement("span");
    text.dir = "auto";
    text.textContent = draft.text;
    row.append(text);
    if (draft.code === undefined) return row;
    const reason = document.createElement("small");
    reason.textContent = `Not accepted: ${draft.code}`;
    row.append(reason, button("Edit", () => this.#actions.edit(draft)));
    row.append(button("Discard", () => this.#actions.discard(draft)));
    return row;
  }

  #noteScroll(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    this.#following = scrollHeight - scrollTop - clientHeight < END_SLACK_PX;
    if (this.#following) this.#newest.hidden = true;
  }

  // Reading the height lays the page out, which a long history would otherwise pay for with every line.
  #askScroll(): void {
    if (this.#scrollAsked) return;
    this.#scrollAsked = true;
    requestAnimationFrame(() => {
      this.#scrollAsked = false;
      if (this.#following) this.#scroller.scrollTop = this.#scroller.scrollHeight;
    });
  }
}

function button(label: string, clicked: () => void): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.addEventListener("click", clicked);
  return made;
}
