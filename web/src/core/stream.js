// The stream of the log as it reaches this device, made contiguous per room.
//
//   event, ack ──► next? ──► effects ──► cursor
//                    │ gap
//                    ▼
//                  ahead ──── `changes` ──► …
//
// An entry behind a gap waits in `ahead` until the gap is filled; the cursor does not pass a gap. The ack of a sender
// that is catching up may be ahead of its stream as well: that is no gap yet. What cannot be filled becomes an explicit
// hole. Lives as long as one connection.
import { effectsOf, HOUSE, standingOf } from "./effects.ts";
import { readChanges } from "./wire.ts";
const AHEAD_MAX = 2000;
const FILL_LIMIT = 100;
const ACK_PATIENCE_MS = 2000;
export class Stream {
    #model;
    #ledger;
    #request;
    #setTimer;
    #ahead = new Map();
    #filling = new Set();
    /** Rooms whose gap the cursor must not pass. */
    #gaps = new Set();
    #watchers = new Set();
    #cursor = null;
    #closed = false;
    constructor(model, ledger, request, setTimer) {
        this.#model = model;
        this.#ledger = ledger;
        this.#request = request;
        this.#setTimer = setTimer;
    }
    close() {
        this.#closed = true;
        this.#ahead.clear();
    }
    /** Inside a work. `applied` is called when the entry has taken effect, or is known to have done so before. */
    take(apply, entry, origin, applied = () => undefined) {
        if (origin === "stream" && entry.cursor !== "")
            this.#cursor = entry.cursor;
        if (standingOf(this.#model, entry) === "gap") {
            this.#hold(apply, { entry, applied }, origin);
        }
        else {
            this.#apply(apply, { entry, applied });
            this.#drain(apply, entry.room);
        }
        this.#moveCursor(apply);
    }
    /** Inside a work: everything up to this cursor was delivered. */
    delivered(apply, cursor) {
        this.#cursor = cursor;
        this.#moveCursor(apply);
    }
    /** Tells of the changes of messages until the function that it returns is called. */
    watch(seen) {
        this.#watchers.add(seen);
        return () => this.#watchers.delete(seen);
    }
    #apply(apply, held) {
        apply(effectsOf(this.#model, held.entry));
        if (held.entry.event === "edited" || held.entry.event === "deleted") {
            for (const seen of this.#watchers)
                seen(held.entry);
        }
        held.applied(apply);
    }
    #moveCursor(apply) {
        if (this.#closed || this.#cursor === null || this.#gaps.size > 0 || this.#cursor === this.#model.cursor)
            return;
        apply([{ kind: "cursor", cursor: this.#cursor }]);
    }
    #hold(apply, held, origin) {
        if (this.#closed)
            return;
        const { room } = held.entry;
        const ahead = this.#ahead.get(room) ?? new Map();
        this.#ahead.set(room, ahead);
        const other = ahead.get(held.entry.rev);
        ahead.set(held.entry.rev, other === undefined ? held : { entry: other.entry, applied: both(other.applied, held.applied) });
        if (ahead.size > AHEAD_MAX)
            return this.#giveUp(apply, room);
        if (origin === "stream") {
            this.#gaps.add(room);
            this.#fill(room);
        }
        else {
            this.#setTimer(ACK_PATIENCE_MS, () => {
                if (this.#ahead.get(room)?.has(held.entry.rev) === true)
                    this.#fill(room);
            });
        }
    }
    #drain(apply, room) {
        const ahead = this.#ahead.get(room);
        if (ahead === undefined)
            return;
        for (const [rev, held] of [...ahead].sort((a, b) => a[0] - b[0])) {
            if (standingOf(this.#model, held.entry) === "gap")
                break;
            ahead.delete(rev);
            this.#apply(apply, held);
        }
        if (ahead.size > 0)
            return;
        this.#ahead.delete(room);
        this.#gaps.delete(room);
    }
    #fill(room) {
        if (this.#filling.has(room) || this.#closed)
            return;
        this.#filling.add(room);
        void this.#fillPages(room).finally(() => this.#filling.delete(room));
    }
    async #fillPages(room) {
        while (!this.#closed && this.#ahead.has(room)) {
            const after = this.#model.record(room)?.applied ?? 0;
            const answer = await this.#request("changes", { room, after, limit: FILL_LIMIT });
            // Without an answer there is no connection, and a new stream begins before the gap.
            if (answer === null || this.#closed)
                return;
            const page = readChanges(answer);
            await this.#ledger.submit((apply) => {
                if (this.#closed)
                    return;
                for (const entry of page?.entries ?? []) {
                    if (standingOf(this.#model, entry) !== "gap")
                        this.#apply(apply, { entry, applied: () => undefined });
                }
                this.#drain(apply, room);
                const moved = (this.#model.record(room)?.applied ?? 0) > after;
                if (!moved && this.#ahead.has(room))
                    this.#giveUp(apply, room);
                this.#moveCursor(apply);
            });
        }
    }
    /** Makes a hole of what cannot be had, and goes on behind it. */
    #giveUp(apply, room) {
        const revs = [...(this.#ahead.get(room)?.keys() ?? [])];
        const record = this.#model.record(room);
        if (record !== null && revs.length > 0) {
            if (room !== HOUSE)
                apply([{ kind: "forget messages", room, from: 0, to: Number.MAX_SAFE_INTEGER }]);
            apply([{ kind: "room", room: { ...record, held: [], applied: Math.min(...revs) - 1 } }]);
        }
        this.#drain(apply, room);
    }
}
function both(first, second) {
    return (apply) => {
        first(apply);
        second(apply);
    };
}
