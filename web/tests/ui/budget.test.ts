// How much a first visit loads: the scripts that the page names and what they import at once, and the style.

import { brotliCompressSync } from "node:zlib";
import { type Rolldown, build } from "vite";
import { expect, test, vi } from "vitest";

const SCRIPT_BYTES_MAX = 60_000;
const STYLE_BYTES_MAX = 12_000;

test("the first visit loads no more than it may", { timeout: 60_000 }, async () => {
  // The runner of the tests says "test", and packages would bring what only developers need.
  vi.stubEnv("NODE_ENV", "production");
  const { output } = (await build({ root: new URL("../..", import.meta.url).pathname, logLevel: "error", build: { write: false } })) as Rolldown.RolldownOutput;
  const chunks = new Map(output.flatMap((file) => (file.type === "chunk" ? [[file.fileName, file] as const] : [])));
  const first = new Set<string>();
  const load = (name: string): void => {
    if (first.has(name)) return;
    first.add(name);
    for (const imported of chunks.get(name)?.imports ?? []) load(imported);
  };
  const page = output.find((file) => file.fileName === "index.html");
  const html = page?.type === "asset" ? String(page.source) : "";
  for (const [, name] of html.matchAll(/<script[^>]* src="\/([^"]+)"/g)) load(name ?? "");
  const size = (code: string | Uint8Array) => brotliCompressSync(code).length;
  const script = [...first].reduce((sum, name) => sum + size(chunks.get(name)?.code ?? ""), 0);
  const styles = output.flatMap((file) => (file.type === "asset" && file.fileName.endsWith(".css") ? [size(file.source)] : []));
  vi.unstubAllEnvs();
  expect(script).toBeGreaterThan(10_000);
  expect(script).toBeLessThanOrEqual(SCRIPT_BYTES_MAX);
  expect(styles.length).toBe(1);
  expect(styles[0]).toBeLessThanOrEqual(STYLE_BYTES_MAX);
});
