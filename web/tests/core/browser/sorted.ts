// What a store holds, in an order that does not depend on the kind of store. Each kind has its own way to number leaders.

import type { Snapshot } from "../../../src/core/store.ts";

export const sorted = ({ leader: _, ...snapshot }: Snapshot): unknown => ({
  ...snapshot,
  rooms: [...snapshot.rooms].sort((a, b) => a.room - b.room),
  lost: [...snapshot.lost].sort((a, b) => a.room - b.room),
  messages: [...snapshot.messages].sort((a, b) => a.room - b.room || a.seq - b.seq),
  notices: [...snapshot.notices].sort((a, b) => a.room - b.room || a.rev - b.rev),
  people: [...snapshot.people].sort((a, b) => (a.user < b.user ? -1 : 1)),
  outbox: { ...snapshot.outbox, drafts: [...snapshot.outbox.drafts].sort((a, b) => (a[0] < b[0] ? -1 : 1)) },
});
