// Goal: what is kept of drafts does not grow for ever, and nothing that somebody typed goes for that.

import { expect, test } from "vitest";
import type { Transport } from "../../src/core/ports.ts";
import { MemoryDisk, MemoryStore } from "../../src/core/store-memory.ts";
import { World } from "./people.ts";

const DAY_MS = 24 * 3_600_000;

const nowhere: Transport = { open: () => undefined, emit: () => undefined, welcomed: () => undefined, interrupt: () => undefined, hurry: () => undefined, nudge: () => undefined, close: () => undefined };

class CountedStore extends MemoryStore {
  writes = 0;

  override changeOutbox: MemoryStore["changeOutbox"] = (...all) => {
    this.writes += 1;
    return super.changeOutbox(...all);
  };
}

test("a place that was emptied more than a week ago is forgotten at the next start, and no text ever", async () => {
  const world = new World();
  await world.clock.pass(30 * DAY_MS);
  const disk = new MemoryDisk();
  const keep = (room: number, days: number, text: string | null): void => void disk.drafts.set(`${room}`, { room, text, at: world.clock.now() - days * DAY_MS, after: 0 });
  keep(2, 8, null);
  keep(3, 6, null);
  keep(4, 20, "typed");
  keep(5, 20, "");
  const writesAtStart = async (): Promise<number> => {
    const store = new CountedStore(disk);
    const chat = await world.chat({ store, transport: () => nowhere });
    await world.clock.pass(100);
    await chat.stop();
    return store.writes;
  };
  expect(await writesAtStart()).toBe(1);
  expect([...disk.drafts.keys()]).toEqual(["3", "4", "5"]);
  // Nothing is left to forget, so nothing is written.
  expect(await writesAtStart()).toBe(0);
});
