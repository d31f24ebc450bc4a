// Goal: a one-time link tells whose it is within a while, or why not, and leaves no connection behind.

import { describe, expect, test } from "vitest";
import type { Transport, TransportEvents } from "../../src/core/ports.ts";
import { redeem, type Redeemed } from "../../src/core/redeem.ts";
import type { Auth } from "../../src/core/wire.ts";
import { settled, VirtualClock } from "./virtual-clock.ts";

const DEADLINE_MS = 15_000;
const WELCOME = { user: { user: "00000000000000aa", name: "ada" }, owner: true, token: "secret", server: "s", cursor: "c", resumed: false, rooms: [], online: 1 };

/** A link that is being used up, at a server that is the test. */
class Bench {
  readonly clock = new VirtualClock();
  readonly answers: Redeemed[] = [];
  closed = 0;
  auth: (() => Promise<Auth>) | null = null;
  #events: TransportEvents | null = null;

  constructor() {
    const nothing = (): void => undefined;
    const transport: Transport = {
      open: (events, auth) => {
        this.#events = events;
        this.auth = auth;
      },
      close: () => (this.closed += 1),
      emit: nothing,
      welcomed: nothing,
      interrupt: nothing,
      hurry: nothing,
      nudge: nothing,
    };
    void redeem("7K2Q", transport, this.clock.setTimer).then((answer) => this.answers.push(answer));
  }

  get events(): TransportEvents {
    if (this.#events === null) throw new Error("it connects at once");
    return this.#events;
  }
}

describe("a link", () => {
  test("says who it is for, with the first welcome that brings a token", async () => {
    const { auth, events, answers, closed } = new Bench();
    expect([await auth?.(), closed]).toEqual([{ v: 1, link: "7K2Q" }, 0]);
    events.connected();
    events.moved();
    events.disconnected();
    events.event("message", WELCOME);
    const { token: _, ...without } = WELCOME;
    events.event("welcome", without);
    events.event("welcome", "spoilt");
    await settled();
    expect(answers).toEqual([]);
    events.event("welcome", WELCOME);
    await settled();
    expect(answers).toStrictEqual([{ ok: true, session: { user: "00000000000000aa", name: "ada", owner: true, token: "secret", server: "s" } }]);
  });

  test("may be of somebody without a name, at a server that does not say which it is", async () => {
    const { events, answers } = new Bench();
    const { server: _, ...nameless } = { ...WELCOME, user: { user: "00000000000000aa" } };
    events.event("welcome", nameless);
    await settled();
    expect(answers).toStrictEqual([{ ok: true, session: { user: "00000000000000aa", name: null, owner: true, token: "secret" } }]);
  });

  test.each([["bad_link", "bad_link"], ["full", "full"], ["unavailable", "offline"], ["refused", "offline"]])("that is refused as %s is told to be %s", async (why, code) => {
    const bench = new Bench();
    bench.events.refused(why);
    await settled();
    expect([bench.answers, bench.closed]).toEqual([[{ ok: false, code }], 1]);
  });

  test("is given up after fifteen seconds without an answer, and its connection is closed", async () => {
    const bench = new Bench();
    await bench.clock.pass(DEADLINE_MS - 1);
    expect([bench.answers, bench.closed]).toEqual([[], 0]);
    await bench.clock.pass(1);
    expect([bench.answers, bench.closed]).toEqual([[{ ok: false, code: "offline" }], 1]);
  });

  test("that is answered is not given up later", async () => {
    const bench = new Bench();
    bench.events.event("welcome", WELCOME);
    await bench.clock.pass(2 * DEADLINE_MS);
    expect([bench.answers.length, bench.closed]).toEqual([1, 1]);
  });
});
