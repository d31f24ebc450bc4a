// What a welcome says of the person and of each room, against what is known here. Pure.

import { described } from "./effects.ts";
import type { Change, RoomRecord, SessionRecord } from "./store.ts";
import type * as wire from "./wire.ts";

const CLOCK_TOLERANCE_MS = 60_000;

/** Whether the server speaks to somebody else than the store belongs to. */
export function isForeign(session: SessionRecord, { user, server }: wire.Welcome): boolean {
  return session.user !== user.user || (session.server ?? server) !== (server ?? session.server);
}

/** The person as the store keeps them from now on. */
export function sessionOf(welcome: wire.Welcome, before: SessionRecord | null): SessionRecord {
  const { user, name = null } = welcome.user;
  const server = welcome.server ?? before?.server;
  const token = welcome.token ?? before?.token ?? "";
  const { owner, untrusted, pass, sign_in: signIn } = welcome;
  const own = { ...(pass === undefined ? {} : { pass }), ...(signIn === undefined ? {} : { signIn }) };
  const told = { ...(server === undefined ? {} : { server }), ...own, ...(untrusted === undefined ? {} : { untrusted }) };
  return { user, name, owner, token, ...told };
}

/** A clock that is only a little wrong, or a slow network, changes nothing. */
export function aheadOf({ at }: wire.Welcome, now: number): Pick<SessionRecord, "ahead"> {
  return at === undefined || Math.abs(at - now) < CLOCK_TOLERANCE_MS ? {} : { ahead: at - now };
}

/** `resumed`: the stream goes on from where it was. */
export function compared(known: RoomRecord | null, room: wire.Room, resumed: boolean): readonly Change[] {
  const { away: _, ...record } = { ...described(known, room), joined: true };
  const forget: Change = { kind: "forget messages", room: room.room, from: 0, to: Number.MAX_SAFE_INTEGER };
  if (known?.joined === true && known.applied !== null && (resumed || known.applied === room.rev)) {
    if ((known.toldOf ?? 0) <= known.applied) return [{ kind: "room", room: record }];
    // A page of the history that was ahead of the stream may have come from a log that was set back since.
    const { toldOf: __, ...rest } = record;
    return [forget, { kind: "room", room: { ...rest, held: [] } }];
  }
  // The stream begins somewhere up to this revision, and what it repeats of it is known then.
  const { trail: __, toldOf: ___, ...rest } = record;
  return [forget, { kind: "room", room: { ...rest, held: [], applied: room.rev, appliedSeq: room.seq } }];
}
