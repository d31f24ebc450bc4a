// What a conversation asks of a connection.
//
// A link reconnects by itself until it is replaced. It never sends anything of its own accord again: what was sent
// and not answered is the conversation's business.

export type Answer = { readonly kind: "stored" } | { readonly kind: "refused"; readonly code: string };

export interface LinkEvents {
  connected(): void;
  disconnected(): void;
  message(text: string, offset: number): void;
}

export interface Credentials {
  readonly serverOffset: number;
  readonly lineage: string;
}

export interface Link {
  /** The credentials are asked for anew at every connect. */
  open(events: LinkEvents, credentials: () => Credentials): void;
  /** Only while connected. The answer may never come. */
  send(text: string, key: string, answered: (answer: Answer) => void): void;
  /** Gives up a transport that does not answer, and connects anew. */
  interrupt(): void;
  /** Forgets all that was agreed with the server, its recovery state included, and connects anew. */
  restart(): void;
}
