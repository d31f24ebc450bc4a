// The rare states of the storms of people and tabs: the run of all fixed seeds fails if it misses one of them.

import { Sometimes } from "./sometimes.ts";

export const sometimes = new Sometimes([
  // Who leads the tabs.
  "a leader was replaced by another tab",
  "a tab took over while a commit was under way",
  "a commit of a deposed leader was refused",
  "a change of the outbox by a deposed leader was refused",
  "a number for a leader was not wanted any more",
  "a tab heard a leader without a number",
  "a tab heard a leader without a number after a later one",
  // The store.
  "a commit was rejected",
  "a commit was rejected twice in a row",
  "a commit was kept, and its tab was told that it was not",
  "a commit was cut off by the end of its tab",
  "a commit took what an earlier one could not keep",
  "a change of the outbox was rejected",
  "a number for a leader was rejected",
  "a tab could not read the outbox",
  "a tab could not read the store",
  "all was forgotten",
  // The stream and the pages.
  "a gap was filled by `changes`",
  "a gap was given up",
  "a page of changes was cut by bytes",
  "a page of the history was cut by bytes",
  "a client was too far behind to resume",
  "a client was reset",
  "the log was set back",
  // The outbox.
  "a repeat was answered from the log",
  "a number was out of turn",
  "a command could not be stored for now",
  "the disk was full",
  "a number was skipped",
  "a message on its way was taken back",
  "the outbox moved to another device",
  "a text could not be kept, and was a draft again",
  "a message was refused",
  "a refused message was sent again",
  "a refused message was discarded",
  "a refused message was a draft again",
  // What is typed.
  "somebody typed in another room before a draft was kept",
  "a text was put aside",
  "a stray was offered",
  // The rooms.
  "somebody was removed from the den",
  "somebody left the den",
  "a room was lost",
  "a room with an unsent text was lost",
  "a room with a typed text was lost",
  "a lost room was joined again",
  // What tabs tell each other.
  "a page of the version before shared a browser",
  "a page that does not count has said something",
  "a page that does not count has taken a refused message away",
  "a difference of the outbox was applied",
  "a difference was known already",
  "a difference was made from a version that is not known",
  "a difference was made from a device that is not known",
  "a commit was told after a version that is not known",
  "a page of an earlier version has changed the outbox",
]);

export const { reach } = sometimes;
