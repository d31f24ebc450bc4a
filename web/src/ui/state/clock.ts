// The local day as a signal: "Today" becomes "Yesterday" at midnight also on a page that stays open.

import { type ReadonlySignal, signal } from "@preact/signals";
import { dayKey } from "../parts/dates.ts";

const LOOK_MS = 30_000;

const moment = signal(Date.now());
setInterval(look, LOOK_MS);
document.addEventListener("visibilitychange", look);

function look(): void {
  // Only another day is a change: nothing is rendered twice a minute.
  if (dayKey(Date.now()) !== dayKey(moment.peek())) moment.value = Date.now();
}

/** Some moment of today. */
export const today: ReadonlySignal<number> = moment;
