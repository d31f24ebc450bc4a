// A page in the tutorial's manner, served by --pages, in real browsers.

import { after, before, describe, test } from "node:test";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Person } from "../harness/app.mjs";
import { launch } from "../harness/browser.mjs";
import { Server, temporaryFolder } from "../harness/server.mjs";
import { TutorialVisitor } from "../harness/tutorial.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

describe("a page in the tutorial's manner", () => {
  function pages(t) {
    const folder = temporaryFolder();
    copyFileSync(fileURLToPath(new URL("../pages/tutorial-manner.html", import.meta.url)), join(folder, "index.html"));
    return folder;
  }

  test("lets two browsers chat, offline and online again, over a reload", async (t) => {
    const server = await Server.start(t, { pages: pages(t) });
    const ada = await TutorialVisitor.open(t, browser, server.url);
    const bob = await TutorialVisitor.open(t, browser, server.url);
    await ada.write("hello");
    await bob.shows("hello");
    await ada.context.setOffline(true);
    await ada.page.waitForFunction("!connection.connected");
    await ada.write("one");
    await ada.write("two");
    await bob.write("meanwhile");
    await bob.shows("hello", "meanwhile");
    await ada.context.setOffline(false);
    const all = ["hello", "meanwhile", "one", "two"];
    for (const visitor of [ada, bob]) await visitor.shows(...all);
    await ada.page.reload();
    await ada.shows(...all);
    for (const visitor of [ada, bob]) visitor.assertContent();
  });

  for (const end of ["stop", "kill"]) {
    test(`works over a server's ${end} and start`, async (t) => {
      const server = await Server.start(t, { pages: pages(t) });
      const ada = await TutorialVisitor.open(t, browser, server.url);
      const bob = await TutorialVisitor.open(t, browser, server.url);
      await ada.write("before");
      await bob.shows("before");
      await server[end]();
      await ada.page.waitForFunction("!connection.connected");
      await ada.write("one");
      await ada.write("two");
      await server.startAgain();
      for (const visitor of [ada, bob]) await visitor.shows("before", "one", "two");
    });
  }

  test("chats with the app of the same data", async (t) => {
    const own = await Server.start(t, { pages: pages(t) });
    const ada = await TutorialVisitor.open(t, browser, own.url);
    await ada.write("from the tutorial's page");
    await ada.shows("from the tutorial's page");
    await own.stop();
    const builtIn = await Server.start(t, { data: own.data });
    const bob = await Person.open(t, browser, builtIn.url);
    await bob.shows("from the tutorial's page");
  });
});
