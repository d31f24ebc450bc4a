// The tests that measure the core: those that are quick enough to run for every change, with one seed of each storm. All
// of them share one worker, because most of the time would go into reading the same modules again. The quickest come
// first: one that fails spares the others.

import path from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const SLOW = ["tests/core/steps.test.ts", "tests/core/reading.test.ts", "tests/core/socket-line.test.ts", "tests/core/browser/counted.test.ts"];

/** Those that take more than half a second; the first is the quickest. */
const LAST = ["leadership", "connector", "storm", "session", "drafts", "chat", "hanging", "unread", "store-idb", "tabs", "cut"];

class QuickFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => LAST.indexOf(path.basename(moduleId, ".test.ts"));
    return Promise.resolve([...files].sort((a, b) => place(a) - place(b)));
  }
}

export default defineConfig({
  root: path.join(import.meta.dirname, ".."),
  test: { include: ["tests/core/**/*.test.ts"], exclude: SLOW, env: { CORE_SEEDS: "1" }, isolate: false, sequence: { sequencer: QuickFirst } },
});
