// The requests of the model server: they read, and change nothing.

import type { ModelServer, ModelSession } from "./model-server.ts";
import { entryView, isMember, messageOf, personOf, readableFrom, roomOf, type RoomState } from "./model-state.ts";

type Fields = Record<string, unknown>;

const UNREAD_MAX = 100;

/** When each link of the model ends. */
export const LINK_EXPIRES = 1_900_000;

export function answerRequest(server: ModelServer, session: ModelSession, name: string, payload: Fields): Fields {
  const { state } = server;
  const room = state.rooms.get(Number(payload["room"]));
  switch (name) {
    case "history":
      return history(server, session, payload);
    case "changes":
      return changes(server, session, payload);
    case "rooms": {
      const all = [...state.rooms.values()].filter(({ kind, room: id }) => kind === "public" && id > Number(payload["after"] ?? 0));
      return { ok: true, rooms: all.slice(0, Number(payload["limit"] ?? 50)).map((found) => roomOf(state, found, session.user)) };
    }
    case "members": {
      if (room === undefined || readableFrom(state, room.room, session.user) === null) return { ok: false, code: "not_found" };
      const named = [...state.users].flatMap(([user, { name: called }]) => (called === null ? [] : [user]));
      const after = String(payload["after"] ?? "");
      const users = (room.room === 1 ? named : [...room.members.keys()]).filter((user) => user > after).sort();
      const members = users.slice(0, server.weather.members).map((user) => ({
        ...personOf(state, user),
        online: server.isOnline(user),
        ...(room.host === user ? { host: true } : {}),
      }));
      return { ok: true, members, more: users.length > members.length };
    }
    case "who":
      return { ok: true, online: server.online.map((user) => personOf(state, user)), count: server.online.length, more: false };
    case "unread": {
      const rooms = (payload["rooms"] as number[]).flatMap((id) => state.rooms.get(id) ?? []);
      return { ok: true, unread: Object.fromEntries(rooms.map((found) => [found.room, unread(found, session.user)])) };
    }
    case "invite":
      if (room === undefined || !isMember(room, session.user)) return { ok: false, code: "not_found" };
      return { ok: true, code: `invite-${room.room}` };
    case "link":
      return { ok: true, code: server.commands.newLink(session.user), expires: LINK_EXPIRES };
    case "sign ins":
      return { ok: true, sign_ins: [{ id: session.user, label: "", method: "new", at: 0 }, ...server.otherSignIns] };
    case "code":
      return meaning(server, session, String(payload["code"]));
    default:
      // So that a request which somebody forgot here fails the tests that send it.
      throw new Error(`the model server does not know the request ${name}`);
  }
}

function meaning({ state, commands }: ModelServer, session: ModelSession, code: string): Fields {
  const user = commands.ownerOfLink(code);
  if (user !== undefined) return { ok: true, kind: "link", who: personOf(state, user) };
  const room = state.rooms.get(Number(/^invite-(\d+)$/.exec(code)?.[1]));
  if (room === undefined || room.barred.has(session.user)) return { ok: false, code: "bad_code" };
  const { room: id, name, members } = room;
  return { ok: true, kind: "invite", room: id, name, members: members.size, joined: isMember(room, session.user) };
}

function history(server: ModelServer, session: ModelSession, payload: Fields): Fields {
  const { state } = server;
  const from = readableFrom(state, Number(payload["room"]), session.user);
  const room = state.rooms.get(Number(payload["room"]));
  if (from === null || room === undefined) return { ok: false, code: "not_found" };
  const limit = Math.min(100, Number(payload["limit"] ?? 50));
  const seen = room.messages.filter(({ seq }) => seq > from.seq);
  const { before, after, around } = payload as { before?: number; after?: number; around?: number };
  let start = Math.max(0, seen.length - limit);
  if (before !== undefined) start = Math.max(0, seen.filter(({ seq }) => seq < before).length - limit);
  if (after !== undefined) start = seen.filter(({ seq }) => seq <= after).length;
  if (around !== undefined) start = Math.max(0, seen.filter(({ seq }) => seq < around).length - Math.floor(limit / 2));
  const end = before === undefined ? start + limit : Math.min(start + limit, seen.filter(({ seq }) => seq < before).length);
  const page = seen.slice(start, end).map((message) => ({ seq: message.seq, view: messageOf(state, message) }));
  const cut = cutPage(page, server.weather.bytes.history, { after, around });
  if (cut.rows.length < page.length) server.sees("a page of the history was cut by bytes");
  return {
    ok: true,
    messages: cut.rows.map(({ view }) => view),
    first: start === 0 && cut.before === 0,
    last: end >= seen.length && cut.after === 0,
    seq: room.seq,
    rev: room.rev,
  };
}

interface PageRow {
  readonly seq: number;
  readonly view: Fields;
}

/** Leaves out what is furthest from the start of the page, until the rest fits; one message stays. */
function cutPage(page: readonly PageRow[], bytesMax: number, { after, around }: { readonly after: number | undefined; readonly around: number | undefined }) {
  const rows = [...page];
  let bytes = rows.reduce((sum, { view }) => sum + bytesOf(view), 0);
  let [before, behind] = [0, 0];
  while (bytes > bytesMax && rows.length > 1) {
    const below = around === undefined ? 0 : rows.filter(({ seq }) => seq < around).length;
    const isFront = around === undefined ? after === undefined : below * 2 >= rows.length;
    const out = isFront ? rows.shift() : rows.pop();
    bytes -= bytesOf(out?.view ?? {});
    if (isFront) before += 1;
    else behind += 1;
  }
  return { rows, before, after: behind };
}

const bytesOf = (view: Fields): number => new TextEncoder().encode(JSON.stringify(view)).length;

function changes(server: ModelServer, session: ModelSession, payload: Fields): Fields {
  const { state } = server;
  const id = Number(payload["room"]);
  const from = id === 0 ? { rev: 0 } : readableFrom(state, id, session.user);
  if (from === null) return { ok: false, code: "not_found" };
  const limit = Math.min(100, Number(payload["limit"] ?? 50));
  const all = state.log.filter(({ room, rev }) => room === id && rev > Number(payload["after"]) && rev >= from.rev);
  const entries: Fields[] = [];
  let bytes = 0;
  for (const entry of all) {
    // The entry that reaches the bound is still told.
    if (entries.length >= limit || bytes >= server.weather.bytes.changes) break;
    const fields = entryView(state, entry);
    entries.push({ event: entry.event, ...fields, cursor: server.cursor(entry.position) });
    bytes += bytesOf(fields);
  }
  if (entries.length > 0) server.sees("a gap was filled by `changes`");
  if (entries.length < Math.min(limit, all.length)) server.sees("a page of changes was cut by bytes");
  return { ok: true, entries, more: all.length > entries.length };
}

function unread(room: RoomState, user: string): Fields {
  const pointer = room.reads.get(user) ?? 0;
  const since = room.members.get(user)?.seq ?? 0;
  const counted = room.messages.filter((message) => message.seq > Math.max(pointer, since) && message.user !== user && message.deleted !== true);
  return { count: Math.min(counted.length, UNREAD_MAX), capped: counted.length > UNREAD_MAX, mark: room.seq };
}
