// The page without a server: the real core talks to the model server in the page itself, and simulated people write.
//
// Only for work on the page; nothing of it is in the product.

import { createChat } from "../src/core/chat.ts";
import type { ChatClient } from "../src/core/facade.ts";
import { MemoryStore } from "../src/core/store-memory.ts";
import { FAIR_WEATHER, ModelServer } from "../tests/core/model-server.ts";

const LOBBY = 1;
const LINES = ["Good morning!", "Has anybody seen the *new* build?", "`cargo test` is green here.", "Nice. Coffee?", "In five minutes."];

export interface ModelChat {
  readonly chat: ChatClient;
  readonly server: ModelServer;
  readonly others: readonly ChatClient[];
  /** Cuts the network, or brings it back. */
  readonly setNetwork: (isUp: boolean) => void;
}

export async function openModelChat({ talkEveryMs = 15_000 }: { readonly talkEveryMs?: number } = {}): Promise<ModelChat> {
  const setTimer = (milliseconds: number, due: () => void) => {
    const timer = setTimeout(due, milliseconds);
    return () => clearTimeout(timer);
  };
  const weather = { ...FAIR_WEATHER, delay: () => 20 + Math.random() * 60 };
  const server = new ModelServer({ now: Date.now, setTimer, random: Math.random, weather });
  const open = () => createChat({ store: new MemoryStore(), transport: () => server.transport() });
  const chat = await open();
  const others: ChatClient[] = [];
  for (const name of ["ada", "bob", "cleo"]) {
    const other = await open();
    await other.setName(name);
    others.push(other);
  }
  const [ada, bob] = others;
  if (ada !== undefined && bob !== undefined) {
    const garden = await ada.create("public", "garden", "What grows");
    if (garden.ok) for (let i = 1; i <= 300; i += 1) void ada.say(garden.room, `Day ${i}: it grows.`);
  }
  for (const [i, line] of LINES.entries()) await others[i % others.length]?.say(LOBBY, line);
  const talk = (i: number): void => {
    const other = others[i % others.length];
    other?.typing(LOBBY);
    setTimer(1_500, () => void other?.say(LOBBY, LINES[i % LINES.length] ?? ""));
    setTimer(talkEveryMs, () => talk(i + 1));
  };
  if (talkEveryMs > 0) talk(0);
  return { chat, server, others, setNetwork: (isUp) => (isUp ? server.start() : server.kill()) };
}
