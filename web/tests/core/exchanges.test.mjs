// Goal: the model server is a model of the real one. Method: it goes through the script that the real server goes through in
// `tests/e2e/exchanges.test.mjs`, and has to answer what was recorded there.

import { expect, test } from "vitest";
import { recorded, runScript } from "../../../tests/exchanges/exchanges.mjs";
import { World } from "./people.ts";

class Connection {
  events = [];
  refusal = undefined;
  #clock;
  #transport;

  constructor({ clock, server }, auth) {
    this.#clock = clock;
    this.#transport = server.transport();
    const heard = {
      connected: () => undefined,
      disconnected: () => undefined,
      refused: (code) => (this.refusal = code),
      event: (event, fields) => this.events.push({ event, ...fields }),
      moved: () => undefined,
    };
    this.#transport.open(heard, () => Promise.resolve(auth));
  }

  async ask(event, payload) {
    let answer;
    this.#transport.emit(event, payload, (value) => (answer = value));
    await this.until(() => answer !== undefined, `the answer to ${event}`);
    return answer;
  }

  until(condition, what) {
    return this.#clock.until(condition, what);
  }

  close() {
    this.#transport.close();
  }
}

test("the model server answers the script as the real one does", async () => {
  const world = new World();
  const said = await runScript((auth) => new Connection(world, auth));
  const { answers, events } = recorded();
  expect(said.answers).toEqual(answers);
  expect(said.events).toEqual(events);
});
