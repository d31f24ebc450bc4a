// How commands get, keep and lose their numbers: the pure half of the outbox.
//
// Each function is one transaction of `Store.changeOutbox`, and says which rows it reads. A number of a device names
// one command for ever. A cancelled command leaves a `skip` under its number, because the server accepts numbers only
// without a gap. If the numbers of a device cannot continue, all remaining commands move to a new device.

import type { Device, OutboxChange, OutboxPart, OutboxRow, OutboxState } from "./store.ts";
import type { Command } from "./wire.ts";

export const ROWS_MAX = 1000;

/** Gives the command its number, and looks at no row. The result is null when the outbox is full. */
export function enqueue(state: Pick<OutboxPart, "device" | "count">, command: Command, at: number, newDevice: string): OutboxChange<OutboxRow | null> {
  if (state.count >= ROWS_MAX) return { result: null };
  const { device, row } = numbered(state.device ?? born(newDevice, null), command, at);
  return { device, put: [row], result: row };
}

/** Looks at no row. */
export function withDevice(state: Pick<OutboxState, "device">, newDevice: string): OutboxChange<Device> {
  if (state.device !== null) return { result: state.device };
  const device = born(newDevice, null);
  return { device, result: device };
}

/** What has to be sent, in order. */
export function unsent(state: OutboxState): readonly OutboxRow[] {
  return state.rows.filter((row) => row.refused === undefined).sort((a, b) => a.n - b.n);
}

/** Moves all that is not finished to a new device. Looks at all rows. */
export function renumbered(state: OutboxState, newDevice: string): OutboxChange<void> {
  let device = born(newDevice, state.device);
  const put: OutboxRow[] = [];
  const drop: number[] = [];
  for (const row of unsent(state)) {
    if (row.command.event === "skip" || row.withdrawn === true) {
      drop.push(row.id);
      continue;
    }
    put.push({ ...row, device: device.id, n: device.next });
    device = { ...device, next: device.next + 1 };
  }
  return { device, put, drop, result: undefined };
}

/** Takes the command of that row back; the result is what it was, or null when it is finished already. */
export function withdrawn(state: OutboxState, id: number): OutboxChange<Command | null> {
  const row = state.rows.find((other) => other.id === id);
  if (row === undefined) return { result: null };
  if (row.refused !== undefined) return { drop: [id], result: row.command };
  return { put: [{ ...row, withdrawn: true }], result: row.command };
}

/** Makes a new command of that row, which was refused. */
export function renewed(state: OutboxState, id: number, at: number): OutboxChange<OutboxRow | null> {
  const row = state.rows.find((other) => other.id === id);
  if (row?.refused === undefined || state.device === null) return { result: null };
  const next = numbered(state.device, row.command, at);
  return { device: next.device, put: [next.row], drop: [id], result: next.row };
}

/** For the command of a row that the server cannot read: it is refused, and a `skip` uses up its number. */
export function spoiled(state: OutboxState, id: number, code: string): OutboxChange<void> {
  const row = state.rows.find((other) => other.id === id);
  if (row === undefined || state.device === null || row.refused !== undefined) return { result: undefined };
  if (row.command.event === "skip" || row.withdrawn === true) return { drop: [id], result: undefined };
  const device = { ...state.device, lastRow: state.device.lastRow + 1 };
  const skip: OutboxRow = { ...row, id: device.lastRow, command: { event: "skip" } };
  return { device, put: [{ ...row, refused: code }, skip], result: undefined };
}

function numbered(device: Device, command: Command, at: number): { readonly device: Device; readonly row: OutboxRow } {
  const row = { id: device.lastRow + 1, device: device.id, n: device.next, command, at };
  return { device: { id: device.id, next: device.next + 1, lastRow: row.id }, row };
}

function born(id: string, before: Device | null): Device {
  return { id, next: 1, lastRow: before?.lastRow ?? 0 };
}
