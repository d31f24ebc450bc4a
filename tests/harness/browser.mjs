// Chromium, and a visitor in it: one page of a profile, watched for everything that a good page never does.
//
// CHROMIUM names the browser where it is not in one of the usual places. What a person does with the app is in
// `app.mjs`, and with a page in the tutorial's manner in `tutorial.mjs`.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import { Frames } from "./frames.mjs";
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

export async function launch(...more) {
  const executablePath = process.env.CHROMIUM ?? PLACES.find((path) => existsSync(path));
  if (executablePath === undefined) throw new Error("no Chromium was found: install it, or name it in CHROMIUM");
  // Chromium's own sandbox does not work for root.
  const args = process.getuid?.() === 0 ? [...FLAGS, ...more, "--no-sandbox"] : [...FLAGS, ...more];
  return chromium.launch({ executablePath, args });
}

/** One page, which may not complain about anything. */
export class Visitor {
  /** Script errors, violations of the policy, and code that ran and should not have. */
  complaints = [];

  /** Somebody new, in a browser profile of their own. */
  static async open(test, browser, url, { recorded = false, ...profile } = {}) {
    const context = await browser.newContext({ locale: "en-US", ...profile });
    test.after(() => context.close());
    await context.addInitScript(watch);
    return this.in(context, url, { recorded });
  }

  /** A page in a profile that exists. */
  static async in(context, url, options = {}) {
    const visitor = new this(context, await context.newPage());
    await visitor.page.exposeFunction("complain", (text) => void visitor.complaints.push(text));
    await visitor.prepare(options);
    await visitor.page.goto(url);
    return visitor;
  }

  /** What has to be there before the page is opened. */
  async prepare() {}

  constructor(context, page) {
    this.context = context;
    this.page = page;
    this.frames = new Frames(page);
    page.setDefaultTimeout(PATIENCE_MS);
    page.on("pageerror", (err) => this.complaints.push(`error: ${err.message}`));
  }

  /** Another tab of the same browser. */
  tab(url = this.page.url()) {
    return this.constructor.in(this.context, url);
  }

  assertContent() {
    assert.deepEqual(this.complaints, []);
  }
}

/** Runs in every page before its own scripts. */
function watch() {
  // A document that is being left cannot tell any more.
  const tell = (text) => void globalThis.complain?.(text);
  document.addEventListener("securitypolicyviolation", (event) => {
    tell(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
  });
  for (const name of ["alert", "confirm", "print", "prompt"]) {
    window[name] = (...args) => tell(`executed: ${name}(${args.join()})`);
  }
}
