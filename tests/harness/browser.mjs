// Chromium, and what a person does with one of the two pages in it.
//
// CHROMIUM names the browser where it is not in one of the usual places.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import { PATIENCE_MS } from "./waiting.mjs";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

// A test browser talks to nobody but the server under test.
const FLAGS = [
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-gpu",
  "--disable-quic",
  "--disable-sync",
  "--no-first-run",
];

export async function launch() {
  const executablePath = process.env.CHROMIUM ?? PLACES.find((path) => existsSync(path));
  if (executablePath === undefined) throw new Error("no Chromium was found: install it, or name it in CHROMIUM");
  // Chromium's own sandbox does not work for root.
  const args = process.getuid?.() === 0 ? [...FLAGS, "--no-sandbox"] : FLAGS;
  return chromium.launch({ executablePath, args });
}

/** A browser profile of its own with one page, which may not complain about anything. */
export class Visitor {
  complaints = [];

  static async open(test, browser, url, profile = BUILT_IN) {
    const context = await browser.newContext();
    test.after(() => context.close());
    const visitor = new Visitor(context, await context.newPage(), profile);
    await visitor.#watch();
    await visitor.page.goto(url);
    return visitor;
  }

  constructor(context, page, profile) {
    this.context = context;
    this.page = page;
    this.profile = profile;
    page.setDefaultTimeout(PATIENCE_MS);
  }

  async write(text) {
    const box = this.page.getByLabel("Message", { exact: true });
    await box.fill(text);
    await box.press("Enter");
  }

  texts() {
    return this.page.locator(this.profile.messages).allTextContents();
  }

  /** Waits until exactly these lines are shown, in this order. */
  async shows(...expected) {
    await this.page
      .waitForFunction(
        ([selector, wanted]) => {
          const shown = [...document.querySelectorAll(selector)].map((row) => row.textContent);
          return shown.length >= wanted.length && shown.includes(wanted.at(-1));
        },
        [this.profile.messages, expected],
      )
      .catch(() => undefined);
    assert.deepEqual(await this.texts(), expected);
  }

  /** The texts of the messages that are not sent yet. */
  async waiting(...expected) {
    await this.page
      .waitForFunction((count) => document.querySelectorAll("#outbox .waiting").length === count, expected.length)
      .catch(() => undefined);
    assert.deepEqual(await this.page.locator("#outbox .waiting").allTextContents(), expected);
  }

  async status(expected) {
    const status = this.page.getByRole("status");
    await status.filter({ hasText: expected }).waitFor({ state: "attached" });
  }

  assertContent() {
    assert.deepEqual(this.complaints, []);
  }

  // A policy violation shows as an event; a script's error as a page error.
  async #watch() {
    this.page.on("pageerror", (err) => this.complaints.push(`error: ${err.message}`));
    await this.context.exposeFunction("complain", (text) => void this.complaints.push(text));
    await this.context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => {
        window.complain(`policy: ${event.violatedDirective} ${event.blockedURI}`);
      });
    });
  }
}

export const BUILT_IN = { messages: "#messages .message" };
export const TUTORIAL = { messages: "#lines .message" };
