import { defineConfig } from "vite";

// Inlined assets would need `data:` in the content security policy, so nothing is inlined.
export default defineConfig({
  base: "/",
  build: {
    target: "es2022",
    // The oldest browsers that know `light-dark()`, `:has` and nesting: nothing is rewritten for older ones.
    cssTarget: ["chrome123", "firefox121", "safari17.5"],
    assetsInlineLimit: 0,
    modulePreload: false,
    sourcemap: false,
  },
});
