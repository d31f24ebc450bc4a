// Requests of this tab that wait for the leading tab, because only the leader has the connection.
//
// A leader can close before it answers, so every open request goes to the next leader as well; the first answer counts.
// A leader that hangs does not answer, so every request has a deadline.

import type { World } from "./ports.ts";
import type { Session } from "./session.ts";
import type { Question, Tabs } from "./tabs.ts";

/** Several tries of the leader at a busy server. */
const ANSWER_DEADLINE_MS = 30_000;

export class Questions {
  readonly #tabs: Tabs;
  readonly #world: World;
  readonly #waiting = new Map<string, { readonly question: Question; readonly answered: (answer: unknown) => void }>();

  constructor(tabs: Tabs, world: World) {
    this.#tabs = tabs;
    this.#world = world;
  }

  ask(question: Question): Promise<unknown> {
    const id = this.#world.randomId();
    return new Promise((resolve) => {
      const cancel = this.#world.setTimer(ANSWER_DEADLINE_MS, () => this.answered(id, null));
      const answered = (answer: unknown): void => {
        cancel();
        resolve(answer);
      };
      this.#waiting.set(id, { question, answered });
      this.#tabs.post({ kind: "question", id, question });
    });
  }

  /** There is another leader. */
  again(): void {
    for (const [id, { question }] of this.#waiting) this.#tabs.post({ kind: "question", id, question });
  }

  /** This tab is the leader. */
  askOf(session: Session): void {
    for (const [id, { question }] of this.#waiting) void answerOf(session, question).then((answer) => this.answered(id, answer));
  }

  answered(id: string, answer: unknown): void {
    this.#waiting.get(id)?.answered(answer);
    this.#waiting.delete(id);
  }

  stop(): void {
    for (const { answered } of this.#waiting.values()) answered(null);
  }
}

export function answerOf(session: Session, question: Question): Promise<unknown> {
  switch (question.ask) {
    case "request":
      return session.request(question.event, question.payload);
    case "history":
      return session.history(question.room, question.page, question.limit);
    case "visit":
      return session.visit(question.room);
  }
}
