// The protocol of namespace `/v1`, as docs/protocol.md has it: every event, command and answer, as types and as readers.
//
// The only file that knows field names. A reader takes what came over the wire and gives the typed value, or null when
// it is not what the protocol says; nothing behind it checks again. An entry of a kind that is not known here is read
// as `unknown`, because it uses up a revision all the same.
export const NAMESPACE = "/v1";
/** Codes of answers that did not use up the number of their command. */
export const UNSPENT_CODES = new Set(["invalid", "no_device"]);
/** The payload of a command, as it is sent. */
export function payloadOf(command, n) {
    const { event: _, ...fields } = command;
    return { n, ...fields };
}
export function readEntry(event, value) {
    return attempt(() => entryOf(event, fieldsOf(value)));
}
export function readWelcome(value) {
    return attempt(() => {
        const f = fieldsOf(value);
        const person = personOf(f["user"]);
        if (person.user === undefined)
            throw new Malformed("user");
        return {
            user: { ...person, user: person.user },
            owner: f["owner"] === true,
            ...optional("token", maybe(f, "token", isText)),
            cursor: text(f, "cursor"),
            resumed: f["resumed"] === true,
            reset: f["reset"] === true,
            ...optional("next", maybe(f, "next", isCount)),
            rooms: list(f, "rooms", roomOf),
            online: maybe(f, "online", isCount) ?? 0,
        };
    });
}
export function readAck(value) {
    const read = attempt(() => {
        const f = fieldsOf(value);
        if (f["ok"] === true) {
            const about = f["about"] === undefined ? undefined : roomOf(f["about"]);
            return {
                kind: "stored",
                ...optional("room", maybe(f, "room", isCount)),
                ...optional("rev", maybe(f, "rev", isCount)),
                ...optional("seq", maybe(f, "seq", isCount)),
                at: maybe(f, "at", isCount) ?? 0,
                ...optional("about", about),
            };
        }
        const code = text(f, "code");
        return code === "expected" ? { kind: code, expected: count(f, "expected") } : { kind: "refused", code };
    });
    return read ?? { kind: "refused", code: "invalid" };
}
export function readHistory(value) {
    return answer(value, (f) => ({
        messages: list(f, "messages", messageOf),
        first: f["first"] === true,
        last: f["last"] === true,
        seq: count(f, "seq"),
        rev: count(f, "rev"),
    }));
}
export function readChanges(value) {
    return answer(value, (f) => ({
        entries: list(f, "entries", (item) => {
            const fields = fieldsOf(item);
            return entryOf(text(fields, "event"), fields);
        }),
        more: f["more"] === true,
    }));
}
export function readRooms(value) {
    return answer(value, (f) => list(f, "rooms", roomOf));
}
export function readMembers(value) {
    return answer(value, (f) => ({
        members: list(f, "members", (item) => {
            const fields = fieldsOf(item);
            const host = fields["host"] === true ? { host: true } : {};
            return { ...personOf(item), online: fields["online"] === true, ...host };
        }),
        more: f["more"] === true,
    }));
}
export function readWho(value) {
    return answer(value, (f) => presenceOf(f));
}
export function readUnread(value) {
    return answer(value, (f) => {
        const rooms = Object.entries(fieldsOf(f["unread"]));
        return new Map(rooms.map(([room, item]) => {
            const fields = fieldsOf(item);
            return [Number(room), { count: count(fields, "count"), capped: fields["capped"] === true, mark: count(fields, "mark") }];
        }));
    });
}
export function readCode(value) {
    return answer(value, (f) => ({ code: text(f, "code"), ...optional("expires", maybe(f, "expires", isCount)) }));
}
export function readTyping(value) {
    return attempt(() => ({ room: count(fieldsOf(value), "room"), who: personOf(fieldsOf(value)["who"]) }));
}
export function readPresence(value) {
    return attempt(() => presenceOf(fieldsOf(value)));
}
export function readPointer(value) {
    return attempt(() => ({ room: count(fieldsOf(value), "room"), seq: count(fieldsOf(value), "seq") }));
}
/** The cursor that every event carries, also the ephemeral ones. */
export function readCursor(value) {
    return attempt(() => text(fieldsOf(value), "cursor"));
}
/** The code of an answer to a request that was not granted. */
export function refusalOf(value) {
    return attempt(() => text(fieldsOf(value), "code")) ?? "invalid";
}
class Malformed extends Error {
}
function attempt(read) {
    try {
        return read();
    }
    catch (error) {
        if (error instanceof Malformed)
            return null;
        throw error;
    }
}
function answer(value, read) {
    return attempt(() => {
        const fields = fieldsOf(value);
        if (fields["ok"] !== true)
            throw new Malformed("ok");
        return read(fields);
    });
}
function entryOf(event, f) {
    const head = {
        cursor: maybe(f, "cursor", isText) ?? "",
        room: count(f, "room"),
        rev: count(f, "rev"),
        at: maybe(f, "at", isCount) ?? 0,
        from: f["from"] === undefined ? { guest: "" } : personOf(f["from"]),
    };
    switch (event) {
        case "message": {
            const { from: _, room: __, rev: ___, at: ____, ...message } = messageOf(f);
            return { ...head, event, ...message };
        }
        case "edited":
            return { ...head, event, seq: count(f, "seq"), text: text(f, "text") };
        case "deleted":
            return { ...head, event, seq: count(f, "seq") };
        case "room created":
            return {
                ...head,
                event,
                kind: kindOf(f),
                name: text(f, "name"),
                topic: maybe(f, "topic", isText) ?? "",
                members: f["members"] === undefined ? [] : list(f, "members", personOf),
                ...optional("host", maybe(f, "host", isText)),
            };
        case "room renamed":
            return { ...head, event, name: text(f, "name") };
        case "topic":
            return { ...head, event, topic: text(f, "topic") };
        case "joined":
        case "left":
        case "removed": {
            const about = f["about"] === undefined ? undefined : roomOf(f["about"]);
            return { ...head, event, who: personOf(f["who"]), ...optional("about", about) };
        }
        case "named":
        case "owner":
            return { ...head, event, who: personOf(f["who"]) };
        default:
            return { ...head, event: "unknown" };
    }
}
function messageOf(value) {
    const f = fieldsOf(value);
    return {
        room: count(f, "room"),
        seq: count(f, "seq"),
        rev: count(f, "rev"),
        at: count(f, "at"),
        from: personOf(f["from"]),
        text: text(f, "text"),
        edited: f["edited"] === true,
        deleted: f["deleted"] === true,
        ...optional("device", maybe(f, "device", isText)),
        ...optional("n", maybe(f, "n", isCount)),
    };
}
function roomOf(value) {
    const f = fieldsOf(value);
    return {
        room: count(f, "room"),
        kind: kindOf(f),
        name: maybe(f, "name", isText) ?? "",
        topic: maybe(f, "topic", isText) ?? "",
        seq: count(f, "seq"),
        rev: count(f, "rev"),
        joined: f["joined"] === true,
        read: maybe(f, "read", isCount) ?? 0,
        ...optional("host", maybe(f, "host", isText)),
        ...(f["with"] === undefined ? {} : { with: list(f, "with", personOf) }),
        members: maybe(f, "members", isCount) ?? 0,
    };
}
function presenceOf(f) {
    return {
        online: f["online"] === undefined ? [] : list(f, "online", personOf),
        offline: f["offline"] === undefined ? [] : list(f, "offline", (user) => (isText(user) ? user : fail("offline"))),
        count: count(f, "count"),
        more: f["more"] === true,
    };
}
function personOf(value) {
    const f = fieldsOf(value);
    return {
        ...optional("user", maybe(f, "user", isText)),
        ...optional("guest", maybe(f, "guest", isText)),
        ...optional("name", maybe(f, "name", isText)),
    };
}
function kindOf(f) {
    const kind = f["kind"];
    return kind === "public" || kind === "private" || kind === "direct" ? kind : fail("kind");
}
function fieldsOf(value) {
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : fail("object");
}
const isText = (value) => typeof value === "string";
const isCount = (value) => typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
function text(f, name) {
    const value = f[name];
    return isText(value) ? value : fail(name);
}
function count(f, name) {
    const value = f[name];
    return isCount(value) ? value : fail(name);
}
function maybe(f, name, is) {
    const value = f[name];
    if (value === undefined || value === null)
        return undefined;
    return is(value) ? value : fail(name);
}
function list(f, name, read) {
    const value = f[name];
    return Array.isArray(value) ? value.map(read) : fail(name);
}
function optional(name, value) {
    return (value === undefined ? {} : { [name]: value });
}
function fail(name) {
    throw new Malformed(name);
}
