// Times and days on devices that travel, and on devices whose clock is wrong.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Person } from "../harness/app.mjs";
import { launch } from "../harness/browser.mjs";
import { V1Person } from "../harness/person.mjs";
import { Server } from "../harness/server.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const DAY_MS = 24 * 60 * 60 * 1000;

/** What the page says about time: the names of its days, and the time of each message that shows one. */
const times = (person) =>
  person.page.evaluate(() => ({
    days: [...document.querySelectorAll(".day-line")].map((line) => line.textContent.trim()),
    times: [...document.querySelectorAll("#messages .byline time")].map((time) => time.textContent.trim()),
  }));

/** Messages of one author stand together, so what is sent first shows its time. */
const shown = (at, zone) => new Intl.DateTimeFormat("en-US", { timeStyle: "short", timeZone: zone }).format(at);

describe("a page that stays open on a journey", () => {
  test("shows its times in the zone where it is", async (t) => {
    const server = await Server.start(t);
    const bob = await V1Person.connect(t, server.url, { name: "bob" });
    const { at } = await bob.say("where are you?");
    const ada = await Person.arrive(t, browser, server.url, "ada");
    await ada.sees("where are you?");
    const devtools = await ada.context.newCDPSession(ada.page);
    for (const zone of ["Asia/Tokyo", "America/Los_Angeles"]) {
      await devtools.send("Emulation.setTimezoneOverride", { timezoneId: zone });
      // As when somebody looks at the page again.
      await ada.page.evaluate(() => void document.dispatchEvent(new Event("visibilitychange")));
      await ada.eventually(async () => (await times(ada)).times[0] === shown(at, zone), `the time of ${zone}`);
      assert.deepEqual((await times(ada)).days.at(-1), "Today");
    }
    ada.assertContent();
  });
});

describe("a device whose clock is wrong", () => {
  for (const [name, off] of [["three days fast", 3 * DAY_MS], ["more than a year slow", -400 * DAY_MS]]) {
    test(`${name}: today is today, for what waits as well`, async (t) => {
      const server = await Server.start(t);
      const bob = await V1Person.connect(t, server.url, { name: "bob" });
      await bob.say("what day is it?");
      const ada = await Person.open(t, browser, server.url);
      await ada.context.addInitScript((milliseconds) => {
        const { Date: Right } = globalThis;
        globalThis.Date = class extends Right {
          constructor(...given) {
            super(...(given.length === 0 ? [Right.now() + milliseconds] : given));
          }
          static now() {
            return Right.now() + milliseconds;
          }
        };
      }, off);
      await ada.page.reload();
      await ada.introduce("ada");
      await ada.sees("what day is it?");
      await ada.eventually(async () => (await times(ada)).days.join() === "Today", "one day, which is today");
      await ada.connects();
      await server.kill();
      await ada.waitsForServer();
      await ada.write("it is today");
      await ada.waits("it is today");
      assert.deepEqual((await times(ada)).days, ["Today"]);
      await ada.page.reload();
      await ada.waits("it is today");
      assert.deepEqual((await times(ada)).days, ["Today"], "also without a server to ask");
      await server.restart();
      await ada.shows("what day is it?", "it is today");
      assert.deepEqual((await times(ada)).days, ["Today"]);
      ada.assertContent();
    });
  }
});
