// The chat of a page: the core with what a browser has to offer.
//
// Where nothing can be kept (private windows of some browsers), it works until the page is closed.

import { createChat, type ChatOptions } from "../chat.ts";
import type { ChatClient } from "../facade.ts";
import type { OnHide, OnWake } from "../ports.ts";
import { MemoryStore } from "../store-memory.ts";
import type { Store } from "../store.ts";
import { LocalNotepad } from "./notepad.ts";
import { IndexedDbStore } from "./store-idb.ts";
import { NoTabs } from "../tabs.ts";
import { webTabs } from "./web-tabs.ts";

type OfThePage = "store" | "tabs" | "onWake" | "onHide" | "isWatched" | "notepad";

export type PageChatOptions = Omit<ChatOptions, OfThePage> & { readonly name?: string };

export async function openPageChat({ name = "tidings", ...options }: PageChatOptions = {}): Promise<ChatClient> {
  const store = await openStore(name);
  // Tabs that do not share a store have nothing to share.
  const tabs = store instanceof MemoryStore ? new NoTabs() : webTabs(name);
  return createChat({ ...options, store, tabs, onWake, onHide, isWatched, notepad: new LocalNotepad(name) });
}

async function openStore(name: string): Promise<Store> {
  try {
    return await IndexedDbStore.open(name);
  } catch {
    return new MemoryStore();
  }
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
