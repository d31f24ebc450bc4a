// The page with a client in memory. `globalThis.dev` lets tools look at it and measure it.

import { prepare, show, takeCode } from "../src/ui/start.tsx";
import { world } from "./sample.ts";

const query = new URLSearchParams(location.search);
const { chat, everybody } = query.has("model") ? await model() : world({ named: !query.has("first"), rows: Number(query.get("rows") ?? "60") });

await prepare();
const ui = show(chat, takeCode());

/** The real core against the model server of its tests. */
async function model() {
  const { openModelChat } = await import("./model-chat.ts");
  return { ...(await openModelChat()), everybody: [] };
}

Object.assign(globalThis, { dev: { chat, ui, everybody } });
