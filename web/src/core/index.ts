// The core for bots, tests and stress runs. The page uses `browser/page-chat.ts`.

export { createChat, type ChatOptions } from "./chat.ts";
export type * from "./facade.ts";
export { redeem, type Redeemed } from "./redeem.ts";
export type { Note, Notepad, OnHide, OnWake, SetTimer, Transport, TransportEvents } from "./ports.ts";
export { Connector } from "./connector.ts";
export { PACE, type PaceBounds } from "./pace.ts";
export { socketDial } from "./socket-line.ts";
export { MemoryDisk, MemoryStore } from "./store-memory.ts";
export type { Store } from "./store.ts";
export { NoTabs, TabHub, type Tabs } from "./tabs.ts";
