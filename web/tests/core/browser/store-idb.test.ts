// Goal: the store in IndexedDB keeps what the one in memory keeps, and gives each number once, whoever asks.

import "fake-indexeddb/auto";
import { openDB } from "idb";
import { describe, expect, test } from "vitest";
import { IndexedDbStore } from "../../../src/core/browser/store-idb.ts";
import { unknownRoom } from "../../../src/core/effects.ts";
import { enqueue, withDevice, withdrawn } from "../../../src/core/numbering.ts";
import { MemoryDisk, MemoryStore } from "../../../src/core/store-memory.ts";
import { Deposed, type Change, type DraftRecord, type Look, type MessageRecord, type Store } from "../../../src/core/store.ts";
import { LOBBY, texts, World } from "../people.ts";
import { Chance } from "../virtual-clock.ts";
import { sorted } from "./sorted.ts";

let databases = 0;
const newName = (): string => `store ${(databases += 1)}`;

const message = (room: number, seq: number, text: string): MessageRecord => ({
  room,
  seq,
  rev: seq,
  at: seq,
  from: { user: "ada" },
  text,
  edited: false,
  deleted: false,
  asOf: seq,
});

function randomChange(chance: Chance): Change {
  const room = 1 + chance.below(3);
  const seq = 1 + chance.below(9);
  const changes: readonly (() => Change)[] = [
    () => ({ kind: "room", room: { ...unknownRoom(room), seq } }),
    () => ({ kind: "message", message: message(room, seq, `text ${chance.below(1000)}`) }),
    () => ({ kind: "message", message: message(room, seq, `text ${chance.below(1000)}`) }),
    () => ({ kind: "notice", notice: { room, rev: seq, after: 0, at: 0, notice: { what: "left", from: { guest: "" } } } }),
    () => ({ kind: "forget messages", room, from: seq, to: seq + chance.below(4) }),
    () => ({ kind: "forget room", room }),
    () => ({ kind: "forget notices", room, to: seq }),
    () => (chance.is(0.2) ? { kind: "forget people" } : { kind: "cursor", cursor: "other" }),
    () => ({ kind: "person", person: { user: `user ${seq}`, name: `name ${chance.below(100)}` } }),
    () => ({ kind: "session", session: { user: chance.is(0.2) ? "eve" : "ada", name: null, owner: false, token: `${seq}` } }),
    () => ({ kind: "cursor", cursor: `${chance.below(100)}` }),
    () => ({ kind: "lost", room, lost: chance.is(0.2) ? null : { room, kind: "private", name: `room ${seq}` } }),
    () => ({ kind: "settled", id: seq }),
    () => ({ kind: "refused", id: seq, code: "empty" }),
    () => (chance.is(0.1) ? { kind: "forget all" } : { kind: "cursor", cursor: "again" }),
  ];
  return chance.pick(changes)();
}

function randomDraft(chance: Chance): DraftRecord {
  const place = { room: 1 + chance.below(3), ...(chance.is(0.5) ? { seq: 1 + chance.below(2) } : {}) };
  return { ...place, text: chance.is(0.3) ? null : `draft ${chance.below(100)}`, at: 1 + chance.below(20), after: 0 };
}

describe("the store in IndexedDB", () => {
  test("keeps what the store in memory keeps", async () => {
    for (let seed = 1; seed <= 25; seed += 1) {
      const chance = new Chance(seed);
      const name = newName();
      const stores: [Store, Store] = [await IndexedDbStore.open(name), new MemoryStore()];
      for (let round = 0; round < 12; round += 1) {
        const changes = Array.from({ length: 1 + chance.below(8) }, () => randomChange(chance));
        const withdraws = chance.is(0.5) ? 1 + chance.below(9) : null;
        const drafts = [randomDraft(chance), randomDraft(chance)];
        for (const store of stores) {
          const drop = round === 6 ? { dropDrafts: ["1", "2/1"] } : {};
          await store.changeOutbox({ drafts: [...drafts, { room: 1 }, { room: 2, seq: 1 }] }, (state) => ({ ...enqueue(state, { event: "say", room: 1, text: `${round}` }, round, "device"), drafts, ...drop }));
          if (withdraws !== null) await store.changeOutbox({ rows: [withdraws] }, (state) => withdrawn(state, withdraws));
          await store.commit(changes, null);
        }
      }
      stores[0].close();
      const again = await IndexedDbStore.open(name);
      expect(sorted(await again.load()), `seed ${seed}`).toEqual(sorted(await stores[1].load()));
      again.close();
    }
  });

  test("takes nothing from a leader after whom another has begun, in no kind of transaction", async () => {
    const name = newName();
    const disk = new MemoryDisk();
    for (const [old, young] of [
      [await IndexedDbStore.open(name), await IndexedDbStore.open(name)],
      [new MemoryStore(disk), new MemoryStore(disk)],
    ] as const) {
      const before = (await old.lead(() => true)) ?? 0;
      await old.commit([{ kind: "cursor", cursor: "before" }], before);
      const after = (await young.lead(() => true)) ?? 0;
      expect(await old.lead(() => false)).toBe(null);
      expect(after).toBeGreaterThan(before);
      await expect(old.commit([{ kind: "cursor", cursor: "late" }, { kind: "message", message: message(1, 1, "late") }], before)).rejects.toThrow(Deposed);
      await expect(old.changeOutbox({}, (state) => withDevice(state, "late"), "strict", before)).rejects.toThrow(Deposed);
      const { leader, cursor, messages, outbox } = await young.load();
      expect([leader, cursor, messages, outbox.device]).toEqual([after, "before", [], null]);
      // What anybody may write is taken from everybody.
      await old.changeOutbox({}, (state) => enqueue(state, { event: "say", room: 1, text: "typed" }, 0, "device"));
      await young.commit([{ kind: "cursor", cursor: "after" }], after);
      expect((await old.load()).cursor).toBe("after");
    }
  });

  test("keeps the latest version of a draft, whichever comes last", async () => {
    for (const store of [await IndexedDbStore.open(newName()), new MemoryStore()]) {
      const versions = [4, 9, 2].map((at): DraftRecord => ({ room: 1, seq: 3, text: `version ${at}`, at, after: 0 }));
      for (const draft of versions) await store.changeOutbox({ drafts: [draft] }, () => ({ drafts: [draft], result: undefined }), "relaxed");
      expect([...(await store.outbox()).drafts]).toEqual([["1/3", versions[1]]]);
    }
  });

  test("gives a change the rows and drafts that it looks at, and what was put aside in the same place", async () => {
    const place = (room: number, seq?: number, aside?: number) => ({ room, ...(seq === undefined ? {} : { seq }), ...(aside === undefined ? {} : { aside }) });
    const places = [place(1), place(1, 3), place(1, 3, 0.25), place(1, 30), place(10), place(1, undefined, 0.5), place(10, 3)];
    const drafts = places.map((at): DraftRecord => ({ ...at, text: "typed", at: 1, after: 0 }));
    for (const store of [await IndexedDbStore.open(newName()), new MemoryStore()]) {
      await store.changeOutbox({ drafts }, () => ({ drafts, result: undefined }));
      for (let n = 1; n <= 12; n += 1) await store.changeOutbox({}, (part) => enqueue(part, { event: "say", room: 1, text: `${n}` }, 0, "device"));
      const seen = async (look: Look): Promise<unknown> => {
        const { result } = await store.changeOutbox(look, (part) => ({ result: part }));
        return [result.count, result.rows.map(({ id }) => id), [...result.drafts.keys()].sort()];
      };
      expect(await seen({})).toEqual([12, [], []]);
      expect(await seen({ rows: [2, 99, 1] })).toMatchObject([12, expect.arrayContaining([1, 2]), []]);
      expect(await seen({ drafts: [place(1)] })).toEqual([12, [], ["1", "1 0.5"]]);
      expect(await seen({ drafts: [place(1, 3), place(10)] })).toEqual([12, [], ["1/3", "1/3 0.25", "10"]]);
      expect(await seen({ rows: "all", drafts: "all" })).toMatchObject([12, { length: 12 }, { length: places.length }]);
    }
  });

  test("of the first version brings its drafts along, and all else", async () => {
    const name = newName();
    const old = await openDB(name, 1, {
      upgrade(database) {
        for (const table of ["cursor", "session", "device", "drafts"]) database.createObjectStore(table);
        database.createObjectStore("outbox", { keyPath: "id" });
        database.createObjectStore("rooms", { keyPath: "room" });
        database.createObjectStore("messages", { keyPath: ["room", "seq"] });
        database.createObjectStore("notices", { keyPath: ["room", "rev"] });
        database.createObjectStore("people", { keyPath: "user" });
      },
    });
    await old.put("drafts", "half a thought", 7);
    await old.put("drafts", "another", 1);
    await old.put("messages", message(7, 1, "kept"));
    old.close();
    const store = await IndexedDbStore.open(name);
    const { outbox, messages } = await store.load();
    expect([...outbox.drafts.values()].map(({ room, seq, text }) => [room, seq, text])).toEqual([[1, undefined, "another"], [7, undefined, "half a thought"]]);
    expect(messages).toEqual([message(7, 1, "kept")]);
    await store.changeOutbox({ drafts: [{ room: 7 }] }, () => ({ drafts: [{ room: 7, text: "a whole one", at: 2, after: 1 }], result: undefined }));
    store.close();
    const again = await IndexedDbStore.open(name);
    expect((await again.outbox()).drafts.get("7")?.text).toBe("a whole one");
    again.close();
  });

  test("of the version before rooms could be lost opens with all that is in it, and keeps a lost room from then on", async () => {
    const name = newName();
    const old = await openDB(name, 3, {
      upgrade(database) {
        for (const table of ["cursor", "session", "device", "drafts", "leader"]) database.createObjectStore(table);
        database.createObjectStore("outbox", { keyPath: "id" });
        database.createObjectStore("rooms", { keyPath: "room" });
        database.createObjectStore("messages", { keyPath: ["room", "seq"] });
        database.createObjectStore("notices", { keyPath: ["room", "rev"] });
        database.createObjectStore("people", { keyPath: "user" });
      },
    });
    await old.put("rooms", { ...unknownRoom(7), joined: true });
    await old.put("messages", message(7, 1, "kept"));
    await old.put("drafts", { room: 7, text: "half a thought", at: 2, after: 1 }, "7");
    await old.put("cursor", "here", "cursor");
    old.close();
    const store = await IndexedDbStore.open(name);
    const { cursor, rooms, messages, outbox, lost } = await store.load();
    expect([cursor, rooms.map(({ room }) => room), messages, outbox.drafts.get("7")?.text, lost]).toEqual(["here", [7], [message(7, 1, "kept")], "half a thought", []]);
    await store.commit([{ kind: "lost", room: 7, lost: { room: 7, kind: "private", name: "plans" } }, { kind: "forget room", room: 7 }], null);
    store.close();
    const again = await IndexedDbStore.open(name);
    expect((await again.load()).lost).toEqual([{ room: 7, kind: "private", name: "plans" }]);
    again.close();
  });

  test("gives every command of every tab a number of its own, without a gap", async () => {
    const name = newName();
    const tabs = await Promise.all([1, 2, 3].map(() => IndexedDbStore.open(name)));
    await Promise.all(
      tabs.flatMap((tab, index) =>
        Array.from({ length: 20 }, (_, i) =>
          tab.changeOutbox({}, (state) => enqueue(state, { event: "say", room: 1, text: `${index} ${i}` }, 0, `device of ${index}`)),
        ),
      ),
    );
    const { device, rows } = await (tabs[0] ?? new MemoryStore()).outbox();
    expect(rows.map(({ n }) => n)).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
    expect(new Set(rows.map((row) => row.device))).toEqual(new Set([device?.id]));
    for (const index of [0, 1, 2]) {
      const own = rows.flatMap(({ command }) => ("text" in command && command.text.startsWith(`${index} `) ? [command.text] : []));
      expect(own).toEqual(Array.from({ length: 20 }, (_, i) => `${index} ${i}`));
    }
  });

  test("keeps nothing of a change that throws", async () => {
    const store = await IndexedDbStore.open(newName());
    await store.changeOutbox({}, (state) => withDevice(state, "first"));
    const change = store.changeOutbox({}, () => {
      throw new Error("a bug");
    });
    await expect(change).rejects.toThrow("a bug");
    expect((await store.outbox()).device?.id).toBe("first");
  });

  test("that is closed still does what was asked of it before", async () => {
    const name = newName();
    const store = await IndexedDbStore.open(name);
    const asked = store.changeOutbox({}, (state) => enqueue(state, { event: "say", room: 1, text: "just in time" }, 0, "device"));
    store.close();
    expect((await asked).result?.n).toBe(1);
    const again = await IndexedDbStore.open(name);
    expect((await again.outbox()).rows.length).toBe(1);
    await expect(store.changeOutbox({}, (state) => withDevice(state, "late"))).rejects.toThrow();
  });

  test("belongs to the first person whom it is given to, also when two tabs ask at once", async () => {
    const name = newName();
    const [one, other] = [await IndexedDbStore.open(name), await IndexedDbStore.open(name)];
    const person = (user: string) => ({ user, name: null, owner: false, token: `of ${user}` });
    expect(await Promise.all([one.bind(person("ada")), other.bind(person("eve"))])).toEqual([person("ada"), person("ada")]);
    expect((await other.load()).session).toEqual(person("ada"));
  });

  test("carries a chat through a reload without a network", async () => {
    const name = newName();
    const world = new World();
    // Requests of IndexedDB take real turns of the event loop.
    const opened = async () => world.chat({ store: await IndexedDbStore.open(name) });
    const ada = await opened();
    await world.online(ada);
    await world.does(ada.say(LOBBY, "kept"));
    world.server.kill();
    await world.clock.pass(1_000);
    void ada.say(LOBBY, "waiting");
    await world.clock.until(() => ada.connection.value.waiting === 1, "the outbox");
    await world.does(ada.stop());
    const again = await opened();
    const view = again.open(LOBBY);
    expect(texts(view)).toEqual(["kept", "waiting"]);
    world.server.start();
    await world.online(again);
    await world.clock.until(() => again.connection.value.waiting === 0, "the answer");
    expect(world.server.state.rooms.get(LOBBY)?.messages.map(({ text }) => text)).toEqual(["kept", "waiting"]);
    await world.does(again.stop());
  });
});
