// How commands get, keep and lose their numbers: the pure half of the outbox.
//
// Each function is one transaction of `Store.changeOutbox`. A number of a device names one command for ever; a command
// that is taken back leaves a `skip` under its number, since the server takes numbers without a gap only. When what
// the server knows of a device cannot be continued, all that is left moves to a new one.
export const ROWS_MAX = 1000;
/** Gives the command its number. The result is null when the outbox is full. */
export function enqueue(state, command, at, newDevice) {
    if (state.rows.length >= ROWS_MAX)
        return { result: null };
    const { device, row } = numbered(state.device ?? born(newDevice, null), command, at);
    return { device, put: [row], result: row };
}
export function withDevice(state, newDevice) {
    if (state.device !== null)
        return { result: state.device };
    const device = born(newDevice, null);
    return { device, result: device };
}
/** What has to be sent, in order. */
export function unsent(state) {
    return state.rows.filter((row) => row.refused === undefined).sort((a, b) => a.n - b.n);
}
/** Moves all that is not finished to a new device. */
export function renumbered(state, newDevice) {
    let device = born(newDevice, state.device);
    const put = [];
    const drop = [];
    for (const row of unsent(state)) {
        if (row.command.event === "skip") {
            drop.push(row.id);
            continue;
        }
        put.push({ ...row, device: device.id, n: device.next });
        device = { ...device, next: device.next + 1 };
    }
    return { device, put, drop, result: undefined };
}
/** Takes a command back; the result is what it was, or null when it is finished already. */
export function withdrawn(state, id) {
    const row = state.rows.find((other) => other.id === id);
    if (row === undefined)
        return { result: null };
    if (row.refused !== undefined)
        return { drop: [id], result: row.command };
    return { put: [{ ...row, command: { event: "skip" } }], result: row.command };
}
/** Makes a new command of a refused one. */
export function renewed(state, id, at) {
    const row = state.rows.find((other) => other.id === id);
    if (row?.refused === undefined || state.device === null)
        return { result: null };
    const next = numbered(state.device, row.command, at);
    return { device: next.device, put: [next.row], drop: [id], result: next.row };
}
/** For a command that the server cannot read: it is refused, and a `skip` uses up its number. */
export function spoiled(state, id, code) {
    const row = state.rows.find((other) => other.id === id);
    if (row === undefined || state.device === null || row.refused !== undefined)
        return { result: undefined };
    if (row.command.event === "skip")
        return { drop: [id], result: undefined };
    const device = { ...state.device, lastRow: state.device.lastRow + 1 };
    const skip = { ...row, id: device.lastRow, command: { event: "skip" } };
    return { device, put: [{ ...row, refused: code }, skip], result: undefined };
}
function numbered(device, command, at) {
    const row = { id: device.lastRow + 1, device: device.id, n: device.next, command, at };
    return { device: { id: device.id, next: device.next + 1, lastRow: row.id }, row };
}
function born(id, before) {
    return { id, next: 1, lastRow: before?.lastRow ?? 0 };
}
