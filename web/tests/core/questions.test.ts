// Goal: a question of a tab that follows has one answer: of the leader that is quickest, of this tab, or none in time.

import { describe, expect, test } from "vitest";
import { answerOf, Questions } from "../../src/core/questions.ts";
import type { Session } from "../../src/core/session.ts";
import type { Question, TabMessage, Tabs } from "../../src/core/tabs.ts";
import { settled, VirtualClock } from "./virtual-clock.ts";

const MEMBERS: Question = { ask: "request", event: "members", payload: { room: 7 } };

function bench() {
  const clock = new VirtualClock();
  const posted: TabMessage[] = [];
  const tabs: Tabs = { areExclusive: true, lead: () => undefined, takeOver: () => undefined, post: (message) => posted.push(message), listen: () => undefined, close: () => undefined };
  let ids = 0;
  const world = { now: clock.now, setTimer: clock.setTimer, randomId: () => `q${(ids += 1)}`, random: () => 0.5, isWatched: () => true };
  const questions = new Questions(tabs, world);
  const answers: unknown[] = [];
  const ask = (question: Question): void => void questions.ask(question).then((answer) => answers.push(answer));
  return { clock, posted, questions, answers, ask };
}

/** A session that says what it was asked. */
const session = {
  request: (event: string, payload: object) => Promise.resolve(["request", event, payload]),
  history: (room: number, page: object, limit: number) => Promise.resolve(["history", room, page, limit]),
  visit: (room: number) => Promise.resolve(["visit", room]),
} as unknown as Session;

describe("a question", () => {
  test("is posted, and answered once", async () => {
    const { posted, questions, answers, ask } = bench();
    ask(MEMBERS);
    expect(posted).toEqual([{ kind: "question", id: "q1", question: MEMBERS }]);
    questions.answered("q2", "of another");
    questions.answered("q1", "first");
    questions.answered("q1", "second");
    await settled();
    expect(answers).toEqual(["first"]);
    questions.again();
    expect(posted.length).toBe(1);
  });

  test("goes to the next leader while it has no answer", () => {
    const { posted, questions, ask } = bench();
    ask(MEMBERS);
    ask({ ask: "visit", room: 3 });
    questions.again();
    expect(posted.slice(2)).toEqual(posted.slice(0, 2));
  });

  test("has no answer after half a minute, and a timer no more after an answer", async () => {
    const { clock, questions, answers, ask, posted } = bench();
    ask(MEMBERS);
    await clock.pass(29_999);
    expect(answers).toEqual([]);
    await clock.pass(1);
    expect(answers).toEqual([null]);
    questions.again();
    expect(posted.length).toBe(1);
    ask(MEMBERS);
    questions.answered("q2", "in time");
    await clock.pass(60_000);
    expect(answers).toEqual([null, "in time"]);
  });

  test("is answered by this tab once that leads, and by nobody when it stops", async () => {
    const { questions, answers, ask } = bench();
    ask(MEMBERS);
    questions.askOf(session);
    await settled();
    expect(answers).toEqual([["request", "members", { room: 7 }]]);
    ask(MEMBERS);
    questions.stop();
    await settled();
    expect(answers[1]).toBeNull();
  });

  test("is put to the session as what it is", async () => {
    expect(await answerOf(session, MEMBERS)).toEqual(["request", "members", { room: 7 }]);
    expect(await answerOf(session, { ask: "history", room: 7, page: { before: 3 }, limit: 50 })).toEqual(["history", 7, { before: 3 }, 50]);
    expect(await answerOf(session, { ask: "visit", room: 7 })).toEqual(["visit", 7]);
  });
});
