// The page as the conversation sees it.

import type { Connection, Conversation, View } from "../core/conversation.ts";
import type { Draft } from "../core/outbox.ts";
import type { Line } from "../core/transcript.ts";
import { Composer } from "./composer.ts";
import { element } from "./elements.ts";
import { Messages } from "./messages.ts";

export class Page implements View {
  readonly #status = element("status", HTMLParagraphElement);
  readonly #messages: Messages;

  constructor(conversation: () => Conversation) {
    const composer = new Composer((text) => {
      const added = conversation().say(text);
      if (added.kind === "kept") this.#messages.follow();
      return added;
    });
    this.#messages = new Messages({
      edit: (draft) => {
        composer.edit(draft.text);
        conversation().discard(draft.key);
      },
      discard: (draft) => conversation().discard(draft.key),
    });
  }

  showLine(line: Line): void {
    this.#messages.show(line);
  }

  clearLines(): void {
    this.#messages.clear();
  }

  showOutbox(drafts: readonly Draft[]): void {
    this.#messages.showOutbox(drafts);
  }

  showConnection(connection: Connection, waiting: number): void {
    const text = statusText(connection, waiting);
    // The status is read aloud when it changes, and only then.
    if (this.#status.textContent !== text) this.#status.textContent = text;
    this.#status.dataset["connection"] = connection;
    if (connection === "online") this.#messages.noteOnline();
  }
}

function statusText(connection: Connection, waiting: number): string {
  switch (connection) {
    case "online":
      return "";
    case "connecting":
      return waiting === 0 ? "Connecting …" : `Connecting … ${waitingText(waiting)}`;
    case "offline":
      return waiting === 0 ? "Offline. Reconnecting …" : `Offline. ${waitingText(waiting)}`;
  }
}

function waitingText(waiting: number): string {
  return waiting === 1 ? "1 message is waiting." : `${waiting} messages are waiting.`;
}
