// The rest of the recovery matrix, with the official client against the example server: private ids that name a user,
// and sockets that were away for longer than anything is kept of them.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { io } from "socket.io-client";
import { startExample } from "../harness/example.mjs";
import { Observable } from "../harness/waiting.mjs";
import { note } from "./support/scale.mjs";

/** An official client in one namespace: what it is told, in order. */
class Guest extends Observable {
  heard = [];
  connects = [];

  static async join(test, url, namespace, auth = {}) {
    const guest = new Guest(`${url}${namespace}`, auth);
    test.after(() => guest.socket.disconnect());
    await guest.until(() => guest.connects.length > 0, "the first connect");
    return guest;
  }

  constructor(url, auth) {
    super();
    this.socket = io(url, { forceNew: true, reconnectionDelay: 1, reconnectionDelayMax: 50, transports: ["websocket"], auth });
    this.socket.on("connect", () => {
      this.connects.push(this.socket.recovered);
      this.changed();
    });
    this.socket.on("disconnect", () => this.changed());
    this.socket.on("broadcast", (text) => {
      this.heard.push(text);
      this.changed();
    });
  }

  say(text) {
    return this.socket.emitWithAck("broadcast", text);
  }

  hears(text) {
    return this.until(() => this.heard.includes(text), JSON.stringify(text));
  }

  /** Loses its transport, and is back when `meanwhile` is over. */
  async comesBack(meanwhile) {
    const count = this.connects.length;
    this.socket.io.reconnection(false);
    this.socket.io.engine.close();
    await this.until(() => !this.socket.connected, "the end of the connection");
    await meanwhile?.();
    this.socket.io.reconnection(true);
    this.socket.connect();
    await this.until(() => this.connects.length > count, "a reconnect");
    return this.socket.recovered;
  }

  toJSON() {
    return { heard: this.heard, connects: this.connects };
  }
}

const ADA = { user: 1 };
const BOB = { user: 2 };
const CLEO = { user: 3 };

describe("recovery, for whom and how long", () => {
  test("the right user, again and again", async (t) => {
    const url = await startExample(t);
    const ada = await Guest.join(t, url, "/people", { ...ADA });
    const cleo = await Guest.join(t, url, "/people", { ...CLEO });
    const { id } = ada.socket;
    for (const round of [1, 2, 3]) {
      assert.equal(await ada.comesBack(() => cleo.say(`missed ${round}`)), true);
      await cleo.say(`live ${round}`);
      await ada.hears(`live ${round}`);
    }
    assert.equal(ada.socket.id, id);
    assert.deepEqual(ada.heard, [1, 2, 3].flatMap((round) => [`missed ${round}`, `live ${round}`]));
    note(t, "recovery", { recovered: ada.connects.slice(1), lines: ada.heard.length });
  });

  test("a wrong user with a stolen private id: a stranger, and the owner does not notice", async (t) => {
    const url = await startExample(t);
    const ada = await Guest.join(t, url, "/people", { ...ADA });
    const cleo = await Guest.join(t, url, "/people", { ...CLEO });
    await cleo.say("before");
    await ada.hears("before");
    const { id, _pid: pid, _lastOffset: offset } = ada.socket;
    await cleo.say("for those who were there");
    await ada.hears("for those who were there");
    const bob = await Guest.join(t, url, "/people", { ...BOB, pid, offset });
    assert.notEqual(bob.socket.id, id);
    await cleo.say("after");
    await Promise.all([ada, bob].map((guest) => guest.hears("after")));
    assert.deepEqual(bob.heard, ["after"], "nothing of what was missed");
    assert.deepEqual(ada.connects, [false], "ada was not cut");
    assert.equal(ada.socket.id, id);
    note(t, "recovery", { "wrong user recovered": bob.socket.recovered, "connects of the owner": ada.connects.length });
  });

  test("a wrong user while the owner is away takes nothing from her", async (t) => {
    const url = await startExample(t);
    const ada = await Guest.join(t, url, "/people", { ...ADA });
    const cleo = await Guest.join(t, url, "/people", { ...CLEO });
    await cleo.say("before");
    await ada.hears("before");
    const { id, _pid: pid, _lastOffset: offset } = ada.socket;
    const recovered = await ada.comesBack(async () => {
      await cleo.say("missed");
      for (const auth of [BOB, { user: 0 }]) {
        const thief = await Guest.join(t, url, "/people", { ...auth, pid, offset });
        assert.notEqual(thief.socket.id, id);
        assert.deepEqual(thief.heard, []);
      }
    });
    assert.equal(recovered, true);
    assert.equal(ada.socket.id, id);
    assert.deepEqual(ada.heard, ["before", "missed"]);
    note(t, "recovery", { "owner recovered": recovered, thieves: 2 });
  });

  test("a page whose user changes is another one from then on", async (t) => {
    const url = await startExample(t);
    const page = await Guest.join(t, url, "/people", { ...ADA });
    const { id, _pid: pid } = page.socket;
    page.socket.auth = { ...BOB };
    assert.equal(await page.comesBack(), false);
    assert.notEqual(page.socket.id, id);
    assert.notEqual(page.socket._pid, pid);
    assert.equal(await page.comesBack(), true, "and recovered as that");
    note(t, "recovery", { recovered: page.connects.slice(1) });
  });

  test("expired: nothing is kept any more of who left, and that is said", async (t) => {
    const url = await startExample(t);
    const ada = await Guest.join(t, url, "/brief");
    const cleo = await Guest.join(t, url, "/brief");
    await cleo.say("before");
    await ada.hears("before");
    const { id } = ada.socket;
    assert.equal(await ada.comesBack(() => cleo.say("missed")), false);
    assert.notEqual(ada.socket.id, id);
    await cleo.say("live");
    await ada.hears("live");
    assert.deepEqual(ada.heard, ["before", "live"]);
    note(t, "recovery", { recovered: ada.connects.slice(1) });
  });
});
