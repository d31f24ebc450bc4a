// The accessibility checker axe in a page with a strict policy.
//
// It is evaluated by the browser's debugger, not loaded by the page: no policy is loosened for it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const GRAVE = new Set(["serious", "critical"]);

/** Fails with every serious or critical finding. */
export async function assertAccessible(page, about) {
  // Colours that are on their way to others are judged wrongly.
  await page.evaluate(() => Promise.allSettled(document.getAnimations().map((animation) => animation.finished)));
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(source);
  const findings = await page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, { resultTypes: ["violations"] });
    return violations.map(({ id, impact, help, nodes }) => ({ id, impact, help, where: nodes.slice(0, 4).map((node) => `${node.html.slice(0, 160)} ${node.any[0]?.message ?? ""}`) }));
  });
  const grave = findings.filter(({ impact }) => GRAVE.has(impact));
  assert.deepEqual(grave, [], `axe, ${about}`);
}
