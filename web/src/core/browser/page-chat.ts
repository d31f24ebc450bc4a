// The chat of a page: the core in a browser, as the person who was chosen on this device.
//
// Where nothing can be stored (private windows of some browsers), it works until the page is closed.

import { createChat } from "../chat.ts";
import type { ChatClient } from "../facade.ts";
import { Identities } from "../identities.ts";
import type { OnHide, OnWake } from "../ports.ts";
import { randomHex } from "../random.ts";
import { NoTabs } from "../tabs.ts";
import { IdentityDatabase } from "./identities-idb.ts";
import { labelOf } from "./label.ts";
import { LocalNotepad } from "./notepad.ts";
import type { Store } from "../store.ts";
import { IndexedDbStore } from "./store-idb.ts";
import { webTabs } from "./web-tabs.ts";

const NAME = "tidings";

export interface PageChat {
  readonly chat: ChatClient;
  /** Null where nothing can be kept. */
  readonly identities: Identities | null;
}

export async function openPageChat(): Promise<PageChat> {
  const kept = await openKept();
  const page = { url: location.origin, onWake, onHide, isWatched, label: labelOf(navigator.userAgent) };
  // Tabs that do not share a store have nothing to share.
  if (kept === null) return { chat: await createChat({ ...page, store: await forgetfulStore(), tabs: new NoTabs(), notepad: new LocalNotepad(NAME) }), identities: null };
  const { table, own, store } = kept;
  const chat = await createChat({ ...page, store, tabs: webTabs(own), notepad: new LocalNotepad(own) });
  const identities = new Identities(table, own, () => `${NAME} ${randomHex(crypto)}`);
  // What is not kept now is kept with the next change.
  chat.me.subscribe(({ owner: _, ...self }) => void identities.know(self).catch(() => undefined));
  return { chat, identities };
}

async function openKept() {
  try {
    const table = await IdentityDatabase.open(NAME);
    const own = await table.chosen();
    return { table, own, store: await IndexedDbStore.open(own) };
  } catch {
    return null;
  }
}

/** Fetched only where it is needed. */
async function forgetfulStore(): Promise<Store> {
  const { MemoryStore } = await import("../store-memory.ts");
  return new MemoryStore();
}

const isWatched = (): boolean => document.visibilityState === "visible";

/** The network is back, or somebody looks at the page again. */
export const onWake: OnWake = (woken) => {
  const seen = (): void => {
    if (isWatched()) woken();
  };
  window.addEventListener("online", woken);
  window.addEventListener("focus", woken);
  document.addEventListener("visibilitychange", seen);
  return () => {
    window.removeEventListener("online", woken);
    window.removeEventListener("focus", woken);
    document.removeEventListener("visibilitychange", seen);
  };
};

/** The page is left, closed or put away: on phones it may never be seen again, and nothing tells of that. */
export const onHide: OnHide = (hidden) => {
  const unseen = (): void => {
    if (document.visibilityState === "hidden") hidden();
  };
  window.addEventListener("pagehide", hidden);
  document.addEventListener("visibilitychange", unseen);
  return () => {
    window.removeEventListener("pagehide", hidden);
    document.removeEventListener("visibilitychange", unseen);
  };
};
