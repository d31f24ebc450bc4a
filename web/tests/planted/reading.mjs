// Planted bugs: windows on rooms, what counts as read, and where links end.

const tests = ["tests/core/reading.test.ts"];

/** @type {import("./bugs.mjs").Bug[]} */
export const reading = [
  {
    name: "reading: a room opens at its end whatever is unread",
    file: "src/core/room-view.ts",
    find: "this.#window = first === null ? this.#lastPage(state) : this.#pageOf(state, first);",
    replace: "this.#window = this.#lastPage(state);",
    tests,
  },
  {
    name: "reading: the pointer goes to the last message that was shown, over what was not",
    file: "src/core/reading.ts",
    find: "this.#reached = this.#next(state, this.reached(state) + 1) - 1;",
    replace: "this.#reached = Math.max(this.reached(state), ...seqs);",
    tests,
  },
  {
    name: "reading: a window that grows leaves behind what is unread",
    file: "src/core/room-view.ts",
    find: "const needed = [this.unseen(), this.#eye].flatMap(",
    replace: "const needed = [this.#eye].flatMap(",
    tests,
  },
  {
    name: "reading: a window that grows is cut where somebody reads",
    file: "src/core/room-view.ts",
    find: "const needed = [this.unseen(), this.#eye].flatMap(",
    replace: "const needed = [this.unseen()].flatMap(",
    tests,
  },
  {
    name: "reading: the line stands above a message of one's own",
    file: "src/core/summary.ts",
    find: "if (message?.seq !== next || countsAsUnread(model, message)) break;",
    replace: "break;",
    tests,
  },
  {
    name: "reading: what was counted before the pointer arrived is taken for what is left",
    file: "src/core/reads.ts",
    find: "const isMoving = this.#reads.has(room) || this.#telling.has(room);",
    replace: "const isMoving = false;",
    tests,
  },
  {
    name: "reading: somebody new has everything to read",
    file: "src/core/session.ts",
    find: "if (isNew) apply(",
    replace: "if (false) apply(",
    tests,
  },
  {
    name: "reading: the place of a room is not found anew when the server has spoken",
    file: "src/core/room-view.ts",
    find: "if (isReading || isSame) return;",
    replace: "return;",
    tests,
  },
  {
    name: "reading: a reader who reads on without a network is put back",
    file: "src/core/reading.ts",
    find: "return this.#reached >= Math.max(line, record.read);",
    replace: "return false;",
    tests,
  },
  {
    name: "reading: a pointer that was moved elsewhere stops at what is here",
    file: "src/core/reads.ts",
    find: "return [{ kind: \"room\", room: { ...record, read: seq } }];",
    replace: "return [{ kind: \"room\", room: { ...record, read: Math.min(seq, record.seq) } }];",
    tests,
  },
  {
    name: "reading: a pointer goes beyond the last message",
    file: "src/core/reading.ts",
    find: "Math.max(this.reached(state), Math.min(seq, state.record.seq))",
    replace: "Math.max(this.reached(state), seq)",
    tests,
  },
  {
    name: "links: a message is not asked for because nothing of it is known",
    file: "src/core/room-view.ts",
    find: "const isBeyond = seq > (this.#record()?.seq ?? 0);",
    replace: "const isBeyond = false;",
    tests,
  },
  {
    name: "links: a tab waits for ever for a leader that hangs",
    file: "src/core/questions.ts",
    find: "const cancel = this.#world.setTimer(ANSWER_DEADLINE_MS, () => this.answered(id, null));",
    replace: "const cancel = () => undefined;",
    tests: ["tests/core/chat.test.ts"],
  },
  {
    name: "links: who has removed one is forgotten",
    file: "src/core/effects.ts",
    find: "entry.event === \"removed\" ? entry.from : undefined",
    replace: "undefined",
    tests: ["tests/core/chat.test.ts"],
  },
  {
    name: "links: the bare address shows the room of before",
    file: "src/ui/state/route.ts",
    find: "if (hash === \"\" || hash === \"#\") return { room: LOBBY,",
    replace: "if (hash === \"\" || hash === \"#\") return { room: current,",
    tests: ["tests/ui/route.test.ts"],
  },
];
