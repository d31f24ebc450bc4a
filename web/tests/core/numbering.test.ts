// Goal: a number of a device names one command for ever, and the server can be given every number without a gap.

import { describe, expect, test } from "vitest";
import { enqueue, renewed, renumbered, ROWS_MAX, spoiled, unsent, withDevice, withdrawn } from "../../src/core/numbering.ts";
import { MemoryDisk, MemoryStore } from "../../src/core/store-memory.ts";
import type { OutboxChange, OutboxPart, OutboxRow } from "../../src/core/store.ts";
import type { Command } from "../../src/core/wire.ts";

const say = (text: string): Command => ({ event: "say", room: 1, text });

class Desk {
  readonly disk = new MemoryDisk();
  readonly #store = new MemoryStore(this.disk);

  async change<T>(change: (part: OutboxPart) => OutboxChange<T>): Promise<T> {
    return (await this.#store.changeOutbox({ rows: "all" }, change)).result;
  }

  async say(text: string): Promise<number> {
    const row = await this.change((state) => enqueue(state, say(text), 0, "first"));
    if (row === null) throw new Error("full");
    return row.id;
  }

  async refuse(id: number): Promise<void> {
    await this.#store.commit([{ kind: "refused", id, code: "empty" }], null);
  }

  /** What goes out, as the sender sends it. */
  async sent(): Promise<readonly (readonly unknown[])[]> {
    const rows = unsent(await this.#store.outbox());
    return rows.map(({ device, n, command, withdrawn: isWithdrawn }) => [device, n, isWithdrawn !== true && "text" in command ? command.text : "skip"]);
  }
}

describe("commands", () => {
  test("get the numbers of their device in order, and ids that are never used again", async () => {
    const desk = new Desk();
    expect([await desk.say("a"), await desk.say("b")]).toEqual([1, 2]);
    expect(await desk.sent()).toEqual([["first", 1, "a"], ["first", 2, "b"]]);
    await desk.change((state) => renumbered(state, "second"));
    expect(await desk.say("c")).toBe(3);
    expect(await desk.sent()).toEqual([["second", 1, "a"], ["second", 2, "b"], ["second", 3, "c"]]);
  });

  test("are taken until the outbox is full", async () => {
    const desk = new Desk();
    for (let i = 0; i < ROWS_MAX; i += 1) await desk.say(`${i}`);
    expect(await desk.change((state) => enqueue(state, say("too much"), 0, "first"))).toBeNull();
    expect(desk.disk.rows.size).toBe(ROWS_MAX);
  });

  test("that are taken back leave their numbers to a skip, until they move to a new device", async () => {
    const desk = new Desk();
    for (const text of ["a", "b", "c"]) await desk.say(text);
    expect(await desk.change((state) => withdrawn(state, 2))).toEqual(say("b"));
    expect(await desk.sent()).toEqual([["first", 1, "a"], ["first", 2, "skip"], ["first", 3, "c"]]);
    await desk.change((state) => renumbered(state, "second"));
    expect(await desk.sent()).toEqual([["second", 1, "a"], ["second", 2, "c"]]);
  });

  test("that were refused have used their numbers up, and get new ones when they are sent again", async () => {
    const desk = new Desk();
    const id = await desk.say("a");
    await desk.say("b");
    await desk.refuse(id);
    expect(await desk.sent()).toEqual([["first", 2, "b"]]);
    await desk.change((state) => renewed(state, id, 0));
    expect(await desk.sent()).toEqual([["first", 2, "b"], ["first", 3, "a"]]);
    expect(await desk.change((state) => withdrawn(state, id))).toBeNull();
  });

  test("that the server cannot read are refused, and a skip goes out under their numbers before the next", async () => {
    const desk = new Desk();
    const id = await desk.say("a");
    await desk.say("b");
    await desk.change((state) => spoiled(state, id, "invalid"));
    expect(desk.disk.rows.get(id)?.refused).toBe("invalid");
    expect(await desk.sent()).toEqual([["first", 1, "skip"], ["first", 2, "b"]]);
    // What was taken back, and cannot be read either, is done with.
    await desk.change((state) => withdrawn(state, 2));
    await desk.change((state) => spoiled(state, 2, "invalid"));
    expect(await desk.sent()).toEqual([["first", 1, "skip"]]);
  });
});

describe("without what they need, changes of the outbox", () => {
  const device = { id: "first", next: 5, lastRow: 9 };
  const row = (id: number, change: Partial<OutboxRow> = {}): OutboxRow => ({ id, device: "first", n: id, command: say(`${id}`), at: 0, ...change });
  const state = (...rows: readonly OutboxRow[]) => ({ device, rows, drafts: new Map() });
  const skip: Command = { event: "skip" };

  test("move no skip to a new device, and no row that was taken back or refused", () => {
    const rows = [row(1, { command: skip }), row(2, { withdrawn: true }), row(3, { refused: "empty" }), row(5), row(4)];
    expect(renumbered(state(...rows), "second")).toEqual({
      device: { id: "second", next: 3, lastRow: 9 },
      put: [row(4, { device: "second", n: 1 }), row(5, { device: "second", n: 2 })],
      drop: [1, 2],
      result: undefined,
    });
    expect(renumbered({ ...state(), device: null }, "second")).toEqual({ device: { id: "second", next: 1, lastRow: 0 }, put: [], drop: [], result: undefined });
  });

  test("send again only what was refused, with the row that is meant", () => {
    const refused = row(2, { refused: "empty" });
    expect(renewed(state(row(1), refused), 2, 7)).toEqual({ device: { id: "first", next: 6, lastRow: 10 }, put: [{ ...row(10), n: 5, at: 7, command: refused.command }], drop: [2], result: { ...row(10), n: 5, at: 7, command: refused.command } });
    for (const [at, id] of [[state(row(1), refused), 1], [state(refused), 3], [{ ...state(refused), device: null }, 2]] as const) expect(renewed(at, id, 7)).toEqual({ result: null });
  });

  test("take back what waits, and throw away what was refused", () => {
    const refused = row(2, { refused: "empty" });
    expect(withdrawn(state(row(1), refused), 1)).toEqual({ put: [row(1, { withdrawn: true })], result: say("1") });
    expect(withdrawn(state(row(1), refused), 2)).toEqual({ drop: [2], result: say("2") });
    expect(withdrawn(state(row(1)), 3)).toEqual({ result: null });
  });

  test("refuse what the server cannot read, once, and leave a skip under its number", () => {
    expect(spoiled(state(row(1), row(2)), 2, "invalid")).toEqual({ device: { id: "first", next: 5, lastRow: 10 }, put: [row(2, { refused: "invalid" }), { ...row(2), id: 10, command: skip }], result: undefined });
    for (const done of [row(1, { command: skip }), row(1, { withdrawn: true })]) expect(spoiled(state(done), 1, "invalid")).toEqual({ drop: [1], result: undefined });
    for (const at of [state(), state(row(1, { refused: "empty" })), { ...state(row(1)), device: null }]) expect(spoiled(at, 1, "invalid")).toEqual({ result: undefined });
  });

  test("give a number of the device that is there, and make none", () => {
    expect(withDevice({ device }, "second")).toEqual({ result: device });
    expect(withDevice({ device: null }, "second")).toEqual({ device: { id: "second", next: 1, lastRow: 0 }, result: { id: "second", next: 1, lastRow: 0 } });
    expect(enqueue({ device, count: ROWS_MAX - 1 }, say("last"), 3, "second")).toEqual({ device: { id: "first", next: 6, lastRow: 10 }, put: [{ ...row(10), n: 5, at: 3, command: say("last") }], result: { ...row(10), n: 5, at: 3, command: say("last") } });
    expect(enqueue({ device, count: ROWS_MAX }, say("more"), 3, "second")).toEqual({ result: null });
  });
});
