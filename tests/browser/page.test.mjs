// The built-in page in real browsers.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Visitor, launch } from "../harness/browser.mjs";
import { Person } from "../harness/client.mjs";
import { judge, readLog } from "../harness/history.mjs";
import { Proxy } from "../harness/proxy.mjs";
import { Server } from "../harness/server.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

describe("the built-in page", () => {
  test("lets two browsers chat", async (t) => {
    const server = await Server.start(t);
    const ada = await Visitor.open(t, browser, server.url);
    const bob = await Visitor.open(t, browser, server.url);
    await ada.write("hello");
    await bob.shows("hello");
    await bob.write("hello yourself, <b>ada</b> & all");
    const both = ["hello", "hello yourself, <b>ada</b> & all"];
    await ada.shows(...both);
    await bob.shows(...both);
    await ada.waiting();
    const cleo = await Visitor.open(t, browser, server.url);
    await cleo.shows(...both);
    for (const visitor of [ada, bob, cleo]) visitor.assertContent();
  });

  test("keeps what is written offline and sends it once, in order, when it is online again", async (t) => {
    const server = await Server.start(t);
    const ada = await Visitor.open(t, browser, server.url);
    const bob = await Visitor.open(t, browser, server.url);
    await ada.write("before");
    await bob.shows("before");
    await ada.context.setOffline(true);
    await ada.status("Offline");
    await ada.write("one");
    await ada.write("two");
    await ada.waiting("one", "two");
    await ada.status("2 messages are waiting.");
    await bob.write("meanwhile");
    await bob.shows("before", "meanwhile");
    await ada.context.setOffline(false);
    for (const visitor of [ada, bob]) await visitor.shows("before", "meanwhile", "one", "two");
    await ada.waiting();
    ada.assertContent();
  });

  test("keeps what is waiting over a reload", async (t) => {
    const server = await Server.start(t);
    const ada = await Visitor.open(t, browser, server.url);
    await ada.write("before");
    await ada.shows("before");
    await ada.context.route("**/socket.io/**", (route) => route.abort());
    await ada.page.reload();
    await ada.write("one");
    await ada.write("two");
    await ada.waiting("one", "two");
    await ada.page.reload();
    await ada.waiting("one", "two");
    await ada.context.unroute("**/socket.io/**");
    await ada.shows("before", "one", "two");
    await ada.waiting();
    ada.assertContent();
  });

  test("stores a message once whose ack was lost with the page", async (t) => {
    const server = await Server.start(t);
    const proxy = await Proxy.start(t, server.port);
    const bob = await Person.connect(t, server.url);
    const ada = await Visitor.open(t, browser, proxy.url);
    await ada.write("before");
    await ada.shows("before");
    proxy.mute();
    await ada.write("once");
    await bob.sees("once");
    await ada.waiting("once");
    await ada.page.reload();
    await ada.shows("before", "once");
    await ada.waiting();
    await ada.write("after");
    await ada.shows("before", "once", "after");
    const log = await readLog(t, server.url, 3);
    judge({ log, views: [bob.lines], acked: ["before", "once", "after"] });
  });

  for (const end of ["stop", "kill"]) {
    test(`works over a server's ${end} and start`, async (t) => {
      const server = await Server.start(t);
      const ada = await Visitor.open(t, browser, server.url);
      const bob = await Visitor.open(t, browser, server.url);
      await ada.write("before");
      await bob.shows("before");
      await server[end]();
      await ada.status("Offline");
      await ada.write("one");
      await ada.write("two");
      await server.startAgain();
      for (const visitor of [ada, bob]) await visitor.shows("before", "one", "two");
      await bob.write("after");
      await ada.page.reload();
      for (const visitor of [ada, bob]) await visitor.shows("before", "one", "two", "after");
      await ada.waiting();
    });
  }

  test("finds its way back through a link that breaks again and again", async (t) => {
    const server = await Server.start(t);
    const proxy = await Proxy.start(t, server.port);
    const bob = await Person.connect(t, server.url);
    const ada = await Visitor.open(t, browser, proxy.url);
    const texts = Array.from({ length: 40 }, (_, index) => `line ${index}`);
    for (const [index, text] of texts.entries()) {
      await ada.write(text);
      if (index % 8 === 7) proxy.cut();
    }
    await bob.seesCount(texts.length);
    await ada.shows(...texts);
    await ada.waiting();
    judge({ log: bob.lines, acked: texts, senders: [texts] });
  });

  test("shows a refusal with its code and gives the text back", async (t) => {
    const server = await Server.start(t);
    const ada = await Visitor.open(t, browser, server.url);
    const lineage = await ada.page.evaluate(() => localStorage.getItem("tidings.lineage"));
    assert.match(lineage, /^[0-9a-f]{32}$/);
    const same = await Person.connect(t, server.url, { auth: { lineage } });
    assert.deepEqual(await same.say("original", "key-1"), []);
    await ada.page.evaluate(() => localStorage.setItem("tidings.outbox.key-1", '{"text":"changed","place":1}'));
    await ada.page.reload();
    await ada.page.getByText("Not accepted: conflict").waitFor();
    await ada.page.getByRole("button", { name: "Edit" }).click();
    assert.equal(await ada.page.getByLabel("Message", { exact: true }).inputValue(), "changed");
    await ada.page.getByRole("button", { name: "Send" }).click();
    await ada.shows("original", "changed");
  });

  test("says what is too long before it is sent", async (t) => {
    const server = await Server.start(t);
    const ada = await Visitor.open(t, browser, server.url);
    await ada.write("x".repeat(16 * 1024 + 1));
    await ada.page.getByRole("alert").filter({ hasText: "too long" }).waitFor();
    assert.equal((await ada.page.getByLabel("Message", { exact: true }).inputValue()).length, 16 * 1024 + 1);
    await ada.write("x".repeat(16 * 1024));
    await ada.shows("x".repeat(16 * 1024));
  });

  test("leaves a reader alone who has scrolled up, and follows one who has not", async (t) => {
    const server = await Server.start(t);
    const bob = await Person.connect(t, server.url);
    const texts = Array.from({ length: 100 }, (_, index) => `line ${index}`);
    await Promise.all(texts.map((text) => bob.say(text)));
    const ada = await Visitor.open(t, browser, server.url);
    await ada.shows(...texts);
    const atEnd = () => {
      const { scrollTop, scrollHeight, clientHeight } = document.getElementById("scroller");
      return scrollHeight - scrollTop - clientHeight < 2;
    };
    await ada.page.waitForFunction(atEnd);
    await ada.page.evaluate(() => document.getElementById("scroller").scrollTo(0, 0));
    await ada.page.waitForFunction(() => document.getElementById("scroller").scrollTop === 0);
    // The page hears of a scroll with the next frame.
    await ada.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    await bob.say("news");
    await ada.page.getByRole("button", { name: "New messages" }).waitFor();
    assert.equal(await ada.page.evaluate(() => document.getElementById("scroller").scrollTop), 0);
    await ada.page.getByRole("button", { name: "New messages" }).click();
    await ada.page.waitForFunction(atEnd);
  });

  test("starts a new line with Shift and Enter", async (t) => {
    const server = await Server.start(t);
    const ada = await Visitor.open(t, browser, server.url);
    const box = ada.page.getByLabel("Message", { exact: true });
    await box.fill("one");
    await box.press("Shift+Enter");
    await box.pressSequentially("two");
    await box.press("Enter");
    await ada.shows("one\ntwo");
  });
});
