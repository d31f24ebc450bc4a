// The chat of a page: the core with what a browser has to offer.
//
// Where nothing can be kept (private windows of some browsers), it works until the page is closed.

import { createChat, type ChatOptions } from "../chat.ts";
import type { ChatClient } from "../facade.ts";
import type { OnWake } from "../ports.ts";
import { MemoryStore } from "../store-memory.ts";
import type { Store } from "../store.ts";
import { IndexedDbStore } from "./store-idb.ts";
import { NoTabs } from "../tabs.ts";
import { webTabs } from "./web-tabs.ts";

export type PageChatOptions = Omit<ChatOptions, "store" | "tabs" | "onWake"> & { readonly name?: string };

export async function openPageChat({ name = "tidings", ...options }: PageChatOptions = {}): Promise<ChatClient> {
  const store = await openStore(name);
  // Tabs that do not share a store have nothing to share.
  const tabs = store instanceof MemoryStore ? new NoTabs() : webTabs(name);
  return createChat({ ...options, store, tabs, onWake });
}

async function openStore(name: string): Promise<Store> {
  try {
    return await IndexedDbStore.open(name);
  } catch {
    return new MemoryStore();
  }
}

/** The network is back, or somebody looks at the page again. */
export const onWake: OnWake = (woken) => {
  const seen = (): void => {
    if (document.visibilityState === "visible") woken();
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
