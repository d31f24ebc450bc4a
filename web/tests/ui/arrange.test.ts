// How the rows of a room become days and groups.

import { describe, expect, test } from "vitest";
import type { MessageRow, Notice, NoticeRow, Person, Row } from "../../src/core/facade.ts";
import { Arranger, type Day } from "../../src/ui/timeline/arrange.ts";
import { condense } from "../../src/ui/timeline/condense.ts";

const MINUTE = 60_000;
const NOON = new Date(2026, 10, 20, 12).getTime();
const ada: Person = { user: "000000000000000a", name: "ada" };
const bob: Person = { user: "000000000000000b", name: "bob" };

function message(seq: number, from: Person, at = NOON): MessageRow {
  return { kind: "message", key: `m${seq}`, seq, at, from, own: false, text: `text ${seq}`, edited: false, deleted: false };
}

function notice(rev: number, what: Notice, at = NOON): NoticeRow {
  return { kind: "notice", key: `n${rev}`, rev, at, notice: what };
}

/** Heads are written large: "M1 m2" is a group of two. */
function sketch(days: readonly Day[]): string {
  const one = (day: Day) =>
    day.items
      .map((item) => {
        if (item.kind === "message") return item.head ? item.key.toUpperCase() : item.key;
        return item.kind === "notices" ? `(${item.rows.map((row) => row.key).join(" ")})` : item.key;
      })
      .join(" ");
  return days.map(one).join(" / ");
}

function arranged(rows: readonly Row[], newFrom: number | null = null): string {
  return sketch(new Arranger().arrange(rows, newFrom));
}

describe("a group", () => {
  test("holds what one author wrote within five minutes", () => {
    const rows = [message(1, ada), message(2, ada, NOON + 4 * MINUTE), message(3, ada, NOON + 9 * MINUTE), message(4, bob, NOON + 9 * MINUTE)];
    expect(arranged(rows)).toBe("M1 m2 M3 M4");
  });

  test("ends at a notice, at the new line and with the day", () => {
    const late = new Date(2026, 10, 20, 23, 59).getTime();
    const rows = [
      message(1, ada, late),
      notice(2, { what: "topic", from: ada, text: "x" }, late),
      message(2, ada, late),
      message(3, ada, late),
      message(4, ada, late + 2 * MINUTE),
    ];
    expect(arranged(rows, 3)).toBe("M1 (n2) M2 new M3 / M4");
    expect(arranged(rows, 1)).toBe("new M1 (n2) M2 m3 / M4");
    expect(arranged(rows.slice(2), 1), "what is new begins above").toBe("M2 m3 / M4");
  });

  test("does not hold guests who cannot be told apart", () => {
    expect(arranged([message(1, { guest: "" }), message(2, { guest: "" })])).toBe("M1 M2");
    expect(arranged([message(1, { guest: "4f2a" }), message(2, { guest: "4f2a" })])).toBe("M1 m2");
  });

  test("goes on with what is not sent yet", () => {
    const own = { ...message(1, ada), own: true };
    expect(arranged([own, { kind: "pending", key: "p1", n: 1, at: NOON, text: "x", state: "sending" }])).toBe("M1 p1");
  });
});

describe("notices", () => {
  test("of coming and going are condensed, others stand alone", () => {
    const rows = [
      notice(1, { what: "joined", from: ada, who: ada }),
      notice(2, { what: "left", from: bob, who: bob }),
      notice(3, { what: "renamed", from: ada, text: "tea" }),
      notice(4, { what: "left", from: bob, who: bob }),
    ];
    expect(arranged(rows)).toBe("(n1 n2) (n3) (n4)");
  });

  test("name each person once, with the last word, and who added them", () => {
    const [cleo, dan] = [{ user: "c", name: "cleo" }, { user: "d", name: "dan" }] as const;
    const rows = [
      notice(1, { what: "left", from: ada }),
      notice(2, { what: "joined", from: ada, who: ada }),
      notice(3, { what: "joined", from: bob, who: cleo }),
      notice(4, { what: "joined", from: bob, who: dan }),
      notice(5, { what: "left", from: bob }),
    ];
    const short = condense(rows).map(({ what, from, people }) => `${what} ${from?.name ?? ""}: ${people.map((person) => person.name).join(" ")}`);
    expect(short).toEqual(["joined : ada", "added bob: cleo dan", "left : bob"]);
  });
});

describe("the arranger", () => {
  test("keeps the items and days that did not change", () => {
    const arranger = new Arranger();
    const rows = [message(1, ada, NOON - 24 * 60 * MINUTE), message(2, ada), message(3, ada)];
    const [yesterday, today] = arranger.arrange(rows, null);
    const after = arranger.arrange([...rows, message(4, ada)], null);
    expect(after[0]).toBe(yesterday);
    expect(after[1]).not.toBe(today);
    expect(after[1]?.items[0]).toBe(today?.items[0]);
  });

  test("keeps a head that was shown, whatever is put before it", () => {
    const arranger = new Arranger();
    const rows = [message(5, ada), message(6, ada)];
    expect(sketch(arranger.arrange(rows, null))).toBe("M5 m6");
    expect(sketch(arranger.arrange([message(4, ada), ...rows], null))).toBe("M4 M5 m6");
  });

  test("gives a day that comes twice two keys", () => {
    const days = new Arranger().arrange([message(1, ada), message(2, ada, NOON + 24 * 60 * MINUTE), message(3, ada)], null);
    expect(new Set(days.map((day) => day.key)).size).toBe(3);
  });
});
