// Goal: wherever a tab dies or its disk fails, nothing that was taken is lost or doubled, and what it showed is found again.
// Method: one small run, repeated with a death after step 1, 2, 3 … (of store and network together) until none dies; and with
// operation 1, 2, 3 … of the store that fails, alone or with those of the next two seconds.

import { expect, test } from "vitest";
import { createChat } from "../../src/core/chat.ts";
import { MemoryDisk, MemoryStore } from "../../src/core/store-memory.ts";
import { TabHub } from "../../src/core/tabs.ts";
import { Judge } from "./judge.ts";
import type { SetTimer } from "../../src/core/ports.ts";
import { FailingStore, type Fate } from "./failing-store.ts";
import { Life } from "./mortal.ts";
import { LOBBY, rowsOf, World } from "./people.ts";
import { SlowStore } from "./slow-store.ts";

type Trouble = "a death" | "one failure" | "two seconds of failures";

/** Runs with trouble at step `last`; whether it came. */
async function run(last: number, tabs: "one tab" | "two tabs", trouble: Trouble): Promise<boolean> {
  const world = new World(7);
  const judge = new Judge(world);
  const disk = new MemoryDisk();
  const hub = new TabHub();
  const life = new Life(trouble === "a death" ? last : Infinity);
  let operations = 0;
  let failsUntil = 0;
  const fate = (): Fate => {
    operations += 1;
    if (trouble === "a death" || operations < last) return "passes";
    if (failsUntil === 0) failsUntil = world.clock.now() + (trouble === "one failure" ? 0 : 2_000);
    return operations === last || world.clock.now() < failsUntil ? "rejected" : "passes";
  };
  const bob = await world.person("bob");
  const options = (owner: Life): ReturnType<World["options"]> => {
    // What a disk has not done yet when its process dies is never done.
    const timer: SetTimer = (milliseconds, due) => world.clock.setTimer(milliseconds, () => owner.isOver || due());
    const store = new MemoryStore(disk);
    return owner.options(world.options({ store: new SlowStore(owner === life ? new FailingStore(store, fate) : store, timer, () => 1), tabs: hub.join() }));
  };

  const birth = createChat(options(life));
  await world.clock.pass(20);
  const second = tabs === "two tabs" ? await world.does(createChat(options(new Life()))) : null;
  const first = life.isOver ? null : await world.does(birth);
  const watched = first?.open(LOBBY);
  if (watched !== undefined) judge.watch("ada", watched);
  first?.setDraft({ room: LOBBY }, "typed");
  first?.setDraft({ room: LOBBY, seq: 1 }, "a change");
  await world.clock.pass(50);
  const [wasTyped, wasChanged] = ["1", "1/1"].map((place) => (disk.drafts.get(place)?.text ?? null) !== null);
  void first?.send({ room: LOBBY }, "typed");
  for (let i = 1; i <= 3; i += 1) {
    if (first !== null) void judge.say("ada", first, LOBBY, `ada ${i}`);
    if (second !== null) void judge.say("ada's other tab", second, LOBBY, `other ${i}`);
    void judge.say("bob", bob, LOBBY, `bob ${i}`);
    await world.clock.pass(i === 2 ? 300 : 1);
    if (i === 1) world.server.cutAll();
  }
  void first?.edit(LOBBY, 1, "changed").catch(() => undefined);
  await world.clock.pass(2_000);
  const isTroubled = life.isOver || failsUntil > 0;
  const shown = watched === undefined ? [] : rowsOf(watched, "message").map(({ seq }) => seq);
  life.end();
  // Everything that was shown was kept before, unless the disk takes nothing.
  if (trouble === "a death") for (const seq of shown) expect([...disk.messages.values()].some((message) => message.room === LOBBY && message.seq === seq)).toBe(true);
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
  return isTroubled;
}

for (const trouble of ["a death", "one failure", "two seconds of failures"] as const) {
  test.each(["one tab", "two tabs"] as const)(`${trouble} after any step loses and doubles nothing: %s`, async (tabs) => {
    let last = 1;
    for (let isTroubled = true; isTroubled; last += 1) {
      isTroubled = await run(last, tabs, trouble).catch((error: unknown) => {
        throw new Error(`after step ${last}`, { cause: error });
      });
    }
    expect(last).toBeGreaterThan(20);
  }, 60_000);
}
