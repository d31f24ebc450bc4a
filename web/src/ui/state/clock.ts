// The local day and time zone as signals. "Today" becomes "Yesterday" at midnight even on an open page, and travellers
// see the times of where they are.

import { type ReadonlySignal, effect, signal } from "@preact/signals";
import { dayKey, renewFormats, zoneName } from "../parts/dates.ts";

const LOOK_MS = 30_000;

let ahead = 0;
const moment = signal(Date.now());
const place = signal(zoneName());
setInterval(look, LOOK_MS);
document.addEventListener("visibilitychange", look);

function look(): void {
  const now = Date.now() + ahead;
  const there = zoneName();
  const hasMoved = there !== place.peek();
  if (hasMoved) renewFormats();
  // Only another day is a change: nothing is rendered twice a minute.
  if (hasMoved || dayKey(now) !== dayKey(moment.peek())) moment.value = now;
  place.value = there;
}

/** From now on the day is that of the server: the clock of this device may be wrong. */
export function followClock(aheadOfDevice: ReadonlySignal<number>): void {
  effect(() => {
    ahead = aheadOfDevice.value;
    look();
  });
}

/** Some moment of today. */
export const today: ReadonlySignal<number> = moment;

/** The zone that times are shown in. */
export const zone: ReadonlySignal<string> = place;
