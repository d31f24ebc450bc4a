// Whether a person of this device was never anybody: no name, and nothing said, typed or joined.

import { HOUSE } from "./effects.ts";
import type { Identities } from "./identities.ts";
import type { Snapshot } from "./store.ts";

/** The first room of every server: everybody is in it. */
const LOBBY = 1;

export function isUnused({ session, outbox, rooms }: Snapshot): boolean {
  const { drafts, rows, device } = outbox;
  if (session !== null && (session.name !== null || session.owner)) return false;
  // Every command had a row of its own.
  if (rows.length > 0 || (device?.lastRow ?? 0) > 0) return false;
  const isTyped = [...drafts.values()].some(({ text }) => text !== null);
  return !isTyped && rooms.every(({ room, joined }) => !joined || room === LOBBY || room === HOUSE);
}

/** For a page that is left: whoever comes next need not choose between people who never were. */
export async function forgetUnused({ own, table }: Identities, load: (store: string) => Promise<Snapshot>): Promise<void> {
  if (isUnused(await load(own))) await table.forget(own);
}
