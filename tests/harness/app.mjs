// A person at the app: what people do with it, by the roles and names that assistive technology sees.
//
// Knows the page in English. What a test looks at beyond these helpers it takes from `page`.

import assert from "node:assert/strict";
import { Visitor } from "./browser.mjs";
import { record } from "./views.mjs";
import { PATIENCE_MS } from "./waiting.mjs";

/** The first room of every server. */
export const LOBBY = 1;

export class Person extends Visitor {
  /** What was written by `write`, in order. */
  written = [];
  /** Everything that the page showed, if it is recorded. */
  states = [];

  /** Opens the app and gives a name, as on a first visit. */
  static async arrive(test, browser, url, name, options) {
    const person = await this.open(test, browser, url, options);
    await person.introduce(name);
    return person;
  }

  async prepare({ recorded = false }) {
    if (recorded) await record(this.page, this.states);
  }

  /** The id of this person, as the server gave it. */
  get user() {
    return this.frames.events().findLast(([event]) => event === "welcome")?.[1].user.user;
  }

  get composer() {
    return this.page.getByRole("textbox", { name: "Message", exact: true });
  }

  get log() {
    return this.page.getByRole("log", { name: "Messages" });
  }

  get rooms() {
    return this.page.getByRole("navigation", { name: "Conversations" });
  }

  get people() {
    return this.page.getByRole("complementary", { name: "People" });
  }

  get dialog() {
    return this.page.getByRole("dialog");
  }

  button(name, within = this.page) {
    return within.getByRole("button", { name, exact: true });
  }

  /** Waits until something that fits is focused. */
  async focuses(selector) {
    await this.until((wanted) => document.activeElement?.matches(wanted) === true, selector);
  }

  async introduce(name) {
    const field = this.page.getByRole("textbox", { name: "Your name" });
    await field.fill(name);
    await field.press("Enter");
    await this.composer.waitFor();
    this.name = name;
    this.home = new URL("/", this.page.url()).href;
  }

  /** Waits until the page has a connection by WebSocket: from then on the server sees at once if it is gone. */
  async connects() {
    await this.frames.until(({ overWebSocket }) => overWebSocket > 0, "a connection by WebSocket");
  }

  /** Opens the page anew, and waits until it has a connection. */
  async reload() {
    const before = this.frames.overWebSocket;
    await this.page.reload();
    await this.frames.until(({ overWebSocket }) => overWebSocket > before, "a connection after a reload");
  }

  // Messages.

  async write(text) {
    await this.composer.fill(text);
    await this.composer.press("Enter");
    this.written.push(text);
  }

  /** The row of a message. */
  row(text) {
    return this.log.getByRole("article").filter({ has: this.page.locator(".body", { hasText: exactly(text) }) });
  }

  /** What the messages say, those that are not sent yet included. */
  async texts() {
    const bodies = await this.log.locator(".message .body").allTextContents();
    return bodies.map((text) => text.trim());
  }

  /** Waits until exactly these messages are shown, in this order, and all of them are stored. */
  async shows(...expected) {
    await this.settles(
      (wanted) => {
        const rows = [...document.querySelectorAll("#messages .message")];
        const texts = rows.map((row) => row.querySelector(".body").textContent.trim());
        return rows.every((row) => row.dataset.seq !== undefined) && texts.length >= wanted.length && texts.at(-1) === wanted.at(-1);
      },
      expected,
    );
    assert.deepEqual(await this.texts(), expected, `what ${this.name ?? "the visitor"} sees`);
    assert.deepEqual(await this.unsent(), []);
  }

  /** Waits until this many messages are shown, all of them stored. */
  async has(count) {
    await this.settles((wanted) => {
      const rows = [...document.querySelectorAll("#messages .message")];
      return rows.length === wanted && rows.every((row) => row.dataset.seq !== undefined);
    }, count);
    assert.equal((await this.texts()).length, count, `${this.name} sees ${await this.texts()}`);
  }

  /** Waits until a message is shown. */
  async sees(text) {
    await this.row(text).waitFor();
  }

  unsent() {
    return this.log.locator(".message[data-state='sending'] .body, .message[data-state='waiting'] .body").allTextContents();
  }

  /** Waits until exactly these messages are not sent yet. */
  async waits(...expected) {
    await this.settles((count) => {
      const rows = document.querySelectorAll("#messages .message[data-state='sending'], #messages .message[data-state='waiting']");
      return rows.length === count;
    }, expected.length);
    assert.deepEqual(await this.unsent(), expected);
  }

  /** Does something with a message by its toolbar. */
  async act(text, action) {
    await this.row(text).hover();
    await this.button(action, this.page.getByRole("toolbar", { name: "Message actions" })).click();
  }

  async edit(text, other) {
    await this.act(text, "Edit");
    await this.composer.fill(other);
    await this.composer.press("Enter");
  }

  async delete(text) {
    await this.act(text, "Delete");
    await this.button("Delete", this.dialog).click();
  }

  /** Waits for a notice that contains this. */
  async notices(text) {
    await this.log.locator(".notice").filter({ hasText: text }).first().waitFor();
  }

  // Rooms.

  roomLink(name) {
    return this.rooms.getByRole("link", { name: new RegExp(`^${escape(name)} ?(,|$)`) });
  }

  async enter(name) {
    await this.roomLink(name).click();
    await this.isIn(name);
  }

  async isIn(name) {
    await this.page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
  }

  /** Enters a conversation of three; who of the others is named first is not said. */
  async enterDirect(one, other) {
    await this.rooms.getByRole("link", { name: new RegExp(`^(${one} and ${other}|${other} and ${one}) ?(,|$)`) }).click();
    await this.isIn(new RegExp(`^(${one} and ${other}|${other} and ${one})$`));
  }

  /** The number of the room that is open. */
  room() {
    return Number(/#\/room\/(\d+)/.exec(this.page.url())?.[1] ?? LOBBY);
  }

  async create(kind, name, topic = "") {
    await this.button("Create a room", this.rooms).click();
    await this.dialog.getByRole("textbox", { name: "Room name" }).fill(name);
    await this.dialog.getByRole("textbox", { name: "Topic" }).fill(topic);
    await this.dialog.getByRole("radio", { name: kind === "public" ? /^Public/ : /^Private/ }).check();
    await this.button("Create", this.dialog).click();
    await this.isIn(name);
  }

  async browse(name) {
    await this.button("Browse rooms", this.rooms).click();
    await this.dialog.getByRole("button", { name }).click();
    await this.isIn(name);
  }

  /** Joins a public room from the list of rooms. */
  async join(name) {
    await this.browse(name);
    await this.button("Join").click();
    await this.composer.waitFor();
  }

  async settingsOfRoom() {
    await this.button("Room settings").click();
    await this.dialog.waitFor();
  }

  /** The link that brings somebody into the room that is open. */
  async invitation() {
    await this.settingsOfRoom();
    await this.button("Invite people", this.dialog).click();
    const link = await this.dialog.getByRole("textbox", { name: "Invite link" }).inputValue();
    await this.close();
    return link;
  }

  /** Opens an address with a code, and gives this answer to the question that it asks. */
  async answers(link, answer) {
    await this.page.goto(link);
    await this.dialog.waitFor();
    await this.button(answer, this.dialog).click();
  }

  async leave() {
    await this.settingsOfRoom();
    await this.button("Leave the room", this.dialog).click();
    await this.button("Leave the room", this.dialog).click();
    await this.dialog.waitFor({ state: "detached" });
  }

  async remove(name) {
    await this.button(`Remove ${name} from the room`, this.people).click();
    await this.button(`Remove ${name} from the room`, this.dialog).click();
    await this.dialog.waitFor({ state: "detached" });
  }

  /** Opens the conversation with others by the dialog for it. */
  async direct(...names) {
    await this.button("New message", this.rooms).click();
    for (const name of names) await this.dialog.getByRole("checkbox", { name, exact: true }).check();
    await this.button("Start", this.dialog).click();
    await this.dialog.waitFor({ state: "detached" });
  }

  /** Waits until a conversation has this many unread messages. */
  async unread(name, count) {
    const told = count === 0 ? "" : `, ${count} unread message${count === 1 ? "" : "s"}`;
    await this.rooms.getByRole("link", { name: new RegExp(`^${escape(name)} ?, (public room|private room|direct message)${told}$`) }).waitFor();
  }

  // The rest of the page.

  /** Somebody in the list of people, who is online. */
  member(name) {
    return this.people.getByRole("button", { name: new RegExp(`^Message ${escape(name)}\\b.*, online$`) });
  }

  async settings() {
    await this.button(`Settings of ${this.name}`, this.rooms).click();
    await this.dialog.waitFor();
  }

  async close() {
    // The key would go past a dialog that is not there yet.
    await this.dialog.waitFor();
    await this.page.keyboard.press("Escape");
    await this.dialog.waitFor({ state: "detached" });
  }

  /** A one-time link that makes another browser a device of this person. */
  async deviceLink() {
    await this.settings();
    await this.button("Make a link", this.dialog).click();
    const link = await this.dialog.getByRole("textbox", { name: "One-time link" }).inputValue();
    await this.close();
    return link;
  }

  /** Waits until the people of the room are these: `ada`, or `ada (you)` for oneself. */
  async online(...expected) {
    await this.until((wanted) => {
      const sections = [...document.querySelectorAll(".people section")];
      const online = sections.find((section) => section.querySelector("h3")?.textContent.startsWith("Online"));
      const names = [...(online?.querySelectorAll(".member-name bdi") ?? [])].map((name) => name.textContent);
      return names.toSorted().join() === wanted.toSorted().join();
    }, expected);
  }

  /** Waits until the page says that there is no server to be reached. */
  async waitsForServer() {
    await this.status(/Offline|Connecting|takes no new connections/);
  }

  async status(text) {
    await this.page.getByRole("status").filter({ hasText: text }).waitFor();
  }

  /** Everything in a table of the page's database. */
  stored(table) {
    return this.page.evaluate(async (name) => {
      const outcome = (request) => new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
      const database = await outcome(indexedDB.open("tidings"));
      const rows = await outcome(database.transaction(name).objectStore(name).getAll());
      database.close();
      return rows;
    }, table);
  }

  /** Asks until the answer is yes. */
  async eventually(asked, what = String(asked)) {
    const deadline = performance.now() + PATIENCE_MS;
    while (!(await asked())) {
      assert.ok(performance.now() < deadline, `in vain: ${what}`);
      await this.page.evaluate(() => new Promise(requestAnimationFrame));
    }
  }

  /** Waits until something holds in the page; it is asked again with every frame. */
  async until(condition, argument) {
    await this.page.waitForFunction(condition, argument).catch((err) => {
      throw new Error(`${err.message}: in vain: ${condition} of ${JSON.stringify(argument)}`);
    });
  }

  /** The same, for who looks afterwards and says more exactly what is wrong. */
  async settles(condition, argument) {
    await this.page.waitForFunction(condition, argument).catch((err) => {
      if (!/Timeout/.test(err.message)) throw err;
    });
  }
}

function exactly(text) {
  return new RegExp(`^\\s*${escape(text)}\\s*$`);
}

function escape(text) {
  return text.replace(/[$()*+.?[\\\]^{|}]/g, "\\$&");
}
