// Goal: wherever a tab dies, nothing that was taken is lost or doubled, and what it showed is found again.
// Method: one small run, repeated with a death after step 1, 2, 3 … (of store and network together) until none dies.

import { expect, test } from "vitest";
import { createChat } from "../../src/core/chat.ts";
import { MemoryDisk, MemoryStore } from "../../src/core/store-memory.ts";
import { TabHub } from "../../src/core/tabs.ts";
import { Judge } from "./judge.ts";
import type { SetTimer } from "../../src/core/ports.ts";
import { Life } from "./mortal.ts";
import { LOBBY, rowsOf, World } from "./people.ts";
import { SlowStore } from "./slow-store.ts";

/** Runs with a death after step `last`; whether it died. */
async function run(last: number, tabs: "one tab" | "two tabs"): Promise<boolean> {
  const world = new World(7);
  const judge = new Judge(world);
  const disk = new MemoryDisk();
  const hub = new TabHub();
  const life = new Life(last);
  const bob = await world.person("bob");
  const options = (owner: Life): ReturnType<World["options"]> => {
    // What a disk has not done yet when its process dies is never done.
    const timer: SetTimer = (milliseconds, due) => world.clock.setTimer(milliseconds, () => owner.isOver || due());
    return owner.options(world.options({ store: new SlowStore(new MemoryStore(disk), timer, () => 1), tabs: hub.join() }));
  };

  const birth = createChat(options(life));
  await world.clock.pass(20);
  const second = tabs === "two tabs" ? await world.does(createChat(options(new Life()))) : null;
  const first = life.isOver ? null : await birth;
  const watched = first?.open(LOBBY);
  if (watched !== undefined) judge.watch("ada", watched);
  first?.setDraft({ room: LOBBY }, "typed");
  first?.setDraft({ room: LOBBY, seq: 1 }, "a change");
  await world.clock.pass(50);
  const [wasTyped, wasChanged] = ["1", "1/1"].map((place) => (disk.drafts.get(place)?.text ?? null) !== null);
  void first?.send({ room: LOBBY }, "typed");
  for (let i = 1; i <= 3; i += 1) {
    if (first !== null) judge.say("ada", first, LOBBY, `ada ${i}`);
    if (second !== null) judge.say("ada's other tab", second, LOBBY, `other ${i}`);
    judge.say("bob", bob, LOBBY, `bob ${i}`);
    await world.clock.pass(i === 2 ? 300 : 1);
    if (i === 1) world.server.cutAll();
  }
  void first?.edit(LOBBY, 1, "changed").catch(() => undefined);
  await world.clock.pass(2_000);
  const hasDied = life.isOver;
  const shown = watched === undefined ? [] : rowsOf(watched, "message").map(({ seq }) => seq);
  life.end();
  // Everything that was shown was kept before.
  for (const seq of shown) expect([...disk.messages.values()].some((message) => message.room === LOBBY && message.seq === seq)).toBe(true);
  // What is in the outbox has been taken, whoever lives to hear of it.
  judge.keep(disk.rows.values());

  await world.clock.pass(1_000);
  const again = second ?? (await world.does(createChat(options(new Life()))));
  await world.online(again);
  await world.clock.pass(5_000);
  await judge.judgeView("ada", again, LOBBY);
  await judge.judgeView("bob", bob, LOBBY);
  judge.judgeLog(LOBBY);
  judge.verdict();
  // What was typed and kept is where it was typed, or was sent from there.
  const messages = world.server.state.rooms.get(LOBBY)?.messages ?? [];
  const places = [again.draft({ room: LOBBY }), ...messages.map(({ text }) => text)];
  const found = places.filter((text) => text === "typed").length;
  if (wasTyped === true) expect(found).toBe(1);
  else expect(found).toBeLessThanOrEqual(1);
  if (wasChanged === true) expect(again.draft({ room: LOBBY, seq: 1 })).toBe("a change");
  expect([...disk.rows.values()].filter(({ refused }) => refused === undefined)).toEqual([]);
  return hasDied;
}

for (const tabs of ["one tab", "two tabs"] as const) {
  test(`a death after any step loses and doubles nothing: ${tabs}`, async () => {
    let last = 1;
    for (let hasDied = true; hasDied; last += 1) {
      hasDied = await run(last, tabs).catch((error: unknown) => {
        throw new Error(`after step ${last}`, { cause: error });
      });
    }
    expect(last).toBeGreaterThan(20);
  }, 60_000);
}
