// The core, for whoever is not the page: bots, tests, torture runs. The page uses `browser/page-chat.ts`.

export { createChat, type ChatOptions } from "./chat.ts";
export type * from "./facade.ts";
export type { Note, Notepad, OnHide, OnWake, SetTimer, Transport, TransportEvents } from "./ports.ts";
export { SocketTransport } from "./socket-transport.ts";
export { MemoryDisk, MemoryStore } from "./store-memory.ts";
export type { Store } from "./store.ts";
export { NoTabs, TabHub, type Tabs } from "./tabs.ts";
