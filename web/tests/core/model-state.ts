// What the model server knows: plain data, so that a backup is a copy of it.

export interface LogEntry {
  readonly position: number;
  readonly event: string;
  readonly payload: Record<string, unknown>;
  readonly room: number;
  readonly rev: number;
  /** Who may see it: everybody, the members of its room, or these people besides. */
  readonly audience: "all" | "room";
  readonly also: readonly string[];
  /** The socket that sent it: the ack is its copy. */
  readonly socket: string;
}

export interface StoredMessage {
  readonly room: number;
  readonly seq: number;
  readonly rev: number;
  readonly at: number;
  readonly user: string;
  text: string;
  edited?: true;
  deleted?: true;
  readonly device?: string;
  readonly n?: number;
}

export interface RoomState {
  readonly room: number;
  readonly kind: "public" | "private" | "direct";
  name: string;
  topic: string;
  seq: number;
  rev: number;
  readonly host?: string;
  /** Since which position, seq and rev somebody is in. */
  readonly members: Map<string, { readonly position: number; readonly seq: number; readonly rev: number }>;
  readonly barred: Set<string>;
  readonly reads: Map<string, number>;
  readonly messages: StoredMessage[];
}

export interface DeviceState {
  last: number;
  readonly results: Map<number, { readonly content: string; readonly answer: Record<string, unknown> }>;
}

export interface State {
  /** The public id of the server; tokens are good here only. */
  readonly server: string;
  readonly epochs: { readonly epoch: number; readonly start: number }[];
  readonly log: LogEntry[];
  readonly users: Map<string, { name: string | null }>;
  readonly owners: Set<string>;
  readonly rooms: Map<number, RoomState>;
  readonly devices: Map<string, DeviceState>;
  houseRev: number;
  nextRoom: number;
  nextUser: number;
}

export function firstState(server = "server 1"): State {
  const lobby: RoomState = {
    room: 1,
    kind: "public",
    name: "Lobby",
    topic: "",
    seq: 0,
    rev: 0,
    members: new Map(),
    barred: new Set(),
    reads: new Map(),
    messages: [],
  };
  return {
    server,
    epochs: [{ epoch: 1, start: 0 }],
    log: [],
    users: new Map(),
    owners: new Set(),
    rooms: new Map([[1, lobby]]),
    devices: new Map(),
    houseRev: 0,
    nextRoom: 2,
    nextUser: 1,
  };
}

export function personOf(state: State, user: string): { user: string; name?: string } {
  const name = state.users.get(user)?.name ?? null;
  return name === null ? { user } : { user, name };
}

export function isMember(room: RoomState, user: string): boolean {
  return room.room === 1 || room.members.has(user);
}

export function roomOf(state: State, room: RoomState, user: string): Record<string, unknown> {
  const { kind, name, topic, seq, rev, host } = room;
  const others = [...room.members.keys()].filter((other) => other !== user);
  return {
    room: room.room,
    kind,
    name,
    topic,
    seq,
    rev,
    joined: isMember(room, user),
    read: room.reads.get(user) ?? 0,
    ...(host === undefined ? {} : { host }),
    ...(kind === "direct" ? { with: others.map((other) => personOf(state, other)) } : {}),
    members: room.room === 1 ? [...state.users.values()].filter(({ name: called }) => called !== null).length : room.members.size,
  };
}

export function messageOf(state: State, message: StoredMessage): Record<string, unknown> {
  const { user, ...rest } = message;
  return { ...rest, from: personOf(state, user) };
}

/** An entry as it is told now: nobody gets a text that was taken back or replaced, and people have the names of now. */
export function entryView(state: State, { event, payload, room, rev }: LogEntry): Record<string, unknown> {
  const now = (person: unknown): unknown => personOf(state, (person as { readonly user: string }).user);
  const people: Record<string, unknown> = {};
  for (const field of ["from", "who"]) if (payload[field] !== undefined) people[field] = now(payload[field]);
  if (Array.isArray(payload["members"])) people["members"] = payload["members"].map(now);
  const view = { ...payload, ...people };
  const message = state.rooms.get(room)?.messages[Number(payload["seq"]) - 1];
  if (message === undefined || (event !== "message" && event !== "edited")) return view;
  const { text: _, ...rest } = view;
  if (event === "message") {
    const { text, edited, deleted } = message;
    return { ...rest, text, ...(edited === true ? { edited } : {}), ...(deleted === true ? { deleted } : {}) };
  }
  const isReplaced = state.log.some((other) => other.room === room && other.rev > rev && other.event === "edited" && other.payload["seq"] === message.seq);
  return isReplaced || message.deleted === true ? rest : view;
}

/** Whether somebody sees an entry in the stream, with the membership of now. */
export function visible(state: State, entry: LogEntry, user: string): boolean {
  if (entry.audience === "all" || entry.also.includes(user)) return true;
  const room = state.rooms.get(entry.room);
  if (room === undefined || !isMember(room, user)) return false;
  return entry.position >= (room.members.get(user)?.position ?? 0);
}

/** From which seq and rev on somebody may read a room, or null. */
export function readableFrom(state: State, room: number, user: string): { seq: number; rev: number } | null {
  const found = state.rooms.get(room);
  if (found === undefined) return null;
  if (found.kind === "public") return { seq: 0, rev: 0 };
  return found.members.get(user) ?? null;
}
