// What others write never becomes more than text, wherever the page shows it.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { LOBBY, Person } from "../harness/app.mjs";
import { launch } from "../harness/browser.mjs";
import { Person as TutorialClient } from "../harness/client.mjs";
import { V1Person } from "../harness/person.mjs";
import { Server } from "../harness/server.mjs";
import { PAYLOADS, SHORT } from "./payloads.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** Elements and attributes that the page is made of; everything else came from somebody's text. */
function intruders() {
  const ELEMENTS = new Set(
    ("html head body meta title link script div span p a nav main header footer section aside article h1 h2 h3 ul ol li dl dt dd form label input textarea button " +
      "fieldset legend select option dialog small strong em s code pre blockquote br bdi time svg path circle rect line polyline noscript kbd").split(" "),
  );
  const LINKS = /^(https?:\/\/|mailto:|#|\/[\w.-]+$|\/assets\/)/;
  const found = [];
  for (const element of document.querySelectorAll("*")) {
    const tag = element.localName;
    if (!ELEMENTS.has(tag)) found.push(`<${tag}>`);
    if (["script", "link", "meta"].includes(tag) && element.closest("head") === null) found.push(`<${tag}> in the body`);
    for (const { name, value } of element.attributes) {
      if (/^on|^(srcdoc|formaction|style|ping|xlink:href|popovertarget|accesskey|contenteditable)$/i.test(name)) found.push(`<${tag} ${name}>`);
      if (/^(href|src|action|data|poster)$/i.test(name) && !LINKS.test(value)) found.push(`<${tag} ${name}=${value}>`);
    }
  }
  return found;
}

async function assertOnlyText(person, about) {
  assert.deepEqual(await person.page.evaluate(intruders), [], about);
  person.assertContent();
}

test("there are enough of them", () => {
  assert.ok(PAYLOADS.length >= 150, `${PAYLOADS.length}`);
  assert.equal(new Set(PAYLOADS).size, PAYLOADS.length);
  assert.ok(SHORT.length >= 40);
});

const BYTES_MAX = 16 * 1024;

/** Each as long as a message may be. */
const LONGEST = {
  "closing brackets behind an address": filled("https://example.com/", ")"),
  "opening brackets behind an address": filled("https://example.com/", "("),
  "points behind an address": filled("https://example.com/", "."),
  "addresses in addresses": filled("", "http://["),
  "labels in labels": filled("", "["),
  "links in links": filled("", "[a]("),
  "emphasis that nothing ends": filled("", "*a **b ~~c _d "),
  "longer and longer runs of backticks": filled("", Array.from({ length: 170 }, (_, index) => `${"`".repeat(index + 1)} `).join("")),
  "a fence and spaces": `${filled("```", " ").slice(0, -1)}!`,
  "quotations in quotations": filled("", "> "),
};

function filled(start, unit) {
  return (start + unit.repeat(BYTES_MAX)).slice(0, BYTES_MAX);
}

/** For how long the page does nothing else while it takes what `act` brings: the least of several tries, in milliseconds. */
async function longestStop(person, act) {
  let least = Infinity;
  for (let tried = 0; tried < 3; tried += 1) {
    await person.page.evaluate(() => {
      const pulse = { last: performance.now(), longest: 0 };
      globalThis.pulse = pulse;
      pulse.beat = () => {
        const now = performance.now();
        pulse.longest = Math.max(pulse.longest, now - pulse.last);
        pulse.last = now;
      };
      pulse.timer = setInterval(pulse.beat, 4);
    });
    await act(tried);
    const stop = await person.page.evaluate(async () => {
      const { pulse } = globalThis;
      for (let frame = 0; frame < 2; frame += 1) await new Promise((resolve) => requestAnimationFrame(resolve));
      pulse.beat();
      clearInterval(pulse.timer);
      return pulse.longest;
    });
    least = Math.min(least, stop);
  }
  return least;
}

describe("a text of the greatest length", () => {
  test("holds the page up no longer than words do, whatever stands in it", async (t) => {
    const server = await Server.start(t);
    const ada = await Person.arrive(t, browser, server.url, "ada");
    const mallory = await V1Person.connect(t, server.url, { name: "mallory" });
    const stopOf = (text) =>
      longestStop(ada, async () => {
        const { seq } = await mallory.say(text);
        await ada.page.locator(`[data-seq="${seq}"]`).waitFor();
      });
    const words = await stopOf(filled("", "word "));
    for (const [name, text] of Object.entries(LONGEST)) {
      const stop = await stopOf(text);
      t.diagnostic(`${name}: ${Math.round(stop)} ms, words: ${Math.round(words)} ms`);
      assert.ok(stop <= 8 * Math.max(words, 16), `${name}: ${stop} ms, words: ${words} ms`);
    }
    ada.assertContent();
  });

  test("is changed into another one as fast as it is shown", async (t) => {
    const server = await Server.start(t);
    const ada = await Person.arrive(t, browser, server.url, "ada");
    const mallory = await V1Person.connect(t, server.url, { name: "mallory" });
    const texts = [filled("", "*a* ~~b~~ "), filled("", "**a** `b` ")];
    let seq;
    const shown = await longestStop(ada, async (tried) => {
      ({ seq } = await mallory.say(texts[tried % 2]));
      await ada.page.locator(`[data-seq="${seq}"]`).waitFor();
    });
    const changed = await longestStop(ada, async (tried) => {
      const text = texts[(tried + 1) % 2];
      await mallory.must("edit", { room: LOBBY, seq, text });
      await ada.page.locator(`[data-seq="${seq}"] ${tried % 2 === 0 ? "strong" : "em"}`).first().waitFor();
    });
    t.diagnostic(`shown: ${Math.round(shown)} ms, changed: ${Math.round(changed)} ms`);
    assert.ok(changed <= 4 * Math.max(shown, 16), `shown: ${shown} ms, changed: ${changed} ms`);
    ada.assertContent();
  });
});

describe("hostile texts", () => {
  test("in messages of others are shown as they were written, or as harmless marks", async (t) => {
    const server = await Server.start(t);
    const ada = await Person.arrive(t, browser, server.url, "ada");
    const mallory = await V1Person.connect(t, server.url, { name: "mallory" });
    await Promise.all(PAYLOADS.map((payload) => mallory.say(payload)));
    const { seq } = await mallory.say("that was all");
    await ada.sees("that was all");
    await ada.has(seq);
    await assertOnlyText(ada, "messages");
    // Some are gone through with the pointer and the keyboard, and every link among them is looked at.
    for (const row of await ada.page.locator("#messages .message").all()) await row.dispatchEvent("pointerover", { pointerType: "mouse" });
    await assertOnlyText(ada, "messages that were pointed at");
    const protocols = await ada.log.locator("a").evaluateAll((links) => [...new Set(links.map((link) => link.protocol))]);
    assert.ok(protocols.every((protocol) => ["http:", "https:", "mailto:"].includes(protocol)), `${protocols}`);
    // Nobody can have read all of it, and the page would open where ada stopped.
    await ada.composer.press("Escape");
    await ada.eventually(async () => !/^\(/.test(await ada.page.title()), "a title without a number");
    await ada.page.reload();
    await ada.sees("that was all");
    await assertOnlyText(ada, "messages out of the store");
  });

  test("of the tutorial's clients, of edits, and of one's own are no others", async (t) => {
    const server = await Server.start(t);
    const ada = await Person.arrive(t, browser, server.url, "ada");
    const old = await TutorialClient.connect(t, server.url);
    const some = PAYLOADS.filter((_, index) => index % 4 === 0);
    for (const payload of some) await old.say(payload);
    const mallory = await V1Person.connect(t, server.url, { name: "mallory" });
    const { seq } = await mallory.say("harmless");
    await ada.sees("harmless");
    for (const payload of some) await mallory.must("edit", { room: LOBBY, seq, text: payload });
    await mallory.say("edited");
    await ada.sees("edited");
    await assertOnlyText(ada, "what others wrote");
    const own = PAYLOADS.filter((payload, index) => index % 9 === 0 && !payload.includes("\n"));
    await ada.context.setOffline(true);
    await ada.waitsForServer();
    for (const payload of own) await ada.write(payload);
    await assertOnlyText(ada, "what waits to be sent");
    await ada.context.setOffline(false);
    await mallory.until(() => mallory.texts().includes(own.at(-1)), "the last own one");
    await ada.has(some.length + 2 + own.length);
    await assertOnlyText(ada, "what was sent");
  });

  test("in the names of people are shown as they are, everywhere a name is shown", async (t) => {
    const server = await Server.start(t);
    const ada = await Person.arrive(t, browser, server.url, "ada");
    const mallory = await V1Person.connect(t, server.url);
    const taken = [];
    for (const name of SHORT) {
      const ack = await mallory.do("name", { name });
      if (!ack.ok) continue;
      taken.push(name);
      await mallory.say(`I am number ${taken.length}`);
      mallory.socket.emit("typing", { room: LOBBY });
    }
    assert.ok(taken.length >= 40, `${taken.length} names were accepted`);
    await ada.sees(`I am number ${taken.length}`);
    await assertOnlyText(ada, "names of authors");
    await ada.online("ada", taken.at(-1));
    // Many people, each with such a name: in the list of people, in notices, in dialogs, in the titles of conversations.
    const crowd = await Promise.all(taken.slice(0, 12).map((name) => V1Person.connect(t, server.url, { name })));
    await ada.eventually(async () => (await ada.people.locator(".member").count()) === 14, "the crowd");
    await assertOnlyText(ada, "names of people");
    for (const person of crowd) await person.must("direct", { with: [ada.user] });
    await ada.eventually(async () => (await ada.rooms.getByRole("link").count()) === 13, "the conversations");
    await ada.rooms.getByRole("link").nth(3).click();
    await ada.page.keyboard.press("Control+k");
    await ada.dialog.waitFor();
    await assertOnlyText(ada, "names of conversations");
    await ada.close();
    await ada.button("New message", ada.rooms).click();
    await assertOnlyText(ada, "the dialog that chooses people");
    await ada.close();
    const [host, ...guests] = crowd;
    const { room } = await host.must("create", { kind: "private", name: "crowd" });
    await host.must("add", { room, user: ada.user });
    for (const { user } of guests) await host.must("add", { room, user });
    await ada.enter("crowd");
    await ada.notices("added");
    for (const person of guests) await person.must("leave", { room });
    await ada.notices("left");
    await assertOnlyText(ada, "notices");
  });

  test("in names and topics of rooms are shown as they are", async (t) => {
    const server = await Server.start(t);
    const ada = await Person.arrive(t, browser, server.url, "ada");
    const mallory = await V1Person.connect(t, server.url, { name: "mallory" });
    const { user } = ada;
    let rooms = 1;
    for (const payload of PAYLOADS) {
      const topic = payload.length <= 256 && !/[\n\t\u0000-\u001f]/.test(payload) ? payload : "";
      const made = await mallory.do("create", { kind: rooms % 2 === 0 ? "public" : "private", name: payload.slice(0, 64), topic });
      if (!made.ok) continue;
      rooms += 1;
      if (rooms % 2 === 0) await mallory.must("add", { room: made.room, user });
      await mallory.do("rename", { room: made.room, name: `${payload.slice(0, 60)} ${rooms}` });
    }
    assert.ok(rooms >= 100, `${rooms} rooms were made`);
    await ada.eventually(async () => (await ada.rooms.getByRole("link").count()) === Math.floor(rooms / 2) + 1, "the private rooms");
    await assertOnlyText(ada, "the list of rooms");
    const links = await ada.rooms.getByRole("link").all();
    for (const link of links.slice(1, 40)) {
      await link.click();
      await ada.composer.waitFor();
    }
    await assertOnlyText(ada, "headers, topics and notices");
    await ada.button("Browse rooms", ada.rooms).click();
    await ada.dialog.getByRole("listitem").first().waitFor();
    await assertOnlyText(ada, "the list of public rooms");
  });

  test("in the address do nothing", async (t) => {
    const server = await Server.start(t);
    const ada = await Person.arrive(t, browser, server.url, "ada");
    for (const payload of PAYLOADS) {
      const code = encodeURIComponent(payload);
      await ada.page.evaluate((hash) => (location.hash = hash), payload);
      await ada.page.evaluate((hash) => (location.hash = hash), `#/room/${code}`);
    }
    for (const payload of PAYLOADS.slice(0, 12)) await ada.page.goto(`${ada.home}?lang=${encodeURIComponent(payload)}#invite=${encodeURIComponent(payload)}`);
    await ada.composer.waitFor();
    await assertOnlyText(ada, "addresses");
  });
});
