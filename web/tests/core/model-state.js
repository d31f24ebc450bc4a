// What the model server knows: plain data, so that a backup is a copy of it.
export function firstState() {
    const lobby = {
        room: 1,
        kind: "public",
        name: "lobby",
        topic: "",
        seq: 0,
        rev: 0,
        members: new Map(),
        barred: new Set(),
        reads: new Map(),
        messages: [],
    };
    return {
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
export function personOf(state, user) {
    const name = state.users.get(user)?.name ?? null;
    return name === null ? { user } : { user, name };
}
export function isMember(room, user) {
    return room.room === 1 || room.members.has(user);
}
export function roomOf(state, room, user) {
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
        members: room.room === 1 ? state.users.size : room.members.size,
    };
}
export function messageOf(state, message) {
    const { user, ...rest } = message;
    return { ...rest, from: personOf(state, user) };
}
/** Whether somebody sees an entry in the stream, with the membership of now. */
export function visible(state, entry, user) {
    if (entry.audience === "all" || entry.also.includes(user))
        return true;
    const room = state.rooms.get(entry.room);
    if (room === undefined || !isMember(room, user))
        return false;
    return entry.position >= (room.members.get(user)?.position ?? 0);
}
/** From which seq and rev on somebody may read a room, or null. */
export function readableFrom(state, room, user) {
    const found = state.rooms.get(room);
    if (found === undefined)
        return null;
    if (found.kind === "public")
        return { seq: 0, rev: 0 };
    return found.members.get(user) ?? null;
}
