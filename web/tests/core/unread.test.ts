// Goal: the unread count is that of a brute-force count over the whole log, whatever part of it is here.

import { expect, test } from "vitest";
import { contains, covers, holesOf, withoutSpan, withSpan, type Span } from "../../src/core/spans.ts";
import { UNREAD_MAX, unreadOf } from "../../src/core/unread.ts";
import { Chance } from "./virtual-clock.ts";

const ROUNDS = 1_500;

test("spans are sets of numbers", () => {
  for (let seed = 1; seed <= ROUNDS; seed += 1) {
    const chance = new Chance(seed);
    const wanted = new Set<number>();
    let spans: readonly Span[] = [];
    for (let i = chance.below(12); i >= 0; i -= 1) {
      const from = 1 + chance.below(40);
      const to = from + chance.below(10);
      const adds = chance.is(0.7);
      spans = adds ? withSpan(spans, from, to) : withoutSpan(spans, from, to);
      for (let seq = from; seq <= to; seq += 1) if (adds) wanted.add(seq);
        else wanted.delete(seq);
    }
    const about = `seed ${seed}: ${JSON.stringify(spans)}`;
    const all = Array.from({ length: 61 }, (_, seq) => seq);
    expect(all.filter((seq) => contains(spans, seq)), about).toEqual(all.filter((seq) => wanted.has(seq)));
    const isApart = spans.every((span, index) => span[0] > (spans[index - 1]?.[1] ?? -1) + 1);
    expect(isApart, about).toBe(true);
    const holes = holesOf(spans, 5, 45);
    const missing = all.filter((seq) => 5 <= seq && seq <= 45 && !wanted.has(seq));
    expect(all.filter((seq) => contains(holes, seq)), about).toEqual(missing);
    expect(covers(spans, 5, 45), about).toBe(holes.length === 0);
  }
});

test("unread messages are counted as brute force counts them", () => {
  for (let seed = 1; seed <= ROUNDS; seed += 1) {
    const chance = new Chance(seed);
    const size = chance.below(chance.is(0.2) ? 400 : 60);
    const log = Array.from({ length: size }, (_, index) => ({ seq: index + 1, own: chance.is(0.2), deleted: chance.is(0.2) }));
    const counts = (message: (typeof log)[number]): boolean => !message.own && !message.deleted;
    const count = (after: number, to: number): number => log.filter((m) => m.seq > after && m.seq <= to && counts(m)).length;
    const read = chance.below(size + 1);
    let held: readonly Span[] = [];
    for (let i = chance.below(4); i > 0 && size > 0; i -= 1) {
      const from = 1 + chance.below(size);
      held = withSpan(held, from, Math.min(size, from + chance.below(size)));
    }
    const messages = log.filter(({ seq }) => contains(held, seq));
    const mark = read + chance.below(size - read + 1);
    const there = count(read, mark);
    const answer = { read, mark, count: Math.min(there, UNREAD_MAX), capped: there > UNREAD_MAX };
    const isAnswered = chance.is(0.7);
    const unread = unreadOf({ read, seq: size, held, messages, counts, ...(isAnswered ? { away: answer } : {}) });
    const wanted = count(read, size);
    const about = `seed ${seed}`;
    const isKnown = covers(held, read + 1, size) || (isAnswered && (answer.capped || covers(held, mark + 1, size)));
    expect(unread.exact, about).toBe(isKnown);
    if (unread.exact) {
      expect(unread.count, about).toBe(Math.min(wanted, UNREAD_MAX));
      expect(unread.capped, about).toBe(wanted > UNREAD_MAX);
    } else {
      expect(unread.count, about).toBeLessThanOrEqual(Math.min(wanted, UNREAD_MAX));
    }
  }
});

test("a hundred unread messages are a hundred, and one more is more than that", () => {
  const facts = (count: number) => ({ read: 5, seq: 5 + count, held: [], messages: [], counts: () => true, away: { read: 5, mark: 5 + count, count, capped: false } });
  expect(unreadOf(facts(UNREAD_MAX))).toEqual({ count: UNREAD_MAX, capped: false, exact: true });
  expect(unreadOf(facts(UNREAD_MAX + 1))).toEqual({ count: UNREAD_MAX, capped: true, exact: true });
  expect(unreadOf({ ...facts(0), held: [] })).toEqual({ count: 0, capped: false, exact: true });
});
