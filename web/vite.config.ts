import { defineConfig } from "vite";

// Inlined assets would need `data:` in the content security policy, so nothing is inlined.
export default defineConfig({
  base: "/",
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false }, sourcemap: false },
});
