// Whether a person of this device has never done anything: no name, and nothing said, typed or joined.

import { type ForgetPorts, unsentIn } from "./forget.ts";
import type { Identities } from "./identities.ts";
import type { Note } from "./ports.ts";
import { HOUSE } from "./rooms.ts";
import type { Snapshot } from "./store.ts";

/** The first room of every server: everybody is in it. */
const LOBBY = 1;

export function isUnused(snapshot: Snapshot, notes: readonly Note[]): boolean {
  const { session, outbox, rooms } = snapshot;
  if (session !== null && (session.name !== null || session.owner)) return false;
  // Every command had a row of its own.
  if ((outbox.device?.lastRow ?? 0) > 0 || unsentIn(snapshot, notes) > 0) return false;
  return rooms.every(({ room, joined }) => !joined || room === LOBBY || room === HOUSE);
}

export interface LeavePorts extends ForgetPorts {
  readonly load: (store: string) => Promise<Snapshot>;
  /** What pages have jotted down for a store. */
  readonly notes: (store: string) => readonly Note[];
}

/** For a page that closes: removes people who never did anything, so that nobody has to choose between them. */
export async function forgetUnused({ own, table }: Identities, { alone, erase, load, notes }: LeavePorts): Promise<void> {
  // The next page is theirs again.
  if ((await table.chosen()) === own) return;
  await alone(own, async () => {
    if (!isUnused(await load(own), notes(own))) return;
    await erase(own);
    await table.forget(own);
  });
}
