// A random walk of one person, ada, over the page, and the oracle that judges it. Bob, a bot, owns the den and takes her out.
//
// Every text is made of tokens that name their room: `l7` was typed in the lobby, `g8` in the garden, `d9` in the den. The oracle:
// a token shows only in its room; a row that was shown stays, unless somebody removed it; what is shown is stored; the field holds
// what was typed there; and in the end each token is in exactly one place, in the log, in the outbox or in a draft.

import assert from "node:assert/strict";

export const ROOMS = { l: "Lobby", g: "garden", d: "den" };
/** There was nothing to do it with. */
const NOTHING = Symbol("nothing");
const TOKEN = /\b[lgd]\d+\b/g;

export const tokensOf = (text) => text.match(TOKEN) ?? [];

/** Runs in the page, before its own scripts: looks at every state that is shown. */
export function watchRows(rooms) {
  const letters = Object.fromEntries(Object.entries(rooms).map(([letter, name]) => [name, letter]));
  const walk = (globalThis.walk = { taken: [], isLossy: false });
  const tell = (text) => void globalThis.complain?.(text);
  let stay = null;
  const look = () => {
    const room = letters[document.querySelector("h1")?.textContent ?? ""];
    if (room === undefined) return void (stay = null);
    const rows = [...document.querySelectorAll("#messages .message")].map((row) => ({ seq: row.dataset.seq, text: row.querySelector(".body")?.innerText.trim() ?? "" }));
    const field = document.getElementById("message-field")?.value ?? "";
    for (const text of [...rows.map((row) => row.text), field]) {
      for (const token of text.match(/\b[lgd]\d+\b/g) ?? []) if (token[0] !== room) tell(`${token} shows in ${rooms[room]}`);
    }
    if (stay?.room !== room) stay = { room, seqs: new Set(), unsent: new Set() };
    const isLossy = room === "d" && walk.isLossy;
    if (rows.length > 0 && !isLossy) {
      const [seqs, texts] = [new Set(rows.map((row) => row.seq)), new Set(rows.map((row) => row.text))];
      for (const seq of stay.seqs) if (!seqs.has(seq)) tell(`message ${seq} of ${rooms[room]} vanished`);
      for (const text of stay.unsent) if (!texts.has(text) && !walk.taken.includes(text)) tell(`${text} of ${rooms[room]} vanished before it was sent`);
    }
    stay.seqs = new Set(rows.flatMap(({ seq }) => seq ?? []));
    stay.unsent = new Set(rows.flatMap(({ seq, text }) => (seq === undefined ? [text] : [])));
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ["data-seq", "data-state"] });
}

export class Walk {
  room = "l";
  /** What the field of each room has to hold. */
  drafts = { l: "", g: "", d: "" };
  isOffline = false;
  isInDen = true;
  /** Tokens that were typed and not taken away. */
  typed = new Set();
  #steps = [];
  #done = new Set();
  #count = 0;

  /** `rooms` names the numbers of the rooms, `network` cuts the network of the page. */
  constructor(dice, ada, bob, rooms, network) {
    Object.assign(this, { dice, ada, bob, rooms, network });
  }

  /** What a short walk would seldom come to. */
  async rehearse() {
    await this.#does("types and switches at once");
    await this.#does("says it offline, and is taken out meanwhile");
    await this.#does("takes back what was refused");
  }

  async step() {
    const possible = Object.entries(this.#actions()).filter(([, { weight = 1, may = true }]) => may && weight > 0);
    const all = possible.flatMap(([name, { weight = 1 }]) => Array.from({ length: weight }, () => name));
    await this.#does(this.dice.pick(all));
  }

  async #does(name) {
    this.#steps.push(`${name} in ${ROOMS[this.room]}`);
    try {
      if ((await this.#actions()[name].act()) !== NOTHING) this.#done.add(name);
      await this.judge();
    } catch (err) {
      throw new Error(`after ${this.#steps.slice(-12).join(", ")}: ${err.message}`, { cause: err });
    }
  }

  /** What was done, and all that can be done. */
  get reached() {
    return { done: this.#done, all: Object.keys(this.#actions()) };
  }

  #actions() {
    const { ada, room, dice } = this;
    const isMember = room !== "d" || this.isInDen;
    const hasDraft = isMember && this.drafts[room] !== "";
    const others = Object.keys(ROOMS).filter((other) => other !== room && (other !== "d" || this.isInDen));
    return {
      types: { weight: 5, may: isMember, act: () => this.#type() },
      sends: { weight: 4, may: hasDraft, act: () => this.#send() },
      switches: { weight: 3, act: () => this.#enter(dice.pick(others)) },
      "types and switches at once": { weight: 3, may: isMember, act: () => this.#typeAndSwitch(dice.pick(others)) },
      "sends and switches at once": { weight: 2, may: hasDraft, act: () => this.#sendAndSwitch(dice.pick(others)) },
      "edits a message": { weight: 2, may: isMember && !hasDraft, act: () => this.#edit() },
      "begins a change and switches": { weight: 1, may: isMember && !hasDraft, act: () => this.#edit(dice.pick(others)) },
      reloads: { weight: 2, may: !this.isOffline, act: () => this.#reload() },
      "goes offline": { weight: 1, may: !this.isOffline, act: () => this.#offline() },
      "comes back": { weight: 4, may: this.isOffline, act: () => this.#online() },
      "is taken out of the den": { weight: 1, may: this.isInDen, act: () => this.#lose() },
      "is added to the den": { weight: 3, may: !this.isInDen && !this.isOffline, act: () => this.#regain() },
      "says it offline, and is taken out meanwhile": { weight: 2, may: this.isInDen && !this.isOffline, act: () => this.#refuse() },
      "takes back what was refused": { weight: 12, may: room === "d" && this.isInDen, act: () => this.#takeBack() },
      "hears bob": { weight: 2, act: () => this.bob.say(`hello ${(this.#count += 1)}`, this.rooms[dice.pick(["l", "g"])]) },
      "closes and opens the page": { weight: 1, may: !this.isOffline, act: () => ada.page.goto(ada.page.url()).then(() => ada.page.reload()) },
    };
  }

  #token() {
    const token = `${this.room}${(this.#count += 1)}`;
    this.typed.add(token);
    return token;
  }

  #typedNow() {
    const draft = this.drafts[this.room];
    return draft === "" ? this.#token() : `${draft} ${this.#token()}`;
  }

  async #type() {
    const text = this.#typedNow();
    await this.ada.composer.press("Control+End");
    await this.ada.composer.pressSequentially(text.slice(this.drafts[this.room].length));
    this.drafts[this.room] = text;
  }

  async #send() {
    await this.ada.composer.press("Enter");
    this.drafts[this.room] = "";
  }

  async #enter(room) {
    await this.ada.roomLink(ROOMS[room]).click();
    this.room = room;
  }

  /** In one turn of the page, as a fast hand does it. */
  async #atOnce(act, argument, room) {
    await this.ada.page.evaluate(act, { ...argument, hash: `#/room/${this.rooms[room]}` });
    this.room = room;
  }

  async #typeAndSwitch(room) {
    const text = this.#typedNow();
    const type = ({ wanted, hash }) => {
      const field = document.getElementById("message-field");
      field.value = wanted;
      field.dispatchEvent(new InputEvent("input", { bubbles: true }));
      location.hash = hash;
    };
    this.drafts[this.room] = text;
    await this.#atOnce(type, { wanted: text }, room);
  }

  async #sendAndSwitch(room) {
    const send = ({ hash }) => {
      document.querySelector(".composer").requestSubmit();
      location.hash = hash;
    };
    this.drafts[this.room] = "";
    await this.#atOnce(send, {}, room);
  }

  /** Changes the last message, or types a change and goes elsewhere. */
  async #edit(elsewhere) {
    const { ada, room } = this;
    const isThere = await ada.page.evaluate(() => {
      const own = [...document.querySelectorAll("#messages .message.own")].at(-1);
      return own?.dataset.seq !== undefined && own.dataset.state === undefined && own.querySelector(".state .actions") === null && own.querySelector(".deleted") === null;
    });
    if (!isThere) return NOTHING;
    await ada.composer.press("ArrowUp");
    await ada.page.locator(".editing").waitFor();
    const text = `${await ada.composer.inputValue()} ${this.#token()}`;
    await ada.composer.fill(text);
    if (elsewhere === undefined) return ada.composer.press("Enter");
    await this.#enter(elsewhere);
    await this.judge();
    // The change is offered on its message: there it is finished.
    await this.#enter(room);
    await ada.page.locator("#messages [data-action='edit-draft']").last().click();
    await ada.until((wanted) => document.getElementById("message-field")?.value === wanted, text);
    await ada.composer.press("Enter");
  }

  async #reload() {
    await this.ada.page.reload();
    if (!this.isInDen && this.room === "d") this.room = "l";
  }

  async #offline() {
    this.isOffline = true;
    this.network.refuse();
    await this.ada.waitsForServer();
  }

  async #online() {
    this.isOffline = false;
    this.network.allow();
    await this.calm();
  }

  /** Online, and everything has its answer. */
  async calm() {
    const { ada } = this;
    await ada.page.evaluate(() => window.dispatchEvent(new Event("online")));
    await ada.eventually(async () => (await ada.stored("outbox")).every(({ refused }) => refused !== undefined), "an empty outbox");
  }

  async #lose() {
    await this.ada.page.evaluate(() => (globalThis.walk.isLossy = true));
    await this.bob.must("remove", { room: this.rooms.d, user: this.user });
    this.isInDen = false;
    if (this.isOffline) await this.#online();
    await this.ada.roomLink(ROOMS.d).waitFor({ state: "detached" });
    if (this.room === "d") await this.#enter("l");
  }

  async #regain() {
    await this.bob.must("add", { room: this.rooms.d, user: this.user });
    this.isInDen = true;
    await this.ada.roomLink(ROOMS.d).waitFor();
  }

  async #refuse() {
    if (this.room !== "d") await this.#enter("d");
    if (this.drafts.d === "") await this.#type();
    await this.#offline();
    await this.#send();
    await this.#lose();
    await this.#regain();
    await this.#enter("d");
  }

  /** The text that was refused becomes a draft again, also if she looks elsewhere at once. */
  async #takeBack() {
    const { ada, dice } = this;
    const refused = ada.log.locator(".message[data-state='refused']").filter({ has: ada.page.locator("[data-action='edit-refused']") });
    if ((await refused.count()) === 0) return NOTHING;
    const row = refused.first();
    const shown = await row.locator(".body").innerText();
    const text = (await ada.stored("outbox")).find(({ command, refused: code }) => code !== undefined && command.text.replace(/\s+/g, " ") === shown.trim().replace(/\s+/g, " "))?.command.text;
    assert.ok(text !== undefined, `what is refused is in the outbox: ${shown}`);
    const elsewhere = dice.chance(0.8) ? dice.pick(["l", "g"]) : null;
    await row.evaluate((article, { hash }) => {
      globalThis.walk.taken.push(article.querySelector(".body").innerText.trim());
      article.querySelector("[data-action='edit-refused']").click();
      if (hash !== null) location.hash = hash;
    }, { hash: elsewhere === null ? null : `#/room/${this.rooms[elsewhere]}` });
    this.drafts.d = this.drafts.d === "" ? text : `${text}\n${this.drafts.d}`;
    if (elsewhere === null) return;
    this.room = elsewhere;
    await this.judge();
    await this.#enter("d");
  }

  /** What has to hold after every step. */
  async judge() {
    const { ada, room, drafts } = this;
    await ada.isIn(ROOMS[room]);
    await ada.until((wanted) => document.querySelector(".editing") === null && document.getElementById("message-field")?.value === wanted, drafts[room]).catch(async () => {
      const found = await ada.page.evaluate(() => document.getElementById("message-field")?.value);
      throw new Error(`the field of ${ROOMS[room]} holds ${JSON.stringify(found)} and not ${JSON.stringify(drafts[room])}`);
    });
    const shown = await ada.page.evaluate(() =>
      [...document.querySelectorAll("#messages .message")].map(({ dataset, textContent }) => ({ seq: dataset.seq, text: textContent })),
    );
    const kept = new Set((await ada.stored("messages")).filter((message) => message.room === this.rooms[room]).map(({ seq }) => String(seq)));
    for (const { seq, text } of shown) assert.ok(seq === undefined || kept.has(seq), `message ${seq} of ${ROOMS[room]} is shown and not stored: ${text}`);
    ada.assertContent();
  }

  /** The drafts as they are stored, which may take a moment. */
  async #keptDrafts() {
    const { ada, drafts } = this;
    const isKept = ({ room, text, seq }) => seq !== undefined || Object.entries(this.rooms).some(([letter, number]) => number === room && drafts[letter] === (text ?? ""));
    const areThere = (kept) => Object.entries(this.rooms).every(([letter, number]) => drafts[letter] === "" || kept.some(({ room, seq }) => room === number && seq === undefined));
    let kept = [];
    const look = async () => {
      kept = await ada.stored("drafts");
      return kept.every(isKept) && areThere(kept);
    };
    await ada.eventually(look, "kept drafts");
    return kept;
  }

  /** What has to hold in the end. */
  async judgeEnd() {
    const { ada, bob } = this;
    if (this.isOffline) await this.#online();
    if (!this.isInDen) await this.#regain();
    await this.calm();
    await this.judge();
    const places = new Map();
    const found = (token, place) => places.set(token, [...(places.get(token) ?? []), place]);
    for (const [letter, room] of Object.entries(this.rooms)) {
      const { messages } = await bob.ask("history", { room, limit: 100 });
      for (const { text } of messages) {
        for (const token of tokensOf(text)) {
          assert.equal(token[0], letter, `${token} was said in ${ROOMS[letter]}`);
          found(token, `the log of ${ROOMS[letter]}`);
        }
      }
    }
    for (const { command } of await ada.stored("outbox")) for (const token of tokensOf(command.text ?? "")) found(token, "the outbox");
    for (const { room, text, seq } of await this.#keptDrafts()) {
      const letter = Object.entries(this.rooms).find(([, number]) => number === room)?.[0];
      if (seq === undefined) assert.equal(text ?? "", this.drafts[letter], `the draft of ${ROOMS[letter]}`);
      for (const token of tokensOf(text ?? "")) found(token, `the draft of ${ROOMS[letter]}`);
    }
    for (const token of this.typed) assert.equal(places.get(token)?.length, 1, `${token} is in ${JSON.stringify(places.get(token) ?? "no place")}`);
  }
}
