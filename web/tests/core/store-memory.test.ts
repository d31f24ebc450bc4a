// Goal: the store in memory promises what every store does.

import { MemoryStore } from "../../src/core/store-memory.ts";
import { describeStore } from "./store-promises.ts";

describeStore("a store in memory", () => Promise.resolve(new MemoryStore()));
