// Where a room opens, and what counts as read: in real pages, with a second device that counts along.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { LOBBY, Person } from "../harness/app.mjs";
import { launch } from "../harness/browser.mjs";
import { V1Person } from "../harness/person.mjs";
import { Server } from "../harness/server.mjs";

const READ = 120;

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** Ada has read so far, in a browser that she has closed since; her phone, another client of the protocol, is on. */
async function scene(t) {
  const server = await Server.start(t);
  const bob = await V1Person.connect(t, server.url, { name: "bob" });
  const say = (first, count) => Promise.all(Array.from({ length: count }, (_, index) => bob.say(line(first + index))));
  await say(1, READ);
  const ada = await Person.arrive(t, browser, server.url, "ada");
  await ada.sees(line(READ));
  const { token } = ada.frames.events().find(([event]) => event === "welcome")[1];
  const phone = await V1Person.connect(t, server.url, { auth: { token } });
  await eventually(async () => (await unread(phone)).count === 0);
  await ada.page.close();
  return { server, bob, say, ada, phone };
}

/** Some are taller than others. */
const line = (index) => `line ${index}${index % 7 === 0 ? "\n\nand more".repeat(index % 5) : ""}`;

const unread = async (phone) => (await phone.ask("unread", { rooms: [LOBBY] })).unread[LOBBY];

async function eventually(holds) {
  const patience = Date.now() + 10_000;
  while (!(await holds())) assert.ok(Date.now() < patience, "it came true in time");
}

/** A new page in ada's browser, once it is in place. */
async function comesBack({ ada, server }, hash = "") {
  const page = await Person.in(ada.context, `${server.url}/${hash}`);
  page.name = "ada";
  await page.connects();
  return page;
}

/** What stands on the screen of a timeline: the seqs in view, the place of the line, and the message after it. */
const screen = (person) =>
  person.page.evaluate(() => {
    const scroller = document.querySelector(".scroller");
    const { top, bottom, height } = scroller.getBoundingClientRect();
    const rows = [...document.querySelectorAll("#messages .message[data-seq]")];
    // A message of which less than a line is in view was not seen.
    const isInView = (box) => box.bottom > top && box.top + Math.min(16, box.height) <= bottom;
    const inView = rows.filter((row) => isInView(row.getBoundingClientRect()));
    const line = document.querySelector(".new-line");
    const after = line === null ? undefined : rows.find((row) => line.compareDocumentPosition(row) & Node.DOCUMENT_POSITION_FOLLOWING);
    const before = line === null ? undefined : rows.findLast((row) => line.compareDocumentPosition(row) & Node.DOCUMENT_POSITION_PRECEDING);
    return {
      seqs: inView.map((row) => Number(row.dataset.seq)),
      line: line === null ? null : (line.getBoundingClientRect().top - top) / height,
      before: before === undefined ? null : Number(before.dataset.seq),
      after: after === undefined ? null : Number(after.dataset.seq),
      toEnd: scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight,
    };
  });

/** Waits for the line, and for the rows around it. */
async function atLine(person) {
  await person.page.locator(".new-line").waitFor();
  await person.eventually(async () => {
    const { line, after, before } = await screen(person);
    // Rows that are still being drawn move it.
    await scrollBy(person, 0);
    const isStill = (await screen(person)).line === line;
    return isStill && line !== null && after !== null && before !== null && line > 0 && line < 1;
  }, "the line in view, which no longer moves");
  return screen(person);
}

/** Runs in a page: notes in `inFrames` which messages were in view in any frame from now on. */
function noteFrames() {
  globalThis.inFrames = new Set();
  const note = () => {
    const { top = 0, bottom = 0 } = document.querySelector(".scroller")?.getBoundingClientRect() ?? {};
    for (const row of document.querySelectorAll("#messages .message[data-seq]")) {
      const box = row.getBoundingClientRect();
      if (box.bottom > top && box.top < bottom) globalThis.inFrames.add(Number(row.dataset.seq));
    }
    requestAnimationFrame(note);
  };
  requestAnimationFrame(note);
}

const watchFrames = (person) => person.page.evaluate(noteFrames);
const wasInFrames = async (person) => new Set(await person.page.evaluate(() => [...globalThis.inFrames]));

/** What is read after one message, up to another, was in a frame. */
async function readWasShown(person, after, last) {
  const shown = await wasInFrames(person);
  for (let read = after + 1; read <= last; read += 1) assert.ok(shown.has(read), `${read} is read, and was in a frame`);
}

const scrollBy = (person, pixels) =>
  person.page.evaluate(async (delta) => {
    document.querySelector(".scroller").scrollBy(0, delta);
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  }, pixels);

describe("a room with unread messages", () => {
  for (const count of [81, 250]) {
    test(`opens at the first of ${count}, and only what was on the screen is read`, async (t) => {
      const the = await scene(t);
      await the.say(READ + 1, count);
      const ada = await comesBack(the);
      const { line: place, before, after, seqs, toEnd } = await atLine(ada);
      assert.deepEqual([before, after], [READ, READ + 1], "the line stands above the first unread message");
      assert.ok(Math.abs(place - 0.3) < 0.02, `the line stands a third from the top, not at ${place}`);
      assert.ok(toEnd > 500, "far from the end");
      // The phone counts what was not on the screen here.
      const last = READ + count;
      const read = async () => last - (await screen(ada)).seqs.at(-1);
      await eventually(async () => (await unread(the.phone)).count === Math.min(100, await read()));
      assert.ok(seqs.includes(READ) && seqs.includes(READ + 1));
      assert.ok((await read()) > 40, "most of it is still unread");
      const { seq } = await the.phone.seesEvent("read", (event) => event.room === LOBBY);
      assert.ok(seq <= seqs.at(-1), `${seq} was on the screen`);

      // Read on to the end, by the wheel.
      const box = await ada.page.locator(".scroller").boundingBox();
      await ada.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
      for (let turns = 0; (await screen(ada)).seqs.at(-1) !== last; turns += 1) {
        assert.ok(turns < 400, "the end is reached");
        await ada.page.mouse.wheel(0, 300);
        await ada.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      }
      await eventually(async () => (await unread(the.phone)).count === 0);
      await ada.eventually(async () => !/^\(/.test(await ada.page.title()), "a title without a number");
      ada.assertContent();
    });
  }

  test("opens at the first one after a reload, and where nobody is connected", async (t) => {
    const the = await scene(t);
    await the.say(READ + 1, 250);
    const first = await comesBack(the);
    await atLine(first);
    // What was on the screen is read; the line stands after it.
    const { seq } = await the.phone.seesEvent("read", (event) => event.room === LOBBY && event.seq > READ);
    await first.page.reload();
    const { before, after } = await atLine(first);
    assert.ok(after > seq && after < READ + 60, `the line stands above ${after}, and ${seq} was read`);
    assert.equal(before, after - 1);
    await the.server.kill();
    await first.page.reload();
    const offline = await atLine(first);
    assert.ok(offline.after >= after, `the line stands above ${offline.after}, and stood above ${after}`);
    first.assertContent();
  });

  test("is passed by a jump to the latest, and the way back leads to the first that was skipped", async (t) => {
    const the = await scene(t);
    await the.say(READ + 1, 250);
    const ada = await comesBack(the);
    const { seqs } = await atLine(ada);
    await ada.page.getByRole("button", { name: /new · Jump to latest/ }).click();
    await ada.sees(line(READ + 250));
    await eventually(async () => (await unread(the.phone)).count === 0);
    await ada.button("Jump to the first new message").click();
    await ada.page.locator(`[data-seq="${seqs.at(-1) + 1}"]`).waitFor();
    await ada.eventually(async () => (await screen(ada)).seqs.includes(seqs.at(-1) + 1), "the first that was skipped");
    ada.assertContent();
  });

  test("stays unread when one writes below it", async (t) => {
    const the = await scene(t);
    await the.say(READ + 1, 250);
    const ada = await comesBack(the);
    await atLine(ada);
    await ada.write("me too");
    await ada.sees("me too");
    await ada.eventually(async () => (await screen(ada)).toEnd < 2, "the end");
    await the.phone.sees("me too");
    const { count, capped } = await unread(the.phone);
    assert.deepEqual({ count, capped }, { count: 100, capped: true });
    await ada.button("Jump to the first new message").waitFor();
    ada.assertContent();
  });

  test("is not skipped by what comes while the connection is gone", async (t) => {
    const the = await scene(t);
    const ada = await comesBack(the);
    await ada.sees(line(READ));
    await ada.context.setOffline(true);
    await ada.waitsForServer();
    await the.say(READ + 1, 250);
    await watchFrames(ada);
    await ada.context.setOffline(false);
    // A message that comes by itself before the others may be shown at the end, and is read.
    const { before, after, seqs } = await atLine(ada);
    assert.equal(after, before + 1);
    assert.ok(after <= READ + 60 && seqs.at(-1) < READ + 90, `the line stands before ${after}, near where it had read to`);
    await eventually(async () => (await unread(the.phone)).count === 100);
    await readWasShown(ada, READ, before);
    ada.assertContent();
  });

  test("is not scrolled past by a burst, in a page that has been open for long", async (t) => {
    const the = await scene(t);
    const ada = await comesBack(the);
    let last = READ;
    // Until the window holds as much as it may: from then on it is cut above by as much as comes below.
    while ((await ada.page.locator("#messages .message[data-seq]").count()) < 300) {
      await the.say(last + 1, 5);
      last += 5;
      await ada.sees(line(last));
      assert.ok(last < 1_000, "the window is full");
    }
    await eventually(async () => (await unread(the.phone)).count === 0);
    await watchFrames(ada);
    await the.say(last + 1, 250);
    const { after, seqs } = await atLine(ada);
    assert.ok(after <= last + 60 && seqs.at(-1) < last + 90, `the line stands before ${after}, near where the burst began`);
    await eventually(async () => (await unread(the.phone)).count === 100);
    const { seq } = await the.phone.seesEvent("read", (event) => event.room === LOBBY && event.seq >= after - 1);
    await readWasShown(ada, last, seq);
    ada.assertContent();
  });

  test("is not read by a link to a later message", async (t) => {
    const the = await scene(t);
    await the.say(READ + 1, 250);
    await the.ada.context.addInitScript(noteFrames);
    const ada = await comesBack(the, `#/room/${LOBBY}/seq/300`);
    await ada.sees(line(300));
    await ada.eventually(async () => (await screen(ada)).seqs.includes(300), "the message of the link");
    // What comes while the page opens may be on the screen for a moment.
    const shown = await wasInFrames(ada);
    let first = READ + 1;
    while (shown.has(first)) first += 1;
    assert.ok(first < 200, "most of it was not on the screen");
    await ada.button("Jump to the first new message").click();
    await ada.eventually(async () => (await screen(ada)).seqs.includes(first), "the first new message");
    const { count } = await unread(the.phone);
    assert.equal(count, 100);
    ada.assertContent();
  });
});

describe("a page that nobody looks at", () => {
  /** A browser without a screen believes that somebody always looks. */
  const looks = (person, isThere) =>
    person.page.evaluate((answer) => {
      document.hasFocus = () => answer;
      globalThis.dispatchEvent(new Event(answer ? "focus" : "blur"));
    }, isThere);

  test("reads nothing of what comes, and all that is in view when somebody looks again", async (t) => {
    const the = await scene(t);
    const ada = await comesBack(the);
    await ada.sees(line(READ));
    await looks(ada, false);
    for (let count = 1; count <= 3; count += 1) {
      await the.say(READ + count, 1);
      await ada.sees(line(READ + count));
      await ada.eventually(async () => (await ada.page.title()).startsWith(`(${count}) `), `${count} in the title`);
    }
    const before = the.phone.of("read").length;
    assert.equal((await unread(the.phone)).count, 3);
    await looks(ada, true);
    await eventually(async () => (await unread(the.phone)).count === 0);
    await ada.eventually(async () => !(await ada.page.title()).startsWith("("), "a title without a count");
    const read = the.phone.of("read").slice(before);
    assert.deepEqual(read.map(({ seq }) => seq), [READ + 3]);
    ada.assertContent();
  });
});
