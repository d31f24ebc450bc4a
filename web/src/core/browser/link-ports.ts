// What following a link and forgetting a person need from the browser.

import { Connector } from "../connector.ts";
import type { LinkPorts } from "../follow-link.ts";
import type { ForgetPorts } from "../forget.ts";
import type { Note, SetTimer } from "../ports.ts";
import { redeem } from "../redeem.ts";
import type { Snapshot } from "../store.ts";
import type { LeavePorts } from "../unused.ts";
import { socketDial } from "../socket-line.ts";
import { labelOf } from "./label.ts";
import { LocalNotepad } from "./notepad.ts";
import { IndexedDbStore } from "./store-idb.ts";
import { ASKED, leaderLock, useOf } from "./web-tabs.ts";

const setTimer: SetTimer = (milliseconds, due) => {
  const timer = setTimeout(due, milliseconds);
  return () => clearTimeout(timer);
};

export const linkPorts: LinkPorts = {
  redeem: (code) => redeem(code, new Connector(socketDial({ url: location.origin, setTimer }), { now: Date.now, setTimer, random: Math.random, isWatched: () => true }), setTimer, labelOf(navigator.userAgent)),
  bind: async (name, session) => {
    const store = await IndexedDbStore.open(name);
    await store.bind(session);
    store.close();
  },
  renew: async (name, session) => {
    const store = await IndexedDbStore.open(name);
    await store.renew(session);
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

export const notesFor = (store: string): readonly Note[] => new LocalNotepad(store).read();

const IN_USE_MS = 500;

/** Whether a page has the store open, where there are no locks. */
function isInUse(store: string): Promise<boolean> {
  const channel = useOf(store);
  return new Promise<boolean>((resolve) => {
    channel.onmessage = ({ data }) => data !== ASKED && resolve(true);
    setTimer(IN_USE_MS, () => resolve(false));
    channel.postMessage(ASKED);
  }).finally(() => channel.close());
}

export const forgetPorts: ForgetPorts = {
  // The lock of the leader: one of the pages of a store holds it, and a new one waits for it.
  alone: async (store, work) => {
    if (!("locks" in navigator)) {
      if (await isInUse(store)) return false;
      await work();
      return true;
    }
    return navigator.locks.request(leaderLock(store), { ifAvailable: true }, async (lock) => {
      if (lock === null) return false;
      await work();
      return true;
    });
  },
  erase: (store) => {
    const notepad = new LocalNotepad(store);
    notepad.read();
    notepad.clear();
    return new Promise((resolve, reject) => {
      const request = indexedDB.deleteDatabase(store);
      request.onsuccess = () => resolve();
      request.onerror = () => reject(request.error ?? new Error("not deleted"));
    });
  },
};

export const leavePorts: LeavePorts = { ...forgetPorts, load: loadStore, notes: notesFor };
