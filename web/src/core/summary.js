// Rooms as a list shows them: derived from the model, kept as long as nothing of them changes.
import { HOUSE } from "./effects.ts";
import { unreadOf } from "./unread.ts";
export function unreadOfRoom(model, { record, messages }) {
    const me = model.session?.user;
    const { read, seq, held, away } = record;
    const counts = (message) => !message.deleted && (me === undefined || message.from.user !== me);
    return unreadOf({ read, seq, held, messages, counts, ...(away === undefined ? {} : { away }) });
}
export function summaryOf(model, state) {
    const { room, kind, name, topic, joined, host, members } = state.record;
    const unread = unreadOfRoom(model, state);
    const pending = model.outbox.rows.filter(({ command, refused }) => refused === undefined && "room" in command && command.room === room);
    return {
        room,
        kind,
        name,
        topic,
        joined,
        unread: unread.count,
        unreadCapped: unread.capped,
        ...(state.record.with === undefined ? {} : { with: state.record.with }),
        ...(host === undefined ? {} : { host }),
        members,
        draft: model.drafts.get(room) ?? "",
        pending: pending.length,
    };
}
/** A room that one is not in, as the list of public rooms has it. */
export function summaryOfListed(model, room) {
    const state = model.rooms.get(room.room);
    if (state !== undefined && state.record.joined)
        return summaryOf(model, state);
    const { seq: _, rev: __, read: ___, ...rest } = room;
    return { ...rest, unread: 0, unreadCapped: false, draft: model.drafts.get(room.room) ?? "", pending: 0 };
}
export class Summaries {
    #kept = new Map();
    /** The list again, with those rooms looked at anew. */
    update(model, touched) {
        for (const room of touched) {
            const state = model.rooms.get(room);
            if (state === undefined || room === HOUSE || !state.record.joined)
                this.#kept.delete(room);
            else
                this.#kept.set(room, summaryOf(model, state));
        }
        return [...this.#kept.values()].sort((a, b) => a.room - b.room);
    }
}
