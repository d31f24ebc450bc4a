// Measures the page in Chromium and reports numbers: what a message costs, whether frames are late, whether rows stay
// where they are, and how much is loaded first. The machine decides about times, so they are reported and gate nothing.
//
//   npm run measure

import { launch } from "../../tests/harness/browser.mjs";
import { stage } from "./stage.mjs";

const ROWS = 400;
const APPENDS = 60;
const { url, close } = await stage();
const browser = await launch();
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.on("pageerror", (err) => console.error(err));
  await page.goto(`${url}?rows=1000`);
  await page.locator(".row").last().waitFor();
  report("room with 400 rows opened", await fillWindow(page));
  const work = await workMeter(page);
  report("one message appended, wall clock", await page.evaluate(appendCosts, APPENDS));
  report("one message appended, processor", await work(APPENDS));
  report("100 messages/s for 10 s", await page.evaluate(flood, { perSecond: 100, seconds: 10 }));
  report("one message of them, processor", await work(1000));
  report("older rows put before", await page.evaluate(prepend, 6));
  report("room switched", await page.evaluate(switchRooms, 10));
} finally {
  await browser.close();
  close();
}

/** The processor time of the main thread since the last look, for each of so many: a busy machine does not count. */
async function workMeter(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const look = async () => Object.fromEntries((await session.send("Performance.getMetrics")).metrics.map(({ name, value }) => [name, value]));
  let before = await look();
  return async (count) => {
    const now = await look();
    const each = (name) => ((now[name] - before[name]) * 1000) / count;
    const numbers = { "script ms": each("ScriptDuration"), "style ms": each("RecalcStyleDuration"), "layout ms": each("LayoutDuration") };
    before = now;
    return { ...numbers, "together ms": numbers["script ms"] + numbers["style ms"] + numbers["layout ms"] };
  };
}

function report(what, numbers) {
  const parts = Object.entries(numbers).map(([name, value]) => `${name} ${typeof value === "number" ? Math.round(value * 100) / 100 : value}`);
  console.log(`${what}: ${parts.join(", ")}`);
}

async function fillWindow(page) {
  return page.evaluate(async (wanted) => {
    const { ui } = globalThis.dev;
    const view = ui.view.peek();
    while (view.rows.peek().length < wanted) await view.older();
    await view.latest();
    while (view.rows.peek().length < wanted) await view.older();
    ui.showLatest();
    await new Promise((resolve) => setTimeout(resolve, 300));
    return { rows: document.querySelectorAll(".row").length, elements: document.querySelectorAll("*").length };
  }, ROWS);
}

/** Script, style and layout of one message: everything that stands between its arrival and the next frame. */
async function appendCosts(times) {
  const { chat, everybody } = globalThis.dev;
  const costs = [];
  for (let index = 0; index < times; index += 1) {
    const started = performance.now();
    chat.arrive(1, everybody[index % 5], `a message with some **words** and a https://example.org/${index}`);
    await Promise.resolve();
    await new Promise((resolve) => queueMicrotask(resolve));
    void document.querySelector(".scroller").scrollHeight;
    costs.push(performance.now() - started);
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  }
  costs.sort((one, other) => one - other);
  const at = (part) => costs[Math.floor((costs.length - 1) * part)];
  return { "median ms": at(0.5), "p95 ms": at(0.95), "greatest ms": at(1), rows: document.querySelectorAll(".row").length };
}

async function flood({ perSecond, seconds }) {
  const { chat, everybody } = globalThis.dev;
  const frames = [];
  let before = performance.now();
  let running = true;
  const frame = (now) => {
    frames.push(now - before);
    before = now;
    if (running) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  let longTasks = 0;
  const observer = new PerformanceObserver((list) => (longTasks += list.getEntries().length));
  observer.observe({ entryTypes: ["longtask"] });
  const started = performance.now();
  for (let sent = 0; sent < perSecond * seconds; ) {
    const due = Math.floor(((performance.now() - started) / 1000) * perSecond);
    for (; sent < due; sent += 1) chat.arrive(1, everybody[sent % 5], `number ${sent} of a flood`);
    await new Promise((resolve) => setTimeout(resolve, 4));
  }
  running = false;
  observer.disconnect();
  const shown = document.querySelector(".log").textContent.includes(`number ${perSecond * seconds - 1} of a flood`);
  return { frames: frames.length, "longest frame ms": Math.max(...frames.slice(1)), "over 50 ms": frames.filter((ms) => ms > 50).length, "long tasks": longTasks, shown };
}

/** By how much the first visible row moves when older ones come, in CSS pixels. */
async function prepend(times) {
  const { ui } = globalThis.dev;
  const scroller = document.querySelector(".scroller");
  const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  let greatest = 0;
  let prepended = 0;
  await ui.view.peek().latest();
  await frame();
  for (let round = 0; round < times; round += 1) {
    scroller.scrollTop = 37 + round * 11;
    await frame();
    const top = scroller.getBoundingClientRect().top;
    const row = [...document.querySelectorAll(".row")].find((candidate) => candidate.getBoundingClientRect().bottom > top);
    const before = row.getBoundingClientRect().top;
    const first = document.querySelector(".row");
    for (let wait = 0; wait < 100 && document.querySelector(".row") === first; wait += 1) await frame();
    if (document.querySelector(".row") !== first) prepended += 1;
    if (row.isConnected) greatest = Math.max(greatest, Math.abs(row.getBoundingClientRect().top - before));
  }
  return { times: prepended, "greatest movement px": greatest };
}

async function switchRooms(times) {
  const { ui } = globalThis.dev;
  const costs = [];
  for (let index = 0; index < times; index += 1) {
    const room = index % 2 === 0 ? 2 : 1;
    const started = performance.now();
    ui.replace(`#/room/${room}`);
    await Promise.resolve();
    await new Promise((resolve) => queueMicrotask(resolve));
    void document.querySelector(".scroller").scrollHeight;
    costs.push(performance.now() - started);
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  }
  costs.sort((one, other) => one - other);
  return { "median ms": costs[times >> 1], "greatest ms": costs.at(-1) };
}
