// Uses up a one-time link, and tells which person it belongs to.
//
// It has a connection of its own, for one welcome. It touches no store: the caller decides which store to use. If it
// fails, nothing on this device has changed.

import type { SetTimer, Transport } from "./ports.ts";
import type { SessionRecord } from "./store.ts";
import { readWelcome } from "./wire.ts";

const DEADLINE_MS = 15_000;

export type Redeemed = { readonly ok: true; readonly session: SessionRecord } | { readonly ok: false; readonly code: string };

/** `label` is what the list of devices will call this one. */
export function redeem(code: string, transport: Transport, setTimer: SetTimer, label = ""): Promise<Redeemed> {
  return new Promise((resolve) => {
    const finish = (redeemed: Redeemed): void => {
      cancel();
      transport.close();
      resolve(redeemed);
    };
    const cancel = setTimer(DEADLINE_MS, () => finish({ ok: false, code: "offline" }));
    transport.open(
      {
        connected: () => undefined,
        disconnected: () => undefined,
        moved: () => undefined,
        refused: (why) => finish({ ok: false, code: why === "unavailable" || why === "refused" ? "offline" : why }),
        event: (name, payload) => {
          const welcome = name === "welcome" ? readWelcome(payload) : null;
          if (welcome?.token === undefined) return;
          const { user, owner, token, server, sign_in: signIn } = welcome;
          const session = { user: user.user, name: user.name ?? null, owner, token, ...(signIn === undefined ? {} : { signIn }) };
          finish({ ok: true, session: server === undefined ? session : { ...session, server } });
        },
      },
      () => Promise.resolve({ v: 1, link: code, ...(label === "" ? {} : { label }) }),
    );
  });
}
