// Counts the rare states that runs of chance have to reach: a state that no run reaches is not tested.

export class Sometimes<State extends string> {
  readonly #times: Map<State, number>;

  constructor(states: readonly State[]) {
    this.#times = new Map(states.map((state) => [state, 0]));
  }

  readonly reach = (state: State): void => {
    const times = this.#times.get(state);
    if (times === undefined) throw new Error(`nobody waits for: ${state}`);
    this.#times.set(state, times + 1);
  };

  /** Which states no run has reached. */
  get missed(): readonly State[] {
    return [...this.#times].flatMap(([state, times]) => (times === 0 ? [state] : []));
  }

  /** How often each state was reached, the rarest first. */
  toString(): string {
    return [...this.#times]
      .sort((a, b) => a[1] - b[1])
      .map(([state, times]) => `${times} ${state}`)
      .join("\n");
  }
}
