// How much a first visit loads: the scripts that the page names and what they import at once, and the style.

import { brotliCompressSync } from "node:zlib";
import { type Rolldown, build } from "vite";
import { expect, test } from "vitest";

const SCRIPT_BYTES_MAX = 60_000;
const STYLE_BYTES_MAX = 12_000;

test("the first visit loads no more than it may", { timeout: 60_000 }, async () => {
  const { output } = (await build({ root: new URL("../..", import.meta.url).pathname, logLevel: "error", build: { write: false } })) as Rolldown.RolldownOutput;
  const chunks = new Map(output.flatMap((file) => (file.type === "chunk" ? [[file.fileName, file] as const] : [])));
  const first = new Set<string>();
  const load = (name: string): void => {
    if (first.has(name)) return;
    first.add(name);
    for (const imported of chunks.get(name)?.imports ?? []) load(imported);
  };
  for (const chunk of chunks.values()) if (chunk.isEntry) load(chunk.fileName);
  const size = (code: string | Uint8Array) => brotliCompressSync(code).length;
  const script = [...first].reduce((sum, name) => sum + size(chunks.get(name)?.code ?? ""), 0);
  const styles = output.flatMap((file) => (file.type === "asset" && file.fileName.endsWith(".css") ? [size(file.source)] : []));
  expect(script).toBeGreaterThan(10_000);
  expect(script).toBeLessThanOrEqual(SCRIPT_BYTES_MAX);
  expect(styles.length).toBe(1);
  expect(styles[0]).toBeLessThanOrEqual(STYLE_BYTES_MAX);
});
