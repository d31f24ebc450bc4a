// A long conversation: paging, holes, permalinks, and an eye that is never moved by what comes.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { LOBBY, Person } from "../harness/app.mjs";
import { launch } from "../harness/browser.mjs";
import { V1Person } from "../harness/person.mjs";
import { Server } from "../harness/server.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** A server whose lobby has many messages, and somebody who writes more. */
async function conversation(t, count) {
  const server = await Server.start(t);
  const bob = await V1Person.connect(t, server.url, { name: "bob" });
  // Some are taller than others.
  const text = (index) => `line ${index}${index % 7 === 0 ? "\n\nand more".repeat(index % 5) : ""}`;
  await Promise.all(Array.from({ length: count }, (_, index) => bob.say(text(index + 1))));
  return { server, bob };
}

/** The seqs that are shown, and where they stand below the upper edge. */
function places(person) {
  return person.page.evaluate(() => {
    const scroller = document.querySelector(".scroller");
    const top = scroller.getBoundingClientRect().top;
    return Object.fromEntries(
      [...document.querySelectorAll("#messages .message[data-seq]")].map((row) => [row.dataset.seq, row.getBoundingClientRect().top - top]),
    );
  });
}

/** The first row that is in view, and its place. */
async function firstInView(person) {
  const all = Object.entries(await places(person)).map(([seq, top]) => ({ seq: Number(seq), top }));
  return all.sort((one, other) => one.top - other.top).find(({ top }) => top >= 0);
}

function assertStill(before, after) {
  assert.ok(after !== undefined, `row ${before.seq} is still there`);
  assert.ok(Math.abs(after - before.top) <= 1, `row ${before.seq} moved from ${before.top} to ${after}`);
}

const scrollBy = (person, pixels) =>
  person.page.evaluate(async (delta) => {
    const scroller = document.querySelector(".scroller");
    scroller.scrollBy(0, delta);
    // The page hears of a scroll with the next frame.
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  }, pixels);

const distanceToEnd = (person) =>
  person.page.evaluate(() => {
    const { scrollTop, scrollHeight, clientHeight } = document.querySelector(".scroller");
    return scrollHeight - scrollTop - clientHeight;
  });

describe("a long conversation", () => {
  test("follows a reader at its end, and leaves one alone who has scrolled up", async (t) => {
    const { server, bob } = await conversation(t, 120);
    const ada = await Person.arrive(t, browser, server.url, "ada");
    await ada.sees("line 120");
    await ada.eventually(async () => (await distanceToEnd(ada)) < 2);
    await bob.say("followed");
    await ada.sees("followed");
    await ada.eventually(async () => (await distanceToEnd(ada)) < 2);
    await scrollBy(ada, -700);
    const before = await firstInView(ada);
    await bob.say("news");
    await bob.say("more news");
    await ada.page.getByRole("button", { name: /Jump to latest/ }).waitFor();
    await ada.sees("more news");
    assertStill(before, (await places(ada))[before.seq]);
    await ada.page.getByRole("button", { name: /Jump to latest/ }).click();
    await ada.eventually(async () => (await distanceToEnd(ada)) < 2);
    ada.assertContent();
  });

  test("is read up to its beginning, page by page, while the first row stays where it is", async (t) => {
    const { server } = await conversation(t, 260);
    const ada = await Person.arrive(t, browser, server.url, "ada");
    await ada.sees("line 260");
    let moves = 0;
    for (;;) {
      const shown = await places(ada);
      if (shown[1] !== undefined) break;
      const oldest = Math.min(...Object.keys(shown).map(Number));
      // Just above the oldest row that is here: more is asked for.
      await ada.page.evaluate((seq) => document.querySelector(`[data-seq="${seq}"]`).scrollIntoView(), oldest);
      await ada.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      const before = await firstInView(ada);
      await ada.eventually(async () => Math.min(...Object.keys(await places(ada)).map(Number)) < oldest, "older messages");
      assertStill(before, (await places(ada))[before.seq]);
      moves += 1;
      assert.ok(moves < 30);
    }
    assert.ok(moves >= 2, "it takes more than one page");
    await ada.page.getByText("This is where everybody meets.").waitFor();
    const seqs = Object.keys(await places(ada)).map(Number).sort((one, other) => one - other);
    assert.deepEqual(seqs, seqs.map((_, index) => index + 1), "without a hole");
    ada.assertContent();
  });

  test("opens at a message by its link, and goes from there to the latest", async (t) => {
    const { server } = await conversation(t, 400);
    const ada = await Person.arrive(t, browser, server.url, "ada");
    await ada.sees("line 400");
    await ada.page.goto(`${ada.home}#/room/${LOBBY}/seq/100`);
    await ada.sees("line 100");
    await ada.eventually(async () => {
      const top = (await places(ada))[100];
      return top !== undefined && top > 0 && top < 700;
    });
    assert.equal(await ada.row("line 400").count(), 0);
    await ada.page.getByRole("button", { name: /Jump to latest/ }).click();
    await ada.sees("line 400");
    await ada.eventually(async () => (await distanceToEnd(ada)) < 2);
    // Somebody new opens the link.
    const cleo = await Person.arrive(t, browser, `${server.url}/#/room/${LOBBY}/seq/250`, "cleo");
    await cleo.sees("line 250");
    await cleo.eventually(async () => {
      const top = (await places(cleo))[250];
      return top !== undefined && top > 0 && top < 700;
    });
    for (const person of [ada, cleo]) person.assertContent();
  });

  test("gives a link to a message that leads there", async (t) => {
    const { server } = await conversation(t, 200);
    const ada = await Person.arrive(t, browser, server.url, "ada", { permissions: ["clipboard-read", "clipboard-write"] });
    await ada.sees("line 198");
    await ada.act("line 198", "Copy link");
    const link = await ada.page.evaluate(() => navigator.clipboard.readText());
    assert.equal(link, `${ada.home}#/room/${LOBBY}/seq/198`);
  });

  test("fills what was missed while away, however much it was", async (t) => {
    const { server, bob } = await conversation(t, 20);
    const ada = await Person.arrive(t, browser, server.url, "ada");
    await ada.sees("line 20");
    await ada.connects();
    await ada.context.setOffline(true);
    await ada.waitsForServer();
    await Promise.all(Array.from({ length: 300 }, (_, index) => bob.say(`missed ${index + 1}`)));
    await ada.context.setOffline(false);
    await ada.sees("missed 1");
    const last = async () => Math.max(...Object.keys(await places(ada)).map(Number));
    // It may be here for a moment while she is still far above it.
    const isAtEnd = async () => (await ada.row("missed 300").count()) === 1 && (await distanceToEnd(ada)) < 2;
    for (let round = 0; round < 400 && !(await isAtEnd()); round += 1) {
      const before = await last();
      await ada.page.evaluate(() => [...document.querySelectorAll("#messages .message[data-seq]")].at(-1).scrollIntoView());
      await ada.eventually(async () => (await last()) > before || (await ada.row("missed 300").count()) === 1, "newer messages");
    }
    await ada.sees("missed 300");
    const seqs = Object.keys(await places(ada)).map(Number).sort((one, other) => one - other);
    assert.deepEqual(seqs, seqs.map((_, index) => seqs[0] + index), "without a hole");
    ada.assertContent();
  });
});
