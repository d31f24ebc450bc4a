// The rows of a window on a room: what is here of its messages, the holes between them, notices, and own sends.
//
// Rows that did not change are the same objects as before, so a view redraws only what is new. Pure but for that.
import { lowerBound, sendName } from "./model.ts";
import { holesOf } from "./spans.ts";
export const ROWS_MAX = 400;
export class Rows {
    #messages = new Map();
    #notices = new WeakMap();
    #pending = new Map();
    #holes = new Map();
    of(model, state, sources) {
        const { record } = state;
        const from = Math.max(sources.window.from, record.floor);
        const to = Math.min(sources.window.to ?? record.seq, record.seq);
        const live = sources.window.to === null;
        const placed = [
            ...this.#messageRows(model, state, from, to),
            ...this.#holeRows(state, from, to, sources.loading),
            ...this.#noticeRows(state, from, to, from === record.floor, live),
            ...presenceRows(sources.presence, from, to, live),
        ].sort((a, b) => a.place - b.place || a.rank - b.rank);
        const pending = live ? this.#pendingRows(model, state, sources.online) : [];
        const rows = [...placed.map(({ row }) => row), ...pending];
        return live ? rows.slice(-ROWS_MAX) : rows.slice(0, ROWS_MAX);
    }
    #messageRows(model, state, from, to) {
        const changes = new Map();
        for (const row of model.outbox.rows) {
            const { command } = row;
            if ((command.event === "edit" || command.event === "delete") && command.room === state.record.room)
                changes.set(command.seq, row);
        }
        const rows = new Map();
        const start = lowerBound(state.messages, (message) => message.seq < from);
        for (const record of state.messages.slice(start, start + (to - from + 1))) {
            if (record.seq > to)
                break;
            const change = changes.get(record.seq);
            const known = this.#messages.get(record.seq);
            const same = known !== undefined && known.record === record && known.change === change;
            rows.set(record.seq, same ? known : { record, change, row: messageRow(record, change, model.session?.user) });
        }
        this.#messages = rows;
        return [...rows.values()].map(({ row }) => ({ place: row.seq, rank: 0, row }));
    }
    #holeRows(state, from, to, loading) {
        const rows = new Map();
        for (const [start, end] of holesOf(state.record.held, from, to)) {
            const isLoading = [...loading].some((seq) => start <= seq && seq <= end);
            const name = `${start} ${end} ${isLoading}`;
            rows.set(name, this.#holes.get(name) ?? { kind: "hole", key: `h${start}`, from: start, to: end, loading: isLoading });
        }
        this.#holes = rows;
        return [...rows.values()].map((row) => ({ place: row.from, rank: 0, row }));
    }
    #noticeRows(state, from, to, isFirst, live) {
        const rows = [];
        for (const notice of state.notices) {
            if ((notice.after < from && !isFirst) || (notice.after > to && !live))
                continue;
            const row = this.#notices.get(notice) ?? noticeRow(notice);
            this.#notices.set(notice, row);
            rows.push({ place: notice.after, rank: notice.rev, row });
        }
        return rows;
    }
    #pendingRows(model, state, online) {
        const rows = new Map();
        for (const row of model.outbox.rows) {
            const { command } = row;
            if (command.event !== "say" || command.room !== state.record.room || state.sends.has(sendName(row.device, row.n)))
                continue;
            const sending = row.refused === undefined ? (online ? "sending" : "waiting") : { refused: row.refused };
            const known = this.#pending.get(row);
            const same = known !== undefined && (typeof sending === "object" || known.state === sending);
            rows.set(row, same ? known : { kind: "pending", key: sendName(row.device, row.n), n: row.id, at: row.at, text: command.text, state: sending });
        }
        this.#pending = rows;
        return [...rows.values()];
    }
}
function messageRow(record, change, me) {
    const { seq, at, from, text, edited, deleted, device, n } = record;
    const own = me !== undefined && from.user === me;
    const key = own && device !== undefined && n !== undefined ? sendName(device, n) : `m${seq}`;
    const row = { kind: "message", key, seq, at, from, own, text, edited, deleted };
    if (change === undefined)
        return row;
    if (change.refused !== undefined)
        return { ...row, change: { refused: change.refused, n: change.id } };
    if (change.command.event === "edit")
        return { ...row, text: change.command.text, change: "editing" };
    return { ...row, change: "deleting" };
}
function noticeRow({ rev, at, notice }) {
    return { kind: "notice", key: `r${rev}`, rev, at, notice };
}
function presenceRows(notices, from, to, live) {
    return notices
        .filter(({ after }) => after >= from - 1 && (after <= to || live))
        .map(({ after, row }, index) => ({ place: after, rank: Number.MAX_SAFE_INTEGER - notices.length + index, row }));
}
