import { defineConfig, mergeConfig } from "vitest/config";
import { planted } from "./tests/planted/plant.mjs";
import page from "./vite.config.ts";

// Room for what a test allocates: a collection of garbage in the middle of it looks like growth to `growth.ts`.
const execArgv = ["--min-semi-space-size=64", "--max-semi-space-size=64"];

/** Only a test that waits in vain takes so long, whatever else the machine does. */
const testTimeout = 20_000;

export default mergeConfig(page, defineConfig({ plugins: planted(import.meta.dirname), test: { execArgv, testTimeout, hookTimeout: testTimeout } }));
