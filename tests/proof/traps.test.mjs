// What breaks a chat written after the tutorial does not break this one. `cargo xtask traps` shows both.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Tidings } from "../traps/subjects.mjs";
import { spring, TRAPS } from "../traps/scripts.mjs";

describe("the tutorial's traps", () => {
  for (const trap of TRAPS) {
    test(trap.name, async () => {
      const { held, saw } = await spring(trap, (scope) => Tidings.start(scope));
      assert.ok(held, saw);
    });
  }
});
