import { defineConfig, mergeConfig } from "vitest/config";
import { planted } from "./tests/planted/plant.mjs";
import page from "./vite.config.ts";

export default mergeConfig(page, defineConfig({ plugins: planted(import.meta.dirname) }));
