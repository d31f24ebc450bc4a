// Goal: where a window on a room stands, what it asks for, and what it shows meanwhile, for each move by itself.

import { describe, expect, test } from "vitest";
import { historyEffects, unknownRoom } from "../../src/core/effects.ts";
import type { Row, Seq } from "../../src/core/facade.ts";
import { Model } from "../../src/core/model.ts";
import { OpenView } from "../../src/core/room-view.ts";
import { withSpan } from "../../src/core/spans.ts";
import type { RoomRecord } from "../../src/core/store.ts";
import type { Message, Page } from "../../src/core/wire.ts";
import { settled } from "./virtual-clock.ts";

const ROOM = 7;
const message = (seq: Seq): Message => ({ room: ROOM, seq, rev: seq, at: seq, from: { user: seq % 10 === 0 ? "ada" : "bob" }, text: `${seq}`, edited: false, deleted: false });

/** A room with so many messages, of which ada, whose room it is, has read some; each tenth is hers. */
class Bench {
  readonly model = new Model();
  readonly asked: string[] = [];
  readonly marked: Seq[] = [];
  visits = 0;
  closed = 0;
  /** Whether the server answers. */
  isOnline = true;
  /** Whether the model may be shown. */
  mayShow = true;
  /** The answers wait until this is called. */
  release: (() => void)[] | null = null;
  readonly size: Seq;
  readonly floor: Seq;

  constructor(size: Seq, read: Seq, change: Partial<RoomRecord> = {}) {
    this.size = size;
    this.floor = change.floor ?? 1;
    this.model.apply({ kind: "session", session: { user: "ada", name: "ada", owner: false, token: "" } });
    this.model.apply({ kind: "room", room: { ...unknownRoom(ROOM), kind: "public", joined: true, seq: size, rev: size, applied: size, read, ...change } });
  }

  view(): OpenView {
    return new OpenView(ROOM, {
      model: this.model,
      isOnline: () => this.isOnline,
      mayShow: () => this.mayShow,
      history: (room, page, limit) => this.#history(room, page, limit),
      visit: () => {
        this.visits += 1;
        return Promise.resolve(this.model.record(ROOM) !== null);
      },
      markRead: (_, seq) => this.marked.push(seq),
      closed: () => (this.closed += 1),
    });
  }

  async opened(): Promise<OpenView> {
    const view = this.view();
    await settled();
    return view;
  }

  get record(): RoomRecord {
    return this.model.record(ROOM) ?? unknownRoom(ROOM);
  }

  set(change: Partial<RoomRecord>): void {
    this.model.apply({ kind: "room", room: { ...this.record, ...change } });
  }

  /** Somebody says so much more, and it comes by the stream. */
  hear(view: OpenView, count: number): void {
    for (let seq = this.record.seq + 1, last = this.record.seq + count; seq <= last; seq += 1) {
      this.model.apply({ kind: "message", message: { ...message(seq), asOf: seq } });
      this.set({ seq, held: withSpan(this.record.held, seq, seq) });
    }
    view.update();
  }

  async #history(room: number, page: Page, limit: number): Promise<boolean> {
    this.asked.push(`${Object.entries(page).flat().join(" ") || "newest"}: ${limit}`);
    if (this.release !== null) await new Promise<void>((resolve) => this.release?.push(resolve));
    if (!this.isOnline) return false;
    const { before = Infinity, after, around } = page;
    const first = after !== undefined ? after + 1 : around !== undefined ? around - limit / 2 : Math.min(before, this.size + 1) - limit;
    const from = Math.max(this.floor, first);
    const to = Math.min(this.size, before - 1, (after ?? from - 1) + limit);
    const messages = Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => message(from + index));
    for (const change of historyEffects(this.model, room, page, { messages, first: from === this.floor, last: to === this.size, seq: this.size, rev: this.size }, this.size)) this.model.apply(change);
    return true;
  }
}

const rowName = (row: Row): string => (row.kind === "hole" ? `hole ${row.from}-${row.to}${row.loading ? " loading" : ""}` : row.kind === "message" ? `${row.seq}` : row.kind);

/** What is shown: the first and the last of messages that stand together, and holes. */
function shape(view: OpenView): string {
  const parts: string[][] = [];
  for (const row of view.rows.value) {
    const last = parts.at(-1);
    if (row.kind === "message" && last !== undefined && Number(last.at(-1)) === row.seq - 1) last.push(`${row.seq}`);
    else parts.push([rowName(row)]);
  }
  const ends = `${view.first.value ? "|" : "…"} ${parts.map((part) => (part.length > 1 ? `${part[0]}-${part.at(-1)}` : part[0])).join(", ")}`;
  return `${ends} ${view.last.value ? "|" : "…"}`;
}

describe("a window opens", () => {
  test("at the end, with eighty messages, when everything is read", async () => {
    const bench = new Bench(200, 200);
    const view = await bench.opened();
    expect([bench.asked, shape(view), view.newFrom.value, view.read.value]).toEqual([["newest: 80"], "… 121-200 |", null, 200]);
    // The page may have moved the place, so it is shown once more.
    expect([view.placed.value, bench.visits]).toEqual([1, 0]);
  });

  test("at the beginning of a short room", async () => {
    const bench = new Bench(5, 5);
    expect([shape(await bench.opened()), bench.asked]).toEqual(["| 1-5 |", ["newest: 80"]]);
    const later = new Bench(50, 50, { floor: 40 });
    expect([shape(await later.opened()), later.asked]).toEqual(["| 40-50 |", ["newest: 80"]]);
  });

  test("with twenty messages before the first unread one, and a line above that", async () => {
    const bench = new Bench(500, 100);
    const view = await bench.opened();
    expect([bench.asked, shape(view), view.newFrom.value, view.unseen()]).toEqual([["after 80: 100"], "… 81-180 …", 101, 101]);
    const near = new Bench(500, 450);
    expect([shape(await near.opened()), near.asked]).toEqual(["… 421-500 |", ["newest: 80"]]);
    const wide = new Bench(500, 415);
    expect([shape(await wide.opened()), wide.asked]).toEqual(["… 396-495 …", ["after 395: 100"]]);
  });

  test("on what is here when it is here already, without a question", async () => {
    const bench = new Bench(200, 200);
    await bench.opened();
    bench.asked.length = 0;
    expect([shape(await bench.opened()), bench.asked]).toEqual(["… 121-200 |", []]);
  });

  test("on a hole that loads, until the page is here", async () => {
    const bench = new Bench(200, 200);
    bench.release = [];
    const view = bench.view();
    await settled();
    expect(shape(view)).toBe("… hole 121-200 loading |");
    bench.release.splice(0).forEach((go) => go());
    await settled();
    expect(shape(view)).toBe("… 121-200 |");
  });

  test("on a hole that stays without a network, and asks when there is one", async () => {
    const bench = new Bench(200, 200);
    bench.isOnline = false;
    const view = await bench.opened();
    expect(shape(view)).toBe("… hole 121-200 |");
    bench.isOnline = true;
    await view.refresh();
    expect([shape(view), bench.asked]).toEqual(["… 121-200 |", ["newest: 80", "newest: 80"]]);
  });

  test("on nothing where nobody knows the room, and asks what it is", async () => {
    const bench = new Bench(0, 0);
    bench.model.apply({ kind: "forget room", room: ROOM });
    const view = await bench.opened();
    expect([view.rows.value, view.first.value, view.last.value, bench.visits, bench.asked]).toEqual([[], true, true, 1, []]);
    await Promise.all([view.older(), view.newer(), view.latest()]);
    view.shown([1]);
    view.passOver();
    view.renewLine();
    expect([view.unseen(), view.skipped(), bench.asked, bench.marked]).toEqual([null, null, [], []]);
  });

  test("of a room that one is not in has nothing unread, and asks what the room is first", async () => {
    const bench = new Bench(200, 0, { joined: false });
    const view = await bench.opened();
    expect([shape(view), view.newFrom.value, view.unseen(), bench.visits]).toEqual(["… 121-200 |", null, null, 1]);
    view.shown([121, 122]);
    view.passOver();
    expect(bench.marked).toEqual([]);
  });
});

describe("a window moves", () => {
  test("up by fifty, and is cut at the other end beyond three hundred", async () => {
    const bench = new Bench(1_000, 1_000);
    const view = await bench.opened();
    const shapes: string[] = [];
    for (let i = 0; i < 5; i += 1) {
      await view.older();
      shapes.push(shape(view));
    }
    expect(shapes).toEqual(["… 871-1000 |", "… 821-1000 |", "… 771-1000 |", "… 721-1000 |", "… 671-970 …"]);
    expect(bench.asked.slice(1)).toEqual(["before 921: 50", "before 871: 50", "before 821: 50", "before 771: 50", "before 721: 50"]);
  });

  test("no further up than the room begins", async () => {
    const bench = new Bench(100, 100);
    const view = await bench.opened();
    for (let i = 0; i < 3; i += 1) await view.older();
    expect([shape(view), bench.asked]).toEqual(["| 1-100 |", ["newest: 80", "before 21: 50"]]);
  });

  test("down by fifty to the live end, and is cut above", async () => {
    const bench = new Bench(500, 100);
    const view = await bench.opened();
    const shapes: string[] = [];
    for (let i = 0; i < 8; i += 1) {
      await view.newer();
      shapes.push(shape(view));
    }
    expect(shapes).toEqual(["… 81-230 …", "… 81-280 …", "… 81-330 …", "… 81-380 …", "… 131-430 …", "… 181-480 …", "… 231-500 |", "… 231-500 |"]);
    expect(bench.asked[1]).toBe("after 180: 50");
  });

  test("to a message, with fifty on both sides, and to the last one beyond the end", async () => {
    const bench = new Bench(500, 500);
    const view = await bench.opened();
    await view.around(200);
    expect(shape(view)).toBe("… hole 150-174, 175-224, hole 225-250 …");
    await view.around(490);
    expect(shape(view)).toBe("… 440-500 |");
    await view.around(9_999);
    expect([shape(view), bench.asked.slice(1)]).toEqual(["… 450-500 |", ["around 200: 50", "around 9999: 50"]]);
    await view.around(10);
    expect(shape(view)).toBe("| 1-50, hole 51-60 …");
    const early = new Bench(30, 30);
    const short = await early.opened();
    await short.around(20);
    expect(shape(short)).toBe("| 1-30 |");
  });

  test("to the end, over whatever lies between", async () => {
    const bench = new Bench(500, 100);
    const view = await bench.opened();
    await view.latest();
    expect([shape(view), bench.asked.at(-1), view.newFrom.value]).toEqual(["… 421-500 |", "newest: 80", 101]);
    bench.hear(view, 5);
    expect(shape(view)).toBe("… 421-505 |");
  });

  test("one move after the other", async () => {
    const bench = new Bench(500, 500);
    const view = await bench.opened();
    bench.release = [];
    const moves = [view.older(), view.older()];
    await settled();
    expect(bench.asked.slice(1)).toEqual(["before 421: 50"]);
    bench.release.splice(0).forEach((go) => go());
    await settled();
    expect(bench.asked.slice(1)).toEqual(["before 421: 50", "before 371: 50"]);
    bench.release.splice(0).forEach((go) => go());
    await Promise.all(moves);
    expect(shape(view)).toBe("… 321-500 |");
  });

  test("anew to where the unread messages begin by now", async () => {
    const bench = new Bench(500, 500);
    const view = await bench.opened();
    await view.around(200);
    view.shown([200]);
    bench.set({ read: 300 });
    await view.reopen();
    expect([shape(view).slice(0, 8), view.newFrom.value, view.placed.value]).toEqual(["… 281-38", 301, 2]);
  });
});

describe("a hole", () => {
  test("is filled from its end, and loads meanwhile, once", async () => {
    const bench = new Bench(500, 500);
    const view = await bench.opened();
    await view.around(200);
    const [hole] = view.rows.value;
    if (hole === undefined) throw new Error("no hole");
    bench.release = [];
    const filling = [view.fill(hole), view.fill(hole)];
    await settled();
    expect([shape(view), bench.asked.slice(2)]).toEqual(["… hole 150-174 loading, 175-224, hole 225-250 …", ["before 175: 100"]]);
    bench.release.splice(0).forEach((go) => go());
    await Promise.all(filling);
    expect(shape(view)).toBe("… 150-224, hole 225-250 …");
  });

  test("is no message", async () => {
    const bench = new Bench(10, 10);
    const view = await bench.opened();
    const [row] = view.rows.value;
    if (row !== undefined) await view.fill(row);
    expect(bench.asked.length).toBe(1);
  });

  test("that cannot be filled may be tried again", async () => {
    const bench = new Bench(500, 500);
    const view = await bench.opened();
    await view.around(200);
    bench.isOnline = false;
    const hole = view.rows.value[0];
    if (hole === undefined) throw new Error("no hole");
    for (let i = 0; i < 2; i += 1) await view.fill(hole);
    expect([shape(view), bench.asked.slice(2)]).toEqual(["… hole 150-174, 175-224, hole 225-250 …", ["before 175: 100", "before 175: 100"]]);
  });
});

describe("a window that stays open", () => {
  test("grows to three hundred, then goes along, for a reader who looks at the end", async () => {
    const bench = new Bench(100, 100);
    const view = await bench.opened();
    for (let i = 0; i < 40; i += 1) {
      bench.hear(view, 10);
      view.shown([view.rows.value.length === 0 ? 0 : bench.record.seq - 1, bench.record.seq]);
      view.passOver();
      bench.set({ read: bench.record.seq });
    }
    expect(shape(view)).toBe("… 201-500 |");
  });

  test("is cut below, not above, while what is unread has not been on the screen", async () => {
    const bench = new Bench(100, 90);
    const view = await bench.opened();
    bench.hear(view, 400);
    expect(shape(view)).toBe("… 71-370 …");
    expect([view.unseen(), view.newFrom.value]).toEqual([91, 91]);
  });

  test("stays where the reader looks, though all is read", async () => {
    const bench = new Bench(100, 100);
    const view = await bench.opened();
    view.shown([60, 61]);
    bench.hear(view, 400);
    view.passOver();
    bench.set({ read: 500 });
    view.update();
    expect(shape(view)).toBe("… 40-339 …");
  });

  test("goes to the end of a log that was set back before it", async () => {
    const bench = new Bench(500, 500);
    const view = await bench.opened();
    bench.model.apply({ kind: "forget messages", room: ROOM, from: 0, to: 500 });
    bench.set({ seq: 100, held: [] });
    view.update();
    expect(shape(view)).toBe("… hole 21-100 |");
  });

  test("asks on the next connection for what it shows and what is unread, and for no more", async () => {
    const bench = new Bench(100, 100);
    const view = await bench.opened();
    bench.set({ seq: 400 });
    (bench as { size: number }).size = 400;
    bench.asked.length = 0;
    await view.refresh();
    expect([view.newFrom.value, bench.asked, view.unseen()]).toEqual([101, ["after 80: 100"], 101]);
  });

  test("asks on the next connection for the end, when all is read", async () => {
    const bench = new Bench(100, 100);
    const view = await bench.opened();
    bench.set({ seq: 150, read: 150 });
    (bench as { size: number }).size = 150;
    bench.asked.length = 0;
    await view.refresh();
    expect([bench.asked, shape(view)]).toEqual([["newest: 80"], "… 21-150 |"]);
  });

  test("shows nothing that must not be shown yet, and a move ends when it is", async () => {
    const bench = new Bench(300, 300);
    const view = await bench.opened();
    bench.mayShow = false;
    let isDone = false;
    const moving = view.older().then(() => (isDone = true));
    await settled();
    expect([shape(view), isDone]).toEqual(["… 221-300 |", false]);
    bench.mayShow = true;
    view.update();
    await moving;
    expect(shape(view)).toBe("… 171-300 |");
  });

  test("is over when it is closed: nothing moves, nothing is asked for, and whoever waits goes on", async () => {
    const bench = new Bench(300, 300);
    const view = await bench.opened();
    bench.mayShow = false;
    const moving = view.older();
    await settled();
    view.close();
    await moving;
    bench.mayShow = true;
    bench.asked.length = 0;
    await view.older();
    view.update();
    expect([bench.closed, bench.asked, shape(view)]).toEqual([1, [], "… 221-300 |"]);
  });
});

describe("what was on the screen", () => {
  test("is read as far as there is no gap", async () => {
    const bench = new Bench(120, 100);
    const view = await bench.opened();
    view.shown([101, 102, 104]);
    view.shown([]);
    expect([bench.marked, view.unseen()]).toEqual([[102], 103]);
    view.shown([103]);
    expect([bench.marked, view.unseen()]).toEqual([[102, 104], 105]);
    view.shown([103]);
    expect(bench.marked).toEqual([102, 104]);
    view.markRead(107);
    view.passOver();
    expect([bench.marked, view.unseen()]).toEqual([[102, 104, 107, 120], null]);
  });

  test("leaves the line, and what was skipped below it, until a new one is wanted", async () => {
    const bench = new Bench(120, 100);
    const view = await bench.opened();
    expect([view.newFrom.value, view.skipped()]).toEqual([101, 101]);
    view.shown([101, 102]);
    expect(view.skipped()).toBe(103);
    view.renewLine();
    expect(view.newFrom.value).toBe(103);
    view.renewLine();
    expect(view.newFrom.value).toBe(103);
    view.clearNew();
    expect([view.newFrom.value, view.skipped()]).toEqual([null, null]);
    view.renewLine();
    expect(view.newFrom.value).toBe(103);
  });
});

describe("at its bounds, a window", () => {
  test("that may not be shown yet is empty, and its room neither begins nor goes on", async () => {
    const bench = new Bench(200, 200);
    bench.mayShow = false;
    const view = await bench.opened();
    expect([view.rows.value, view.first.value, view.last.value, view.read.value, view.newFrom.value, view.typing.value, view.placed.value]).toEqual([[], false, true, 0, null, [], 0]);
  });

  test("has three hundred messages at the live end, and is cut with the next one", async () => {
    const bench = new Bench(100, 100);
    const view = await bench.opened();
    const read = (): void => {
      view.passOver();
      bench.set({ read: bench.record.seq });
    };
    bench.hear(view, 220);
    read();
    expect(shape(view)).toBe("… 21-320 |");
    view.shown([320]);
    bench.hear(view, 1);
    expect(shape(view)).toBe("… 22-321 |");
  });

  test("is cut below with the three hundred and first message after the first unread one", async () => {
    const bench = new Bench(100, 90);
    const view = await bench.opened();
    bench.hear(view, 270);
    expect(shape(view)).toBe("… 71-370 |");
    bench.hear(view, 1);
    expect(shape(view)).toBe("… 71-370 …");
  });

  test("that grows upwards to three hundred and one is cut below", async () => {
    const bench = new Bench(1_000, 1_000);
    const view = await bench.opened();
    bench.hear(view, 21);
    bench.set({ read: 1_021 });
    for (let i = 0; i < 4; i += 1) await view.older();
    expect(shape(view)).toBe("… 721-1020 …");
  });

  test("is at the live end when a page ends with the last message, or the message that is looked for is fifty before it", async () => {
    const view = await new Bench(230, 100).opened();
    await view.newer();
    expect(shape(view)).toBe("… 81-230 |");
    const other = await new Bench(500, 500).opened();
    await other.around(450);
    expect(other.last.value).toBe(true);
    await other.around(449);
    expect(other.last.value).toBe(false);
  });

  test("asks for no message that is here with those around it, and for one that lacks some", async () => {
    const bench = new Bench(200, 200);
    const view = await bench.opened();
    bench.asked.length = 0;
    for (const seq of [150, 200]) await view.around(seq);
    expect(bench.asked).toEqual([]);
    await view.around(130);
    expect(bench.asked).toEqual(["around 130: 50"]);
  });

  test("in a room that nobody knows looks for a message in vain", async () => {
    const bench = new Bench(0, 0);
    bench.model.apply({ kind: "forget room", room: ROOM });
    const view = await bench.opened();
    await view.around(5);
    expect([bench.asked, view.rows.value]).toEqual([["around 5: 50"], []]);
  });
});

describe("on the next connection, a window", () => {
  test("at the end asks for the end, though there is something unread far above", async () => {
    const bench = new Bench(500, 100);
    const view = await bench.opened();
    await view.latest();
    bench.set({ seq: 600 });
    (bench as { size: number }).size = 600;
    bench.asked.length = 0;
    await view.refresh();
    expect(bench.asked).toEqual(["newest: 80"]);
  });

  test("in the middle of what is read asks for nothing", async () => {
    const bench = new Bench(500, 500);
    const view = await bench.opened();
    await view.around(200);
    bench.set({ held: [[175, 224]] });
    bench.asked.length = 0;
    await view.refresh();
    expect(bench.asked).toEqual([]);
  });

  test("that was sent to the end without a network stays there", async () => {
    const bench = new Bench(500, 100);
    bench.isOnline = false;
    const view = await bench.opened();
    await view.latest();
    bench.isOnline = true;
    await view.refresh();
    expect(shape(view)).toBe("… 421-500 |");
  });
});

test.each([[180, "newest: 100"], [181, "after 80: 100"]])("of what is unread up to %i, twenty before it with it, one page is asked for: %s", async (seq, asked) => {
  const bench = new Bench(100, 100);
  const view = await bench.opened();
  bench.set({ seq });
  (bench as { size: number }).size = seq;
  bench.asked.length = 0;
  await view.refresh();
  expect(bench.asked).toEqual([asked]);
});

test("a window that opens with the last hundred messages is at the live end", async () => {
  expect(shape(await new Bench(500, 420).opened())).toBe("… 401-500 |");
});

test("a reader who has read everything, and looks at nothing, has nothing to tell, and goes along", async () => {
  const bench = new Bench(100, 100);
  const view = await bench.opened();
  view.passOver();
  view.shown([]);
  expect(bench.marked).toEqual([]);
  for (let i = 0; i < 4; i += 1) {
    bench.hear(view, 100);
    view.passOver();
    bench.set({ read: bench.record.seq });
    view.update();
  }
  expect(shape(view)).toBe("… 201-500 |");
});

test("a window on its way to the end goes to the end as it is when it arrives", async () => {
  const bench = new Bench(500, 100);
  const view = await bench.opened();
  bench.release = [];
  const moving = view.latest();
  await settled();
  bench.hear(view, 5);
  bench.release.splice(0).forEach((go) => go());
  await moving;
  expect(shape(view)).toBe("… 426-505 |");
});

test("a line stays where all below it is read", async () => {
  const bench = new Bench(120, 100);
  const view = await bench.opened();
  view.passOver();
  bench.set({ read: 120 });
  view.renewLine();
  expect(view.newFrom.value).toBe(101);
});
