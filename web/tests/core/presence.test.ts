// Goal: comings and goings are told in few words, and only those that are news.

import { describe, expect, test } from "vitest";
import { Presence } from "../../src/core/presence.ts";
import { Typing } from "../../src/core/typing.ts";
import type { Person } from "../../src/core/facade.ts";
import { VirtualClock } from "./virtual-clock.ts";

const person = (user: string): Person => ({ user, name: user });

class Lobby {
  readonly clock = new VirtualClock();
  seq = 1;
  readonly presence = new Presence({
    setTimer: this.clock.setTimer,
    now: this.clock.now,
    me: () => "ada",
    end: () => ({ seq: this.seq, rev: this.seq }),
    changed: () => undefined,
  });

  come(...users: readonly string[]): void {
    this.presence.report({ online: users.map(person), offline: [], count: 9, more: false });
  }

  go(...users: readonly string[]): void {
    this.presence.report({ online: [], offline: users, count: 9, more: false });
  }

  get notices(): readonly (readonly [string, readonly (string | undefined)[]])[] {
    return this.presence.state.notices.map(({ row }) => [row.notice.what, row.notice.people.map(({ user }) => user)]);
  }
}

describe("presence", () => {
  test("is news after four seconds, all of one kind in one notice", async () => {
    const lobby = new Lobby();
    lobby.presence.begin(2, [person("bob"), person("cleo")]);
    lobby.come("dan");
    lobby.go("bob", "cleo");
    await lobby.clock.pass(3_900);
    lobby.come("eve");
    expect(lobby.notices).toEqual([]);
    await lobby.clock.pass(100);
    expect(lobby.notices).toEqual([["offline", ["bob", "cleo"]], ["online", ["dan", "eve"]]]);
  });

  test("of somebody who is back at once, or gone at once, is no news", async () => {
    const lobby = new Lobby();
    lobby.presence.begin(1, [person("bob")]);
    lobby.go("bob");
    lobby.come("cleo");
    await lobby.clock.pass(1_000);
    lobby.come("bob");
    lobby.go("cleo");
    await lobby.clock.pass(10_000);
    expect(lobby.notices).toEqual([]);
    expect(lobby.presence.state.online.people).toEqual([person("bob")]);
  });

  test("of oneself is no news", async () => {
    const lobby = new Lobby();
    lobby.come("ada", "bob");
    await lobby.clock.pass(5_000);
    expect(lobby.notices).toEqual([["online", ["bob"]]]);
  });

  test("of more people joins the notice at the end, each of them once, until something else stands there", async () => {
    const lobby = new Lobby();
    for (const user of ["bob", "cleo"]) {
      lobby.come(user);
      await lobby.clock.pass(5_000);
    }
    expect(lobby.notices).toEqual([["online", ["bob", "cleo"]]]);
    const [first] = lobby.presence.state.notices;
    lobby.seq = 2;
    lobby.come("dan");
    await lobby.clock.pass(5_000);
    expect(lobby.notices).toEqual([["online", ["bob", "cleo"]], ["online", ["dan"]]]);
    expect(lobby.presence.state.notices[0]).toBe(first);
    expect(new Set(lobby.presence.state.notices.map(({ row }) => row.key)).size).toBe(2);
  });

  test("is kept for the last twenty notices, with the last fifty people", async () => {
    const lobby = new Lobby();
    for (let i = 1; i <= 25; i += 1) {
      lobby.seq = i;
      lobby.come(`user ${i}`);
      await lobby.clock.pass(5_000);
    }
    expect(lobby.notices.length).toBe(20);
    expect(lobby.notices.at(-1)).toEqual(["online", ["user 25"]]);
    lobby.come(...Array.from({ length: 60 }, (_, i) => `one of many ${i}`));
    await lobby.clock.pass(5_000);
    expect(lobby.notices.at(-1)?.[1].length).toBe(50);
  });

  test("of so many that the server does not name them is no notice", async () => {
    const lobby = new Lobby();
    lobby.presence.report({ online: [person("bob")], offline: [], count: 900, more: true });
    await lobby.clock.pass(5_000);
    expect(lobby.notices).toEqual([]);
    expect(lobby.presence.state.online.count).toBe(900);
  });
});

describe("typing", () => {
  test("is shown for five seconds after the last key, per room and person", async () => {
    const clock = new VirtualClock();
    const typing = new Typing(clock.setTimer, () => undefined);
    typing.show(1, person("bob"));
    typing.show(2, { guest: "2" });
    await clock.pass(3_000);
    typing.show(1, person("bob"));
    await clock.pass(3_000);
    expect([typing.in(1), typing.in(2)]).toEqual([[person("bob")], []]);
    await clock.pass(2_000);
    expect(typing.in(1)).toEqual([]);
  });
});
