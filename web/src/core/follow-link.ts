// Follows a one-time link: adds its person to the device, and keeps everybody who is there already. Somebody who was signed out
// here gets a new sign-in in the store that they have, so what waits there is sent.

import type { Result, UserId } from "./facade.ts";
import type { Identities } from "./identities.ts";
import type { Redeemed } from "./redeem.ts";
import type { SessionRecord } from "./store.ts";

export interface LinkPorts {
  readonly redeem: (code: string) => Promise<Redeemed>;
  /** Makes a new store somebody's. */
  readonly bind: (store: string, session: SessionRecord) => Promise<void>;
  /** Gives the store of the same person another sign-in. */
  readonly renew: (store: string, session: SessionRecord) => Promise<void>;
}

/** `person` is whose link it is, if that is known. Where nothing comes of it, nothing has changed; else they are chosen. */
export async function followLink(
  identities: Identities,
  { redeem, bind, renew }: LinkPorts,
  code: string,
  person: { readonly user: UserId; readonly server?: string } | null,
): Promise<Result<object>> {
  const { table } = identities;
  const storeOf = async (who: { readonly user: UserId; readonly server?: string }) =>
    (await table.all()).find(({ user, server }) => user === who.user && server === who.server);
  const known = person === null ? undefined : await storeOf(person);
  if (known !== undefined) {
    await identities.choose(known.store);
    return { ok: true };
  }
  const redeemed = await redeem(code);
  if (!redeemed.ok) return redeemed;
  const { user, name, server } = redeemed.session;
  const again = await storeOf(redeemed.session);
  const store = again?.store ?? identities.newStore();
  try {
    await (again === undefined ? bind : renew)(store, redeemed.session);
    await table.put({ store, user, name, ...(server === undefined ? {} : { server }) });
    await identities.choose(store);
  } catch {
    return { ok: false, code: "not_kept" };
  }
  return { ok: true };
}
