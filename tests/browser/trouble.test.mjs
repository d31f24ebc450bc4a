// Networks that go, servers that die, pages that are closed: nothing that was written is lost, doubled or swapped.
//
// Everything that the pages showed meanwhile is written down and judged by the history checker.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { LOBBY, Person } from "../harness/app.mjs";
import { launch } from "../harness/browser.mjs";
import { V1Person } from "../harness/person.mjs";
import { FrameProxy } from "../harness/frame-proxy.mjs";
import { Proxy } from "../harness/proxy.mjs";
import { Server } from "../harness/server.mjs";
import { judgeViews, readRoom } from "../harness/views.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const arrive = (t, url, name) => Person.arrive(t, browser, url, name, { recorded: true });

/** Judges what was shown, and that nobody's page complained. */
async function judge(t, server, people, senders) {
  judgeViews(await readRoom(t, server.url, LOBBY), people, { senders });
  for (const person of people) person.assertContent();
}

describe("without a network", () => {
  test("a message is kept, and sent once and in order when the network is back", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await Promise.all([arrive(t, server.url, "ada"), arrive(t, server.url, "bob")]);
    await ada.write("before");
    await bob.shows("before");
    await ada.context.setOffline(true);
    await ada.status("Offline");
    await ada.write("one");
    await ada.write("two");
    await ada.waits("one", "two");
    await ada.status("Offline – 2 messages will be sent");
    await bob.write("meanwhile");
    await bob.shows("before", "meanwhile");
    await ada.context.setOffline(false);
    for (const person of [ada, bob]) await person.shows("before", "meanwhile", "one", "two");
    await ada.status("Back online");
    await judge(t, server, [ada, bob]);
  });

  test("the page opens, shows what it knows, takes messages, and sends them after a reload", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await Promise.all([arrive(t, server.url, "ada"), arrive(t, server.url, "bob")]);
    const known = ["from bob", "from ada"];
    await bob.write("from bob");
    await ada.shows("from bob");
    await ada.write("from ada");
    await ada.shows(...known);
    await ada.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
    await ada.context.setOffline(true);
    await ada.page.reload();
    await ada.sees("from bob");
    await ada.write("written offline");
    await ada.waits("written offline");
    await ada.page.reload();
    await ada.waits("written offline");
    assert.deepEqual(await ada.texts(), [...known, "written offline"]);
    await ada.write("and more");
    await bob.write("meanwhile");
    await bob.shows(...known, "meanwhile");
    await ada.context.setOffline(false);
    for (const person of [ada, bob]) await person.shows(...known, "meanwhile", "written offline", "and more");
    await judge(t, server, [ada, bob]);
  });

  test("a draft outlives a reload", async (t) => {
    const server = await Server.start(t);
    const ada = await arrive(t, server.url, "ada");
    await ada.composer.fill("half a thought");
    await ada.eventually(async () => (await ada.stored("drafts")).some(({ text }) => text === "half a thought"));
    await ada.page.reload();
    await ada.composer.waitFor();
    assert.equal(await ada.composer.inputValue(), "half a thought");
  });
});

describe("over a bad link", () => {
  test("a message whose ack was lost with the page is stored once", async (t) => {
    const server = await Server.start(t);
    const proxy = await Proxy.start(t, server.port);
    const bob = await arrive(t, server.url, "bob");
    const ada = await arrive(t, proxy.url, "ada");
    await ada.write("before");
    await ada.shows("before");
    await ada.connects();
    proxy.mute();
    await ada.write("once");
    await bob.sees("once");
    await ada.waits("once");
    await ada.page.reload();
    await ada.shows("before", "once");
    await ada.write("after");
    for (const person of [ada, bob]) await person.shows("before", "once", "after");
    await judge(t, server, [ada, bob]);
  });

  test("a link that breaks again and again loses and doubles nothing", async (t) => {
    const server = await Server.start(t);
    const proxy = await Proxy.start(t, server.port);
    const bob = await arrive(t, server.url, "bob");
    const ada = await arrive(t, proxy.url, "ada");
    const texts = Array.from({ length: 40 }, (_, index) => `line ${index}`);
    for (const [index, text] of texts.entries()) {
      await ada.write(text);
      if (index % 8 === 7) proxy.cut();
    }
    for (const person of [ada, bob]) await person.shows(...texts);
    await judge(t, server, [ada, bob]);
  });

  for (const [act, at, frame] of [
    ["cut", /^up GET upgrade/u, "the handshake of the WebSocket"],
    ["stall", /^down frame 0\{/u, "the opening of the session"],
    ["freeze up", /^up frame 40\/v1/u, "CONNECT"],
    ["freeze down", /^down frame 42\/v1,\["welcome"/u, "the welcome"],
  ]) {
    test(`a ${act} at ${frame} is over within ten seconds`, async (t) => {
      const server = await Server.start(t);
      const proxy = await FrameProxy.start(t, server.port, { at, act });
      const bob = await V1Person.connect(t, server.url, { name: "bob" });
      const ada = await arrive(t, proxy.url, "ada");
      await proxy.until(({ hasActed }) => hasActed, frame);
      const began = performance.now();
      await ada.write("out");
      await bob.sees("out");
      await bob.say("in");
      await ada.sees("in");
      assert.ok(performance.now() - began < 10_000, `it took ${performance.now() - began} ms`);
      ada.assertContent();
    });
  }

  test("a network without WebSockets carries everything by polling", async (t) => {
    const server = await Server.start(t);
    const proxy = await FrameProxy.start(t, server.port, { answers: 403 });
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    const ada = await arrive(t, proxy.url, "ada");
    await ada.write("out");
    await bob.sees("out");
    await bob.say("in");
    await ada.shows("out", "in");
    assert.equal(ada.frames.overWebSocket, 0);
  });

  test("somebody who was away gets the changes that they missed", async (t) => {
    const server = await Server.start(t);
    const [ada, bob] = await Promise.all([Person.arrive(t, browser, server.url, "ada"), Person.arrive(t, browser, server.url, "bob")]);
    for (const text of ["stays", "changes", "goes"]) await ada.write(text);
    await bob.shows("stays", "changes", "goes");
    await bob.context.setOffline(true);
    await bob.status("Offline");
    await ada.edit("changes", "was changed");
    await ada.delete("goes");
    const after = ["stays", "was changed", "This message was deleted."];
    await ada.shows(...after);
    await bob.context.setOffline(false);
    await bob.shows(...after);
  });
});

describe("a server that ends", () => {
  for (const end of ["stop", "kill"]) {
    test(`by ${end} and starts again keeps what people write meanwhile`, async (t) => {
      const server = await Server.start(t);
      const [ada, bob] = await Promise.all([arrive(t, server.url, "ada"), arrive(t, server.url, "bob")]);
      await ada.write("before");
      await bob.shows("before");
      await server[end]();
      await ada.waitsForServer();
      await ada.write("one");
      await ada.write("two");
      await server.startAgain();
      for (const person of [ada, bob]) await person.shows("before", "one", "two");
      await bob.write("after");
      await ada.page.reload();
      for (const person of [ada, bob]) await person.shows("before", "one", "two", "after");
      await judge(t, server, [ada, bob]);
    });
  }

  test("and is killed while people type, three times", async (t) => {
    const server = await Server.start(t);
    const people = await Promise.all(["ada", "bob", "cleo"].map((name) => arrive(t, server.url, name)));
    for (let round = 0; round < 3; round += 1) {
      const typing = people.map(async (person) => {
        for (let line = 0; line < 4; line += 1) await person.write(`${person.name} ${round}.${line}`);
      });
      // Somewhere in between: some of it is stored and acked, some stored only, some neither.
      await people[round].frames.until(({ sent }) => sent.some((packet) => packet.includes(`${people[round].name} ${round}.`)), "a message under way");
      await server.kill();
      await Promise.all(typing);
      await server.startAgain();
    }
    for (const person of people) await person.has(36);
    const log = await readRoom(t, server.url, LOBBY);
    assert.equal(log.length, 36);
    judgeViews(log, people);
    for (const person of people) person.assertContent();
  });
});

describe("a page that is closed", () => {
  test("right after Enter has sent what it was given, or sends it when it is opened again", async (t) => {
    const server = await Server.start(t);
    const proxy = await Proxy.start(t, server.port);
    const bob = await arrive(t, server.url, "bob");
    const ada = await arrive(t, proxy.url, "ada");
    await ada.write("before");
    await bob.shows("before");
    await ada.connects();
    proxy.stall();
    const texts = Array.from({ length: 5 }, (_, index) => `in a hurry ${index}`);
    for (const text of texts) await ada.write(text);
    await ada.waits(...texts);
    await ada.page.close({ runBeforeUnload: false });
    proxy.cut();
    proxy.resume();
    const again = await ada.tab(proxy.url);
    for (const person of [again, bob]) await person.shows("before", ...texts);
    await judge(t, server, [bob], [ada]);
  });
});

describe("several tabs of one person", () => {
  test("share one connection and one outbox, and another takes over when one is closed", async (t) => {
    const server = await Server.start(t);
    const bob = await arrive(t, server.url, "bob");
    const ada = await arrive(t, server.url, "ada");
    await ada.connects();
    const tabs = [ada, await ada.tab(), await ada.tab()];
    for (const tab of tabs) await tab.composer.waitFor();
    await tabs[1].write("from the second tab");
    await tabs[2].write("from the third tab");
    await bob.has(2);
    for (const tab of tabs) await tab.shows(...(await bob.texts()));
    assert.deepEqual(tabs.map((tab) => tab.frames.webSockets.length), [1, 0, 0], "one has the socket");
    assert.deepEqual(tabs.slice(1).map((tab) => tab.frames.sent), [[], []], "and the others none, nor polls");
    await ada.page.close();
    await bob.write("to whoever is left");
    for (const tab of tabs.slice(1)) await tab.sees("to whoever is left");
    await tabs[2].write("still here");
    await bob.sees("still here");
    assert.equal(tabs.slice(1).filter((tab) => tab.frames.open.length > 0).length, 1);
    for (const person of [bob, ...tabs.slice(1)]) person.assertContent();
  });

  test("go on within three seconds when the leading one hangs, which follows when it is well again", async (t) => {
    const server = await Server.start(t);
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    const ada = await Person.arrive(t, browser, server.url, "ada");
    const other = await ada.tab();
    await ada.write("before");
    await other.shows("before");
    const hanging = ada.page.evaluate(() => {
      const end = performance.now() + 12_000;
      while (performance.now() < end);
      return true;
    });
    const began = performance.now();
    await other.write("meanwhile");
    await bob.sees("meanwhile");
    const took = performance.now() - began;
    t.diagnostic(`the other tab talked after ${Math.round(took)} ms`);
    assert.ok(took < 6_000, `it took ${took} ms`);
    await bob.say("to both");
    await other.sees("to both");
    assert.equal(await hanging, true);
    await ada.write("after");
    for (const tab of [ada, other]) await tab.shows("before", "meanwhile", "to both", "after");
    assert.equal([ada, other].filter((tab) => tab.frames.open.length > 0).length, 1);
    for (const tab of [ada, other]) tab.assertContent();
  });

  test("that are offline together write one outbox in order", async (t) => {
    const server = await Server.start(t);
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    const ada = await Person.arrive(t, browser, server.url, "ada");
    const other = await ada.tab();
    await other.composer.waitFor();
    await ada.context.setOffline(true);
    for (const tab of [ada, other]) await tab.status("Offline");
    const written = [];
    for (const [tab, text] of [[ada, "one"], [other, "two"], [ada, "three"]]) {
      await tab.write(text);
      written.push(text);
      for (const each of [ada, other]) await each.waits(...written);
    }
    await ada.context.setOffline(false);
    for (const tab of [ada, other]) await tab.shows("one", "two", "three");
    await bob.sees("three");
    assert.deepEqual(bob.texts(), ["one", "two", "three"]);
  });
});
