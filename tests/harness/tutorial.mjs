// A visitor of a page in the tutorial's manner.

import assert from "node:assert/strict";
import { Visitor } from "./browser.mjs";

const LINES = "#lines .message";

export class TutorialVisitor extends Visitor {
  async write(text) {
    const box = this.page.getByLabel("Message", { exact: true });
    await box.fill(text);
    await box.press("Enter");
  }

  /** Waits until exactly these lines are shown, in this order. */
  async shows(...expected) {
    await this.page
      .waitForFunction(
        ([selector, wanted]) => {
          const shown = [...document.querySelectorAll(selector)].map((row) => row.textContent);
          return shown.length >= wanted.length && shown.includes(wanted.at(-1));
        },
        [LINES, expected],
      )
      .catch(() => undefined);
    assert.deepEqual(await this.page.locator(LINES).allTextContents(), expected);
  }
}
