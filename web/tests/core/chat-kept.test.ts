// Goal: a page shows only what its store has, and needs no more than a store and the address of a server.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { createChat } from "../../src/core/chat.ts";
import { MemoryDisk, MemoryStore } from "../../src/core/store-memory.ts";
import { LOBBY, texts, World } from "./people.ts";
import { BusyStore } from "./slow-store.ts";

test("a message is not shown before it is kept, though something else is shown meanwhile", async () => {
  const world = new World();
  const ada = await world.person("ada");
  const store = new BusyStore(new MemoryDisk());
  const bob = await world.person("bob", { store });
  const view = bob.open(LOBBY);
  await world.clock.pass(1_000);
  const letGo = store.hold();
  await world.does(ada.say(LOBBY, "hello"));
  await world.clock.until(() => store.isAsked, "the commit");
  void bob.say(LOBBY, "hi");
  await world.clock.pass(100);
  expect([texts(view), bob.rooms.value.map(({ unread }) => unread)]).toEqual([[], [0]]);
  letGo();
  await world.clock.pass(100);
  expect(texts(view)).toEqual(["hello", "hi"]);
});

test("a chat with nothing but a store and an address finds the server there, and tries again by itself", async () => {
  const asked: string[] = [];
  let heard = (): void => undefined;
  const twice = new Promise<void>((resolve) => (heard = resolve));
  const server = createServer();
  const note = (url: string | undefined): void => {
    asked.push(new URL(url ?? "", "http://server").pathname);
    if (asked.length === 4) heard();
  };
  server.on("request", (request, response) => {
    note(request.url);
    response.writeHead(404).end();
  });
  server.on("upgrade", (request, socket) => {
    note(request.url);
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const store = new MemoryStore();
  const chat = await createChat({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, store });
  try {
    // Each try goes both ways.
    await twice;
    expect(new Set(asked)).toEqual(new Set(["/socket.io/"]));
    void chat.say(LOBBY, "hello");
    const { outbox } = await store.load();
    expect(outbox.rows.map(({ device }) => device)).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)]);
  } finally {
    await chat.stop();
    server.close();
    server.closeAllConnections();
  }
});
