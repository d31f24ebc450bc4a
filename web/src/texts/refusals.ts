// Says in words why the server refused something.

import { type PlainKey, text } from "./texts.ts";

export const REFUSALS: Readonly<Record<string, PlainKey>> = {
  conflict: "refusedConflict",
  too_large: "refusedTooLarge",
  empty: "refusedEmpty",
  not_found: "refusedNotFound",
  forbidden: "refusedForbidden",
  name_taken: "refusedNameTaken",
  name_invalid: "refusedNameInvalid",
  name_reserved: "refusedNameReserved",
  name_required: "refusedNameRequired",
  topic_invalid: "refusedTopicInvalid",
  limit: "refusedLimit",
  quota: "refusedQuota",
  damaged: "refusedDamaged",
  busy: "refusedBusy",
  bad_code: "refusedBadCode",
  bad_link: "refusedBadLink",
  offline: "refusedOffline",
  not_kept: "refusedNotKept",
  full: "refusedFull",
};

export function refusal(code: string): string {
  const key = REFUSALS[code];
  return key === undefined ? text("refusedOther", { code }) : text(key);
}
