// Removes a person from this device, with everything stored for them here. Their account stays on its server.
//
// A person with an open page is never removed, and neither is the person of this page: both pages would go on writing
// into a deleted store.

import { laterDrafts, recovered } from "./drafts.ts";
import type { Identities } from "./identities.ts";
import type { Note } from "./ports.ts";
import type { OutboxState } from "./store.ts";

export interface ForgetPorts {
  /** Does the work while no page can begin to use the store; false, and nothing is done, if one has it open. */
  readonly alone: (store: string, work: () => Promise<void>) => Promise<boolean>;
  /** Deletes a store, and what pages have jotted down for it. */
  readonly erase: (store: string) => Promise<void>;
}

/** False if a page is open as that person: nothing has changed then. */
export async function forget(identities: Identities, { alone, erase }: ForgetPorts, store: string): Promise<boolean> {
  const { table, own } = identities;
  if (store === own) return false;
  return alone(store, async () => {
    // Otherwise the next page would be that of somebody new.
    if ((await table.chosen()) === store) await identities.choose(own);
    await erase(store);
    // Last: as long as anything may be left, they can be forgotten once more.
    await table.forget(store);
  });
}

/** How many messages and drafts would never be sent. */
export function unsentIn({ outbox }: { readonly outbox: OutboxState }, notes: readonly Note[]): number {
  const noted = [...laterDrafts(outbox.drafts, recovered(outbox.drafts, notes))];
  const typed = [...new Map([...outbox.drafts, ...noted]).values()].filter(({ text }) => text !== null && text.trim() !== "");
  return typed.length + outbox.rows.filter(({ withdrawn }) => withdrawn !== true).length;
}
