// Goal: a page is the person who was chosen on its device, keeps what it can, and hears when it is looked at and when it is left.

import "fake-indexeddb/auto";
import { afterEach, describe, expect, test } from "vitest";
import { IdentityDatabase } from "../../../src/core/browser/identities-idb.ts";
import { LocalNotepad } from "../../../src/core/browser/notepad.ts";
import { onHide, onWake, openPageChat, type PageChat } from "../../../src/core/browser/page-chat.ts";
import { texts } from "../people.ts";
import { EngineServer } from "../engine-server.ts";
import { give, giveLocks, Kept, Page, quiet } from "./a-browser.ts";

const ROOM = 1;
const HERE = { room: ROOM };

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function browser(): Promise<{ readonly page: Page; readonly server: EngineServer; readonly kept: Kept }> {
  const { IDBFactory } = await import("fake-indexeddb");
  give("indexedDB", new IDBFactory());
  giveLocks();
  const kept = new Kept();
  give("localStorage", kept);
  const server = await EngineServer.start();
  closing.push(() => server.close());
  server.refusal = { status: 503, body: "" };
  return { page: new Page(server.url), server, kept };
}

async function opened(): Promise<PageChat> {
  const page = await openPageChat();
  closing.push(() => page.chat.stop());
  return page;
}

/** What waits to be sent. */
async function said(chat: PageChat["chat"], text: string): Promise<void> {
  void chat.say(ROOM, text);
  while (chat.connection.value.waiting === 0) await quiet();
}

describe("a page", () => {
  test("asks the server that it comes from", async () => {
    const { server } = await browser();
    const { chat } = await opened();
    await server.until(() => server.queries.length > 0);
    while (chat.connection.value.state !== "unavailable") await quiet();
  });

  test("finds again what was said and typed in it", async () => {
    await browser();
    const { chat } = await opened();
    await said(chat, "waits");
    chat.setDraft(HERE, "typed");
    await chat.stop();
    const { chat: again, identities } = await opened();
    expect([again.connection.value.waiting, again.draft(HERE), identities?.own]).toEqual([1, "typed", "tidings"]);
  });

  test("is the person who was chosen, and each new one has a store of a name of its own", async () => {
    await browser();
    const { chat, identities } = await opened();
    await said(chat, "of the first");
    const names = [identities?.newStore(), identities?.newStore()];
    expect(names).toEqual([expect.stringMatching(/^tidings [0-9a-f]{32}$/), expect.stringMatching(/^tidings [0-9a-f]{32}$/)]);
    expect(names[0]).not.toBe(names[1]);
    await identities?.begin();
    await chat.stop();
    const next = await opened();
    expect([next.chat.connection.value.waiting, next.identities?.own]).toEqual([0, expect.stringMatching(/^tidings [0-9a-f]{32}$/)]);
  });

  test("tells its device who it is as soon as the server says so", async () => {
    const { server } = await browser();
    server.refusal = null;
    const welcome = { user: { user: "00000000000000aa", name: "ada" }, owner: true, token: "secret", server: "s", cursor: "c", resumed: false, rooms: [], online: 1 };
    server.answers = (packet) => (packet.startsWith("0/v1,") ? ['0/v1,{"sid":"t"}', `2/v1,${JSON.stringify(["welcome", welcome])}`] : []);
    const { chat, identities } = await opened();
    const table = await IdentityDatabase.open("tidings");
    while ((await table.all()).length === 0) await quiet();
    expect(await table.all()).toEqual([{ store: "tidings", user: "00000000000000aa", name: "ada", server: "s" }]);
    expect([chat.me.value, identities?.self]).toMatchObject([{ owner: true }, { store: "tidings", name: "ada" }]);
  });

  test("jots down what is typed when it is left, and another tab shows it", async () => {
    const { page, kept } = await browser();
    const { chat } = await opened();
    chat.setDraft(HERE, "t");
    page.becomes("hidden");
    expect(new LocalNotepad("tidings").read().map(({ text }) => text)).toEqual(["t"]);
    while (Object.keys(kept).length > 0) await quiet();
    expect((await opened()).chat.draft(HERE)).toBe("t");
  });

  test("where nothing can be kept works until it is closed, alone", async () => {
    await browser();
    give("indexedDB", { open: () => { throw new DOMException("not here", "SecurityError"); } });
    const { chat, identities } = await opened();
    await said(chat, "for now");
    expect([identities, texts(chat.open(ROOM)).length, chat.connection.value.waiting]).toEqual([null, 0, 1]);
    const other = await opened();
    expect(other.chat.connection.value.waiting).toBe(0);
  });
});

describe("who listens to a page", () => {
  test("is woken when the network is back, and when somebody looks at it, until that is stopped", () => {
    const page = new Page("http://server");
    const woken: string[] = [];
    let what = "";
    const stop = onWake(() => woken.push(what));
    const all = (): void => {
      for (what of ["online", "focus"]) page.window.dispatchEvent(new Event(what));
      what = "hidden";
      page.becomes("hidden");
      what = "visible";
      page.becomes("visible");
    };
    all();
    expect(woken).toEqual(["online", "focus", "visible"]);
    stop();
    all();
    expect(woken).toHaveLength(3);
  });

  test("is told when it is left or put away, until that is stopped", () => {
    const page = new Page("http://server");
    const hidden: string[] = [];
    let what = "";
    const stop = onHide(() => hidden.push(what));
    const all = (): void => {
      what = "pagehide";
      page.window.dispatchEvent(new Event(what));
      what = "visible";
      page.becomes("visible");
      what = "hidden";
      page.becomes("hidden");
    };
    all();
    expect(hidden).toEqual(["pagehide", "hidden"]);
    stop();
    all();
    expect(hidden).toHaveLength(2);
  });
});
