// Follows a one-time link: adds its person to the device, and keeps everybody who is there already.

import type { Result, UserId } from "./facade.ts";
import type { Identities } from "./identities.ts";
import type { Redeemed } from "./redeem.ts";
import type { SessionRecord } from "./store.ts";

export interface LinkPorts {
  readonly redeem: (code: string) => Promise<Redeemed>;
  /** Makes a new store somebody's. */
  readonly bind: (store: string, session: SessionRecord) => Promise<void>;
}

/** `person` is whose link it is. Where nothing comes of it, nothing has changed; else they are chosen. */
export async function followLink(
  identities: Identities,
  { redeem, bind }: LinkPorts,
  code: string,
  person: { readonly user: UserId; readonly server?: string },
): Promise<Result<object>> {
  const { table } = identities;
  const known = (await table.all()).find(({ user, server }) => user === person.user && server === person.server);
  if (known !== undefined) {
    await identities.choose(known.store);
    return { ok: true };
  }
  const redeemed = await redeem(code);
  if (!redeemed.ok) return redeemed;
  const { user, name, server } = redeemed.session;
  const store = identities.newStore();
  try {
    await bind(store, redeemed.session);
    await table.put({ store, user, name, ...(server === undefined ? {} : { server }) });
    await identities.choose(store);
  } catch {
    return { ok: false, code: "not_kept" };
  }
  return { ok: true };
}
