// Goal: the page is told what is kept, each thing once, and nothing that is not kept yet.

import { effect } from "@preact/signals-core";
import { describe, expect, test } from "vitest";
import { unknownRoom } from "../../src/core/effects.ts";
import { Model } from "../../src/core/model.ts";
import { Shown } from "../../src/core/shown.ts";
import type { Change, OutboxRow, RoomRecord } from "../../src/core/store.ts";
import { settled, VirtualClock } from "./virtual-clock.ts";

const BOB = { user: "bob", name: "bob" };

class Bench {
  readonly clock = new VirtualClock();
  readonly model = new Model();
  isKeeping = false;
  readonly asked: string[] = [];
  readonly shown = new Shown(this.model, { now: this.clock.now, setTimer: this.clock.setTimer, randomId: () => "", random: () => 0.5, isWatched: () => true }, {
    isKeeping: () => this.isKeeping,
    share: () => 0.5,
    history: (room) => {
      this.asked.push(`history ${room}`);
      return Promise.resolve(false);
    },
    visit: (room) => {
      this.asked.push(`visit ${room}`);
      return Promise.resolve(false);
    },
    markRead: (room, seq) => this.asked.push(`read ${room} ${seq}`),
  });

  constructor(known: "somebody" | "nobody" = "somebody") {
    if (known === "somebody") this.apply({ kind: "session", session: { user: "ada", name: "ada", owner: false, token: "" } }, room(7));
  }

  apply(...changes: readonly Change[]): void {
    for (const change of changes) this.model.apply(change);
    this.shown.take(changes);
  }

  /** How often a signal tells something new meanwhile. */
  times(signal: { readonly value: unknown }, act: () => void): number {
    let times = -1;
    const stop = effect(() => {
      void signal.value;
      times += 1;
    });
    act();
    stop();
    return times;
  }
}

const room = (id: number, change: Partial<RoomRecord> = {}): Change => ({ kind: "room", room: { ...unknownRoom(id), kind: "public", name: `room ${id}`, joined: true, ...change } });
const message = (seq: number, from: object = BOB): Change => ({ kind: "message", message: { room: 7, seq, rev: seq, at: seq, from, text: `text ${seq}`, edited: false, deleted: false, asOf: seq } });
const row = (id: number, change: Partial<OutboxRow> = {}): OutboxRow => ({ id, device: "mine", n: id, at: 0, command: { event: "say", room: 7, text: "" }, ...change });

test("a page that knows nothing yet shows nobody, no room, and that it connects", () => {
  const { clock, shown } = new Bench("nobody");
  const drawn = (): unknown => {
    const { connection, me, rooms, outside, online, people, strays, ahead, untrusted, lost } = shown;
    return { ...connection.value, me: me.value, rooms: [...rooms.value, ...outside.value], online: online.value, people: people.value.size, strays: strays.value, ahead: ahead.value, untrusted: untrusted.value, lost: lost.value.size };
  };
  const nothing = { me: { user: null, name: null, owner: false }, rooms: [], online: { people: [], count: 0 }, people: 0, strays: [], ahead: 0, untrusted: "", lost: 0 };
  expect(drawn()).toEqual({ state: "connecting", since: 0, waiting: 0, ...nothing });
  shown.publish();
  expect(drawn()).toEqual({ state: "connecting", since: clock.now(), waiting: 0, ...nothing });
});

describe("rooms", () => {
  test("are those that one is in, and others that were looked at", () => {
    const { shown, apply } = bound(new Bench());
    apply(room(8, { joined: false }), room(0));
    expect([shown.rooms.value.map(({ name }) => name), shown.outside.value.map(({ name }) => name)]).toEqual([["room 7"], ["room 8"]]);
    apply({ kind: "forget room", room: 8 });
    expect(shown.outside.value).toEqual([]);
    apply({ kind: "lost", room: 8, lost: { room: 8, kind: "public", name: "room 8" } });
    expect([...shown.lost.value.keys()]).toEqual([8]);
  });

  test("are told anew only when something of a room has changed", () => {
    const bench = new Bench();
    expect(bench.times(bench.shown.rooms, () => bench.shown.publish())).toBe(0);
    expect(bench.times(bench.shown.rooms, () => bench.apply(room(7, { topic: "new" })))).toBe(1);
  });

  test("are told when they are kept, with everything else", () => {
    const bench = new Bench();
    const view = bench.shown.open(7);
    bench.isKeeping = true;
    bench.apply(room(7, { name: "den", seq: 1, held: [[1, 1]] }), message(1), { kind: "person", person: { user: "bob", name: "Bob" } });
    expect([bench.shown.rooms.value[0]?.name, view.rows.value, bench.shown.people.value.size]).toEqual(["room 7", [], 0]);
    bench.isKeeping = false;
    bench.shown.publish();
    expect([bench.shown.rooms.value[0]?.name, view.rows.value.length, bench.shown.people.value.get("bob")?.name]).toEqual(["den", 1, "Bob"]);
  });

  test("whose views could not be shown are shown as soon as it is kept, though nothing else has changed", async () => {
    const bench = new Bench();
    bench.isKeeping = true;
    const view = bench.shown.open(7);
    await settled();
    bench.model.apply(room(7, { seq: 1, held: [[1, 1]] }));
    bench.model.apply(message(1));
    bench.model.takeTouched();
    bench.isKeeping = false;
    bench.shown.publish();
    expect(view.rows.value.length).toBe(1);
  });
});

describe("who one is", () => {
  test("is told when it changes, with the server once that is known", () => {
    const bench = new Bench();
    const session = { user: "ada", name: "ada", owner: false, token: "" };
    expect(bench.shown.me.value).toEqual({ user: "ada", name: "ada", owner: false });
    expect(bench.times(bench.shown.me, () => bench.apply({ kind: "session", session: { ...session, token: "new" } }))).toBe(0);
    for (const change of [{ user: "eve" }, { name: "Ida" }, { owner: true }, { server: "s" }]) {
      expect(bench.times(bench.shown.me, () => bench.apply({ kind: "session", session: { ...session, ...change } }))).toBe(1);
      expect(bench.shown.me.value).toMatchObject(change);
      bench.apply({ kind: "session", session });
    }
    expect(bench.shown.me.value).toStrictEqual({ user: "ada", name: "ada", owner: false });
    bench.apply({ kind: "session", session: { ...session, ahead: 90_000, untrusted: "10.0.0.5" } });
    expect(bench.shown.untrusted.value).toBe("10.0.0.5");
    expect([bench.shown.ahead.value, new Bench().shown.ahead.value]).toEqual([90_000, 0]);
  });
});

describe("the connection", () => {
  test("is told with its reason, since when it is so, and what waits", async () => {
    const bench = new Bench();
    const { shown } = bench;
    const start = bench.clock.now();
    expect(shown.connection.value).toEqual({ state: "connecting", since: start, waiting: 0 });
    await bench.clock.pass(100);
    expect([shown.setState("online", ""), shown.setState("online", ""), shown.setState("online", "full"), shown.setState("offline", "", 5)]).toEqual([true, false, true, true]);
    expect([shown.connection.value, shown.standing]).toEqual([{ state: "offline", since: 5, waiting: 0 }, { state: "offline", since: 5, reason: "" }]);
    shown.setState("online", "full");
    expect(shown.connection.value).toEqual({ state: "online", since: start + 100, waiting: 0, reason: "full" });
    bench.model.setOutbox({ device: null, rows: [row(1), row(2, { refused: "empty" })], drafts: new Map() });
    expect(bench.times(shown.connection, () => shown.publish())).toBe(1);
    expect(shown.connection.value.waiting).toBe(1);
    expect(bench.times(shown.connection, () => shown.publish())).toBe(0);
    shown.setState("refused", "full", 7);
    shown.setState("refused", "banned", 7);
    expect(shown.connection.value).toMatchObject({ state: "refused", since: 7, reason: "banned" });
    shown.stop();
    expect(shown.connection.value).toEqual({ state: "stopped", since: bench.clock.now(), waiting: 1 });
  });

  test("lets the views ask for what they lack once it is there, and say what is on its way", async () => {
    const bench = new Bench();
    bench.model.setOutbox({ device: null, rows: [row(1)], drafts: new Map() });
    bench.apply(room(7, { seq: 3 }));
    const view = bench.shown.open(7);
    await settled();
    const pending = (): unknown => view.rows.value.flatMap((one) => (one.kind === "pending" ? [one.state] : []));
    expect(pending()).toEqual(["waiting"]);
    bench.asked.length = 0;
    bench.shown.setState("online", "");
    await settled();
    expect([pending(), bench.asked]).toEqual([["sending"], ["history 7"]]);
    bench.asked.length = 0;
    bench.shown.setState("offline", "");
    await settled();
    expect([pending(), bench.asked]).toEqual([["waiting"], []]);
    view.close();
    bench.shown.setState("online", "");
    await settled();
    expect(bench.asked).toEqual([]);
  });
});

describe("people", () => {
  test("are called by the names that they have now, wherever they stand", () => {
    const bench = new Bench();
    const { shown } = bench;
    const view = shown.open(7);
    const other = shown.open(8);
    bench.apply(room(7, { seq: 1, held: [[1, 1]] }), message(1));
    shown.setPresence({ online: { people: [BOB], count: 3 }, notices: [] });
    shown.typing.show(7, BOB);
    const named = (): unknown => [shown.online.value.people, view.typing.value, view.rows.value.map((one) => (one.kind === "message" ? one.from : null))];
    expect(named()).toEqual([[BOB], [BOB], [BOB]]);
    const rob = { user: "bob", name: "rob" };
    bench.apply({ kind: "person", person: rob });
    expect(named()).toEqual([[rob], [rob], [rob]]);
    expect([shown.online.value.count, other.typing.value, shown.presence.online.people]).toEqual([3, [], [BOB]]);
    expect(bench.times(shown.people, () => shown.publish())).toBe(0);
  });

  test("who type are seen in a room that is opened later, until they have said it", async () => {
    const bench = new Bench();
    const { shown } = bench;
    shown.typing.show(7, BOB);
    const view = shown.open(7);
    expect(view.typing.value).toEqual([BOB]);
    bench.apply(message(1, { user: "cleo" }));
    expect(view.typing.value).toEqual([BOB]);
    bench.apply(message(2));
    expect(view.typing.value).toEqual([]);
    shown.typing.show(7, BOB);
    shown.stop();
    await bench.clock.pass(10_000);
    expect(shown.typing.in(7)).toEqual([]);
  });
});

test("a view that is closed is told nothing more", async () => {
  const bench = new Bench();
  const { shown } = bench;
  const [closed, open] = [shown.open(7), shown.open(7)];
  await settled();
  closed.close();
  shown.typing.show(7, BOB);
  expect([closed.typing.value, open.typing.value]).toEqual([[], [BOB]]);
});

test("strays are told when there are others", () => {
  const bench = new Bench();
  bench.apply({ kind: "cursor", cursor: "c" });
  bench.model.setOutbox({ device: null, rows: [row(1, { refused: "not_found", command: { event: "say", room: 9, text: "lost" } })], drafts: new Map() });
  expect(bench.times(bench.shown.strays, () => bench.shown.publish())).toBe(1);
  expect(bench.shown.strays.value.map(({ text }) => text)).toEqual(["lost"]);
  expect(bench.times(bench.shown.strays, () => bench.shown.publish())).toBe(0);
});

function bound(bench: Bench): { readonly shown: Shown; readonly apply: Bench["apply"] } {
  return { shown: bench.shown, apply: (...changes) => bench.apply(...changes) };
}
