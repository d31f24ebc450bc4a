// The side of the chat that talks to the server: one per browser, in the tab that leads.
//
// A connection begins with `welcome`: what is known is compared with what the server says, the stream goes on from the
// cursor, and the outbox is sent. Owns the connection and its state; what comes in goes through the ledger, in order.
import { described, historyEffects, HOUSE, learned, missedChange } from "./effects.ts";
import { withDevice } from "./numbering.ts";
import { Presence } from "./presence.ts";
import { entryOfAck } from "./replies.ts";
import { Sender } from "./sender.ts";
import { Stream } from "./stream.ts";
import { unreadOfRoom } from "./summary.ts";
import * as wire from "./wire.ts";
const WELCOME_DEADLINE_MS = 15000;
const REQUEST_DEADLINE_MS = 15000;
const UNREAD_PAUSE_MS = 150;
const UNREAD_ROOMS = 100;
const READ_PAUSE_MS = 300;
const TYPING_PAUSE_MS = 1000;
const WHO_PAGES = 3;
const LOBBY = 1;
export class Session {
    #model;
    #ledger;
    #transport;
    #world;
    #events;
    #sender;
    #presence;
    #codes;
    #stream;
    #device = "";
    #online = false;
    #stopped = false;
    #requests = new Set();
    #asked = new Map();
    #reads = new Map();
    #typed = new Map();
    #timers = new Map();
    #connected = 0;
    constructor(model, ledger, transport, world, events, codes) {
        this.#model = model;
        this.#ledger = ledger;
        this.#transport = transport;
        this.#world = world;
        this.#events = events;
        this.#codes = codes;
        this.#stream = this.#newStream();
        this.#sender = new Sender(model, transport, world, {
            stored: (row, ack) => this.#stored(row, ack),
            refused: (row, code) => this.#refused(row, code),
            change: (change) => events.changeOutbox(change),
        });
        this.#presence = new Presence({
            setTimer: world.setTimer,
            now: world.now,
            me: () => model.session?.user ?? null,
            end: () => ({ seq: model.record(LOBBY)?.appliedSeq ?? 0, rev: model.record(LOBBY)?.rev ?? 0 }),
            changed: () => events.presence(this.#presence.state),
        });
    }
    start() {
        this.#events.connection("connecting");
        this.#transport.open({
            connected: () => {
                this.#connected += 1;
                this.#timer("welcome", WELCOME_DEADLINE_MS, () => this.#transport.interrupt());
            },
            disconnected: () => this.#disconnected("offline"),
            refused: (code) => this.#connectRefused(code),
            event: (name, payload) => this.#event(name, payload),
        }, () => this.#auth());
    }
    stop() {
        this.#disconnected("stopped");
        this.#stopped = true;
        this.#transport.close();
        this.#presence.stop();
        for (const cancel of this.#timers.values())
            cancel();
    }
    /** The outbox has something new. */
    pump() {
        this.#sender.pump();
    }
    hurry() {
        if (!this.#online)
            this.#transport.hurry();
    }
    /** Null when there is no connection or no answer. */
    request(event, payload) {
        if (!this.#online)
            return Promise.resolve(null);
        return new Promise((resolve) => {
            const finish = (answer) => {
                this.#requests.delete(finish);
                cancel();
                resolve(answer);
            };
            const cancel = this.#world.setTimer(REQUEST_DEADLINE_MS, () => finish(null));
            this.#requests.add(finish);
            this.#transport.emit(event, payload, finish);
        });
    }
    /** Brings a page of the history here. */
    async history(room, page, limit) {
        const asOf = this.#model.record(room)?.applied ?? 0;
        const missed = [];
        const unwatch = this.#stream.watch((entry) => entry.room === room && missed.push(entry));
        const answer = wire.readHistory(await this.request("history", { room, ...page, limit }));
        if (answer !== null) {
            await this.#ledger.submit((apply) => {
                if (this.#model.record(room) === null)
                    return;
                apply(historyEffects(this.#model, room, answer, asOf));
                for (const entry of missed)
                    apply(missedChange(this.#model, entry));
            });
        }
        unwatch();
        return answer !== null;
    }
    /** Makes a room known that one is not in, as it is now. */
    async visit(room) {
        const known = this.#model.record(room);
        if (known?.joined === true)
            return true;
        const rooms = wire.readRooms(await this.request("rooms", { after: room - 1, limit: 1 }));
        const found = rooms?.find((other) => other.room === room);
        if (found === undefined || found.joined)
            return this.#model.record(room) !== null;
        await this.#ledger.submit((apply) => {
            if (this.#model.record(room)?.joined === true)
                return;
            // Nothing keeps it up to date, so what was here may be out of date by now.
            apply([{ kind: "forget messages", room, from: 0, to: Number.MAX_SAFE_INTEGER }]);
            apply([{ kind: "room", room: { ...described(this.#model.record(room), found), held: [] } }]);
        });
        return true;
    }
    /** The pointer moves here at once, and at the server soon. */
    markRead(room, seq) {
        void this.#ledger.submit((apply) => apply(this.#pointer(room, seq)));
        this.#reads.set(room, Math.max(seq, this.#reads.get(room) ?? 0));
        this.#timer("read", READ_PAUSE_MS, () => this.#tellReads());
    }
    typing(room) {
        const now = this.#world.now();
        if (!this.#online || now - (this.#typed.get(room) ?? -Infinity) < TYPING_PAUSE_MS)
            return;
        this.#typed.set(room, now);
        this.#transport.emit("typing", { room });
    }
    /** Something was kept: what it leaves open is asked for. */
    settle() {
        if (!this.#online)
            return;
        this.#timer("unread", UNREAD_PAUSE_MS, () => void this.#askUnread());
        for (const { record } of this.#model.rooms.values()) {
            if (record.strange === true && record.joined && !this.#asked.has(-record.room))
                void this.#meet(record.room);
        }
    }
    async #auth() {
        // What is asked for has to be kept, and what is numbered needs a device.
        await this.#ledger.idle();
        const id = this.#world.randomId();
        const device = await this.#events.changeOutbox((state) => withDevice(state, id));
        this.#device = device.id;
        const { session, cursor } = this.#model;
        return {
            v: 1,
            device: device.id,
            ...(session === null ? {} : { token: session.token }),
            ...(cursor === null || session === null ? {} : { cursor }),
            ...this.#codes,
        };
    }
    #event(name, payload) {
        if (name === "welcome") {
            const welcome = wire.readWelcome(payload);
            if (welcome !== null)
                void this.#welcome(welcome);
            return;
        }
        const stream = this.#stream;
        const cursor = wire.readCursor(payload);
        if (name === "typing" || name === "presence" || name === "read") {
            this.#ephemeral(name, payload);
            if (cursor !== null)
                void this.#ledger.submit((apply) => stream.delivered(apply, cursor));
            return;
        }
        const entry = wire.readEntry(name, payload);
        if (entry !== null)
            void this.#ledger.submit((apply) => stream.take(apply, entry, "stream", this.#ownEvent(entry)));
    }
    /** An own entry that came as an event answers its command as well as an ack does. */
    #ownEvent(entry) {
        const row = entry.event === "message" ? this.#model.rowOf(entry.device, entry.n) : null;
        if (row === null)
            return () => undefined;
        return () => void this.#ledger.submit(() => this.#events.result(row.id, { ok: true, room: entry.room }));
    }
    #ephemeral(name, payload) {
        if (name === "typing") {
            const typing = wire.readTyping(payload);
            if (typing !== null)
                this.#events.typing(typing.room, typing.who);
        }
        else if (name === "presence") {
            const presence = wire.readPresence(payload);
            if (presence === null)
                return;
            this.#presence.report(presence);
            void this.#ledger.submit((apply) => presence.online.forEach((person) => apply(learned(this.#model, person))));
            if (presence.more)
                this.#timer("who", TYPING_PAUSE_MS, () => void this.#askWho(presence.count));
        }
        else {
            const read = wire.readPointer(payload);
            if (read !== null)
                void this.#ledger.submit((apply) => apply(this.#pointer(read.room, read.seq)));
        }
    }
    async #welcome(welcome) {
        const connection = this.#connected;
        this.#cancel("welcome");
        this.#stream.close();
        this.#stream = this.#newStream();
        await this.#ledger.submit((apply) => this.#compare(apply, welcome));
        if (connection !== this.#connected || this.#stopped)
            return;
        this.#codes = {};
        this.#online = true;
        this.#asked.clear();
        this.#events.connection("online");
        this.#events.welcomed(welcome);
        for (const { room, read } of welcome.rooms) {
            const known = this.#model.record(room)?.read ?? 0;
            if (known > read)
                this.#reads.set(room, known);
        }
        this.#tellReads();
        this.#sender.open(this.#device);
        this.#presence.begin(welcome.online, []);
        void this.#askWho(welcome.online);
        this.settle();
    }
    /** What is known here against what the server says now. */
    #compare(apply, welcome) {
        const before = this.#model.session;
        const foreign = before !== null && before.user !== welcome.user.user;
        if (welcome.reset || foreign)
            apply([{ kind: "forget all" }]);
        const resumed = welcome.resumed && !welcome.reset && !foreign;
        const { user, name = null } = welcome.user;
        const token = welcome.token ?? before?.token ?? "";
        apply([{ kind: "session", session: { user, name, owner: welcome.owner, token } }]);
        const listed = new Set(welcome.rooms.map(({ room }) => room));
        for (const { record } of [...this.#model.rooms.values()]) {
            if (record.room !== HOUSE && record.joined && !listed.has(record.room))
                apply(gone(record));
        }
        const house = this.#model.record(HOUSE);
        if (!resumed && house !== null)
            apply([{ kind: "room", room: { ...house, applied: null } }]);
        for (const room of welcome.rooms) {
            for (const person of room.with ?? [])
                apply(learned(this.#model, person));
            apply(compared(this.#model.record(room.room), room, resumed));
        }
        apply(learned(this.#model, welcome.user));
        apply([{ kind: "cursor", cursor: welcome.cursor }]);
    }
    #disconnected(state) {
        if (this.#stopped)
            return;
        this.#connected += 1;
        this.#online = false;
        this.#cancel("welcome");
        this.#sender.close();
        this.#stream.close();
        for (const finish of [...this.#requests])
            finish(null);
        this.#events.connection(state);
    }
    #connectRefused(code) {
        if (this.#stopped)
            return;
        if (code === "bad_link") {
            const { link: _, ...rest } = this.#codes;
            this.#codes = rest;
        }
        if (code === "bad_token")
            void this.#ledger.submit((apply) => apply([{ kind: "forget all" }, { kind: "session", session: null }]));
        this.#events.connection(code === "" ? "offline" : "unavailable");
    }
    #stored(row, ack) {
        return new Promise((resolve) => {
            void this.#ledger.submit((apply) => {
                const entry = entryOfAck(this.#model, row, ack);
                const finish = (done) => {
                    done([{ kind: "settled", id: row.id }]);
                    const room = ack.room ?? ("room" in row.command ? row.command.room : 0);
                    void this.#ledger.submit(() => {
                        this.#events.result(row.id, { ok: true, room });
                        resolve();
                    });
                };
                if (entry === null) {
                    if (ack.about !== undefined)
                        apply([{ kind: "room", room: described(this.#model.record(ack.about.room), ack.about) }]);
                    finish(apply);
                }
                else {
                    this.#stream.take(apply, entry, "aside", finish);
                }
            });
        });
    }
    async #refused(row, code) {
        // Only what stands in a timeline is shown with its refusal; for the rest the answer is all there is.
        const shown = row.command.event === "say" || row.command.event === "edit" || row.command.event === "delete";
        const change = shown ? { kind: "refused", id: row.id, code } : { kind: "settled", id: row.id };
        await this.#ledger.submit((apply) => apply([change]));
        this.#events.result(row.id, { ok: false, code });
    }
    #pointer(room, seq) {
        const record = this.#model.record(room);
        if (record === null || record.read >= seq)
            return [];
        return [{ kind: "room", room: { ...record, read: Math.min(seq, record.seq) } }];
    }
    #tellReads() {
        if (!this.#online)
            return;
        for (const [room, seq] of this.#reads)
            this.#transport.emit("read", { room, seq });
        this.#reads.clear();
    }
    async #askWho(count) {
        const people = [];
        for (let page = 0; page < WHO_PAGES; page += 1) {
            const after = people.at(-1)?.user;
            const answer = wire.readWho(await this.request("who", after === undefined ? {} : { after }));
            if (answer === null)
                return;
            people.push(...answer.online);
            if (!answer.more || answer.online.length === 0)
                break;
        }
        this.#presence.begin(Math.max(count, people.length), people);
        await this.#ledger.submit((apply) => people.forEach((person) => apply(learned(this.#model, person))));
    }
    async #askUnread() {
        const asked = new Map();
        for (const state of this.#model.rooms.values()) {
            const { room, joined, read, seq, away } = state.record;
            if (!joined || room === HOUSE || asked.size >= UNREAD_ROOMS || unreadOfRoom(this.#model, state).exact)
                continue;
            const question = `${read} ${away?.mark ?? 0} ${seq}`;
            if (this.#asked.get(room) === question)
                continue;
            this.#asked.set(room, question);
            asked.set(room, read);
        }
        if (asked.size === 0)
            return;
        const answer = wire.readUnread(await this.request("unread", { rooms: [...asked.keys()] }));
        if (answer === null)
            return;
        await this.#ledger.submit((apply) => {
            for (const [room, away] of answer) {
                const record = this.#model.record(room);
                if (record === null || record.read !== asked.get(room))
                    continue;
                apply([{ kind: "room", room: { ...record, seq: Math.max(record.seq, away.mark), away: { ...away, read: record.read } } }]);
            }
        });
    }
    /** A room that was joined without being told what it is: asks, or else comes back to be told. */
    async #meet(room) {
        this.#asked.set(-room, "");
        const rooms = wire.readRooms(await this.request("rooms", { after: room - 1, limit: 1 }));
        const found = rooms?.find((other) => other.room === room);
        if (rooms === null)
            return;
        if (found === undefined)
            return this.#transport.interrupt();
        await this.#ledger.submit((apply) => apply([{ kind: "room", room: described(this.#model.record(room), found) }]));
    }
    #newStream() {
        return new Stream(this.#model, this.#ledger, (event, payload) => this.request(event, payload), this.#world.setTimer);
    }
    #timer(name, milliseconds, due) {
        if (this.#timers.has(name) || this.#stopped)
            return;
        const cancel = this.#world.setTimer(milliseconds, () => {
            this.#timers.delete(name);
            due();
        });
        this.#timers.set(name, cancel);
    }
    #cancel(name) {
        this.#timers.get(name)?.();
        this.#timers.delete(name);
    }
}
/** A room that one is no longer in. */
function gone(record) {
    if (record.kind !== "public")
        return [{ kind: "forget room", room: record.room }];
    return [{ kind: "room", room: { ...record, joined: false, applied: null } }];
}
function compared(known, room, resumed) {
    const record = { ...described(known, room), joined: true };
    const flows = known !== null && known.joined && known.applied !== null;
    if (flows && (resumed || known.applied === room.rev))
        return [{ kind: "room", room: record }];
    // The stream begins somewhere up to this revision, and what it repeats of it is known then.
    const fresh = { ...record, held: [], applied: room.rev, appliedSeq: room.seq };
    return [
        { kind: "forget messages", room: room.room, from: 0, to: Number.MAX_SAFE_INTEGER },
        { kind: "room", room: fresh },
    ];
}
