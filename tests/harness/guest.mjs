// A client of the tutorial that also tries what only /v1 knows.

import { Person } from "./client.mjs";
import { LOBBY } from "./person.mjs";

export class TutorialGuest extends Person {
  /** The names of all events that arrived. */
  #names = new Set();

  constructor(url, options) {
    super(url, options);
    this.socket.onAny((event) => this.#names.add(event));
  }

  /** A command of /v1: in the lobby, `say` is the tutorial's `chat message`. */
  async do(command, fields) {
    if (command !== "say" || fields.room !== LOBBY) return this.ask(command, { n: 1, ...fields });
    const [refused] = await this.say(fields.text);
    return refused ?? { ok: true, cursor: "" };
  }

  /** An event of /v1. The server answers in order, so what comes later is answered later. */
  async ask(event, fields) {
    let answered = false;
    this.socket.emit(event, fields, () => (answered = true));
    await this.say(`after ${event}`);
    return { ok: false, code: answered ? "answered" : "none" };
  }

  /** Whether an event of /v1 arrived, or this text as a message of the lobby. */
  got(event, { said }) {
    return event === "message" ? this.texts.includes(said) : this.#names.has(event);
  }
}
