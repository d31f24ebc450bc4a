// Goal: a link that is followed adds its person and chooses them, or changes nothing and says why.

import "fake-indexeddb/auto";
import { describe, expect, test } from "vitest";
import { IdentityDatabase } from "../../../src/core/browser/identities-idb.ts";
import { followLink } from "../../../src/core/follow-link.ts";
import { Identities } from "../../../src/core/identities.ts";
import type { Redeemed } from "../../../src/core/redeem.ts";
import type { SessionRecord } from "../../../src/core/store.ts";

const ADA = { user: "aa", name: "ada", server: "s" };
const EVE = { user: "ee", name: "eve", owner: false, token: "secret", server: "s" };

let devices = 0;

/** A device of ada, and what became of a link that was followed there. */
async function device() {
  const own = `followed ${(devices += 1)}`;
  const table = await IdentityDatabase.open(own);
  const identities = new Identities(table, own, () => `${own} new`);
  await identities.know(ADA);
  const bound: [string, SessionRecord][] = [];
  const renewed: [string, SessionRecord][] = [];
  const renew = (store: string, session: SessionRecord): Promise<void> => Promise.resolve(void renewed.push([store, session]));
  let redeemed = 0;
  const follow = (answer: Redeemed, person: { readonly user: string; readonly server?: string } | null, bind = (store: string, session: SessionRecord): Promise<void> => Promise.resolve(void bound.push([store, session]))) =>
    followLink(identities, { redeem: () => Promise.resolve((redeemed += 1)).then(() => answer), bind, renew }, "7K2Q", person);
  return { own, table, identities, bound, renewed, follow, redeemed: () => redeemed };
}

describe("a link", () => {
  test("adds its person with a new store, and chooses them", async () => {
    const { own, table, identities, bound, follow } = await device();
    expect(await follow({ ok: true, session: EVE }, { user: "ee", server: "s" })).toEqual({ ok: true });
    expect(bound).toEqual([[`${own} new`, EVE]]);
    expect([await table.chosen(), await identities.others()]).toStrictEqual([`${own} new`, [{ store: `${own} new`, user: "ee", name: "eve", server: "s" }]]);
    expect((await table.all()).map(({ name }) => name)).toEqual(["ada", "eve"]);
  });

  test("of a server without a name adds somebody of such a server", async () => {
    const { own, identities, follow } = await device();
    const { server: _, ...session } = EVE;
    await follow({ ok: true, session }, { user: "ee" });
    expect(await identities.others()).toStrictEqual([{ store: `${own} new`, user: "ee", name: "eve" }]);
  });

  test.each([{ user: "aa", server: "s" }])("of somebody who is there already is not used up", async (person) => {
    const { own, table, bound, follow, redeemed } = await device();
    expect(await follow({ ok: true, session: EVE }, person)).toEqual({ ok: true });
    expect([redeemed(), bound, await table.chosen(), (await table.all()).length]).toEqual([0, [], own, 1]);
  });

  test.each([{ user: "aa", server: "another" }, { user: "ee", server: "s" }, { user: "aa" }])("of another person, or of one of another server, is used up", async (person) => {
    const { follow, redeemed, bound, renewed } = await device();
    await follow({ ok: true, session: { ...EVE, ...person } }, person);
    expect([redeemed(), bound.length + renewed.length]).toEqual([1, 1]);
  });

  test("of which nobody knows whose it is gives the person of this device another sign-in, and anybody else a store", async () => {
    const { own, table, bound, renewed, follow } = await device();
    const session = { ...EVE, user: "aa", name: "ada" };
    expect(await follow({ ok: true, session }, null)).toEqual({ ok: true });
    expect([bound, renewed, await table.chosen()]).toEqual([[], [[own, session]], own]);
    expect(await follow({ ok: true, session: EVE }, null)).toEqual({ ok: true });
    expect([bound, renewed.length, await table.chosen()]).toEqual([[[`${own} new`, EVE]], 1, `${own} new`]);
  });

  test("that leads nowhere says why, and changes nothing", async () => {
    const { own, table, bound, follow } = await device();
    expect(await follow({ ok: false, code: "bad_link" }, { user: "ee", server: "s" })).toEqual({ ok: false, code: "bad_link" });
    expect([bound, await table.chosen(), (await table.all()).length]).toEqual([[], own, 1]);
  });

  test("of somebody for whom nothing can be kept says so, and nobody else is chosen", async () => {
    const { own, table, follow } = await device();
    const bind = () => Promise.reject(new Error("of the disk"));
    expect(await follow({ ok: true, session: EVE }, { user: "ee", server: "s" }, bind)).toEqual({ ok: false, code: "not_kept" });
    expect([await table.chosen(), (await table.all()).length]).toEqual([own, 1]);
  });
});

describe("the people of a device", () => {
  test("are known as soon as a server has said who they are, and not before", async () => {
    const own = `followed ${(devices += 1)}`;
    const table = await IdentityDatabase.open(own);
    const identities = new Identities(table, own, () => "");
    expect(identities.self).toEqual({ store: own, user: null, name: null });
    await identities.know({ user: null, name: null });
    expect(await table.all()).toEqual([]);
    await identities.know({ user: "aa", name: null });
    await identities.know(ADA);
    expect([await table.all(), identities.self, await identities.others()]).toEqual([[{ store: own, ...ADA }], { store: own, ...ADA }, []]);
  });

  test("are left for one that is new, who is on the list from then on", async () => {
    const { own, table, identities } = await device();
    expect(await table.chosen()).toBe(own);
    await identities.begin();
    expect([await table.chosen(), await identities.others()]).toEqual([`${own} new`, [{ store: `${own} new`, user: null, name: null }]]);
    await table.forget(`${own} new`);
    expect(await identities.others()).toEqual([]);
    await identities.choose(own);
    expect([await table.chosen(), (await table.all()).map(({ name }) => name)]).toEqual([own, ["ada"]]);
  });
});
