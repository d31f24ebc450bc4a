// Goal: a text that is taken back is a draft again where it was taken back, and nothing that was typed there goes for that.

import { expect, test } from "vitest";
import { createChat } from "../../src/core/chat.ts";
import type { ChatClient, DraftPlace } from "../../src/core/facade.ts";
import { MemoryDisk, MemoryStore } from "../../src/core/store-memory.ts";
import { TabHub } from "../../src/core/tabs.ts";
import { Life } from "./mortal.ts";
import { LOBBY, rowsOf, World } from "./people.ts";
import { SlowStore } from "./slow-store.ts";

const HERE: DraftPlace = { room: LOBBY };
const SLOW_MS = 100;

class Browser {
  readonly world = new World();
  readonly disk = new MemoryDisk();
  readonly #hub = new TabHub();

  async open(latency = 0): Promise<{ readonly chat: ChatClient; readonly life: Life }> {
    const { world } = this;
    const life = new Life();
    const store = new SlowStore(new MemoryStore(this.disk), world.clock.setTimer, () => latency);
    const chat = await world.does(createChat(life.options(world.options({ store, tabs: this.#hub.join() }))));
    await world.online(chat);
    return { chat, life };
  }

  /** The number of something that was refused. */
  async refused(chat: ChatClient): Promise<number> {
    await this.world.does(chat.setName("ada"));
    await this.world.does(chat.say(LOBBY, " "));
    return rowsOf(chat.open(LOBBY), "pending")[0]?.n ?? 0;
  }

  /** All that stands anywhere. */
  kept(): readonly string[] {
    return [...this.disk.drafts.values()].flatMap(({ text }) => (text === null ? [] : [text])).toSorted();
  }
}

test("stands before what was typed in this tab, though another tab has written over that unseen", async () => {
  const browser = new Browser();
  const { world } = browser;
  const [one, other] = [await browser.open(), await browser.open()];
  const n = await browser.refused(one.chat);
  one.chat.setDraft(HERE, "from one");
  other.chat.setDraft(HERE, "from the other");
  await world.clock.pass(1_000);
  expect(one.chat.draft(HERE)).toBe("from one");
  await world.does(one.chat.takeBack(n));
  await world.clock.pass(1_000);
  expect(one.chat.draft(HERE)).toBe(" \nfrom one");
  expect(other.chat.draft(HERE)).toBe("from the other");
  expect(browser.kept()).toEqual([" \nfrom one", "from the other"]);
});

test("stands before what is typed while it is being taken back", async () => {
  const browser = new Browser();
  const { world } = browser;
  const { chat } = await browser.open(SLOW_MS);
  const n = await browser.refused(chat);
  const taking = chat.takeBack(n);
  await world.clock.until(() => browser.kept().length === 1, "the draft");
  chat.setDraft(HERE, "typed");
  await world.does(taking);
  expect(chat.draft(HERE)).toBe(" \ntyped");
  await world.clock.pass(5_000);
  expect(browser.kept()).toEqual([" \ntyped"]);
});

test("is kept, whenever the page goes, though somebody types meanwhile", async () => {
  for (let milliseconds = 0; milliseconds < 8 * SLOW_MS; milliseconds += 10) {
    const browser = new Browser();
    const { world } = browser;
    const { chat, life } = await browser.open(SLOW_MS);
    const n = await browser.refused(chat);
    void chat.takeBack(n);
    await world.clock.until(() => browser.kept().length === 1, "the draft");
    await world.clock.pass(milliseconds % 50);
    chat.setDraft(HERE, "typed");
    await world.clock.pass(milliseconds);
    life.end();
    await world.clock.pass(2 * SLOW_MS);
    expect(browser.kept().join(" ").startsWith(" "), `after ${milliseconds} ms`).toBe(true);
  }
});

test("leaves what is typed there alone when it cannot be taken back", async () => {
  const browser = new Browser();
  const { world } = browser;
  const { chat } = await browser.open(SLOW_MS);
  const taking = chat.takeBack(7);
  await world.clock.pass(SLOW_MS);
  chat.setDraft(HERE, "typed");
  expect(await world.does(taking)).toBe(null);
  await world.clock.pass(5_000);
  expect([chat.draft(HERE), browser.kept()]).toEqual(["typed", ["typed"]]);
});
