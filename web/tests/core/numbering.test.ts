// Goal: a number of a device names one command for ever, and the server can be given every number without a gap.

import { describe, expect, test } from "vitest";
import { enqueue, renewed, renumbered, ROWS_MAX, spoiled, unsent, withdrawn } from "../../src/core/numbering.ts";
import { MemoryDisk, MemoryStore } from "../../src/core/store-memory.ts";
import type { OutboxChange, OutboxPart } from "../../src/core/store.ts";
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
