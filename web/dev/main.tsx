// The page on a client in memory. `globalThis.dev` is the handle of those who look at it and measure it.

import { prepare, show, takeCode } from "../src/ui/start.tsx";
import { world } from "./sample.ts";

const query = new URLSearchParams(location.search);
const { chat, everybody } = world({ named: !query.has("first"), rows: Number(query.get("rows") ?? "60") });

await prepare();
const ui = show(chat, takeCode());

Object.assign(globalThis, { dev: { chat, ui, everybody } });
