// What it takes to follow a one-time link in a browser.

import { Connector } from "../connector.ts";
import type { LinkPorts } from "../follow-link.ts";
import type { SetTimer } from "../ports.ts";
import { redeem } from "../redeem.ts";
import type { Snapshot } from "../store.ts";
import { socketDial } from "../socket-line.ts";
import { IndexedDbStore } from "./store-idb.ts";

const setTimer: SetTimer = (milliseconds, due) => {
  const timer = setTimeout(due, milliseconds);
  return () => clearTimeout(timer);
};

export const linkPorts: LinkPorts = {
  redeem: (code) => redeem(code, new Connector(socketDial({ setTimer }), { now: Date.now, setTimer, random: Math.random, isWatched: () => true }), setTimer),
  bind: async (name, session) => {
    const store = await IndexedDbStore.open(name);
    await store.bind(session);
    store.close();
  },
};

export async function loadStore(name: string): Promise<Snapshot> {
  const store = await IndexedDbStore.open(name);
  try {
    return await store.load();
  } finally {
    store.close();
  }
}
