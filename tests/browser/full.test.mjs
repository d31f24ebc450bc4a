// The app while the server's disk is full: one can read, what one writes waits and says why, and it is sent by itself.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { LOBBY, Person } from "../harness/app.mjs";
import { launch } from "../harness/browser.mjs";
import { cannotMount, healthOf, readOnly, SmallDisk } from "../harness/disk.mjs";
import { Server } from "../harness/server.mjs";
import { judgeViews, readRoom } from "../harness/views.mjs";

const MEGABYTE = 1 << 20;
const waiting = (count) =>
  count === 1
    ? "The server’s disk is full: you can read, and your message waits and will be sent"
    : `The server’s disk is full: you can read, and your ${count} messages wait and will be sent`;

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

describe("a full disk", { skip: cannotMount }, () => {
  test("lets people read, and what they write is sent once and in order when there is room, over a reload and without a network", async (t) => {
    const disk = SmallDisk.mount(t, 32);
    const server = await Server.start(t, { data: disk.data });
    const [ada, bob] = await Promise.all(["ada", "bob"].map((name) => Person.arrive(t, browser, server.url, name, { recorded: true })));
    await ada.write("before");
    await bob.shows("before");
    await ada.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
    disk.fill(7 * MEGABYTE);
    await healthOf(server, 200, readOnly("low_space"));
    const connections = ada.frames.overWebSocket;
    await ada.write("one");
    await ada.write("two");
    await bob.write("three");
    await Promise.all([ada.status(waiting(2)), bob.status(waiting(1))]);
    await ada.waits("one", "two");
    // They still hear of each other.
    await ada.composer.fill("half a th");
    await bob.page.getByText("ada is typing…").waitFor();
    assert.equal(ada.frames.overWebSocket, connections, "nobody was sent away");
    await ada.reload();
    await ada.waits("one", "two");
    assert.deepEqual(await ada.texts(), ["before", "one", "two"]);
    await ada.context.setOffline(true);
    await ada.status("Offline – 2 messages will be sent");
    await ada.write("four");
    await ada.context.setOffline(false);
    await ada.status(waiting(3));
    // Somebody new reads what is there, and has a name later.
    const cleo = await Person.open(t, browser, server.url);
    await cleo.sees("before");
    disk.free(64);
    await bob.status("The server takes messages again");
    for (const person of [ada, bob]) for (const text of ["one", "two", "three", "four"]) await person.sees(text);
    assert.deepEqual([await ada.unsent(), await bob.unsent()], [[], []]);
    judgeViews(await readRoom(t, server.url, LOBBY), [ada, bob]);
    for (const person of [ada, bob, cleo]) person.assertContent();
  });
});
