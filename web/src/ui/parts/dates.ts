// Dates and times in the reader's language and time zone.

import { locale, text } from "../../texts/texts.ts";

interface Formats {
  readonly time: Intl.DateTimeFormat;
  readonly day: Intl.DateTimeFormat;
  readonly dayOfYear: Intl.DateTimeFormat;
  readonly full: Intl.DateTimeFormat;
}

let formats: Formats | undefined;
let formatsOf = "";

// Making a format costs far more than using it, and there is one time per row.
function current(): Formats {
  const tag = locale();
  if (formats === undefined || formatsOf !== tag) {
    formatsOf = tag;
    formats = {
      time: new Intl.DateTimeFormat(tag, { timeStyle: "short" }),
      day: new Intl.DateTimeFormat(tag, { weekday: "long", day: "numeric", month: "long" }),
      dayOfYear: new Intl.DateTimeFormat(tag, { day: "numeric", month: "long", year: "numeric" }),
      full: new Intl.DateTimeFormat(tag, { dateStyle: "full", timeStyle: "short" }),
    };
  }
  return formats;
}

/** The zone of this device is another one: formats keep the one that they were made in. */
export function renewFormats(): void {
  formats = undefined;
}

export function zoneName(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

export function timeOfDay(at: number): string {
  return current().time.format(at);
}

/** The same without the half of the day, for where there is no room for it. */
export function shortTime(at: number): string {
  const parts = current().time.formatToParts(at).filter(({ type }) => type !== "dayPeriod");
  return parts.map(({ value }) => value).join("").trim();
}

export function fullTime(at: number): string {
  return current().full.format(at);
}

/** Names the local day of a moment; equal for two moments of one day. */
export function dayKey(at: number): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

/** "Today", "Yesterday", or the date, with the year where it is not this one. */
export function dayName(at: number, now: number): string {
  const key = dayKey(at);
  const today = new Date(now);
  if (key === dayKey(now)) return text("today");
  const yesterday = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1, 12);
  if (key === dayKey(yesterday.getTime())) return text("yesterday");
  const sameYear = new Date(at).getFullYear() === today.getFullYear();
  return (sameYear ? current().day : current().dayOfYear).format(at);
}
